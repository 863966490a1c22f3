"""Windows: the part of a picture that is looked at, and small operations on yes/no pictures."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from void_audit.model.geometry import Size
from void_audit.model.mask import Bitmap

Heat = npt.NDArray[np.float32]
"""One number per pixel, ``(height, width)`` float32; the range is named where it is used."""

Colours = npt.NDArray[np.uint8]
"""Part of a picture, ``(height, width, 3)`` uint8 RGB."""


@dataclass(frozen=True)
class Window:
    """Columns ``left`` to ``right`` and rows ``top`` to ``bottom``, ends excluded."""

    left: int
    top: int
    right: int
    bottom: int

    @property
    def of(self) -> tuple[slice, slice]:
        """Index of a picture: ``picture[window.of]``."""
        return slice(self.top, self.bottom), slice(self.left, self.right)

    @property
    def centre(self) -> tuple[float, float]:
        """Column and row of the middle."""
        return (self.left + self.right) / 2, (self.top + self.bottom) / 2

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        return self.bottom - self.top, self.right - self.left

    def resized(self, width: float, height: float, size: Size) -> Window:
        """A window of about this width and height round the same middle, moved and cut to lie in ``size``."""
        return around(self.centre, width, height, size)


def around(centre: tuple[float, float], width: float, height: float, size: Size) -> Window:
    """A window of about ``width`` x ``height`` round ``centre``, moved, then cut, to lie in ``size``."""
    width, height = min(width, size.width), min(height, size.height)
    left = min(max(centre[0] - width / 2, 0), size.width - width)
    top = min(max(centre[1] - height / 2, 0), size.height - height)
    return Window(
        int(left),
        int(top),
        min(int(np.ceil(left + width)), size.width),
        min(int(np.ceil(top + height)), size.height),
    )


def extent(bitmap: Bitmap) -> Window | None:
    """The smallest window that holds every set pixel, None if none is set."""
    columns = np.flatnonzero(bitmap.any(axis=0))
    rows = np.flatnonzero(bitmap.any(axis=1))
    if not len(columns):
        return None
    return Window(int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1)


def share_of(one: Window, other: Window) -> float:
    """Intersection over union of two windows."""
    width = min(one.right, other.right) - max(one.left, other.left)
    height = min(one.bottom, other.bottom) - max(one.top, other.top)
    both = max(width, 0) * max(height, 0)
    areas = sum((w.right - w.left) * (w.bottom - w.top) for w in (one, other))
    return both / (areas - both)


def overlap(one: Bitmap, other: Bitmap) -> float:
    """Intersection over union; 1 where both are empty."""
    union = int((one | other).sum())
    return 1.0 if union == 0 else float((one & other).sum()) / union


def disc(radius: int) -> npt.NDArray[np.uint8]:
    """A round structuring element."""
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1))
    return np.asarray(kernel, np.uint8)


def dilated(bitmap: Bitmap, radius: int) -> Bitmap:
    """Every pixel within ``radius`` of a set one."""
    return np.asarray(cv2.dilate(bitmap.astype(np.uint8), disc(radius)) > 0)


def eroded(bitmap: Bitmap, radius: int) -> Bitmap:
    """Pixels at least ``radius`` away from an unset one; the picture's edge does not count as one."""
    kernel = disc(radius)
    return np.asarray(cv2.erode(bitmap.astype(np.uint8), kernel, borderType=cv2.BORDER_REPLICATE) > 0)


def signed_distance(bitmap: Bitmap) -> Heat:
    """Pixels to the outline: positive inside, negative outside."""
    inside = bitmap.astype(np.uint8)
    distance = cv2.distanceTransform(inside, cv2.DIST_L2, 3) - cv2.distanceTransform(
        1 - inside, cv2.DIST_L2, 3
    )
    return np.asarray(distance, np.float32)


def touching(bitmap: Bitmap, points: Iterable[tuple[int, int]]) -> Bitmap:
    """The connected parts that hold at least one of the points (column, row)."""
    _, labels = cv2.connectedComponents(bitmap.astype(np.uint8))
    wanted = {int(labels[y, x]) for x, y in points} - {0}
    return np.isin(labels, list(wanted))


def tidied(bitmap: Bitmap, prior: Bitmap, smallest: float = 0.1, hole: float = 0.02) -> Bitmap:
    """Connected parts that overlap ``prior`` and have ``smallest`` of the largest's area; small holes filled.

    ``hole`` is the share of the whole area below which a hole is filled.
    """
    count, labels, stats, _ = cv2.connectedComponentsWithStats(bitmap.astype(np.uint8))
    if count <= 1:
        return bitmap
    areas = stats[:, cv2.CC_STAT_AREA]
    wanted = areas >= smallest * areas[1:].max()
    wanted &= np.bincount(labels[prior], minlength=count) > 0
    wanted[0] = False
    kept = wanted[labels]
    _, labels, stats, _ = cv2.connectedComponentsWithStats((~kept).astype(np.uint8))
    small = stats[:, cv2.CC_STAT_AREA] < hole * kept.sum()
    small[0] = False
    return np.asarray(kept | small[labels])
