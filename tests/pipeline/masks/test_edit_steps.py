"""Operations made ready: their cost is known beforehand, and strokes are drawn once as long as there is room."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from held_mask import AFFECTED, KEEP, REMOVE, even
from mask_edits_of import batch, cells, copy, stroke

from void_audit.model.geometry import Size
from void_audit.pipeline.masks import edit_steps
from void_audit.pipeline.masks.edit import edited
from void_audit.pipeline.masks.edit_steps import CopyStep, Room, ready
from void_audit.pipeline.masks.schema import builtin

QUADMASK = builtin("quadmask")


def test_the_cost_is_the_part_that_is_looked_at() -> None:
    operations = batch(
        cells(0, [(1, 1)], "remove", "set", (4, 4)),
        cells(0, [(0, 0), (3, 3)], "remove", "set", (4, 4)),
        cells(0, [(1, 1)], "remove", "toggle", (4, 4)),
        stroke(0, [(20, 20)], "remove", radius=2),
        stroke(0, [(-20, 20)], "remove", radius=2),
        copy(0, 0, "remove"),
    )
    costs = [step.pixels for step in ready(operations, Size(80, 40), 1, QUADMASK)]
    assert costs == [200, 3200, 600, 30, 0, 3200]


def test_only_a_copy_of_everything_replaces_the_picture() -> None:
    some, everything = ready(batch(copy(0, 0, "remove"), copy(0, 0)), Size(8, 8), 1, QUADMASK)
    assert isinstance(some, CopyStep)
    assert isinstance(everything, CopyStep)
    assert (some.whole, everything.whole) == (False, True)


def test_room_is_taken_until_it_is_full() -> None:
    room = Room(10)
    assert [room.take(n) for n in (6, 5, 4, 1, 0)] == [True, False, True, False, True]


@pytest.mark.parametrize(("room", "drawings"), [(1 << 20, 2), (0, 10)])
def test_strokes_are_drawn_once_if_there_is_room(
    monkeypatch: pytest.MonkeyPatch, room: int, drawings: int
) -> None:
    calls = []
    draw = edit_steps.brush

    def counted(*args: Any) -> np.ndarray:
        calls.append(args)
        return draw(*args)

    monkeypatch.setattr(edit_steps, "brush", counted)
    monkeypatch.setattr(edit_steps, "DRAWN_BYTES", room)
    both = batch(
        stroke((0, 5), [(3, 3), (30, 11)], "remove"), stroke((0, 5), [(20, 2)], "affected", "add", 5)
    )
    frames = list(edited(even(5, 37, 21), both, QUADMASK).classes())
    assert len(calls) == drawings
    assert all((frame == frames[0]).all() for frame in frames)
    assert set(np.unique(frames[0])) == {REMOVE, 1, AFFECTED, KEEP}


def test_cells_of_any_shape_on_a_size_they_do_not_divide() -> None:
    """Toggle looks at every chosen cell, and only at those."""
    mask = even(1, 23, 17)
    spots = batch(
        stroke(0, [(2, 2)], "affected", radius=0.5),
        stroke(0, [(22, 16)], "affected", radius=0.5),
        stroke(0, [(12, 2)], "remove", radius=0.5),
        cells(0, [(0, 0), (4, 6), (0, 3), (2, 3)], "affected", "toggle", (5, 7)),
    )
    (picture,) = edited(mask, spots, QUADMASK).classes()
    expected = np.full((17, 23), KEEP)
    expected[0:3, 9:13] = AFFECTED
    expected[2, 12] = 1
    expected[6:10, 9:13] = AFFECTED
    np.testing.assert_array_equal(picture, expected)
