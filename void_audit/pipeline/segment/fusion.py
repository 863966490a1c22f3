"""Putting the evidence of one picture together: what moved here, what stands out, colour, and the plate.

Each kind of evidence is weighed by how well it told the object from its surroundings on the last frames
(``Reliability``), so that what does not work on a clip stops counting.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from void_audit.model.mask import Bitmap
from void_audit.pipeline.segment.edges import follow_edges
from void_audit.pipeline.segment.window import Colours, Heat, dilated, signed_distance

CERTAIN = 4.0
"""Evidence is clipped to -CERTAIN (surroundings) .. CERTAIN (object)."""

_PRIOR = 1.3, 6.0
"""Weight of the carried mask: always, and in addition where the flow can be trusted."""

_WEIGHT = {"saliency": 3.0, "colour": 1.8, "plate": 3.0, "moved": 3.0}
_RADIUS, _EPSILON = 6, 1e-3
_MEMORY = 0.8


@dataclass(frozen=True)
class Evidence:
    """What is seen in a window of one picture.

    ``carried`` is the old mask moved along the flow and ``trust`` the flow's (0 to 1), ``saliency`` is 0 to
    1, ``colour`` -1 to 1, ``changed`` 0 to 1 where ``known``; ``motion`` is the object's shift in pixels;
    ``moved`` -1 to 1 is what moves along with the object, None where it does not move.
    """

    carried: Bitmap
    trust: Heat
    saliency: Heat
    colour: Heat
    changed: Heat
    known: Bitmap
    motion: float
    moved: Heat | None = None


@dataclass
class Reliability:
    """How well each kind of evidence separates object (1) from surroundings; 0 is no better than chance."""

    saliency: float = 1.0
    colour: float = 1.0
    plate: float = 0.0
    moved: float = 0.0

    def learn(self, evidence: Evidence, mask: Bitmap, memory: float = _MEMORY) -> None:
        """Compare each kind of evidence with the mask that was decided on."""
        outside = ~dilated(mask, 3)
        known_in, known_out = mask & evidence.known, outside & evidence.known
        self.saliency = _blend(self.saliency, _gap(evidence.saliency, mask, outside), memory)
        self.colour = _blend(
            self.colour, _gap((evidence.colour + np.float32(1)) / np.float32(2), mask, outside), memory
        )
        if evidence.moved is not None:
            self.moved = _blend(
                self.moved, _gap((evidence.moved + np.float32(1)) / np.float32(2), mask, outside), memory
            )
        if known_in.sum() > 0.3 * mask.sum():
            self.plate = _blend(self.plate, _gap(evidence.changed, known_in, known_out), memory)


def seen(evidence: Evidence, reliability: Reliability) -> Heat:
    """What the picture itself says, without the carried mask; positive is object."""
    total = _WEIGHT["saliency"] * reliability.saliency * (2 * evidence.saliency - 1)
    total += _WEIGHT["colour"] * reliability.colour * evidence.colour
    if evidence.moved is not None:
        total += _WEIGHT["moved"] * reliability.moved * evidence.moved
    plate = _WEIGHT["plate"] * reliability.plate * (2 * evidence.changed - 1)
    return np.asarray(total + np.where(evidence.known, plate, 0), np.float32)


def overruled(said: Heat, mask: Bitmap) -> Heat:
    """What must be added to ``said`` so that it does not contradict a mask made from clicks."""
    wrong = (said > 0) != mask
    return np.asarray(np.where(wrong, -said, 0), np.float32)


def doubted(evidence: Evidence, reliability: Reliability) -> Evidence:
    """Flow that carries the mask with pixels that stay behind while the object moves is not trusted."""
    if evidence.moved is None:
        return evidence
    stays = np.clip(-evidence.moved, 0, 1) * np.float32(reliability.moved)
    return replace(evidence, trust=np.asarray(evidence.trust * (1 - stays), np.float32))


def fused(picture: Colours, evidence: Evidence, said: Heat) -> Heat:
    """-CERTAIN to CERTAIN per pixel of the window: carried mask and picture, aligned with its edges."""
    blur = 4 + 0.3 * evidence.motion
    side = np.tanh(signed_distance(evidence.carried) / blur)
    total = (_PRIOR[0] + _PRIOR[1] * evidence.trust) * side + said
    return follow_edges(picture, np.clip(total, -CERTAIN, CERTAIN).astype(np.float32), _RADIUS, _EPSILON)


def _gap(values: Heat, inside: Bitmap, outside: Bitmap) -> float:
    if inside.sum() < 10 or outside.sum() < 10:
        return 0.0
    return float(np.clip(values[inside].mean() - values[outside].mean(), 0, 1))


def _blend(old: float, new: float, memory: float) -> float:
    return memory * old + (1 - memory) * new
