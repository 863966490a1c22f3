"""A guess for an object that never moves: what is darker beside its foot and has the surface's hue.

No frame shows the place without the object, so nothing can be compared; the result may be a stain as well
as a shadow, and a shadow on a dark or many-coloured surface is missed.
"""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from void_audit.model.clip import RGB
from void_audit.model.mask import Bitmap
from void_audit.pipeline.reason.shapes import diagonal_of, distance_to, grown

_DARKER = 0.94
_SAME_HUE = 0.03
_FEWEST = 50
_PENUMBRA = 5.0
"""Pixels added around: the edge of a shadow is too weak to tell from the surface."""


def guessed_shadow(picture: RGB, covered: Bitmap, guard: float, touch: float) -> Bitmap:
    """Soft dark region that hangs on the lower part of the object, at most half its diagonal away.

    Compared with the surface a little further out at the same height; empty where there is none.
    """
    nothing = np.zeros(covered.shape, bool)
    if not covered.any():
        return nothing
    distance, diagonal = distance_to(covered), diagonal_of(covered)
    low = _beside_the_foot(covered, diagonal)
    outer = low & (distance > 0.5 * diagonal) & (distance <= 1.1 * diagonal)
    if outer.sum() < _FEWEST:
        return nothing
    smooth = cv2.GaussianBlur(picture.astype(np.float32), (0, 0), 1.5) + 4.0
    light = smooth.sum(axis=2)
    hue = smooth / light[..., None]
    alike = np.abs(hue - np.median(hue[outer], axis=0)).max(axis=2) < _SAME_HUE
    surface = outer & alike
    if surface.sum() < _FEWEST:
        return nothing
    dark = low & alike & (light < _DARKER * np.median(light[surface]))
    inner = dark & (distance > guard) & (distance <= 0.5 * diagonal)
    return grown(_hanging(inner, distance <= touch), _PENUMBRA) & (distance > guard)


def _beside_the_foot(covered: Bitmap, diagonal: float) -> Bitmap:
    """Rows from the middle of the object to half a diagonal below it."""
    rows = np.flatnonzero(covered.any(axis=1))
    top, bottom = (rows[0] + rows[-1]) / 2, rows[-1] + 0.5 * diagonal
    at = np.arange(covered.shape[0])[:, None]
    return np.broadcast_to((at >= top) & (at <= bottom), covered.shape)


def _hanging(region: Bitmap, ring: Bitmap) -> Bitmap:
    """The parts of ``region`` that are connected to ``ring``."""
    count, names = cv2.connectedComponents(region.astype(np.uint8), connectivity=8)
    kept = np.zeros(count, bool)
    kept[np.unique(names[region & ring])] = True
    kept[0] = False
    chosen: npt.NDArray[np.bool_] = kept[names]
    return chosen
