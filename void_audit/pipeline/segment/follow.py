"""Following a mask from picture to picture, in either direction of time."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from void_audit.model.clip import RGB
from void_audit.model.geometry import Size
from void_audit.model.mask import Bitmap
from void_audit.pipeline.segment.affine import standing
from void_audit.pipeline.segment.camera import camera_motion
from void_audit.pipeline.segment.colour import ColourModel, bins_of, histogram, likeness
from void_audit.pipeline.segment.flow import FlowEstimator, Motion
from void_audit.pipeline.segment.fusion import CERTAIN, Evidence, Reliability, doubted, fused, overruled, seen
from void_audit.pipeline.segment.moving import Beside, carried_by, moving_along
from void_audit.pipeline.segment.plate import Plate
from void_audit.pipeline.segment.regain import regained
from void_audit.pipeline.segment.saliency import Saliency
from void_audit.pipeline.segment.window import (
    Heat,
    Window,
    dilated,
    eroded,
    extent,
    tidied,
)

FOLLOW_SIDE = 192
"""Working resolution of the network while following: one crop per frame."""

_MARGIN = 48
_GROWTH = 1.8
_UNLIKE = 0.45
"""Likeness of colours to the clicked object below which it is something else that is being followed."""

_SCORES = 0.3, 0.65
"""Scores of a clicked frame's mask (see ``seed``) that count as no confidence and as full confidence."""

_LEFT, _VANISHED = 0.6, 0.4
"""Confidence that the object is not visible, where it was last seen at the picture's edge, and elsewhere."""

_FADING = 0.99
_LEVEL = -0.5
"""Below 0, so that the soft, motion-blurred outline belongs to the object."""


@dataclass(frozen=True)
class Estimate:
    """The object on one frame: evidence (int8, -127 surroundings to 127 object) in a window, and confidence.

    ``window`` is None where the object is not visible.
    """

    confidence: float
    window: Window | None = None
    evidence: bytes = b""

    def heat(self, size: Size) -> Heat:
        """Evidence of the whole picture, -1 to 1; -1 outside the window."""
        whole = np.full((size.height, size.width), -1.0, np.float32)
        if self.window is not None:
            part = np.frombuffer(self.evidence, np.int8).reshape(self.window.shape)
            whole[self.window.of] = part.astype(np.float32) / 127
        return whole


