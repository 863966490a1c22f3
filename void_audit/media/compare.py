"""How far a picture track deviates from another one outside a mask: means of 8 x 8 blocks of luma.

A codec's own noise averages out over a block; a changed object does not. Blocks that touch an opened
pixel, or lie within ``MARGIN`` pixels of one, are left out, because there the encoder mixes both.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import zip_longest

import cv2
import numpy as np
import numpy.typing as npt

from void_audit.errors import ClipError
from void_audit.model.clip import Plane, PlaneFrame
from void_audit.model.mask import Bitmap, Classes, MaskClass

Floats = npt.NDArray[np.float32]

BLOCK = 8
MARGIN = 8


@dataclass(frozen=True)
class Deviation:
    """Levels are 0 to 255 whatever the bit depth. ``x`` and ``y`` are the worst block's corner."""

    frames: int
    worst: float
    frame: int
    x: int
    y: int


def deviation_outside(
    source: Iterable[PlaneFrame], output: Iterable[PlaneFrame], mask: Iterable[Classes], bit_depth: int
) -> Deviation:
    """The worst block of the whole clip.

    Raises:
        ClipError: ``clip-frames`` if the three differ in length, ``clip-size`` if sizes differ.
    """
    result = Deviation(0, 0.0, 0, 0, 0)
    scale = 255.0 / ((1 << bit_depth) - 1)
    for number, (one, other, classes) in enumerate(zip_longest(source, output, mask)):
        if one is None or other is None or classes is None:
            raise ClipError(
                "clip-frames",
                f"The clips and the mask part at frame {number}.",
                "Give clips and a mask of one length.",
            )
        error = _block_error(one.planes[0], other.planes[0], classes) * scale
        row, column = np.unravel_index(int(error.argmax()), error.shape)
        worst = float(error[row, column])
        if worst > result.worst:
            result = Deviation(number + 1, worst, number, int(column) * BLOCK, int(row) * BLOCK)
        result = Deviation(number + 1, result.worst, result.frame, result.x, result.y)
    return result


def _block_error(one: Plane, other: Plane, classes: Classes) -> Floats:
    if one.shape != other.shape or one.shape != classes.shape:
        raise ClipError(
            "clip-size", f"Sizes differ: {one.shape}, {other.shape}, {classes.shape}.", "Same size."
        )
    opened = near(classes != MaskClass.KEEP, MARGIN)
    difference = one.astype(np.float32) - other.astype(np.float32)
    mean = _blocks(difference)
    touched = _blocks(opened.astype(np.float32)) > 0
    return np.where(touched, np.float32(0), np.abs(mean))


def near(bitmap: Bitmap, distance: int) -> Bitmap:
    """Everything within ``distance`` pixels (square) of a set pixel."""
    kernel = np.ones((2 * distance + 1, 2 * distance + 1), np.uint8)
    return cv2.dilate(bitmap.astype(np.uint8), kernel).astype(bool)


def _blocks(plane: Floats) -> Floats:
    """Block means; a last block that is not whole is made up by repeating its edge."""
    rows, columns = plane.shape
    padded = cv2.copyMakeBorder(plane, 0, -rows % BLOCK, 0, -columns % BLOCK, cv2.BORDER_REPLICATE)
    return np.asarray(cv2.resize(padded, None, fx=1 / BLOCK, fy=1 / BLOCK, interpolation=cv2.INTER_AREA))
