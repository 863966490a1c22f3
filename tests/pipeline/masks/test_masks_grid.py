"""Cells in time, against a plain reading of the rules; pictures drawn only when something changes."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mask_answers import (
    BELONGINGS,
    FRAMES,
    GRID,
    PLACES,
    SIZE,
    affected,
    affected_objects,
    cells,
    keyframes,
    localizations,
    plainly,
)

from void_audit.errors import MaskError
from void_audit.model.grid import cells_of, fill_cells
from void_audit.model.reasoning import AffectedObject, Belonging, CellSize, Grid
from void_audit.pipeline.masks import grid as module
from void_audit.pipeline.masks.grid import FindingCells, FindingsArea, chosen, moved_between, touched_by

Told = dict[int, list[tuple[int, int]]]
NOWHERE: set[tuple[int, int]] = set()


def thing(told: Told, frames: tuple[int, int] = (0, 50), **more: object) -> AffectedObject:
    return affected(frames, "visual_artifact", noun="shadow", localizations=localizations(told), **more)


def places(finding: AffectedObject | Belonging, frame: int, grid: Grid = GRID) -> set[tuple[int, int]]:
    return {(cell.row, cell.col) for cell in cells_of(FindingCells(finding, grid).at(frame))}


@settings(max_examples=150, deadline=None)
@given(affected_objects() | BELONGINGS, st.integers(0, FRAMES + 2))
def test_any_finding_on_any_frame(finding: AffectedObject | Belonging, frame: int) -> None:
    at = FindingCells(finding, GRID).at(frame)
    assert at.shape == (GRID.rows, GRID.cols)
    assert places(finding, frame) == plainly(finding, frame)


@settings(max_examples=60, deadline=None)
@given(affected_objects())
def test_samples_are_hit_exactly_whatever_is_between(finding: AffectedObject) -> None:
    bare = finding.model_copy(update={"trajectory": (), "original_position": ()})
    for place in bare.localizations:
        assert places(bare, place.frame) == {(cell.row, cell.col) for cell in place.cells}


@settings(max_examples=30, deadline=None)
@given(affected_objects(), st.lists(st.integers(0, FRAMES), min_size=2, max_size=6))
def test_frames_may_be_asked_for_in_any_order(finding: AffectedObject, frames: list[int]) -> None:
    one = FindingCells(finding, GRID)
    for frame in frames:
        np.testing.assert_array_equal(one.at(frame), FindingCells(finding, GRID).at(frame))


def test_a_shape_moves_as_a_whole() -> None:
    told = {0: [(0, 0), (1, 0), (1, 1)], 4: [(2, 2), (3, 2), (3, 3)]}
    moving = thing(told, between="linear")
    assert places(moving, 2) == {(1, 1), (2, 1), (2, 2)}
    assert places(moving, 4) == places(moving, 49) == set(told[4])
    assert places(thing(told), 3) == set(told[0])


def test_between_two_cells_both_are_touched() -> None:
    moving = thing({0: [(0, 0)], 3: [(0, 1)]}, between="linear")
    assert [places(moving, f) for f in range(5)] == [
        {(0, 0)},
        {(0, 0), (0, 1)},
        {(0, 0), (0, 1)},
        {(0, 1)},
        {(0, 1)},
    ]


def test_what_grows_is_covered_all_the_way_and_cut_at_the_border() -> None:
    growing = thing({0: [(1, 0)], 2: [(0, 4), (1, 4), (2, 4)]}, between="linear")
    assert places(growing, 1) == {(0, 2), (1, 2), (2, 2)}
    leaving = thing({0: [(0, 0), (0, 1), (0, 2)], 2: [(0, 4)]}, between="linear")
    assert places(leaving, 1) == {(0, 2), (0, 3), (0, 1), (0, 4)}
    wide = [(0, col) for col in range(5)]
    assert places(thing({0: wide, 4: [(3, 0)]}, between="linear"), 2) == {
        (row, col) for row in (1, 2) for col in (0, 1, 2, 3)
    }


@pytest.mark.parametrize(("first", "last"), [([], [(1, 1)]), ([(1, 1)], [])])
def test_nothing_to_move_to(first: list, last: list) -> None:
    moving = thing({0: first, 4: last}, between="linear")
    assert [places(moving, f) for f in (0, 3, 4)] == [set(first), set(first), set(last)]


@settings(max_examples=60, deadline=None)
@given(PLACES, PLACES, st.fractions(0, 1, max_denominator=12).filter(lambda part: 0 < part < 1))
def test_moving_there_is_moving_back(start: list, end: list, part: Fraction) -> None:
    a, b = chosen(cells(*start), GRID), chosen(cells(*end), GRID)
    if start and end:
        np.testing.assert_array_equal(moved_between(a, b, part), moved_between(b, a, 1 - part))


def test_a_path_is_followed_from_its_first_keyframe_and_the_last_one_holds() -> None:
    moving = affected((0, 20), trajectory=keyframes({2: (0, 0), 6: (2, 4), 8: (2, 0)}))
    assert [places(moving, f) for f in (0, 1)] == [NOWHERE] * 2
    assert places(moving, 2) == {(0, 0)}
    assert places(moving, 4) == {(1, 2)}
    assert places(moving, 3) == {(0, 1), (1, 1)}
    assert places(moving, 7) == {(2, 2)}
    assert places(moving, 8) == places(moving, 19) == {(2, 0)}
    assert places(moving, 20) == NOWHERE


def test_the_last_keyframe_also_holds_where_the_range_begins_after_it() -> None:
    late = affected((5, 7), trajectory=keyframes({0: (0, 0), 3: (3, 3)}))
    assert [places(late, f) for f in (3, 5, 6, 7)] == [NOWHERE, {(3, 3)}, {(3, 3)}, NOWHERE]


@pytest.mark.parametrize(
    ("rows", "cols", "expected"),
    [
        (1, 1, {(2, 2)}),
        (3, 1, {(1, 2), (2, 2), (3, 2)}),
        (1, 2, {(2, 1), (2, 2), (2, 3)}),
        (9, 1, {(row, 2) for row in range(5)}),
    ],
)
def test_a_size_lies_around_its_point(rows: int, cols: int, expected: set) -> None:
    grid = Grid(rows=5, cols=5)
    touched = touched_by(Fraction(2), Fraction(2), CellSize(rows=rows, cols=cols), grid)
    assert {(cell.row, cell.col) for cell in cells_of(touched)} == expected


def test_a_size_at_the_corner_is_cut() -> None:
    touched = touched_by(Fraction(0), Fraction(4), CellSize(rows=3, cols=3), Grid(rows=5, cols=5))
    assert {(cell.row, cell.col) for cell in cells_of(touched)} == {(0, 3), (0, 4), (1, 3), (1, 4)}


def test_the_original_position_is_there_as_long_as_the_thing_is_affected() -> None:
    stays = thing({5: [(0, 0)]}, (3, 7), original_position=cells((3, 3), (3, 4)))
    assert [len(places(stays, f)) for f in range(9)] == [0, 0, 0, 2, 2, 3, 3, 0, 0]


def test_a_belonging_is_held_to_the_end() -> None:
    hat = Belonging(noun="hat", localizations=localizations({2: [(0, 0)], 4: [(0, 1)]}))
    assert [places(hat, f) for f in (1, 2, 3, 4, 10**6)] == [NOWHERE, {(0, 0)}, {(0, 0)}, {(0, 1)}, {(0, 1)}]


def test_what_one_caller_does_to_its_cells_does_not_come_back() -> None:
    for finding in (
        thing({0: [(1, 1)]}),
        thing({0: []}),
        affected(trajectory=keyframes({0: (1, 1)})),
        affected(original_position=cells((1, 1))),
    ):
        held = FindingCells(finding, GRID)
        before = held.at(3).copy()
        held.at(3)[:] = True
        np.testing.assert_array_equal(held.at(3), before)
        np.testing.assert_array_equal(held.at(4), before)


@pytest.mark.parametrize("cell", [(3, 4), (0, 0)])
def test_the_last_cell_is_inside(cell: tuple[int, int]) -> None:
    assert FindingCells(thing({0: [cell]}), GRID).at(0)[cell]


@pytest.mark.parametrize("cell", [(4, 0), (0, 5), (255, 255)])
@pytest.mark.parametrize("where", ["places", "belonging", "original", "path", "area"])
def test_a_cell_outside_is_refused_at_once_even_where_it_is_never_shown(where: str, cell: tuple) -> None:
    late = {0: [(0, 0)], 40: [(1, 1), cell]}
    finding = {
        "belonging": Belonging(noun="shadow", localizations=localizations(late)),
        "original": thing({}, original_position=cells((0, 0), cell)),
        "path": thing({}, (0, 1), trajectory=keyframes({0: (0, 0), 9: cell})),
    }.get(where, thing(late, (0, 1)))
    with pytest.raises(MaskError, match=f"Cell {cell[0]}, {cell[1]} of shadow is outside 4x5") as caught:
        FindingsArea((thing({}), finding), GRID, SIZE) if where == "area" else FindingCells(finding, GRID)
    assert caught.value.code == "mask-cell"
    assert caught.value.hint


@settings(max_examples=20, deadline=None)
@given(st.lists(affected_objects() | BELONGINGS, max_size=3))
def test_an_area_is_the_union(found: list) -> None:
    area = FindingsArea(found, GRID, SIZE)
    for frame in (0, 1, 5, 3, FRAMES, 0):
        union = set().union(*(plainly(one, frame) for one in found))
        expected = fill_cells(chosen(cells(*union), GRID), SIZE)
        np.testing.assert_array_equal(area.at(frame), expected)


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


@pytest.mark.parametrize("between", ["hold", "linear"])
def test_a_sample_is_turned_into_cells_once_however_long_it_holds(
    monkeypatch: pytest.MonkeyPatch, between: str
) -> None:
    told = {f: [(f // 10 % 4, 0)] for f in range(0, 200, 10)}
    held = FindingCells(thing(told, (0, 300), between=between), GRID)
    drawn: list[int] = []

    def counted(named, grid):
        drawn.append(len(tuple(named)))
        return chosen(named, grid)

    monkeypatch.setattr(module, "chosen", counted)
    for frame in range(300):
        held.at(frame)
    assert sum(drawn) == 20