class Follower:
    """One pass over a clip in one direction. ``start`` once per clicked frame, ``step`` for every other.

    Args:
        saliency: the network, or something that acts like it.
        size: of the pictures.
        colours: the object's colours on all clicked frames; learnt further here.
    """

    def __init__(self, saliency: Saliency, size: Size, colours: ColourModel) -> None:
        self._saliency = saliency
        self._size = size
        self._colours = colours
        self._plate = Plate(size)
        self._flow = FlowEstimator()
        self._reliability = Reliability()
        self._picture: RGB | None = None
        self._ahead: RGB | None = None
        self._mask: Bitmap = np.zeros((size.height, size.width), bool)
        self._overruled: Heat = np.zeros((size.height, size.width), np.float32)
        self._area = 0
        self._quality = 1.0
        self._absence = _VANISHED

    def start(self, picture: RGB, mask: Bitmap, score: float, ahead: RGB | None = None) -> Estimate:
        """Take a clicked frame's mask as it is. Never empty. ``ahead``: see ``step``."""
        self._move_plate(picture)
        self._ahead = ahead
        self._mask, self._area = mask, int(mask.sum())
        self._quality = float(np.clip((score - _SCORES[0]) / (_SCORES[1] - _SCORES[0]), 0, 1))
        window = self._window(mask)
        evidence = self._look(picture, window, Motion.still(window.shape), mask[window.of])
        self._reliability.learn(evidence, mask[window.of], memory=0.2)
        self._overruled[:] = 0
        self._overruled[window.of] = overruled(seen(evidence, self._reliability), mask[window.of])
        self._remember(picture)
        return _estimate(
            window, np.where(mask[window.of], CERTAIN, -CERTAIN).astype(np.float32), self._quality
        )

    def step(self, picture: RGB, ahead: RGB | None = None) -> Estimate:
        """The object on the next picture in this direction. ``ahead``: a picture shortly after that one."""
        self._move_plate(picture)
        self._ahead = ahead
        if not self._mask.any():
            return self._search(picture)
        window = self._window(self._mask)
        assert self._picture is not None  # noqa: S101  (start came first)
        motion = self._flow.between(self._picture[window.of], picture[window.of])
        carried = motion.bring(self._mask[window.of].astype(np.float32)) > 0.5
        if not carried.any():
            return self._lose(picture)
        evidence = doubted(self._look(picture, window, motion, carried), self._reliability)
        said = seen(evidence, self._reliability) + self._corrected(window, motion)
        heat = fused(picture[window.of], evidence, said)
        mask = tidied(heat > _LEVEL, carried)
        bins = bins_of(picture[window.of])
        alike = likeness(histogram(bins, mask), self._colours.anchor)
        if mask.sum() < max(12, 0.02 * self._area) or alike < _UNLIKE:
            return self._lose(picture)
        return self._keep(picture, window, evidence, heat, mask)

    def _keep(self, picture: RGB, window: Window, evidence: Evidence, heat: Heat, mask: Bitmap) -> Estimate:
        self._mask = np.zeros_like(self._mask)
        self._mask[window.of] = mask
        self._reliability.learn(evidence, mask)
        confidence = self._confidence(picture, window, evidence, mask)
        bins = bins_of(picture[window.of])
        self._colours.learn(bins, eroded(mask, 1), ~dilated(mask, 4))
        self._remember(picture)
        agreed = np.where(mask, np.maximum(heat, _LEVEL + 0.05), np.minimum(heat, _LEVEL - 0.05))
        return _estimate(window, np.asarray(agreed - _LEVEL, np.float32), confidence)

    def _corrected(self, window: Window, motion: Motion) -> Heat:
        """What the clicks overruled, carried along as far as the flow can be trusted."""
        carried = motion.bring(self._overruled[window.of]) * motion.trust * _FADING
        self._overruled[:] = 0
        self._overruled[window.of] = carried
        return carried

    def _look(self, picture: RGB, window: Window, motion: Motion, carried: Bitmap) -> Evidence:
        part = np.ascontiguousarray(picture[window.of])
        changed, known = self._plate.difference(picture, window)
        shift = float(np.linalg.norm(motion.vectors[carried], axis=-1).mean()) if carried.any() else 0.0
        return Evidence(
            carried, motion.trust, self._saliency(part, FOLLOW_SIDE), self._colours.evidence(bins_of(part)),
            changed, known, shift, self._moved(picture, window, carried),
        )  # fmt: skip

    def _moved(self, picture: RGB, window: Window, carried: Bitmap) -> Heat | None:
        """What moves along with the object: what it uncovers, the pictures ahead show standing still."""
        if self._ahead is None:
            return None
        part, here = picture[window.of], standing(window.shape)
        others = []
        for other in (self._ahead, self._picture):
            if other is not None:
                camera = camera_motion(picture, other, ~dilated(self._mask, 7))
                others.append(
                    Beside(
                        other[window.of], self._flow.vectors(part, other[window.of]),
                        carried_by(camera, here, (window.left, window.top)),
                    )
                )  # fmt: skip
        return moving_along(part, carried, others)

    def _confidence(self, picture: RGB, window: Window, evidence: Evidence, mask: Bitmap) -> float:
        """Alike in colour to the clicked object, and told from its surroundings by at least one evidence.

        No frame is surer than the clicked frame that it was followed from.
        """
        alike = likeness(histogram(bins_of(picture[window.of]), mask), self._colours.anchor)
        reliable = max(self._reliability.saliency, self._reliability.colour, self._reliability.plate)
        steady = float(evidence.trust[mask].mean())
        return float(np.clip(self._quality * alike * (0.25 + 0.5 * reliable + 0.25 * steady), 0, 1))

    def _window(self, mask: Bitmap) -> Window:
        box = extent(mask)
        assert box is not None  # noqa: S101
        height, width = box.shape
        return box.resized(
            max(_GROWTH * width, width + 2 * _MARGIN), max(_GROWTH * height, height + 2 * _MARGIN), self._size
        )

    def _move_plate(self, picture: RGB) -> None:
        if self._picture is not None:
            self._plate.move(camera_motion(self._picture, picture, ~dilated(self._mask, 7)))

    def _remember(self, picture: RGB) -> None:
        self._picture = picture
        self._plate.see(picture, ~dilated(self._mask, 7))

    def _lose(self, picture: RGB) -> Estimate:
        self._absence = _LEFT if _at_edge(self._mask) else _VANISHED
        self._mask = np.zeros_like(self._mask)
        return self._search(picture)

    def _search(self, picture: RGB) -> Estimate:
        """Look for the object where it is not: it may come back."""
        window = Window(0, 0, self._size.width, self._size.height)
        changed, known = self._plate.difference(picture, window)
        found = regained(picture, changed, known, self._colours, self._area)
        if found is None:
            self._remember(picture)
            return Estimate(self._quality * self._absence)
        self._mask = found
        estimate = self._search_confirmed(picture)
        self._remember(picture)
        return estimate

    def _search_confirmed(self, picture: RGB) -> Estimate:
        window = self._window(self._mask)
        carried = self._mask[window.of]
        evidence = self._look(picture, window, Motion.still(window.shape), carried)
        evidence = replace(evidence, trust=np.zeros_like(evidence.trust))
        heat = fused(picture[window.of], evidence, seen(evidence, self._reliability))
        mask = tidied(heat > _LEVEL, carried)
        self._mask = np.zeros_like(self._mask)
        self._mask[window.of] = mask
        if not mask.any():
            return Estimate(self._quality * self._absence)
        return _estimate(window, np.where(mask, 1.0, -1.0).astype(np.float32), 0.6 * self._quality)


def _at_edge(mask: Bitmap, reach: int = 3) -> bool:
    edges = mask[:reach], mask[-reach:], mask[:, :reach], mask[:, -reach:]
    return any(bool(edge.any()) for edge in edges)


def _estimate(window: Window, heat: Heat, confidence: float) -> Estimate:
    packed = np.clip(heat / CERTAIN * 127, -127, 127).astype(np.int8)
    return Estimate(confidence, window, packed.tobytes())
