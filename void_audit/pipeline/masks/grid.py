"""Where a consequence is on every frame, from everything that was said of it, as grid cells and as pictures.

Reasoners name places on a few frames only. What lies between follows from one rule: a cell is chosen if what is
there touches it. Positions between cells are exact fractions, so that the same answer gives the same mask anywhere.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from fractions import Fraction
from math import ceil, floor

import numpy as np

from void_audit.errors import MaskError
from void_audit.model.geometry import Size
from void_audit.model.grid import fill_cells
from void_audit.model.mask import Bitmap
from void_audit.model.reasoning import (
    AffectedObject,
    Belonging,
    Between,
    Cell,
    CellSize,
    Grid,
    GridLocalization,
    TrajectoryPoint,
)

Cells = Bitmap
"""Chosen cells, ``(rows, cols)``."""

Finding = AffectedObject | Belonging

_ONE_CELL = CellSize(rows=1, cols=1)


class FindingCells:
    """Cells of one affected object or belonging, frame by frame.

    The union of

    * its localizations, held or moved evenly from one to the next (``moved_between``), the last one held;
    * its size moved along its trajectory (``touched_by``), from the first keyframe on, the last one held;
    * its original position.

    Nothing is chosen outside an affected object's ``frames``; a belonging has no such bounds.

    Raises:
        MaskError: mask-cell if a cell or a keyframe lies outside the grid.
    """

    def __init__(self, finding: Finding, grid: Grid) -> None:
        _check_inside(finding, grid)
        self._empty = chosen((), grid)
        self._range: range | None = None
        self._parts: list[_Places | _Path | _Place] = []
        if isinstance(finding, AffectedObject):
            self._range = range(finding.frames.start, finding.frames.stop)
            self._parts += [
                _Path(finding.trajectory, finding.size, grid),
                _Place(finding.original_position, grid),
            ]
        self._parts.append(_Places(finding.localizations, finding.between, grid))

    def at(self, frame: int) -> Cells:
        """The cells on ``frame``; the caller's own."""
        cells = self._empty.copy()
        if self._range is None or frame in self._range:
            for part in self._parts:
                cells |= part.at(frame)
        return cells


class FindingsArea:
    """The union of several findings' cells as pictures of ``size``; drawn again only when it changes."""

    def __init__(self, findings: Iterable[Finding], grid: Grid, size: Size) -> None:
        self._findings = [FindingCells(finding, grid) for finding in findings]
        self._size = size
        self._cells: Cells = np.zeros((grid.rows, grid.cols), bool)
        self._picture: Bitmap = np.zeros((size.height, size.width), bool)

    def at(self, frame: int) -> Bitmap:
        """Pixels of these findings on ``frame``, ``(height, width)``; not to be written to."""
        cells = np.zeros_like(self._cells)
        for finding in self._findings:
            cells |= finding.at(frame)
        if not np.array_equal(cells, self._cells):
            self._cells, self._picture = cells, fill_cells(cells, self._size)
        return self._picture


class _Place:
    """The same cells on every frame."""

    def __init__(self, cells: Iterable[Cell], grid: Grid) -> None:
        self._cells = chosen(cells, grid)

    def at(self, _frame: int) -> Cells:
        return self._cells


class _Places:
    """Localizations in the order of their frames. Nothing is chosen before the first."""

    def __init__(self, places: Iterable[GridLocalization], between: Between, grid: Grid) -> None:
        self._places = sorted(places, key=lambda place: place.frame)
        self._frames = [place.frame for place in self._places]
        self._between, self._grid = between, grid
        self._drawn: dict[int, Cells] = {}

    def at(self, frame: int) -> Cells:
        last = bisect_right(self._frames, frame) - 1
        if last < 0:
            return chosen((), self._grid)
        start = self._frames[last]
        if self._between == "hold" or frame == start or last + 1 == len(self._frames):
            return self._cells(last)
        part = Fraction(frame - start, self._frames[last + 1] - start)
        return moved_between(self._cells(last), self._cells(last + 1), part)

    def _cells(self, index: int) -> Cells:
        """Drawn once for a run of frames; no more than two are kept."""
        if index not in self._drawn:
            if len(self._drawn) > 1:
                del self._drawn[min(self._drawn)]
            self._drawn[index] = chosen(self._places[index].cells, self._grid)
        return self._drawn[index]


