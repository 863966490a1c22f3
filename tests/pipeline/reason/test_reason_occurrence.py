"""What keeps its place beside a moving object, and all that must not be taken for it."""

import numpy as np
import pytest

from void_audit.pipeline.reason.occurrence import Occurrence

SHAPE = (40, 80)
NOTHING, EVERYWHERE = np.zeros(SHAPE, bool), np.ones(SHAPE, bool)


def box(x, y, size=7):
    bitmap = NOTHING.copy()
    bitmap[y : y + size, x : x + size] = True
    return bitmap


def watched(xs, change, far=lambda x: EVERYWHERE, y=15):
    seen = Occurrence(*SHAPE)
    for x in xs:
        seen.add(box(x, y), change(x), far(x))
    return seen


WALK = range(10, 50, 4)


def companion(x):
    return box(x + 8, 20)


def test_a_change_that_moves_along_is_beside_the_object_wherever_it_is():
    seen = watched(WALK, companion)
    assert seen.travelled
    for x in (10, 33, 46):
        assert (seen.around(box(x, 15)) == companion(x)).all()


def test_a_change_that_stays_in_its_place_is_not():
    seen = watched(WALK, lambda x: box(30, 28))
    assert seen.around(box(30, 15)).max() <= 0.3


def test_the_share_is_that_of_the_frames():
    seen = watched(WALK, lambda x: companion(x) if x % 8 == 2 else NOTHING)
    share = seen.around(box(30, 15))
    assert share[companion(30)] == pytest.approx(0.5)
    assert not share[~companion(30)].any()


def test_an_object_that_stays_put_tells_nothing():
    seen = watched([30] * 20, companion)
    assert not seen.travelled
    assert not seen.around(box(30, 15)).any()


@pytest.mark.parametrize(("xs", "enough"), [((10, 20, 30, 40), False), ((10, 15, 20, 25, 30), True)])
def test_five_frames_are_needed(xs, enough):
    assert watched(xs, companion).travelled is enough


@pytest.mark.parametrize(("step", "enough"), [(2, True), (1, False)])
def test_it_must_go_as_far_as_three_quarters_of_itself(step, enough):
    """Steps below two pixels are rest: five of one pixel hold only three places."""
    assert watched(range(10, 10 + 5 * step, step), companion).travelled is enough


def test_a_rest_on_the_way_does_not_weigh():
    """Beside a resting object even a stain changes nothing: its frames would outvote the journey."""
    seen = watched([*WALK, *[46] * 100], lambda x: companion(x) if x != 46 else companion(x) | box(60, 5))
    assert seen.around(box(30, 15))[companion(30)] == pytest.approx(1)
    assert seen.around(box(30, 15)).sum() <= 49 * 1.2


def test_an_object_cut_by_the_edge_is_skipped():
    """Its middle is not where the middle of the whole object is."""
    seen = watched(WALK, companion, y=34)
    assert not seen.travelled
    assert not seen.around(box(30, 15)).any()


def test_without_a_clean_background_nothing_is_known():
    seen = watched(WALK, companion, far=lambda x: NOTHING)
    assert not seen.around(box(30, 15)).any()


def test_a_place_seen_too_seldom_is_unknown():
    seen = watched(WALK, companion, far=lambda x: EVERYWHERE if x < 18 else ~companion(x))
    assert not seen.around(box(30, 15)).any()


def test_a_frame_without_the_object_has_nothing_beside_it():
    seen = watched(WALK, companion)
    seen.add(NOTHING, EVERYWHERE, EVERYWHERE)
    assert not seen.around(NOTHING).any()
    assert (seen.around(box(30, 15)) == companion(30)).all()
