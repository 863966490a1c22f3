"""A reasoner's answer is hostile until it has been checked."""

import numpy as np
import pytest

from void_audit.errors import ReasoningError
from void_audit.media.memory import ArrayClip
from void_audit.model.geometry import FrameRange
from void_audit.model.reasoning import AffectedObject, Cell, Consequences, Grid, GridLocalization
from void_audit.pipeline.reason import check
from void_audit.pipeline.reason.check import check_consequences

INFO = ArrayClip([np.zeros((60, 80, 3), np.uint8)] * 10).info


def thing(frames=(2, 8), places=((2, ((1, 1),)),), **more):
    return AffectedObject(
        noun=more.pop("noun", "shadow"),
        category="visual_artifact",
        why=more.pop("why", "because"),
        will_move=False,
        frames=FrameRange(start=frames[0], stop=frames[1]),
        localizations=tuple(
            GridLocalization(frame=frame, cells=tuple(Cell(row=r, col=c) for r, c in cells))
            for frame, cells in places
        ),
        **more,
    )


GRID = Grid(rows=6, cols=8)


def answer(*things, grid=GRID, **more):
    return Consequences(
        grid=grid,
        instruction="remove it",
        affected=things,
        summary=more.pop("summary", "s"),
        confidence=0.5,
        **more,
    )


def test_a_good_answer_passes_unchanged():
    good = answer(thing(places=((2, ((0, 0), (5, 7))), (3, ()), (7, ((5, 7),)))))
    assert check_consequences(good, INFO) == good


ATTACKS = {
    "row outside the grid": thing(places=((2, ((6, 0),)),)),
    "column outside the grid": thing(places=((2, ((0, 8),)),)),
    "range after the end": thing(frames=(2, 11)),
    "range far after the end": thing(frames=(10**9, 10**9 + 1), places=()),
    "empty range": thing(frames=(3, 3), places=()),
    "reversed range": thing(frames=(8, 2), places=()),
    "frame before its range": thing(places=((1, ((0, 0),)),)),
    "frame after its range": thing(places=((8, ((0, 0),)),)),
    "frames not rising": thing(places=((4, ((0, 0),)), (3, ((0, 0),)))),
    "a frame twice": thing(places=((4, ((0, 0),)), (4, ((0, 1),)))),
    "a cell twice": thing(places=((4, ((0, 0), (0, 0))),)),
}


@pytest.mark.parametrize("name", ATTACKS)
def test_out_of_bounds(name):
    with pytest.raises(ReasoningError) as error:
        check_consequences(answer(thing(), ATTACKS[name]), INFO)
    assert error.value.code == "reply-out-of-bounds"
    assert error.value.hint


@pytest.mark.parametrize("grid", [Grid(rows=61, cols=8), Grid(rows=6, cols=81)])
def test_a_grid_finer_than_the_picture(grid):
    with pytest.raises(ReasoningError) as error:
        check_consequences(answer(grid=grid), INFO)
    assert error.value.code == "reply-out-of-bounds"


def test_too_many_cells_in_all(monkeypatch):
    monkeypatch.setattr(check, "MOST_CELLS", 3)
    check_consequences(answer(thing(places=((2, ((0, 0), (0, 1), (0, 2))),))), INFO)
    with pytest.raises(ReasoningError) as error:
        check_consequences(answer(thing(places=((2, ((0, 0), (0, 1))), (3, ((0, 0), (0, 1)))))), INFO)
    assert error.value.code == "reply-out-of-bounds"


UNVALIDATED = {
    "negative row": {"affected": (thing().model_copy(update={"localizations": (GridLocalization.model_construct(
        frame=2, cells=(Cell.model_construct(row=-1, col=0),)),)}),)},
    "confidence": {"confidence": float("nan")},
    "endless summary": {"summary": "x" * 100_000},
    "wrong type": {"affected": "everything"},
    "no grid": {"grid": None},
}  # fmt: skip


@pytest.mark.parametrize("name", UNVALIDATED)
def test_a_value_that_skipped_validation_is_validated(name):
    hostile = answer().model_copy(update=UNVALIDATED[name])
    with pytest.raises(ReasoningError) as error:
        check_consequences(hostile, INFO)
    assert error.value.code == "reply-malformed"


def test_texts_are_made_printable():
    hostile = answer(
        thing(noun="sha\x1b[31mdow", why="left\u202eright"),
        summary="one\r\ntwo\x00\ttab",
        scene_description="\u2066x",
    )
    clean = check_consequences(hostile, INFO)
    assert clean.affected[0].noun == "sha [31mdow"
    assert clean.affected[0].why == "left right"
    assert clean.summary == "one \ntwo \ttab"
    assert clean.scene_description == " x"
    assert check_consequences(hostile.model_copy(update={"summary": "\ud800"}), INFO).summary == " "
