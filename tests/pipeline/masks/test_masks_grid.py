"""Cells held in time, against a plain reading of the rule; pictures drawn only when something changes."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from void_audit.errors import MaskError
from void_audit.model.geometry import FrameRange, Size
from void_audit.model.grid import cells_of, fill_cells
from void_audit.model.reasoning import AffectedObject, Cell, Grid, GridLocalization
from void_audit.pipeline.masks import grid as module
from void_audit.pipeline.masks.grid import FindingsArea, FindingCells

GRID = Grid(rows=3, cols=5)
SIZE = Size(23, 17)
Told = dict[int, list[tuple[int, int]]]


def thing(told: Told, frames: tuple[int, int] = (0, 50)) -> AffectedObject:
    places = tuple(
        GridLocalization(frame=f, cells=tuple(Cell(row=r, col=c) for r, c in cells))
        for f, cells in told.items()
    )
    start, stop = frames
    return AffectedObject(
        noun="shadow",
        category="visual_artifact",
        why="it is cast",
        will_move=False,
        frames=FrameRange(start=start, stop=stop),
        localizations=places,
    )


def plainly(told: Told, frames: tuple[int, int], frame: int) -> set[tuple[int, int]]:
    """The rule of the schema, in one line each."""
    earlier = [f for f in told if f <= frame]
    return set(told[max(earlier)]) if earlier and frames[0] <= frame < frames[1] else set()


CELLS = st.lists(st.tuples(st.integers(0, 2), st.integers(0, 4)), max_size=4)
FRAMES = st.tuples(st.integers(0, 12), st.integers(0, 12))


@settings(max_examples=60, deadline=None)
@given(st.dictionaries(st.integers(0, 12), CELLS, max_size=5), FRAMES, st.integers(0, 14))
def test_any_cells_on_any_frame(told: Told, frames: tuple[int, int], frame: int) -> None:
    held = FindingCells(thing(told, frames), GRID).at(frame)
    assert held.shape == (3, 5)
    assert {(cell.row, cell.col) for cell in cells_of(held)} == plainly(told, frames, frame)


def test_what_one_caller_does_to_its_cells_does_not_come_back() -> None:
    held = FindingCells(thing({0: [(1, 1)]}), GRID)
    held.at(3)[:] = True
    assert held.at(3).sum() == held.at(4).sum() == 1


@pytest.mark.parametrize("cell", [(2, 4), (0, 0)])
def test_the_last_cell_is_inside(cell: tuple[int, int]) -> None:
    assert FindingCells(thing({0: [cell]}), GRID).at(0)[cell]


@pytest.mark.parametrize("cell", [(3, 0), (0, 5), (255, 255)])
@pytest.mark.parametrize("kind", [FindingCells, lambda it, grid: FindingsArea((thing({}), it), grid, SIZE)])
def test_a_cell_outside_is_refused_at_once_even_where_it_is_never_shown(kind, cell: tuple[int, int]) -> None:
    late = thing({0: [(0, 0)], 40: [(1, 1), cell]}, frames=(0, 1))
    with pytest.raises(MaskError, match=f"Cell {cell[0]}, {cell[1]} of shadow is outside 3x5") as caught:
        kind(late, GRID)
    assert caught.value.code == "mask-cell"
    assert caught.value.hint


@settings(max_examples=20, deadline=None)
@given(st.lists(st.tuples(st.dictionaries(st.integers(0, 8), CELLS, max_size=3), FRAMES), max_size=3))
def test_an_area_is_the_union(told: list[tuple[Told, tuple[int, int]]]) -> None:
    area = FindingsArea(tuple(thing(t, f) for t, f in told), GRID, SIZE)
    for frame in (0, 1, 5, 3, 11, 0):
        cells = np.zeros((3, 5), bool)
        for one, frames in told:
            for row, col in plainly(one, frames, frame):
                cells[row, col] = True
        np.testing.assert_array_equal(area.at(frame), fill_cells(cells, SIZE))


def test_nothing_affected_is_an_empty_picture() -> None:
    picture = FindingsArea((), GRID, SIZE).at(7)
    assert (picture.shape, picture.any()) == ((17, 23), False)


def test_drawn_once_for_each_change(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: list[int] = []

    def counted(cells, size):
        drawn.append(int(cells.sum()))
        return fill_cells(cells, size)

    monkeypatch.setattr(module, "fill_cells", counted)
    area = FindingsArea((thing({2: [(0, 0)]}), thing({6: [(0, 0)], 8: [(1, 1)]})), GRID, SIZE)
    pictures = [area.at(frame) for frame in range(10)]
    assert drawn == [1, 2]
    assert pictures[2] is pictures[7]
    assert pictures[0].sum() == 0
