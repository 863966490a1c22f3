"""Who owns a change: one frame after the other, on small drawn labels."""

import numpy as np
import pytest

from void_audit.pipeline.reason.attribution import (
    AFFECTED,
    ARTIFACT,
    DEFLECTED,
    INDEPENDENT,
    NONE,
    Reach,
    Scene,
    own,
    own_backwards,
)
from void_audit.pipeline.reason.change import Change

SHAPE = (100, 160)
REACH = Reach.for_object(28)
"""near 21, cast 42"""
NOWHERE = np.zeros(SHAPE, bool)


def box(x, y, width=10, height=10):
    bitmap = NOWHERE.copy()
    bitmap[y : y + height, x : x + width] = True
    return bitmap


OBJECT = box(60, 40, 20, 20)
TOUCHING = box(83, 45)
NEAR = box(95, 45)
AWAY = box(130, 45)


def scene(changed, dark=NOWHERE, covered=OBJECT, beside=NOWHERE, transient=None, edged=None, **more):
    edged = changed if edged is None else edged
    change = Change(changed, changed if transient is None else transient, dark, edged)
    given = {"first": False, "moves": True, "hides": False, **more}
    return Scene(covered, change, beside, **given)


def labelled(**places):
    names = {"affected": AFFECTED, "artifact": ARTIFACT, "independent": INDEPENDENT, "deflected": DEFLECTED}
    labels = np.zeros(SHAPE, np.uint8)
    for name, place in places.items():
        labels[place] = names[name]
    return labels


def owner(region, before=None, visible=None, **more):
    """The one owner of a region that alone changed."""
    labels = own(scene(region, **more), labelled() if before is None else before, REACH)
    assert not labels[~region].any()
    (found,) = set(np.unique(labels[region & (visible if visible is not None else region)]).tolist())
    return found


def test_nothing_changed_nothing_owned():
    assert not own(scene(NOWHERE), labelled(affected=AWAY), REACH).any()


def test_what_begins_to_change_where_the_object_touches_or_nearly_is_affected():
    assert owner(TOUCHING) == AFFECTED
    assert owner(NEAR) == AFFECTED


def test_what_begins_elsewhere_is_independent():
    assert owner(AWAY) == INDEPENDENT


def test_what_begins_near_something_affected_is_affected_too():
    """Dominoes: the second is out of the object's own reach."""
    first, second = box(104, 45, 12), box(130, 45)
    labels = own(scene(first | second), labelled(affected=first), REACH)
    assert (labels[second] == AFFECTED).all()
    assert owner(second, labelled(independent=box(104, 45, 12))) == INDEPENDENT


@pytest.mark.parametrize("place", [TOUCHING, NEAR, AWAY])
def test_nothing_begins_on_a_first_frame(place):
    found = owner(place, first=True)
    assert found == INDEPENDENT


def test_what_comes_in_over_the_edge_is_independent_however_near():
    covered = box(60, 75, 20, 20)
    assert owner(box(95, 90), covered=covered) == INDEPENDENT
    assert owner(box(95, 85), covered=covered) == AFFECTED


def test_independent_remains_independent_when_it_meets_the_object():
    assert owner(TOUCHING, labelled(independent=box(86, 45))) == INDEPENDENT


def test_independent_is_lost_when_it_jumps_further_than_a_border_can():
    assert owner(TOUCHING, labelled(independent=box(100, 45))) == AFFECTED


def test_dark_and_touching_is_the_objects_shadow():
    assert owner(TOUCHING, dark=TOUCHING) == ARTIFACT


def test_dark_that_stays_for_ever_is_no_shadow():
    assert owner(TOUCHING, dark=TOUCHING, transient=NOWHERE, moves=False) == AFFECTED


def test_a_shadow_may_lie_off_the_object_that_moves_and_only_within_its_cast():
    off, beyond = box(106, 45), box(140, 45)
    assert owner(off, dark=off) == ARTIFACT
    assert owner(off, dark=off, moves=False) == INDEPENDENT
    assert owner(beyond, dark=beyond) == INDEPENDENT


def test_what_keeps_its_place_beside_the_object_is_its_artifact_even_if_bright():
    assert owner(AWAY, beside=AWAY) == ARTIFACT
    assert owner(AWAY, labelled(independent=AWAY), beside=AWAY) == ARTIFACT


def test_what_hung_on_the_object_and_stays_behind_is_affected():
    """A mark: no longer dark, the object has gone on."""
    mark = box(88, 45)
    assert owner(mark, labelled(artifact=mark)) == AFFECTED
    assert owner(mark, labelled(artifact=mark), dark=mark) == ARTIFACT


def test_what_was_hidden_may_come_out_again():
    assert owner(NEAR, hides=True) == INDEPENDENT
    assert owner(TOUCHING, hides=True) == INDEPENDENT


def test_deflected_remains_so():
    assert owner(TOUCHING, labelled(deflected=TOUCHING)) == DEFLECTED
    assert owner(AWAY, labelled(deflected=AWAY)) == DEFLECTED


def test_the_objects_soft_edge_is_nobodys():
    rim = box(58, 38, 24, 24) & ~OBJECT
    assert not own(scene(rim), labelled(), REACH).any()


