"""Lays a take over the source: at the source's own resolution, in the source's own pixel format.

Every sample that touches a KEEP pixel, chroma included, is the source's own bit for bit; that is counted by
comparing the finished planes with the source's, not assumed. The seam is feathered inside the opened area.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import zip_longest

import cv2
import numpy as np
import numpy.typing as npt

from void_audit.errors import ClipError, MaskError
from void_audit.media.pixels import layout
from void_audit.media.planes import chroma_keep, rgb_to_planes
from void_audit.model.clip import RGB, Clip, ClipInfo, Plane, PlaneFrame
from void_audit.model.geometry import Rect
from void_audit.model.mask import Bitmap, Classes, ClassSequence, MaskClass
from void_audit.model.plan import EditPlan

Alpha = npt.NDArray[np.float32]
"""Share of the take per pixel or sample, 0 to 1."""


@dataclass(frozen=True)
class CompositeReport:
    """What was laid over, measured."""

    frames: int
    keep_samples: int
    """Samples of all planes that touch at least one KEEP pixel."""
    keep_samples_changed: int
    """How many of those differ from the source: 0, or the composite is wrong."""
    opened_share_max: float


class Compositor:
    """Makes finished frames one by one; ``report`` covers those that were handed out so far.

    Args:
        take: pictures of ``plan.geometry``.
        mask: classes at the source's size.
        plan: geometry and feather.
        info: of the source: colour matrix and range.

    Raises:
        ClipError: ``take-size`` if the take does not have the plan's geometry.
    """

    def __init__(self, take: Clip, mask: ClassSequence, plan: EditPlan, info: ClipInfo) -> None:
        geometry = plan.geometry
        if tuple(take.info.size) != (geometry.width, geometry.height):
            raise ClipError(
                "take-size",
                f"The take is {take.info.width}x{take.info.height}, the plan says "
                f"{geometry.width}x{geometry.height}.",
                "Synthesise again with this plan.",
            )
        self._take, self._mask, self._info = take, mask, info
        self._crop, self._feather = geometry.crop, plan.composite.feather
        self.report = CompositeReport(0, 0, 0, 0.0)

    def frames(self, source: Iterable[PlaneFrame]) -> Iterator[PlaneFrame]:
        """Finished frames for the source's.

        Raises:
            ClipError: ``clip-frames`` if source, take and mask are not of one length.
            MaskError: ``mask-size``, ``mask-outside-crop`` if the mask opens pixels that the take has not.
        """
        for frame, rgb, classes in zip_longest(source, self._take.frames(), self._mask.classes()):
            if frame is None or rgb is None or classes is None:
                raise ClipError(
                    "clip-frames",
                    f"Source, take and mask part at frame {self.report.frames}.",
                    "Make the take again from this source and mask.",
                )
            yield self._frame(frame, rgb, classes)

    def _frame(self, frame: PlaneFrame, rgb: RGB, classes: Classes) -> PlaneFrame:
        opened = self._checked(frame, classes)
        done = PlaneFrame(self._planes(frame, rgb, opened), frame.pixel_format, frame.pts)
        self._count(frame, done, opened)
        return done

    def _checked(self, frame: PlaneFrame, classes: Classes) -> Bitmap:
        if classes.shape != frame.planes[0].shape:
            raise MaskError(
                "mask-size",
                f"The mask is {classes.shape[1]}x{classes.shape[0]}, the source "
                f"{frame.planes[0].shape[1]}x{frame.planes[0].shape[0]}.",
                "Make the mask again from this clip.",
            )
        opened = np.asarray(classes != MaskClass.KEEP, np.bool_)
        crop = self._crop
        inside = opened[crop.y : crop.bottom, crop.x : crop.right]
        if np.count_nonzero(inside) != np.count_nonzero(opened):
            raise MaskError(
                "mask-outside-crop",
                f"Frame {self.report.frames} opens pixels outside the synthesised part of the picture.",
                "Plan again from this mask.",
            )
        return opened

    def _planes(self, frame: PlaneFrame, rgb: RGB, opened: Bitmap) -> tuple[Plane, ...]:
        if not opened.any():
            return tuple(p.copy() for p in frame.planes)
        form = layout(frame.pixel_format)
        crop = _aligned(self._crop, *form.factor(1), opened.shape)
        picture = _framed(rgb, self._crop, crop)
        area = opened[crop.y : crop.bottom, crop.x : crop.right]
        alpha = seam(area, self._feather)
        # A sample may take part only if opened pixels alone touch it.
        free = chroma_keep(area, frame.pixel_format)
        planes = []
        for number, new in enumerate(rgb_to_planes(picture, frame.pixel_format, self._info)):
            across, down = form.factor(number)
            share = np.where(free[number], _reduced(alpha, new.shape), np.float32(0))
            planes.append(_laid(frame.planes[number], new, share, crop.x // across, crop.y // down))
        return tuple(planes)

    def _count(self, frame: PlaneFrame, done: PlaneFrame, opened: Bitmap) -> None:
        report, kept, changed = self.report, 0, 0
        free = chroma_keep(opened, frame.pixel_format)
        for before, after, samples in zip(frame.planes, done.planes, free, strict=True):
            kept += samples.size - int(np.count_nonzero(samples))
            changed += int(np.count_nonzero((before != after) & ~samples))
        self.report = CompositeReport(
            report.frames + 1,
            report.keep_samples + kept,
            report.keep_samples_changed + changed,
            max(report.opened_share_max, float(opened.mean())),
        )


def seam(opened: Bitmap, feather: int) -> Alpha:
    """0 outside the opened area; inside it rises to 1 over ``feather`` pixels from the nearest KEEP pixel."""
    if opened.all():
        return np.ones(opened.shape, np.float32)
    distance = cv2.distanceTransform(opened.astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    return np.asarray(np.minimum(distance / (feather + 1), 1.0), np.float32)


def _aligned(crop: Rect, across: int, down: int, shape: tuple[int, ...]) -> Rect:
    """The crop widened so that no chroma sample is cut, within the frame."""
    x, y = crop.x - crop.x % across, crop.y - crop.y % down
    right = min(shape[1], crop.right + -crop.right % across)
    bottom = min(shape[0], crop.bottom + -crop.bottom % down)
    return Rect(x=x, y=y, width=right - x, height=bottom - y)


def _framed(rgb: RGB, crop: Rect, wide: Rect) -> RGB:
    """The take at the crop's own size, its edge repeated up to ``wide``."""
    size = (crop.width, crop.height)
    if (rgb.shape[1], rgb.shape[0]) != size:
        rgb = np.asarray(cv2.resize(rgb, size, interpolation=cv2.INTER_CUBIC), np.uint8)
    margins = (crop.y - wide.y, wide.bottom - crop.bottom, crop.x - wide.x, wide.right - crop.right)
    return np.asarray(cv2.copyMakeBorder(rgb, *margins, cv2.BORDER_REPLICATE), np.uint8)


def _reduced(alpha: Alpha, shape: tuple[int, ...]) -> Alpha:
    if alpha.shape == shape:
        return alpha
    size = (shape[1], shape[0])
    return np.asarray(cv2.resize(alpha, size, interpolation=cv2.INTER_AREA), np.float32)


def _laid(source: Plane, take: Plane, share: Alpha, x: int, y: int) -> Plane:
    """A copy of ``source`` with ``share`` of ``take`` mixed in at ``x``, ``y``."""
    result = source.copy()
    part = result[y : y + take.shape[0], x : x + take.shape[1]]
    mix = share > 0
    old, new = part[mix].astype(np.float32), take[mix].astype(np.float32)
    part[mix] = np.rint(old + share[mix] * (new - old)).astype(part.dtype)
    return result
