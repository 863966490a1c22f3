"""Meetings that changed a path, and all the ways of coming close that are none. One box, one path, one object."""

import numpy as np
import pytest

from void_audit.pipeline.reason.attribution import AFFECTED, INDEPENDENT, Reach
from void_audit.pipeline.reason.deflection import Owned, deflections

REACH = Reach.for_object(30)
HEIGHT, WIDTH = 100, 200
OBJECT = np.zeros((HEIGHT, WIDTH), bool)
OBJECT[40:60, 100:120] = True
SIDE = 10


def world(path, owner=INDEPENDENT, behind=False, pan=0.0, covered=OBJECT):
    """``path``: left upper corner on each frame, in the first frame's coordinates; the camera pans right."""

    def frame(offset):
        shift = round(pan * offset)
        here = np.roll(covered, -shift, axis=1)
        labels = np.zeros((HEIGHT, WIDTH), np.uint8)
        x, y = (round(v) for v in path[offset])
        labels[y : y + SIDE, max(0, x - shift) : max(0, x - shift + SIDE)] = owner
        if behind:
            labels[here] = 0
        pose = np.array([[1, 0, shift], [0, 1, 0], [0, 0, 1]], np.float64)
        return Owned(here, labels, pose)

    return deflections(frame, len(path), REACH)


def thrown(after, before=(4, 0), contact=8, frames=16, at=(88, 45)):
    """Moves by ``before`` each frame until it is at ``at`` on frame ``contact``, then by ``after``."""
    steps = [(before if i < contact else after, i - contact) for i in range(frames)]
    return [(at[0] + step[0] * i, at[1] + step[1] * i) for step, i in steps]


@pytest.mark.parametrize("after", [(-4, 0), (0, 0), (1, 0), (0, 4), (2, -3)])
def test_thrown_back_stopped_or_turned_aside(after):
    (meeting,) = world(thrown(after))
    assert 7 <= meeting.offset <= 8
    assert meeting.region.sum() == SIDE**2
    assert meeting.region[50, 90]


@pytest.mark.parametrize("behind", [False, True])
def test_what_passes_in_front_or_behind_keeps_its_pace(behind):
    assert not world(thrown((4, 0), frames=30), behind=behind)


def test_what_is_seen_to_stop_half_behind_the_object_is_met():
    assert world(thrown((0, 0), at=(94, 45)), behind=True)


UNMET = {
    "far away": [(x, 5) for x, _ in thrown((-4, 0))],
    "resting at the object": [(88, 45)] * 16,
    "too slow to tell": thrown((0, 0), before=(1, 0)),
    "there from the start": thrown((-4, 0), contact=1),
    "too short after": thrown((-4, 0), frames=10),
    "only leaves": [(88 - 4 * i, 45) for i in range(16)],
    "nothing at all": [],
}


@pytest.mark.parametrize("name", UNMET)
def test_no_meeting(name):
    assert not world(UNMET[name])


def test_only_what_is_nobodys_can_be_met():
    assert not world(thrown((-4, 0)), owner=AFFECTED)


def test_without_an_object_nothing_is_met():
    assert not world(thrown((-4, 0)), covered=np.zeros_like(OBJECT))


def test_a_speck_is_not_a_thing():
    def frame(offset):
        x, y = thrown((-4, 0))[offset]
        labels = np.zeros((HEIGHT, WIDTH), np.uint8)
        labels[y + 2 : y + 8, x + 4 : x + SIDE] = INDEPENDENT
        return Owned(OBJECT, labels, np.eye(3))

    assert REACH.birth > 36
    assert not deflections(frame, 16, REACH)


@pytest.mark.parametrize(("after", "met"), [((4, 0), 0), ((0, 0), 1)])
def test_the_pace_is_that_of_the_world_not_of_the_picture(after, met):
    """The camera goes along: what keeps its pace rests in the picture, what stops runs backwards."""
    assert len(world(thrown(after), pan=3)) == met


def regions_of(boxes):
    """``boxes``: ``(x, y, width, height)`` of each region on each frame."""

    def frame(offset):
        labels = np.zeros((HEIGHT, WIDTH), np.uint8)
        for x, y, width, height in boxes[offset]:
            labels[y : y + height, x : x + width] = INDEPENDENT
        labels[OBJECT] = 0
        return Owned(OBJECT, labels, np.eye(3))

    return deflections(frame, len(boxes), REACH)


def test_a_change_that_only_spreads_meets_nothing():
    spreading = [[(20, 45, min(10 + 9 * i, 78), 10)] for i in range(16)]
    assert not regions_of(spreading)
    assert regions_of([[(x, y, SIDE, SIDE)] for x, y in thrown((-4, 0))])


def test_what_lies_at_the_object_from_the_start_hides_no_meeting():
    lying = (92, 36, 8, 8)
    (meeting,) = regions_of([[lying, (x - 12, y - 10, 22, 22)] for x, y in thrown((-4, 0))])
    assert 5 <= meeting.offset <= 8


def test_a_meeting_knows_how_the_thing_came():
    (meeting,) = world(thrown((-4, 0), before=(4, 1), at=(88, 45)))
    assert meeting.velocity == pytest.approx((4, 1), abs=0.3)
    assert meeting.coming.sum() == SIDE**2
    assert not (meeting.coming & OBJECT).any()


@pytest.mark.parametrize("pace", [6, 7, 8, 9, 10, 12])
def test_what_hides_before_the_object_or_comes_out_of_it_did_not_stop_where_a_remnant_of_it_is_seen(pace):
    """A thing cannot be seen in front of the object; slivers beside the object remain on every frame."""
    boxes = []
    for i in range(200 // pace - 4):
        left, right = i * pace, i * pace + 30
        seen = [(92, 35, 6, 10), (122, 35, 6, 10)]
        seen += [(left, 35, min(right, 96) - left, 30)] if left < 96 else []
        seen += [(max(left, 124), 35, right - max(left, 124), 30)] if right > 124 else []
        boxes.append(seen)
    assert not regions_of(boxes)


def test_a_screen_whose_picture_changes_is_no_thing_that_travels():
    """Its changing parts have a middle that wanders, but they are where they were."""
    grain = np.random.default_rng(2).random((80, 88))
    ramp = np.linspace(-1, 1, 88)

    def frame(offset):
        labels = np.zeros((HEIGHT, WIDTH), np.uint8)
        wanders = min(max(offset - 2, 0), 6)
        labels[10:90, 10:98][grain < 0.65 + 0.1 * (wanders - 3) * ramp] = INDEPENDENT
        at_rest = np.roll(OBJECT, max(0, 8 - offset) * 8, axis=1)
        labels[at_rest] = 0
        return Owned(at_rest, labels, np.eye(3))

    assert not deflections(frame, 24, REACH)
