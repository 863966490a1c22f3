"""The background plate: what every pixel looked like while the object was elsewhere."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from void_audit.model.clip import RGB
from void_audit.model.geometry import Size
from void_audit.model.mask import Bitmap
from void_audit.pipeline.segment.camera import Homography
from void_audit.pipeline.segment.window import Heat, Window

Levels = npt.NDArray[np.float32]
"""``(h, w, 3)``, 0 to 255."""

_MEMORY = 8
"""Pictures over which the plate averages: it follows slow changes of light."""

_SEEN = 2
"""Times a pixel must have been seen before the plate says anything about it."""


class Plate:
    """A running average of everything outside the object, moved along with the camera."""

    def __init__(self, size: Size) -> None:
        self._size = size
        self._colour = np.zeros((size.height, size.width, 3), np.float32)
        self._seen = np.zeros((size.height, size.width), np.float32)

    def see(self, picture: RGB, background: Bitmap) -> None:
        """Add the ``background`` pixels of a picture."""
        rate = background / np.clip(self._seen + 1, 1, _MEMORY)
        self._colour += rate[..., None].astype(np.float32) * (picture - self._colour)
        self._seen += background

    def move(self, camera: Homography | None) -> None:
        """Follow the camera; new pixels at the edges are unknown."""
        if camera is None:
            return
        size = tuple(self._size)
        there = (self._seen > 0).astype(np.float32)
        colour = cv2.warpPerspective(self._colour * there[..., None], camera, size)
        self._colour = _averaged(colour, cv2.warpPerspective(there, camera, size))
        seen = cv2.warpPerspective(self._seen, camera, size, flags=cv2.INTER_NEAREST)
        self._seen = np.asarray(seen, np.float32)

    def difference(self, picture: RGB, window: Window) -> tuple[Heat, Bitmap]:
        """How surely each pixel of the window is *not* background (0 to 1), and where that is known.

        A pixel that is only darker, by less than half and equally in all colours, looks like a shadow and
        gets at most 0.5.
        """
        known = self._seen[window.of] >= _SEEN
        plate, now = _blurred(self._colour[window.of], known), _blurred(picture[window.of], known)
        apart = np.abs(now - plate).max(axis=-1)
        noise = max(2.0, 1.5 * float(np.median(apart[known]))) if known.any() else 2.0
        changed = 1 - np.exp(-((apart / (5 * noise)) ** 2))
        ratio = (now + 4) / (plate + 4)
        low, high = ratio.min(axis=-1), ratio.max(axis=-1)
        shadow = (high < 1) & (low > 0.5) & (high - low < 0.12)
        return np.where(shadow, np.minimum(changed, 0.5), changed).astype(np.float32), known


def _blurred(picture: RGB | Levels, known: Bitmap) -> Levels:
    """Means of 3 x 3 pixels, of which only the ``known`` ones count."""
    weight = known.astype(np.float32)
    return _averaged(cv2.blur(picture * weight[..., None], (3, 3)), cv2.blur(weight, (3, 3)))


def _averaged(total: npt.NDArray[np.generic], weight: npt.NDArray[np.generic]) -> Levels:
    """Sums of colours divided by what they weigh, so that unknown pixels (black) do not darken the rest."""
    floor = np.maximum(np.asarray(weight, np.float32), np.float32(1e-3))
    return np.asarray(total / floor[..., None], np.float32)
