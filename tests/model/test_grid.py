"""Grid geometry: every pixel belongs to exactly one cell, whatever the sizes."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from void_audit.model.geometry import Size
from void_audit.model.grid import (
    MOST_CELLS,
    cell_counts,
    cell_rect,
    cells_of,
    cells_touched,
    edges,
    fill_cells,
    grid_for,
)
from void_audit.model.reasoning import Cell, Grid

SIZES = st.builds(Size, st.integers(1, 400), st.integers(1, 400))


def test_grid_for_gives_void_grid_for_16_9():
    assert grid_for(Size(1920, 1080)) == Grid(rows=8, cols=14)
    assert grid_for(Size(1080, 1920)) == Grid(rows=14, cols=8)


def test_grid_for_is_bounded_on_a_ribbon():
    grid = grid_for(Size(8000, 20), 24)
    assert grid.cols <= MOST_CELLS
    assert grid.rows <= 20


@settings(max_examples=40, deadline=None)
@given(size=SIZES, short=st.integers(1, 40))
def test_cells_tile_the_picture_exactly(size, short):
    grid = grid_for(size, short)
    everything = np.ones((size.height, size.width), bool)
    counts = cell_counts(everything, grid)
    assert counts.shape == (grid.rows, grid.cols)
    assert counts.sum() == size.width * size.height
    assert counts.min() >= 1
    heights = np.diff(edges(size.height, grid.rows))
    assert heights.max() - heights.min() <= 1


@settings(max_examples=40, deadline=None)
@given(size=SIZES, short=st.integers(1, 40), data=st.data())
def test_one_pixel_touches_the_cell_whose_rectangle_holds_it(size, short, data):
    grid = grid_for(size, short)
    x, y = data.draw(st.integers(0, size.width - 1)), data.draw(st.integers(0, size.height - 1))
    bitmap = np.zeros((size.height, size.width), bool)
    bitmap[y, x] = True
    (cell,) = cells_of(cells_touched(bitmap, grid))
    rect = cell_rect(size, grid, cell)
    assert rect.x <= x < rect.right
    assert rect.y <= y < rect.bottom
    filled = fill_cells(cells_touched(bitmap, grid), size)
    assert filled.sum() == rect.width * rect.height
    assert filled[y, x]


def test_at_least_ignores_a_single_pixel():
    bitmap = np.zeros((8, 8), bool)
    bitmap[0, 0] = True
    assert not cells_touched(bitmap, Grid(rows=2, cols=2), at_least=2).any()


def test_a_cell_outside_the_grid_is_refused():
    with pytest.raises(IndexError):
        cell_rect(Size(80, 80), Grid(rows=8, cols=8), Cell(row=8, col=0))


def test_more_cells_than_pixels_is_refused():
    with pytest.raises(ValueError, match="9 cells on 8 pixels"):
        edges(8, 9)
