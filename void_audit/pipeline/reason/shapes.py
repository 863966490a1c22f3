"""Small measures of yes/no pictures, in pixels."""

from __future__ import annotations

from collections.abc import Iterator

import cv2
import numpy as np
import numpy.typing as npt

from void_audit.model.mask import Bitmap

FAR = 1e4
"""Distance where nothing is set."""


def distance_to(bitmap: Bitmap) -> npt.NDArray[np.float32]:
    """Distance of every pixel to the nearest set one; ``FAR`` where nothing is set."""
    if not bitmap.any():
        return np.full(bitmap.shape, FAR, np.float32)
    return np.asarray(cv2.distanceTransform((~bitmap).astype(np.uint8), cv2.DIST_L2, 5), np.float32)


def grown(bitmap: Bitmap, by: float) -> Bitmap:
    """All pixels not further than ``by`` from a set one."""
    return np.asarray(distance_to(bitmap) <= by, bool)


def regions(bitmap: Bitmap, smallest: int) -> Iterator[Bitmap]:
    """Connected regions of at least ``smallest`` pixels; gaps of a few pixels do not part them."""
    bridged = cv2.morphologyEx(bitmap.astype(np.uint8), cv2.MORPH_CLOSE, np.ones((5, 5), np.uint8))
    count, names = cv2.connectedComponents(bridged, connectivity=8)
    sizes = np.bincount(names[bitmap], minlength=count)
    for name in np.flatnonzero(sizes >= smallest):
        if name:
            yield (names == name) & bitmap


def at_edge(bitmap: Bitmap) -> bool:
    """Whether it reaches the picture's edge."""
    return bool(bitmap[0].any() or bitmap[-1].any() or bitmap[:, 0].any() or bitmap[:, -1].any())


def centre_of(bitmap: Bitmap) -> tuple[float, float] | None:
    """Mean ``(x, y)`` of the set pixels, None if there is none."""
    rows, columns = np.nonzero(bitmap)
    return (float(columns.mean()), float(rows.mean())) if len(rows) else None


def diagonal_of(bitmap: Bitmap) -> float:
    """Diagonal of the bounding box, 0 if nothing is set."""
    rows, columns = np.nonzero(bitmap)
    return float(np.hypot(np.ptp(rows) + 1, np.ptp(columns) + 1)) if len(rows) else 0.0