@pytest.mark.parametrize(("side", "found"), [(3, NONE), (6, NONE), (7, AFFECTED)])
def test_specks_are_nobodys(side, found):
    assert owner(box(95, 45, side, side)) == found


def test_a_small_rest_of_something_owned_is_kept():
    assert owner(box(95, 45, 5, 5), labelled(affected=NEAR)) == AFFECTED
    assert owner(box(95, 45, 3, 3), labelled(affected=NEAR)) == NONE


def test_a_region_with_two_owners_is_divided_between_them():
    whole = box(100, 40, 40, 10)
    labels = own(scene(whole), labelled(affected=box(100, 40), independent=box(130, 40)), REACH)
    assert (labels[40:50, 100:114] == AFFECTED).all()
    assert (labels[40:50, 126:140] == INDEPENDENT).all()
    assert (labels[whole] != NONE).all()


def test_without_an_object_nothing_new_is_laid_at_its_door():
    assert owner(NEAR, covered=NOWHERE) == INDEPENDENT
    assert owner(NEAR, covered=NOWHERE, dark=NEAR) == INDEPENDENT


def test_an_object_that_enters_sends_its_shadow_ahead():
    labels, after = labelled(independent=NEAR), labelled(artifact=NEAR)
    ahead = own_backwards(scene(NEAR, NEAR, covered=NOWHERE), labels, after, REACH)
    assert (ahead[NEAR] == ARTIFACT).all()
    assert (labels[NEAR] == INDEPENDENT).all(), "the given labels are left alone"
    present = own_backwards(scene(NEAR, NEAR), labels, after, REACH)
    assert (present == labels).all()
    apart = own_backwards(scene(NEAR, NEAR, covered=NOWHERE), labels, labelled(artifact=AWAY), REACH)
    assert (apart == labels).all()


def test_what_is_affected_next_was_so_while_it_hung_on_the_object():
    labels, after = labelled(artifact=TOUCHING), labelled(affected=TOUCHING)
    assert (own_backwards(scene(TOUCHING), labels, after, REACH)[TOUCHING] == AFFECTED).all()
    shadow = own_backwards(scene(TOUCHING, TOUCHING), labels, after, REACH)
    assert (shadow[TOUCHING] == ARTIFACT).all()
    beside = own_backwards(scene(TOUCHING, beside=TOUCHING), labels, after, REACH)
    assert (beside[TOUCHING] == ARTIFACT).all()


@pytest.mark.parametrize("diagonal", [0, 5, 40, 2000])
def test_reach_grows_with_the_object_within_bounds(diagonal):
    reach = Reach.for_object(diagonal)
    assert 14 <= reach.near <= 40
    assert reach.cast >= max(20, 1.5 * diagonal)
    assert reach.guard < reach.touch < reach.near


def test_light_that_grows_beside_the_object_is_no_contact():
    assert owner(TOUCHING, edged=NOWHERE) != AFFECTED
    assert owner(NEAR, edged=NOWHERE) == INDEPENDENT
    assert owner(NEAR) == AFFECTED


def test_light_is_affected_only_where_it_mostly_was():
    wide = box(95, 30, 40, 40)
    assert owner(wide, labelled(affected=box(95, 30, 4, 10)), edged=NOWHERE) == INDEPENDENT
    assert owner(wide, labelled(affected=wide), edged=NOWHERE) == AFFECTED


def test_contact_shows_in_the_midst_of_a_shadow():
    """Dark all around, but what has an edge at the object and stays is the thing that it touches."""
    thing, shade = box(81, 45, 6, 10), box(80, 30, 40, 40)
    labels = own(
        scene(shade, dark=shade & ~thing, transient=NOWHERE, edged=thing), labelled(artifact=shade), REACH
    )
    assert (labels[thing & (labels > 0)] == AFFECTED).any()
    soft = own(
        scene(shade, dark=shade & ~thing, transient=NOWHERE, edged=NOWHERE), labelled(artifact=shade), REACH
    )
    assert not (soft == AFFECTED).any()


@pytest.mark.parametrize("kind", ["affected", "deflected"])
def test_what_is_independent_takes_no_place_of_a_consequence(kind):
    here, there = box(90, 40, 20, 20), box(110, 40, 40, 20)
    before = labelled(**{kind: here, "independent": there})
    for _ in range(10):
        before = own(scene(here | there), before, REACH)
    assert (before[here] == (AFFECTED if kind == "affected" else DEFLECTED)).all()


def test_a_crumb_that_nobody_owned_goes_with_the_consequence_around_it():
    crumb, thing = box(95, 45, 3, 3), box(90, 40, 20, 20)
    before = labelled(affected=thing)
    before[crumb] = INDEPENDENT
    labels = own(scene(thing), before, REACH)
    assert (labels[thing] == AFFECTED).all()


def test_an_object_that_enters_meets_its_own_shadow():
    entering, ahead = box(0, 40, 20, 20), box(20, 45, 30, 10)
    before = labelled(independent=ahead)
    labels = own(scene(ahead, dark=ahead, covered=entering), before, REACH)
    assert (labels[labels > 0] == ARTIFACT).all()
    assert labels.any()
