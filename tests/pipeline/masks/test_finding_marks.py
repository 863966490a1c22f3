"""Lines drawn over a picture: where they belong, and nowhere else."""

import numpy as np
import pytest
from mask_answers import affected, keyframes

from void_audit.model.reasoning import CellSize, Grid
from void_audit.pipeline.masks.finding_marks import (
    OBJECT,
    ORIGINAL,
    PATH,
    WHITE,
    draw_path,
    outline_object,
    outline_original,
)
from void_audit.pipeline.masks.sheet import INK

GRID = Grid(rows=4, cols=8)


def grey() -> np.ndarray:
    return np.full((160, 320, 3), 128, np.uint8)


def has(picture: np.ndarray, color: tuple[int, int, int]) -> np.ndarray:
    return (picture == np.array(color)).all(axis=2)


def changed(picture: np.ndarray) -> np.ndarray:
    return (picture != 128).any(axis=2)


def area(*parts: tuple[slice, slice]) -> np.ndarray:
    bitmap = np.zeros((160, 320), bool)
    for part in parts:
        bitmap[part] = True
    return bitmap


def test_an_outline_runs_round_every_part_and_every_hole() -> None:
    picture, bitmap = grey(), area(np.s_[20:100, 20:100], np.s_[20:60, 200:240])
    bitmap[50:70, 50:70] = False
    outline_object(picture, bitmap)
    red = has(picture, OBJECT)
    for at in ((20, 60), (60, 20), (99, 60), (49, 60), (60, 70), (20, 220), (59, 220)):
        assert red[at[0] - 1 : at[0] + 2, at[1] - 1 : at[1] + 2].any()
    assert not changed(picture)[30:40, 30:40].any()
    assert not changed(picture)[56:64, 56:64].any()
    assert not changed(picture)[:, 110:190].any()
    assert has(picture, WHITE).any()


@pytest.mark.parametrize("draw", [outline_object, outline_original])
def test_nothing_to_outline(draw) -> None:
    picture = grey()
    draw(picture, area())
    assert not changed(picture).any()


def test_a_dashed_border_lies_inside_and_shows_on_any_ground() -> None:
    picture, bitmap = grey(), area(np.s_[20:80, 20:120])
    outline_original(picture, bitmap)
    np.testing.assert_array_equal(changed(picture), bitmap & ~area(np.s_[22:78, 22:118]))
    assert has(picture, ORIGINAL)[20].sum() > 40
    assert has(picture, INK)[20].sum() > 20
    np.testing.assert_array_equal(changed(picture), has(picture, ORIGINAL) | has(picture, INK))


def test_without_a_path_nothing_is_drawn() -> None:
    picture = grey()
    draw_path(picture, affected(size=CellSize(rows=2, cols=2)), GRID)
    assert not changed(picture).any()


def test_a_path_leads_from_middle_to_middle_and_shows_its_direction() -> None:
    picture = grey()
    draw_path(picture, affected(trajectory=keyframes({0: (1, 1), 9: (1, 6)})), GRID)
    yellow = has(picture, PATH)
    assert yellow[60, 60:260].all()
    at_start, at_end = yellow[48:73, 50:58].any(axis=1).sum(), yellow[48:73, 248:258].any(axis=1).sum()
    assert at_end > at_start
    assert has(picture, INK)[57:64, 150].any()
    for left in (40, 240):
        frame = yellow[40:80, left : left + 2].any(axis=1)
        assert frame.mean() > 0.8


def test_an_arrow_ends_the_last_step_that_moves() -> None:
    moves, rests = grey(), grey()
    draw_path(moves, affected(trajectory=keyframes({0: (1, 1), 9: (1, 6)})), GRID)
    draw_path(rests, affected(trajectory=keyframes({0: (1, 1), 9: (1, 6), 20: (1, 6)})), GRID)
    np.testing.assert_array_equal(moves, rests)


def test_rectangles_have_their_size_round_the_point_and_the_end_is_heavier() -> None:
    picture = grey()
    moving = affected(trajectory=keyframes({0: (1, 1), 9: (2, 6)}), size=CellSize(rows=2, cols=3))
    draw_path(picture, moving, GRID)
    yellow = has(picture, PATH)
    assert yellow[20, 5:115].all()
    assert yellow[100, 5:115].all()
    assert yellow[60:140, 200].mean() > 0.8
    thickness = [int(yellow[row - 4 : row + 5, column].sum()) for row, column in ((20, 70), (60, 300))]
    assert thickness[0] < thickness[1]


def test_a_path_without_end_is_cut_at_the_picture() -> None:
    picture = grey()
    endless = {frame: (frame * 7 % 4, frame * 5 % 8) for frame in range(1000)}
    draw_path(picture, affected(trajectory=keyframes(endless), size=CellSize(rows=256, cols=256)), GRID)
    assert picture.shape == (160, 320, 3)
    assert has(picture, PATH).any()
