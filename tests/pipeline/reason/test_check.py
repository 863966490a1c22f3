"""A reasoner's answer is hostile until it has been checked."""

import numpy as np
import pytest

from void_audit.errors import ReasoningError
from void_audit.media.memory import ArrayClip
from void_audit.model.geometry import FrameRange
from void_audit.model.reasoning import (
    AffectedObject,
    Belonging,
    Cell,
    CellSize,
    Consequences,
    Grid,
    GridLocalization,
    TrajectoryPoint,
)
from void_audit.pipeline.reason import check
from void_audit.pipeline.reason.check import check_consequences

INFO = ArrayClip([np.zeros((60, 80, 3), np.uint8)] * 10).info


def cells_at(*cells):
    return tuple(Cell(row=row, col=col) for row, col in cells)


def placed(places):
    return tuple(GridLocalization(frame=frame, cells=cells_at(*cells)) for frame, cells in places)


def thing(frames=(2, 8), places=((2, ((1, 1),)),), **more):
    return AffectedObject(
        noun=more.pop("noun", "shadow"),
        category="visual_artifact",
        why=more.pop("why", "because"),
        will_move=more.pop("will_move", False),
        frames=FrameRange(start=frames[0], stop=frames[1]),
        localizations=placed(places),
        **more,
    )


def mover(*keyframes, will_move=True, **more):
    points = tuple(TrajectoryPoint(frame=f, row=r, col=c) for f, r, c in keyframes)
    return thing(places=(), will_move=will_move, trajectory=points, **more)


def belonging(*places, **more):
    return Belonging(noun=more.pop("noun", "hat"), localizations=placed(places), **more)


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


def test_everything_at_its_bound_passes_unchanged():
    good = answer(
        mover((0, 0, 0), (9, 5, 7), size=CellSize(rows=6, cols=8), between="linear"),
        thing(should_have_stayed=True, original_position=cells_at((5, 7), (0, 0))),
        thing(places=(), frames=(0, 10), size=CellSize(rows=1, cols=1)),
        belongings=(belonging((0, ((5, 7),)), (9, ((0, 0), (5, 7)))), belonging()),
    )
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
    "original row outside the grid": thing(original_position=cells_at((6, 0))),
    "original column outside the grid": thing(original_position=cells_at((0, 0), (0, 8))),
    "original cell twice": thing(original_position=cells_at((1, 1), (2, 2), (1, 1))),
    "path of what does not move": mover((2, 0, 0), will_move=False),
    "path after the end": mover((2, 0, 0), (10, 0, 0)),
    "path not rising": mover((3, 0, 0), (2, 0, 0)),
    "keyframe twice": mover((3, 0, 0), (3, 0, 1)),
    "path leaves at the bottom": mover((2, 0, 0), (3, 6, 0)),
    "path leaves to the right": mover((2, 0, 0), (3, 0, 8)),
    "higher than the grid": mover((2, 0, 0), size=CellSize(rows=7, cols=1)),
    "wider than the grid": mover((2, 0, 0), size=CellSize(rows=1, cols=9)),
    "size without a path": thing(size=CellSize(rows=7, cols=1)),
    "belonging outside the grid": belonging((0, ((6, 0),))),
    "belonging after the end": belonging((10, ())),
    "belonging not rising": belonging((4, ()), (4, ())),
    "belonging's cell twice": belonging((4, ((1, 1), (1, 1)))),
}


@pytest.mark.parametrize("name", ATTACKS)
def test_out_of_bounds(name):
    hostile = ATTACKS[name]
    good = answer(thing(), belongings=(belonging((0, ((0, 0),))),))
    kind = "belongings" if isinstance(hostile, Belonging) else "affected"
    both = good.model_copy(update={kind: (*getattr(good, kind), hostile)})
    with pytest.raises(ReasoningError, match=hostile.noun) as error:
        check_consequences(both, INFO)
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


def test_everything_that_is_named_counts(monkeypatch):
    full = answer(
        thing(original_position=cells_at((0, 0), (1, 1))),
        mover((2, 0, 0), (3, 1, 1)),
        belongings=(belonging((0, ((0, 0), (1, 0)))),),
    )
    monkeypatch.setattr(check, "MOST_CELLS", 7)
    assert check_consequences(full, INFO) == full
    monkeypatch.setattr(check, "MOST_CELLS", 6)
    with pytest.raises(ReasoningError, match="more than 6 cells"):
        check_consequences(full, INFO)


UNVALIDATED = {
    "negative row": {"affected": (thing().model_copy(update={"localizations": (GridLocalization.model_construct(
        frame=2, cells=(Cell.model_construct(row=-1, col=0),)),)}),)},
    "confidence": {"confidence": float("nan")},
    "endless summary": {"summary": "x" * 100_000},
    "wrong type": {"affected": "everything"},
    "no grid": {"grid": None},
    "negative keyframe": {"affected": (thing().model_copy(update={"trajectory": (TrajectoryPoint.model_construct(
        frame=-1, row=0, col=0),)}),)},
    "no size at all": {"affected": (thing().model_copy(update={"size": CellSize.model_construct(rows=0, cols=1)}),)},
    "unknown way between": {"affected": (thing().model_copy(update={"between": "anything"}),)},
    "too many belongings": {"belongings": (belonging(),) * 11},
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
    hostile = hostile.model_copy(update={"belongings": (belonging(noun="h\x1bat", why="its\x07own"),)})
    clean = check_consequences(hostile, INFO)
    assert (clean.belongings[0].noun, clean.belongings[0].why) == ("h at", "its own")
    assert clean.affected[0].noun == "sha [31mdow"
    assert clean.affected[0].why == "left right"
    assert clean.summary == "one \ntwo \ttab"
    assert clean.scene_description == " x"
    assert check_consequences(hostile.model_copy(update={"summary": "\ud800"}), INFO).summary == " "
