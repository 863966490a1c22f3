"""Which part of a picture moves as one with a point: an affine motion, grown from there."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from void_audit.model.mask import Bitmap
from void_audit.pipeline.segment.flow import Vectors
from void_audit.pipeline.segment.window import touching

Places = npt.NDArray[np.float32]
"""``(height, width, 2)`` float32: for every pixel a place (column, row) in another picture."""

_NEAR = 9
"""Side of the square round the point whose motion is the first guess."""

_ALIKE = 0.75, 0.25
"""Two motions are the same within so many pixels, or this share of their length."""

_ROUNDS, _SAMPLES, _FEWEST = 4, 4000, 30


def standing(shape: tuple[int, int]) -> Places:
    """Every pixel's own place."""
    rows, columns = shape
    x, y = np.meshgrid(np.arange(columns, dtype=np.float32), np.arange(rows, dtype=np.float32))
    return np.stack([x, y], axis=-1)


def grown(vectors: Vectors, point: tuple[int, int], still: Places) -> tuple[Bitmap, Places]:
    """The connected region round ``point`` that moves as one, and where that motion takes every pixel.

    ``vectors`` is the flow to the other picture, ``still`` the places of its pixels (``standing``).
    """
    guess = np.median(vectors[_square(point, vectors)].reshape(-1, 2), axis=0)
    there = np.asarray(still + guess.astype(np.float32), np.float32)
    bound = max(_ALIKE[0], _ALIKE[1] * float(np.linalg.norm(guess)))
    region = _following(vectors, there, still, point, bound)
    for _ in range(_ROUNDS):
        if region.sum() < _FEWEST:
            break
        there = fitted(vectors, region, still)
        region = _following(vectors, there, still, point, bound)
    return region, there


def _square(point: tuple[int, int], vectors: Vectors) -> tuple[slice, slice]:
    column, row = point
    half = _NEAR // 2
    return slice(max(row - half, 0), row + half + 1), slice(max(column - half, 0), column + half + 1)


def _following(
    vectors: Vectors, there: Places, still: Places, point: tuple[int, int], bound: float
) -> Bitmap:
    return touching(np.linalg.norm(still + vectors - there, axis=-1) < bound, [point])


def fitted(vectors: Vectors, region: Bitmap, still: Places) -> Places:
    """An affine motion through the flow in the region; flow that does not fit counts less and less.

    ``region`` must not be empty.
    """
    places = np.flatnonzero(region)
    places = places[:: max(1, len(places) // _SAMPLES)]
    start = still.reshape(-1, 2)[places].astype(np.float64)
    end = start + vectors.reshape(-1, 2)[places]
    known = np.column_stack([start, np.ones(len(start))])
    weight = np.ones((len(start), 1))
    for _ in range(_ROUNDS):
        matrix = np.linalg.lstsq(known * weight, end * weight, rcond=None)[0]
        astray = np.linalg.norm(known @ matrix - end, axis=1, keepdims=True)
        weight = 1 / np.sqrt(1 + (astray / 0.5) ** 2)
    flat = still @ matrix[:2].astype(np.float32) + matrix[2].astype(np.float32)
    return np.asarray(flat, np.float32)
