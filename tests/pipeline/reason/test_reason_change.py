"""Differences from the background: found when weak, not found where there are none."""

import numpy as np
import pytest
from reason_scenes import disc, floor

from void_audit.model.geometry import Size
from void_audit.pipeline.reason.change import change_on
from void_audit.pipeline.reason.plate import View

SIZE = Size(120, 80)
BASE = floor(SIZE)
NOWHERE = np.zeros((80, 120), bool)
SPOT = disc((60, 40), (18, 10), SIZE, soft=0.6)
CORE = SPOT > 0.5


def noisy(picture, seed=1, noise=1.0):
    grain = np.random.default_rng(seed).normal(0, noise, picture.shape)
    return np.clip(np.rint(picture + grain), 0, 255).astype(np.uint8)


def compare(
    picture, early=BASE, late=BASE, hidden=NOWHERE, near=NOWHERE, known=~NOWHERE, far=~NOWHERE, **more
):
    view = View(early.astype(np.float32), late.astype(np.float32), known, far)
    return change_on(picture, view, hidden, near, more.get("still", True))


def spotted(factor, base=BASE):
    return base * (1 - (1 - np.array(factor)) * SPOT[..., None])


@pytest.mark.parametrize("noise", [0, 1, 4])
@pytest.mark.parametrize("still", [True, False])
def test_noise_is_no_change(noise, still):
    change = compare(noisy(BASE, noise=noise), still=still)
    assert not change.changed.any()
    assert not change.transient.any()
    assert not change.shadowed.any()


@pytest.mark.parametrize("factor", [0.6, 0.88])
def test_a_shadow_is_changed_transient_and_dark(factor):
    change = compare(noisy(spotted(factor)))
    for found in (change.changed, change.transient, change.shadowed):
        assert (found & CORE).sum() >= 0.95 * CORE.sum()
        assert not found[:15].any()


@pytest.mark.parametrize("factor", [1.3, (0.9, 0.5, 0.2), 0.03])
def test_light_colour_and_black_are_no_shadow(factor):
    change = compare(noisy(spotted(factor)))
    inside = SPOT > 0.9
    assert change.changed[inside].all()
    assert change.shadowed[inside].mean() < 0.05


def test_what_stays_differs_from_the_early_background_alone():
    change = compare(noisy(spotted(0.5)), late=spotted(0.5))
    assert (change.changed & CORE).sum() >= 0.95 * CORE.sum()
    assert not change.transient.any()


def test_what_only_the_late_background_lacks_is_no_change():
    assert not compare(noisy(BASE), late=spotted(0.5)).changed.any()


def test_transient_needs_a_background_seen_without_the_object():
    change = compare(noisy(spotted(0.5)), far=NOWHERE)
    assert change.changed.any()
    assert not change.transient.any()


@pytest.mark.parametrize("exposure", [0.75, 1.2, (1.1, 1.0, 0.85)])
def test_exposure_is_taken_out_first(exposure):
    assert not compare(noisy(np.minimum(BASE, 190) * exposure), np.minimum(BASE, 190)).changed.any()


@pytest.mark.parametrize("exposure", [0.75, 1.3])
def test_exposure_makes_no_shadow_and_hides_none(exposure):
    base = np.minimum(BASE, 180)
    dark = compare(noisy(spotted(0.85, base) * exposure), base, base)
    assert (dark.shadowed & CORE).sum() >= 0.95 * CORE.sum()
    light = compare(noisy(spotted(1.15, base) * exposure), base, base)
    assert light.changed[SPOT > 0.9].all()
    assert not light.shadowed.any()


def test_the_object_is_no_evidence_of_anything_around_it():
    hidden = disc((60, 40), 16, SIZE) > 0
    picture = noisy(np.where(hidden[..., None], (255, 0, 0), BASE))
    assert not compare(picture, hidden=hidden).changed.any()


def test_a_weak_change_beside_a_strong_object_is_still_found():
    hidden = disc((25, 40), 16, SIZE) > 0
    picture = noisy(np.where(hidden[..., None], (255, 0, 0), spotted(0.88)))
    change = compare(picture, hidden=hidden, near=disc((25, 40), 30, SIZE) > 0)
    assert (change.changed & CORE).sum() >= 0.95 * CORE.sum()


def test_nothing_is_said_of_unknown_places():
    known = ~NOWHERE
    known[:, 50:] = False
    early = np.where(known[..., None], BASE, 0)
    assert not compare(noisy(BASE), early, early, known=known).changed.any()
    assert not compare(noisy(BASE), BASE * 0, BASE * 0, known=NOWHERE, far=NOWHERE).changed.any()


def test_a_slightly_wrong_camera_is_forgiven_only_where_it_moves():
    shifted = noisy(BASE * 0.5 + np.roll(BASE, 1, axis=1) * 0.5)
    assert compare(shifted, still=False).changed.mean() < 0.002


def test_a_thing_that_came_has_an_edge_light_that_grew_has_none():
    came = BASE.copy()
    came[30:50, 50:70] = (70, 150, 70)
    thing = compare(noisy(came))
    assert (thing.edged & thing.changed).sum() > 0.1 * thing.changed.sum()
    grew = compare(noisy(BASE + 20 * disc((60, 40), 24, SIZE, soft=1.4)[..., None]))
    assert grew.changed.sum() > 300
    assert grew.edged.sum() < 0.01 * grew.changed.sum()


@pytest.mark.parametrize("still", [True, False])
def test_noise_has_no_edges(still):
    assert not compare(noisy(BASE, noise=4), still=still).edged.any()