class _Path:
    """Keyframes in order. Nothing is chosen before the first."""

    def __init__(self, points: Iterable[TrajectoryPoint], size: CellSize | None, grid: Grid) -> None:
        self._points = sorted(points, key=lambda point: point.frame)
        self._frames = [point.frame for point in self._points]
        self._size, self._grid = size or _ONE_CELL, grid

    def at(self, frame: int) -> Cells:
        last = bisect_right(self._frames, frame) - 1
        if last < 0:
            return chosen((), self._grid)
        row, col = self._position(last, frame)
        return touched_by(row, col, self._size, self._grid)

    def _position(self, last: int, frame: int) -> tuple[Fraction, Fraction]:
        here = there = self._points[last]
        part = Fraction(0)
        if last + 1 < len(self._points):
            there = self._points[last + 1]
            part = Fraction(frame - here.frame, there.frame - here.frame)
        return here.row + part * (there.row - here.row), here.col + part * (there.col - here.col)


def chosen(cells: Iterable[Cell], grid: Grid) -> Cells:
    """Cells as a yes/no picture of ``(rows, cols)``. They lie inside the grid."""
    picture = np.zeros((grid.rows, grid.cols), bool)
    for cell in cells:
        picture[cell.row, cell.col] = True
    return picture


def moved_between(start: Cells, end: Cells, part: Fraction) -> Cells:
    """The cells at ``part`` (0 to 1, both excluded) of the way from one sample to the next.

    The middle of the bounding box moves evenly from the first sample's to the second's. Both samples' shapes are laid
    there, and every cell that either touches is chosen: a shape that grows or shrinks on the way is covered all the
    way, and so is one that is between two cells. What falls off the grid is cut. Where one of the two samples is
    empty there is nothing to move to: the earlier one holds.
    """
    if not start.any() or not end.any():
        return start
    (top, left), (bottom, right) = _middle(start), _middle(end)
    down, across = bottom - top, right - left
    return _shifted(start, part * down, part * across) | _shifted(end, (part - 1) * down, (part - 1) * across)


def touched_by(row: Fraction, col: Fraction, size: CellSize, grid: Grid) -> Cells:
    """Every cell of the grid that a rectangle of ``size`` touches whose middle is that of a cell at ``row``, ``col``.

    At whole numbers an odd size covers itself; an even one is half a cell longer at both ends, and so one cell larger.
    """
    cells = np.zeros((grid.rows, grid.cols), bool)
    top, left = row + Fraction(1 - size.rows, 2), col + Fraction(1 - size.cols, 2)
    rows = slice(max(0, floor(top)), max(0, ceil(top + size.rows)))
    cells[rows, max(0, floor(left)) : max(0, ceil(left + size.cols))] = True
    return cells


def _middle(cells: Cells) -> tuple[Fraction, Fraction]:
    rows, cols = np.flatnonzero(cells.any(axis=1)), np.flatnonzero(cells.any(axis=0))
    return Fraction(int(rows[0] + rows[-1]), 2), Fraction(int(cols[0] + cols[-1]), 2)


def _shifted(cells: Cells, down: Fraction, across: Fraction) -> Cells:
    """Every cell that the set touches once it is moved."""
    out = np.zeros_like(cells)
    for rows in {floor(down), ceil(down)}:
        for cols in {floor(across), ceil(across)}:
            to_rows, from_rows = _overlap(rows, cells.shape[0])
            to_cols, from_cols = _overlap(cols, cells.shape[1])
            out[to_rows, to_cols] |= cells[from_rows, from_cols]
    return out


def _overlap(step: int, length: int) -> tuple[slice, slice]:
    """Where a row of ``length`` cells moved by ``step`` lies on itself: its new places and its old ones."""
    return slice(max(0, step), length + min(0, step)), slice(max(0, -step), length - max(0, step))


def _check_inside(finding: Finding, grid: Grid) -> None:
    named: list[Sequence[Cell] | Sequence[TrajectoryPoint]] = [place.cells for place in finding.localizations]
    if isinstance(finding, AffectedObject):
        named += [finding.original_position, finding.trajectory]
    for cells in named:
        for cell in cells:
            if cell.row >= grid.rows or cell.col >= grid.cols:
                raise MaskError(
                    "mask-cell",
                    f"Cell {cell.row}, {cell.col} of {finding.noun} is outside {grid.rows}x{grid.cols}.",
                    "The consequences do not belong to this grid.",
                )
