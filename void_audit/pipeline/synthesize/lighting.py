"""Slow changes of light: shift a fill so that its low frequencies join the frame's own surroundings."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from void_audit.model.mask import Bitmap
from void_audit.pipeline.synthesize.exemplar import spread
from void_audit.pipeline.synthesize.samples import Colours

GRID = 8
"""Pixels per cell of the correction, in units of the footage."""

TRUST = 24.0
"""Samples in a cell and its neighbourhood from which its mean is believed."""

DEAD = 0.75
"""Levels below which a difference is taken for noise, so that steady light stays exactly steady."""

RING = 24
"""Width of the surroundings that are compared, in units of the footage."""


def ring(area: Bitmap, usable: Bitmap, gap: int, unit: int) -> npt.NDArray[np.intp]:
    """Every third usable pixel around ``area``, as ``(n, 2)`` x, y; ``gap`` pixels next to it are left out."""
    wide = cv2.dilate(area.astype(np.uint8), _disc(gap + RING * unit)).astype(bool)
    near = cv2.dilate(area.astype(np.uint8), _disc(gap)).astype(bool)
    y, x = np.nonzero(wide & ~near & usable)
    chosen = (x + y) % 3 == 0
    return np.stack([x[chosen], y[chosen]], axis=1)


def _disc(radius: int) -> npt.NDArray[np.uint8]:
    return np.asarray(cv2.getStructuringElement(cv2.MORPH_RECT, (2 * radius + 1, 2 * radius + 1)), np.uint8)


def correction(
    shape: tuple[int, int],
    unit: int,
    at: npt.NDArray[np.intp],
    own: Colours,
    filled: Colours,
    outlier: float,
    wanted: npt.NDArray[np.intp],
) -> npt.NDArray[np.float32]:
    """Levels to add at ``wanted`` ``(n, 2)``, so that ``filled`` meets ``own`` at ``at``.

    Differences above ``outlier`` levels are something else than light and do not take part.
    """
    difference = own.astype(np.float32) - filled.astype(np.float32)
    calm = np.abs(difference).max(axis=1, initial=0) <= outlier
    if calm.sum() < TRUST:
        return np.zeros((len(wanted), 3), np.float32)
    grid = GRID * unit
    cells = (-(-shape[0] // grid), -(-shape[1] // grid))
    index = (at[calm, 1] // grid) * cells[1] + at[calm, 0] // grid
    total = np.stack(
        [np.bincount(index, difference[calm, c], minlength=cells[0] * cells[1]) for c in range(3)], axis=1
    ).astype(np.float32)
    count = np.bincount(index, minlength=cells[0] * cells[1]).astype(np.float32)
    field = spread(_blur(total.reshape(*cells, 3), 1.5) / TRUST, _blur(count.reshape(cells), 1.5) / TRUST)
    field = _blur(field, 2.0)
    field = np.sign(field) * np.maximum(np.abs(field) - DEAD, 0)
    return _at(field, (wanted + 0.5) / grid - 0.5)


def _blur(cells: npt.NDArray[np.float32], sigma: float) -> npt.NDArray[np.float32]:
    return np.asarray(cv2.GaussianBlur(cells, (0, 0), sigma), np.float32)


def _at(field: npt.NDArray[np.float32], where: npt.NDArray[np.float64]) -> npt.NDArray[np.float32]:
    """Bilinear values of the cell field at points counted in cells."""
    high = np.array([field.shape[1] - 1, field.shape[0] - 1])
    where = np.clip(where, 0, high)
    low = np.minimum(where.astype(np.intp), np.maximum(high - 1, 0))
    step = np.minimum(low + 1, high)
    fx, fy = ((where - low).astype(np.float32)).T[..., None]
    top = field[low[:, 1], low[:, 0]] * (1 - fx) + field[low[:, 1], step[:, 0]] * fx
    bottom = field[step[:, 1], low[:, 0]] * (1 - fx) + field[step[:, 1], step[:, 0]] * fx
    return np.asarray(top * (1 - fy) + bottom * fy, np.float32)
