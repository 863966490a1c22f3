"""How the object is coloured and how its surroundings are: two histograms, learnt from masks."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from void_audit.model.mask import Bitmap
from void_audit.pipeline.segment.window import Colours, Heat

_BINS = 16
_FLOOR = 1e-4
"""Share of a bin that was never seen: one unseen colour must not decide a pixel alone."""

_LIMIT = 3.0
"""Largest log-likelihood ratio that one pixel's colour can give."""

Histogram = npt.NDArray[np.float64]


def bins_of(picture: Colours) -> npt.NDArray[np.int32]:
    """The histogram bin of every pixel, ``(height, width)``: CIE Lab in 16 steps each."""
    lab = cv2.cvtColor(np.ascontiguousarray(picture), cv2.COLOR_RGB2LAB).astype(np.int32) >> 4
    return np.asarray((lab[..., 0] * _BINS + lab[..., 1]) * _BINS + lab[..., 2], np.int32)


def histogram(bins: npt.NDArray[np.int32], bitmap: Bitmap) -> Histogram:
    """Smoothed shares of the colours of the set pixels, summing to 1 (or all 0 where none is set)."""
    counts = np.bincount(bins[bitmap], minlength=_BINS**3).astype(np.float64)
    cube = counts.reshape(_BINS, _BINS, _BINS)
    for axis in range(3):
        cube = _smoothed(cube, axis)
    return np.asarray(cube.ravel() / max(float(cube.sum()), 1e-9), np.float64)


def likeness(one: Histogram, other: Histogram) -> float:
    """Bhattacharyya coefficient of two histograms: 1 the same, 0 nothing in common."""
    return float(np.sqrt(one * other).sum())


@dataclass
class ColourModel:
    """Colours of the object and of what surrounds it.

    ``anchor`` comes from the clicked frames and stays; ``inside`` and ``around`` follow slowly.
    """

    anchor: Histogram
    inside: Histogram
    around: Histogram

    def evidence(self, bins: npt.NDArray[np.int32]) -> Heat:
        """-1 (surroundings) to 1 (object) per pixel: a clipped log-likelihood ratio."""
        inside = 0.5 * (self.anchor + self.inside)
        ratio = np.log((inside + _FLOOR) / (self.around + _FLOOR))
        return np.asarray(np.clip(ratio / _LIMIT, -1, 1)[bins], np.float32)

    def learn(self, bins: npt.NDArray[np.int32], inside: Bitmap, around: Bitmap) -> None:
        """Follow the colours of a new mask: the object's slowly, its surroundings' faster."""
        if inside.any():
            self.inside = 0.95 * self.inside + 0.05 * histogram(bins, inside)
        if around.any():
            self.around = 0.7 * self.around + 0.3 * histogram(bins, around)


def _smoothed(cube: Histogram, axis: int) -> Histogram:
    padded = np.pad(cube, [(1, 1) if a == axis else (0, 0) for a in range(3)])
    size = cube.shape[axis]
    before, here, after = (np.take(padded, range(o, o + size), axis=axis) for o in range(3))
    return np.asarray(0.25 * before + 0.5 * here + 0.25 * after)
