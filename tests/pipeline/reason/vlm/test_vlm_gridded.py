"""The grid lies where the cells are, and each row and column carries its number."""

import cv2
import numpy as np
import pytest

from void_audit.model.geometry import Size
from void_audit.model.grid import edges, grid_for
from void_audit.model.reasoning import Grid
from void_audit.pipeline.reason.vlm.gridded import MARGIN, TITLE, gridded, shown_size, tinted

TOP = TITLE + MARGIN
GRAY = np.full((384, 672, 3), 120, np.uint8)
GRID = Grid(rows=8, cols=14)


def inner(drawn, picture=GRAY):
    height, width = picture.shape[:2]
    return drawn[TOP : TOP + height, MARGIN : MARGIN + width]


def test_lines_lie_on_the_borders_of_cells_and_nowhere_else():
    drawn = inner(gridded(GRAY, GRID, "frame 0")).astype(int)
    yellow = (drawn[..., 0] > 200) & (drawn[..., 2] < 60)
    assert np.flatnonzero(yellow.all(axis=0)).tolist() == edges(672, 14)[1:-1].tolist()
    assert np.flatnonzero(yellow.all(axis=1)).tolist() == edges(384, 8)[1:-1].tolist()
    changed = (drawn != 120).any(axis=2)
    assert changed.mean() < 0.1
    assert not changed[2:46, 2:46].any()


def test_lines_show_on_white_and_on_yellow():
    for color in ((255, 255, 255), (255, 255, 0)):
        picture = np.full_like(GRAY, color)
        drawn = inner(gridded(picture, GRID, "")).astype(int)
        assert np.abs(drawn - picture).max(axis=2)[20, edges(672, 14)[3] - 1] > 100


def test_every_row_and_column_has_its_number_on_both_sides():
    drawn = gridded(GRAY, GRID, "")
    rows, cols = edges(384, 8), edges(672, 14)
    labels = []
    for row in range(8):
        sides = [drawn[TOP + rows[row] : TOP + rows[row + 1], x : x + MARGIN] for x in (0, MARGIN + 672)]
        assert np.array_equal(*sides)
        labels.append(sides[0])
    for col in range(14):
        sides = [
            drawn[y : y + MARGIN, MARGIN + cols[col] : MARGIN + cols[col + 1]] for y in (TITLE, TOP + 384)
        ]
        assert np.array_equal(*sides)
        labels.append(np.swapaxes(sides[0], 0, 1))
    inked = [label[(label < 100).all(axis=2)].size for label in labels]
    assert all(inked)
    assert len({label[..., 0].tobytes() for label in labels[:8]}) == 8
    assert len({label[..., 0].tobytes() for label in labels[8:]}) == 14


def test_the_numbers_are_the_right_ones():
    """Row 3 reads like a 3 drawn alone, and row 0 is at the top."""
    drawn, alone = gridded(GRAY, GRID, ""), np.full((MARGIN, MARGIN), 245, np.uint8)
    (width, height), _ = cv2.getTextSize("3", cv2.FONT_HERSHEY_SIMPLEX, 0.45, 1)
    at = (MARGIN // 2 - width // 2, MARGIN // 2 + height // 2)
    cv2.putText(alone, "3", at, cv2.FONT_HERSHEY_SIMPLEX, 0.45, 20, 1, cv2.LINE_AA)
    middle = TOP + 48 * 3 + 24
    assert np.array_equal(drawn[middle - 12 : middle + 12, :MARGIN, 0], alone)


def ink(area):
    return int((245 - area[..., 0].astype(int)).sum())


def ink_alone(number):
    area = np.full((40, 60, 3), 245, np.uint8)
    cv2.putText(area, str(number), (9, 30), cv2.FONT_HERSHEY_SIMPLEX, 0.45, (20, 20, 20), 1, cv2.LINE_AA)
    return ink(area)


@pytest.mark.parametrize(("cols", "step"), [(14, 1), (30, 1), (31, 2), (56, 2), (100, 5), (256, 10)])
def test_narrow_cells_are_numbered_by_steps(cols, step):
    drawn = gridded(GRAY, Grid(rows=8, cols=cols), "")
    assert ink(drawn[TITLE:TOP]) == sum(ink_alone(col) for col in range(0, cols, step))


def test_the_title_stands_above():
    with_, without = gridded(GRAY, GRID, "frame 12"), gridded(GRAY, GRID, "")
    changed = np.argwhere((with_ != without).any(axis=2))
    assert len(changed) > 0
    assert changed[:, 0].max() < TITLE


def test_tinted_where_the_mask_is():
    mask = np.zeros((192, 336), bool)
    mask[50:100, 60:120] = True
    out = tinted(GRAY, mask).astype(int)
    assert (out[110:190, 130:230, 0] - out[110:190, 130:230, 1] > 50).all()
    outside = np.ones((384, 672), bool)
    outside[97:203, 117:243] = False
    assert (out[outside] == 120).all()
    assert (GRAY == 120).all()
    assert np.array_equal(tinted(GRAY, np.zeros((192, 336), bool)), GRAY)


@pytest.mark.parametrize(
    "size", [Size(672, 384), Size(80, 60), Size(4096, 2160), Size(384, 672), Size(2000, 20), Size(9, 9)]
)
@pytest.mark.parametrize("cells", [4, 8, 32])
def test_pictures_are_large_enough_for_the_grid_and_not_larger(size, cells):
    grid = grid_for(size, cells)
    shown = shown_size(size, grid)
    assert max(shown) <= 1280
    assert shown.width >= grid.cols
    assert shown.height >= grid.rows
    if max(size) < 3 * min(size):
        assert 384 <= min(shown) <= 640
        assert min(shown) >= 20 * min(grid.rows, grid.cols)
        assert max(shown) / min(shown) == pytest.approx(max(size) / min(size), rel=0.02)
    gridded(np.zeros((shown.height, shown.width, 3), np.uint8), grid, "frame 0")
