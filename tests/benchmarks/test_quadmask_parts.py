"""What a difference between two masks is said to be made of, on pictures where every pixel's part is known."""

import numpy as np
import pytest

from benchmarks.quadmask_parts import HEAD, Frame, ceiling, parts_of
from void_audit.model.geometry import Size
from void_audit.model.grid import grid_for

SIZE = Size(128, 64)
"""The published grid has cells of 8 pixels, ours of 4."""
OURS = grid_for(SIZE, 16)
OBJECT = np.s_[0:16, 0:16]


def area(*places):
    bitmap = np.zeros((SIZE.height, SIZE.width), bool)
    for place in places:
        bitmap[place] = True
    return bitmap


def clip(theirs, ours, changed=(), frames=10, start=6):
    """``changed`` places turn white from frame ``start`` on; masks hold on every frame."""
    grey = np.full((SIZE.height, SIZE.width, 3), 90, np.uint8)
    white = grey.copy()
    white[area(*changed)] = 255
    return [Frame(white if index >= start else grey, area(OBJECT), theirs, ours) for index in range(frames)]


def test_nothing_affected_has_no_parts():
    parts = parts_of(clip(area(), area()), OURS)
    assert (parts.affected, parts.found, parts.unseen, parts.beyond, parts.ceiling) == (0, 0, 0, 0, 1)


def test_the_five_parts_are_all_there_is_and_each_is_its_own():
    found, behind = np.s_[32:40, 32:40], np.s_[0:8, 0:8]
    rim, nowhere = np.s_[16:24, 8:16], np.s_[48:56, 104:112]
    parts = parts_of(clip(area(found, behind, rim, nowhere), area(found)), OURS)
    assert parts.affected == pytest.approx(4 * 64 / (128 * 64))
    assert (parts.found, parts.behind, parts.changes) == (0.25, 0.25, 0)
    assert (parts.cell, parts.unseen) == (0, 0.5)
    parts = parts_of(clip(area(np.s_[12:24, 16:24]), area(), changed=[np.s_[18:22, 18:22]]), OURS)
    assert parts.changes + parts.cell + parts.unseen == pytest.approx(1)
    assert parts.unseen > 0.3


def test_what_changes_is_told_from_its_cells_rim():
    place = np.s_[32:40, 64:72]
    parts = parts_of(clip(area(place), area(), changed=[np.s_[33:39, 64:68]], start=1, frames=10), OURS)
    assert parts.changes == 0  # all of the first look is white already
    parts = parts_of(clip(area(place), area(), changed=[np.s_[33:39, 64:68]], frames=11), OURS)
    assert parts.changes == pytest.approx(0.5 * 5 / 10, abs=0.15)
    assert parts.cell == pytest.approx(0.5 * 5 / 10, abs=0.15)
    assert parts.unseen == pytest.approx(0.5)


def test_ours_beyond_theirs_is_near_or_far():
    theirs, near, far = np.s_[32:40, 64:72], np.s_[32:40, 72:80], np.s_[32:40, 104:112]
    parts = parts_of(clip(area(theirs), area(theirs, near, far)), OURS)
    assert parts.beyond == pytest.approx(2 / 3)
    assert parts.near == pytest.approx(1 / 2)
    assert parts.beyond_changes == 0


def test_the_ceiling_is_what_cells_can_reach():
    assert ceiling(area(np.s_[32:40, 64:72]), OURS) == 1
    assert ceiling(area(np.s_[32:40, 66:74]), OURS) == pytest.approx(2 / 3)
    assert ceiling(area(np.s_[33:34, 65:66]), OURS) == pytest.approx(1 / 16)


def test_a_row_has_as_many_cells_as_the_head():
    parts = parts_of(clip(area(), area()), OURS)
    assert len(list(parts.cells())) == HEAD.count("|") - 3
