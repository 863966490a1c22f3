"""How often a place *beside the object* differs from its background, seen over the whole clip.

A map centred on the object: where a moving object keeps being accompanied by a change, that change moves
with it. It says nothing of an object that stays put.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from void_audit.model.mask import Bitmap
from void_audit.pipeline.reason.shapes import at_edge, centre_of, diagonal_of

_FEWEST_FRAMES = 5
_KNOWN = 0.3
_STEP = 2.0


class Occurrence:
    """Collects frames, then answers for each of them."""

    def __init__(self, height: int, width: int) -> None:
        self._shape = (height, width)
        self._changed = np.zeros((2 * height, 2 * width), np.float32)
        self._seen = np.zeros((2 * height, 2 * width), np.float32)
        self._path: list[tuple[float, float]] = []
        self._diagonals: list[float] = []

    def add(self, covered: Bitmap, transient: Bitmap, far: Bitmap) -> None:
        """One frame; ``far``: pixels with a clean background.

        Skipped: an object cut by the picture's edge, and one that has hardly moved since the last frame
        taken, for what lies beside a resting object does not move with it.
        """
        centre = centre_of(covered)
        if centre is None or at_edge(covered) or self._rests(centre):
            return
        place = self._place(centre)
        self._changed[place] += transient & far
        self._seen[place] += far
        self._path.append(centre)
        self._diagonals.append(diagonal_of(covered))

    @property
    def travelled(self) -> bool:
        """Whether the object went far enough for the map to mean something."""
        if len(self._path) < _FEWEST_FRAMES:
            return False
        extent = np.ptp(np.array(self._path), axis=0).max()
        return bool(extent > 0.75 * np.median(self._diagonals))

    def around(self, covered: Bitmap) -> npt.NDArray[np.float32]:
        """The share (0 to 1) for every pixel of a frame; 0 where it is not known."""
        centre = centre_of(covered)
        if centre is None or not self.travelled:
            return np.zeros(self._shape, np.float32)
        seen = self._seen[self._place(centre)]
        share = self._changed[self._place(centre)] / np.maximum(seen, 1)
        return np.asarray(np.where(seen >= _KNOWN * len(self._path), share, 0), np.float32)

    def _rests(self, centre: tuple[float, float]) -> bool:
        return bool(self._path) and np.hypot(*np.subtract(centre, self._path[-1])) < _STEP

    def _place(self, centre: tuple[float, float]) -> tuple[slice, slice]:
        height, width = self._shape
        top, left = height - round(centre[1]), width - round(centre[0])
        return slice(top, top + height), slice(left, left + width)
