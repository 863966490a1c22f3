"""How far a picture track deviates from another one outside a mask: means of 8 x 8 blocks of every plane.

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
from void_audit.media.pixels import layout
from void_audit.media.planes import adapt, chroma_keep
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
        ClipError: ``clip-frames`` if the three differ in length, ``clip-size`` if sizes differ, ``clip-format``
            if the second holds less colour than the first.
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
        for plane, error in enumerate(_errors(one, other, classes)):
            row, column = np.unravel_index(int(error.argmax()), error.shape)
            worst = float(error[row, column]) * scale
            if worst > result.worst:
                across, down = layout(other.pixel_format).factor(plane) if plane else (1, 1)
                x, y = int(column) * BLOCK * across, int(row) * BLOCK * down
                result = Deviation(number + 1, worst, number, x, y)
        result = Deviation(number + 1, result.worst, result.frame, result.x, result.y)
    return result


def _errors(one: PlaneFrame, other: PlaneFrame, classes: Classes) -> list[Floats]:
    """Deviation of every block of every plane: a change of colour alone is a change."""
    if one.planes[0].shape != other.planes[0].shape or one.planes[0].shape != classes.shape:
        shapes = f"{one.planes[0].shape}, {other.planes[0].shape}, {classes.shape}"
        raise ClipError("clip-size", f"Sizes differ: {shapes}.", "Same size.")
    try:
        source = adapt(one.planes, one.pixel_format, other.pixel_format)
    except ValueError as error:
        raise ClipError(
            "clip-format", f"The pictures cannot be compared: {error}.", "Use the format of the source."
        ) from error
    kept = chroma_keep(~near(classes != MaskClass.KEEP, MARGIN), other.pixel_format)
    return [_block_error(*planes) for planes in zip(source, other.planes, kept, strict=True)]


def _block_error(one: Plane, other: Plane, kept: Bitmap) -> Floats:
    mean = _blocks(one.astype(np.float32) - other.astype(np.float32))
    touched = _blocks((~kept).astype(np.float32)) > 0
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
