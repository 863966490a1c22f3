"""Track and consequences become the quadmask, at the source's own size (spec/void 3, stage 4)."""

from __future__ import annotations

from collections.abc import Iterator

import cv2
import numpy as np

from void_audit.model.geometry import Size
from void_audit.model.mask import Bitmap, Classes, MaskClass
from void_audit.model.reasoning import Consequences
from void_audit.model.track import Track
from void_audit.pipeline.masks.grid import AffectedArea


def compose(track: Track, consequences: Consequences, size: Size, dilate: int) -> Iterator[Classes]:
    """One picture of class indices, ``size.height`` x ``size.width``, for every frame of the track.

    Args:
        track: the object, at the segmenter's working size.
        consequences: what it caused, in cells of a grid over the whole picture.
        size: the source's own size.
        dilate: how many source pixels the object grows by, in all directions.

    On frame 0 nothing has happened yet: see ``docs/adr/0003-frame-zero.md``.

    Raises:
        MaskError: mask-cell if the consequences name cells outside their grid.
    """
    grid = consequences.grid
    physical = AffectedArea(tuple(a for a in consequences.affected if a.category == "physical"), grid, size)
    visual = AffectedArea(tuple(a for a in consequences.affected if a.category != "physical"), grid, size)
    for frame, bitmap in enumerate(track.masks):
        remove = grow(enlarge(bitmap, size), dilate)
        if frame == 0:
            yield _first_frame(remove, physical.at(0), visual.at(0))
        else:
            yield combine(remove, physical.at(frame) | visual.at(frame))


def combine(remove: Bitmap, affected: Bitmap) -> Classes:
    """Both: OVERLAP; one of them: REMOVE or AFFECTED; none: KEEP."""
    classes = np.full(remove.shape, MaskClass.KEEP, np.uint8)
    classes[affected] = MaskClass.AFFECTED
    classes[remove] = MaskClass.REMOVE
    classes[remove & affected] = MaskClass.OVERLAP
    return classes


def _first_frame(remove: Bitmap, physical: Bitmap, visual: Bitmap) -> Classes:
    """VOID allows no AFFECTED here: nothing has moved yet, but a shadow is there and goes with its object."""
    classes = combine(remove, physical | visual)
    classes[~remove & physical] = MaskClass.KEEP
    classes[~remove & visual] = MaskClass.OVERLAP
    return classes


def enlarge(bitmap: Bitmap, size: Size) -> Bitmap:
    """The bitmap at another size, with smooth borders: bilinear, cut at one half."""
    if (bitmap.shape[1], bitmap.shape[0]) == tuple(size):
        return bitmap
    shrink = size.width <= bitmap.shape[1] and size.height <= bitmap.shape[0]
    way = cv2.INTER_AREA if shrink else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(bitmap.astype(np.uint8) * 255, tuple(size), interpolation=way) >= 128, bool)


def grow(bitmap: Bitmap, pixels: int) -> Bitmap:
    """Everything within ``pixels`` (round) of a set pixel; 0 changes nothing."""
    if pixels <= 0 or not bitmap.any():
        return bitmap
    x, y, width, height = cv2.boundingRect(bitmap.astype(np.uint8))
    # Nothing farther than ``pixels`` from the bounding box can be reached, so only that part is measured.
    part = np.s_[max(0, y - pixels) : y + height + pixels, max(0, x - pixels) : x + width + pixels]
    outside = np.where(bitmap[part], np.uint8(0), np.uint8(1))
    grown = bitmap.copy()
    grown[part] = cv2.distanceTransform(outside, cv2.DIST_L2, cv2.DIST_MASK_PRECISE) <= pixels
    return grown
