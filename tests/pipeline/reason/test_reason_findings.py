"""From cells to words: what is said, of what, and what is too little to be said."""

import numpy as np
import pytest

from void_audit.model.geometry import Size
from void_audit.model.reasoning import Grid
from void_audit.pipeline.reason.findings import findings
from void_audit.pipeline.reason.observe import KINDS, Observation

FRAMES, ROWS, COLS = 20, 12, 16
MANY = 30
"""Pixels in a cell: enough to count."""


def observation(frames=FRAMES, rows=ROWS, cols=COLS, clean=1.0, travelled=True, centre=(80.0, 60.0), **where):
    """``where[kind]``: (frames, rows, columns) slices of cells that hold that kind."""
    pixels = {kind: np.zeros((frames, rows, cols), np.uint16) for kind in KINDS}
    for kind, places in where.items():
        for place in places if isinstance(places, list) else [places]:
            pixels[kind][place] = MANY
    return Observation(
        grid=Grid(rows=rows, cols=cols),
        size=Size(160, 120),
        pixels=pixels,
        centres=[centre] * frames,
        clean=np.full(frames, clean, np.float32),
        segments=[],
        travelled=travelled,
        poor_frames=0,
    )


def only(seen, name="ball"):
    (thing,) = findings(seen, name)
    return thing


def at(start=4, stop=12, top=8, left=7, high=3, wide=3):
    return np.s_[start:stop, top : top + high, left : left + wide]


def test_nothing_seen_nothing_said():
    assert findings(observation(), "ball") == []


def test_cells_and_frames_are_those_observed():
    thing = only(observation(shadow=at()))
    assert (thing.frames.start, thing.frames.stop) == (4, 12)
    (place,) = thing.localizations
    assert place.frame == 4
    assert {(c.row, c.col) for c in place.cells} == {(r, c) for r in (8, 9, 10) for c in (7, 8, 9)}


CALLED = {
    "shadow": ("shadow of the ball", "visual_artifact", False),
    "appearance": ("reflection or light of the ball", "visual_artifact", False),
    "guess": ("possible shadow of the ball", "visual_artifact", False),
    "affected": ("what the ball set off", "physical", True),
    "deflected": ("what the ball stopped or turned aside", "physical", True),
    "onward": ("where what met the ball would have gone on", "physical", True),
}


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_has_its_own_words(kind):
    thing = only(observation(**{kind: at()}))
    assert (thing.noun, thing.category, thing.will_move) == CALLED[kind]
    assert bool(thing.movement) == thing.will_move
    assert thing.why


def test_the_objects_own_artifacts_come_first():
    found = findings(
        observation(deflected=at(left=0), affected=at(top=0), shadow=at(), guess=at(left=12)), "ball"
    )
    assert [thing.noun for thing in found] == [
        CALLED[k][0] for k in ("shadow", "guess", "affected", "deflected")
    ]


@pytest.mark.parametrize(("height", "kinds"), [(1, ["shadow"]), (2, ["shadow", "appearance"])])
def test_a_little_around_much_shadow_is_its_edge_no_reflection(height, kinds):
    found = findings(observation(shadow=at(), appearance=at(top=4, high=height)), "ball")
    assert [thing.noun for thing in found] == [CALLED[kind][0] for kind in kinds]
    if height == 1:
        assert {cell.row for cell in found[0].localizations[0].cells} == {4, 8, 9, 10}


@pytest.mark.parametrize("place", [at(stop=8), at(high=2, wide=2)], ids=["too short", "too small"])
@pytest.mark.parametrize("kind", ["affected", "deflected"])
def test_a_thing_must_be_large_and_last(kind, place):
    assert findings(observation(**{kind: place}), "ball") == []
    assert only(observation(**{kind: at(stop=9, high=1, wide=5)})).frames.stop == 9


