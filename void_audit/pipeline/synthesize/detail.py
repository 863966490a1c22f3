"""Exemplar fills of large pictures: the layout is found small, its detail is copied at full size.

PatchMatch compares patches of a few pixels; in a large picture those see too little to continue an edge. So the
fill is made on a reduced picture, and each block of it then takes the fine detail of the known block that it
resembles most. Only detail is copied: its coarse part comes from the reduced fill, so that blocks do not show.
"""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from void_audit.model.clip import RGB
from void_audit.model.mask import Bitmap
from void_audit.pipeline.synthesize.exemplar import fill, smooth

LONG_SIDE = 512
"""Longest side of a picture that is filled directly, pixels."""

BLOCK = 16
"""Side of the blocks that are matched, in pixels of the reduced picture."""

Floats = npt.NDArray[np.float32]


def fill_any(picture: RGB, hole: Bitmap, unknown: Bitmap, patch: int, seed: int) -> RGB | None:
    """As ``exemplar.fill``, for pictures of any size; ``patch`` counts pixels of the reduced picture."""
    factor = -(-max(hole.shape) // LONG_SIDE)
    if factor == 1 or not hole.any():
        return fill(picture, hole, unknown, patch, seed)
    padded, missing, wanted = _padded(picture, hole, unknown, factor)
    complete = smooth(padded, missing)
    small = _reduced(complete, factor)
    small_missing, small_hole = _any(missing, factor), _any(wanted, factor)
    low = fill(small, small_hole, small_missing & ~small_hole, patch, seed)
    if low is None:
        # Too thin to be reduced.
        return fill(picture, hole, unknown, patch, seed)
    fine = complete.astype(np.float32) - _enlarged(small, factor)
    added = _detail(fine, low, small_hole, small_missing, factor)
    filled = np.clip(np.rint(_enlarged(low, factor) + added), 0, 255).astype(np.uint8)
    height, width = hole.shape
    return np.where(hole[..., None], filled[:height, :width], picture)


def _padded(picture: RGB, hole: Bitmap, unknown: Bitmap, factor: int) -> tuple[RGB, Bitmap, Bitmap]:
    """Picture, missing pixels and hole, made up to whole blocks of ``factor``; what is added is missing."""
    below, beside = -hole.shape[0] % factor, -hole.shape[1] % factor
    grown = cv2.copyMakeBorder(picture, 0, below, 0, beside, cv2.BORDER_REPLICATE)
    missing = np.pad(hole | unknown, ((0, below), (0, beside)), constant_values=True)
    return np.asarray(grown, np.uint8), missing, np.pad(hole, ((0, below), (0, beside)))


def _reduced(picture: RGB, factor: int) -> RGB:
    size = (picture.shape[1] // factor, picture.shape[0] // factor)
    return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.uint8)


def _any(area: Bitmap, factor: int) -> Bitmap:
    rows, columns = area.shape
    blocks = area.reshape(rows // factor, factor, columns // factor, factor)
    return np.asarray(blocks.any(axis=(1, 3)), np.bool_)


def _enlarged(picture: RGB, factor: int) -> Floats:
    size = (picture.shape[1] * factor, picture.shape[0] * factor)
    return np.asarray(cv2.resize(picture.astype(np.float32), size, interpolation=cv2.INTER_CUBIC), np.float32)


def _detail(fine: Floats, low: RGB, hole: Bitmap, missing: Bitmap, factor: int) -> Floats:
    """Fine detail for every block that touches the hole, from the known block it resembles; half overlapping."""
    total, weight = np.zeros_like(fine), np.full(fine.shape[:2], 1e-6, np.float32)
    height, width = hole.shape
    if min(height, width) < BLOCK:
        return total
    # A block's corner may lie where nothing in the block is missing.
    blocked = cv2.dilate(missing.astype(np.uint8), np.ones((BLOCK, BLOCK), np.uint8), anchor=(0, 0))
    forbidden = blocked[: height - BLOCK + 1, : width - BLOCK + 1] > 0
    if forbidden.all():
        return total
    side = BLOCK * factor
    window, gray = _window(side), np.asarray(cv2.cvtColor(low, cv2.COLOR_RGB2GRAY), np.uint8)
    for y, x in _corners(hole):
        fit = cv2.matchTemplate(gray, gray[y : y + BLOCK, x : x + BLOCK], cv2.TM_SQDIFF)
        fit[forbidden] = np.inf
        from_y, from_x = np.unravel_index(int(fit.argmin()), fit.shape)
        source = fine[from_y * factor :, from_x * factor :][:side, :side]
        target = (slice(y * factor, y * factor + side), slice(x * factor, x * factor + side))
        total[target] += window[..., None] * source
        weight[target] += window
    return np.asarray(total / weight[..., None], np.float32)


def _window(side: int) -> Floats:
    ramp = np.sin(np.pi * (np.arange(side) + 0.5) / side) ** 2
    return np.outer(ramp, ramp).astype(np.float32)


def _corners(hole: Bitmap) -> list[tuple[int, int]]:
    """Blocks, half overlapping, that touch the hole and lie within the picture."""
    height, width = hole.shape
    step = BLOCK // 2
    rows = sorted({min(y, height - BLOCK) for y in range(0, height, step)})
    columns = sorted({min(x, width - BLOCK) for x in range(0, width, step)})
    return [(y, x) for y in rows for x in columns if hole[y : y + BLOCK, x : x + BLOCK].any()]
