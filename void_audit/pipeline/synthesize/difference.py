"""How far a take is from its source inside an area, and how much of that shows along the area's border. Streaming."""

from __future__ import annotations

import cv2
import numpy as np

from void_audit.model.clip import RGB
from void_audit.model.mask import Bitmap
from void_audit.pipeline.synthesize.flow import part_around


class DifferenceMeter:
    """Sums over frames; holds no picture."""

    def __init__(self) -> None:
        self._sums = np.zeros(4)

    def add(self, source: RGB, picture: RGB, area: Bitmap) -> None:
        """One frame: both pictures and the area, ``(height, width)``, have one size."""
        if not area.any():
            return
        part = part_around(area)
        difference = np.abs(picture[part].astype(np.int16) - source[part]).mean(axis=2)
        within, border = area[part], (area & ~interior(area))[part]
        self._sums += [difference[within].sum(), within.sum(), difference[border].sum(), border.sum()]

    @property
    def inside(self) -> float:
        """Mean absolute difference inside the area, levels (0-255); 0 for an empty one."""
        return float(self._sums[0] / max(self._sums[1], 1))

    @property
    def seam(self) -> float:
        """The same over the pixels of the area that touch its outside. An edge of the picture is no seam."""
        return float(self._sums[2] / max(self._sums[3], 1))


def interior(area: Bitmap) -> Bitmap:
    """The area without the pixels that touch its outside, corners included."""
    return np.asarray(cv2.erode(area.astype(np.uint8), np.ones((3, 3), np.uint8)), np.bool_)
