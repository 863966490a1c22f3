"""Where a consequence is on every frame: its sampled grid cells, held in time, as pictures."""

from __future__ import annotations

from bisect import bisect_right

import numpy as np

from void_audit.errors import MaskError
from void_audit.model.geometry import Size
from void_audit.model.grid import fill_cells
from void_audit.model.mask import Bitmap
from void_audit.model.reasoning import AffectedObject, Grid

Cells = Bitmap
"""Chosen cells, ``(rows, cols)``."""


class HeldCells:
    """Cells of one affected object, frame by frame.

    A localization holds until the next one; nothing is set outside ``thing.frames`` nor before the first.

    Raises:
        MaskError: mask-cell if a cell lies outside the grid.
    """

    def __init__(self, thing: AffectedObject, grid: Grid) -> None:
        places = sorted(thing.localizations, key=lambda place: place.frame)
        self._frames = [place.frame for place in places]
        self._places = places
        self._range = range(thing.frames.start, thing.frames.stop)
        self._empty = np.zeros((grid.rows, grid.cols), bool)
        for place in places:
            for cell in place.cells:
                if cell.row >= grid.rows or cell.col >= grid.cols:
                    raise MaskError(
                        "mask-cell",
                        f"Cell {cell.row}, {cell.col} of {thing.noun} is outside {grid.rows}x{grid.cols}.",
                        "The consequences do not belong to this grid.",
                    )

    def at(self, frame: int) -> Cells:
        """The cells on ``frame``."""
        last = bisect_right(self._frames, frame) - 1
        if frame not in self._range or last < 0:
            return self._empty
        cells = self._empty.copy()
        for cell in self._places[last].cells:
            cells[cell.row, cell.col] = True
        return cells


class AffectedArea:
    """The union of several objects' cells as pictures of ``size``; drawn again only when it changes."""

    def __init__(self, things: tuple[AffectedObject, ...], grid: Grid, size: Size) -> None:
        self._held = [HeldCells(thing, grid) for thing in things]
        self._size = size
        self._cells: Cells = np.zeros((grid.rows, grid.cols), bool)
        self._picture: Bitmap = np.zeros((size.height, size.width), bool)

    def at(self, frame: int) -> Bitmap:
        """Affected pixels on ``frame``, ``(height, width)``; not to be written to."""
        cells = np.zeros_like(self._cells)
        for held in self._held:
            cells |= held.at(frame)
        if not np.array_equal(cells, self._cells):
            self._cells, self._picture = cells, fill_cells(cells, self._size)
        return self._picture
