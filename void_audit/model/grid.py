"""Geometry of the grid laid over a picture (spec/void 3): pure functions of size, grid and bitmap."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from void_audit.model.geometry import Rect, Size
from void_audit.model.mask import Bitmap
from void_audit.model.reasoning import Cell, Grid

VOID_MINIMUM_GRID = 8
"""Cells on the short side in VOID's own reasoning stage."""

MOST_CELLS = 256
"""Largest number of rows or columns that ``Grid`` admits."""


def grid_for(size: Size, short_side_cells: int = VOID_MINIMUM_GRID) -> Grid:
    """A grid of about square cells: ``short_side_cells`` on the short side, in proportion on the long side.

    Never more cells than pixels, never more than ``MOST_CELLS`` on a side.
    """
    short = min(short_side_cells, size.width, size.height, MOST_CELLS)
    aspect = max(size) / min(size)
    long = max(1, min(round(short * aspect), max(size), MOST_CELLS))
    rows, cols = (short, long) if size.height <= size.width else (long, short)
    return Grid(rows=rows, cols=cols)


def edges(length: int, cells: int) -> npt.NDArray[np.int64]:
    """``cells + 1`` borders along one side of ``length`` pixels: ``floor(i * length / cells)``.

    Cells of one side differ by at most one pixel. Raises ValueError if there are more cells than pixels.
    """
    if cells > length:
        raise ValueError(f"{cells} cells on {length} pixels")
    return np.arange(cells + 1, dtype=np.int64) * length // cells


def cell_rect(size: Size, grid: Grid, cell: Cell) -> Rect:
    """The pixels of one cell. Raises IndexError if the cell lies outside the grid."""
    rows, cols = edges(size.height, grid.rows), edges(size.width, grid.cols)
    top, bottom = int(rows[cell.row]), int(rows[cell.row + 1])
    left, right = int(cols[cell.col]), int(cols[cell.col + 1])
    return Rect(x=left, y=top, width=right - left, height=bottom - top)


def cell_counts(bitmap: Bitmap, grid: Grid) -> npt.NDArray[np.int64]:
    """How many set pixels each cell holds, ``(rows, cols)``."""
    height, width = bitmap.shape
    by_row = np.add.reduceat(bitmap.astype(np.int64), edges(height, grid.rows)[:-1], axis=0)
    return np.asarray(np.add.reduceat(by_row, edges(width, grid.cols)[:-1], axis=1), np.int64)


def cells_touched(bitmap: Bitmap, grid: Grid, at_least: int = 1) -> Bitmap:
    """Cells with ``at_least`` set pixels, as a yes/no picture of ``(rows, cols)``."""
    return cell_counts(bitmap, grid) >= at_least


def fill_cells(cells: Bitmap, size: Size) -> Bitmap:
    """The picture of ``size`` in which every pixel of a chosen cell is set; ``cells`` is ``(rows, cols)``."""
    rows, cols = cells.shape
    high = np.diff(edges(size.height, rows))
    wide = np.diff(edges(size.width, cols))
    return np.asarray(np.repeat(np.repeat(cells, high, axis=0), wide, axis=1), bool)


def cells_of(chosen: Bitmap) -> tuple[Cell, ...]:
    """Chosen cells of a ``(rows, cols)`` picture as values, row by row."""
    return tuple(Cell(row=int(row), col=int(col)) for row, col in np.argwhere(chosen))