def test_many_specks_do_not_make_a_thing():
    """Ten faults of the comparison, each too small to matter: together they are still faults."""
    specks = [at(top=2 * (i // 5), left=3 * (i % 5), high=1, wide=1) for i in range(20)]
    assert findings(observation(affected=specks), "ball") == []


def test_separate_things_are_told_apart_and_bounded_in_number():
    places = [at(top=6 * (i % 2), left=4 * (i // 2), high=2 + (i < 2), wide=3) for i in range(7)]
    found = findings(observation(affected=places), "ball")
    assert len(found) == 4
    cells = [{(c.row, c.col) for c in thing.localizations[0].cells} for thing in found]
    assert sum(map(len, cells)) == len(set.union(*cells)) == 2 * 9 + 5 * 6
    assert [len(c) for c in cells] == [9, 9, 6, 24]


@pytest.mark.parametrize(("clean", "travelled"), [(0.0, False), (1.0, False), (1.0, True)])
def test_trust_follows_the_evidence(clean, travelled):
    thing = only(observation(shadow=at(), clean=clean, travelled=travelled))
    assert thing.confidence == pytest.approx(0.35 + 0.25 * clean + 0.2 * travelled)
    assert ("moves with the object" in thing.why) == travelled


def test_a_guess_says_so():
    thing = only(observation(guess=at()))
    assert "guess" in thing.why
    assert thing.confidence == 0.2


@pytest.mark.parametrize(
    ("centre", "words"),
    [
        ((20.0, 95.0), "to its right"),
        ((140.0, 95.0), "to its left"),
        ((85.0, 20.0), "below it"),
        ((85.0, 118.0), "above it"),
        ((85.0, 95.0), "around it"),
        (None, "before the object itself is seen"),
    ],
)
def test_where_it_lies_is_seen_from_the_object(centre, words):
    assert words in only(observation(shadow=at(), centre=centre)).why


def test_movement_names_direction_and_rest():
    sliding = [np.s_[i : i + 1, 5:8, 2 + i : 5 + i] for i in range(4, 10)]
    rest = np.s_[10:FRAMES, 5:8, 11:14]
    thing = only(observation(affected=[*sliding, rest]))
    assert "frame 4, towards the right; changes until frame 9" in thing.movement
    assert "in place; changes until frame 4" in only(observation(affected=at())).movement


def test_long_clips_are_held_in_few_places_that_miss_nothing():
    frames = 1300
    seen = observation(frames, shadow=[np.s_[i : i + 2, i % 9 : i % 9 + 2, :3] for i in range(0, frames, 2)])
    thing = only(seen)
    assert len(thing.localizations) <= 400
    starts = [place.frame for place in thing.localizations] + [frames]
    for place, stop in zip(thing.localizations, starts[1:], strict=True):
        held = np.zeros((ROWS, COLS), bool)
        for cell in place.cells:
            held[cell.row, cell.col] = True
        assert not (seen.pixels["shadow"][place.frame : stop].any(axis=0) & ~held).any()


def test_the_finest_grid_wholly_affected_can_be_said():
    seen = observation(2, 80, 80, shadow=np.s_[:, :, :])
    assert len(only(seen).localizations[0].cells) == 6400


def test_a_name_as_long_as_names_may_be_still_fits():
    assert only(observation(shadow=at()), "x" * 200).noun.startswith("shadow of the xxx")


def guessed(*places, centre=(80.0, 60.0)):
    return only(observation(guess=list(places), clean=0.1, travelled=False, centre=centre))


def named(thing, frame):
    place = [place for place in thing.localizations if place.frame <= frame][-1]
    return {(cell.row, cell.col) for cell in place.cells}


def test_a_resting_objects_shadow_rests_too():
    stays, passes = at(start=0, stop=20), at(start=5, stop=9, left=12)
    flickers = at(start=0, stop=13, top=2)
    thing = guessed(stays, passes, flickers)
    assert len(thing.localizations) == 1
    assert named(thing, 3) == {(r, c) for r in (2, 3, 4, 8, 9, 10) for c in (7, 8, 9)}


def test_a_guess_follows_an_object_that_goes_on():
    moving = observation(
        guess=[at(start=0, stop=6), at(start=6, stop=20, left=12)], clean=0.1, travelled=False
    )
    moving.centres[:] = [(20.0 + 5 * i, 60.0) for i in range(FRAMES)]
    thing = only(moving)
    assert named(thing, 2) == {(r, c) for r in (8, 9, 10) for c in (7, 8, 9)}
    assert named(thing, 12) == {(r, c) for r in (8, 9, 10) for c in (12, 13, 14)}


def test_the_way_on_is_said_to_be_assumed():
    places = [np.s_[frame : frame + 1, 5:8, frame - 2 : frame + 1] for frame in range(4, 12)]
    thing = only(observation(onward=places))
    assert (thing.frames.start, thing.frames.stop) == (4, 12)
    assert thing.confidence <= 0.2
    assert "assumed" in thing.why
    assert "frame 4" in thing.why
    assert thing.movement == "Towards the right until frame 11."
