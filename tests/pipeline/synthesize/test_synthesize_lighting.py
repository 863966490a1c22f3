"""Light: a fill is brought to its surroundings' level, and steady light stays exactly steady."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from void_audit.pipeline.synthesize.lighting import DEAD, RING, TRUST, correction, ring

OUTLIER = 24.0


def area_of(shape=(90, 110), x=50, y=40, width=10, height=8) -> np.ndarray:
    area = np.zeros(shape, bool)
    area[y : y + height, x : x + width] = True
    return area


def everywhere(shape) -> np.ndarray:
    y, x = np.indices(shape)
    return np.stack([x.ravel(), y.ravel()], axis=1)


def corrected(shape, difference, at=None, wanted=None, unit=1, base=100) -> np.ndarray:
    """``difference`` (levels, per point or for all) is what the surroundings have more than the fill."""
    at = everywhere(shape) if at is None else at
    filled = np.full((len(at), 3), base, np.uint8)
    own = (filled + np.asarray(difference)).astype(np.uint8)
    return correction(shape, unit, at, own, filled, OUTLIER, at if wanted is None else wanted)


@pytest.mark.parametrize("unit", [1, 2])
@pytest.mark.parametrize("gap", [0, 1, 5])
def test_the_ring_leaves_out_the_gap_and_ends_after_its_width(gap, unit):
    area = area_of((150, 170), 70, 60)
    x, y = ring(area, np.ones_like(area), gap, unit).T
    away = np.maximum(np.maximum(70 - x, x - 79), np.maximum(60 - y, y - 67))
    assert away.min() == gap + 1
    assert away.max() == gap + RING * unit
    whole = (10 + 2 * away.max()) * (8 + 2 * away.max()) - (10 + 2 * gap) * (8 + 2 * gap)
    assert len(x) == pytest.approx(whole / 3, rel=0.02)


def test_the_ring_holds_usable_pixels_only():
    area = area_of()
    usable = np.zeros_like(area)
    usable[:, :50] = True
    x, y = ring(area, usable, 2, 1).T
    assert len(x)
    assert usable[y, x].all()
    assert not len(ring(area, np.zeros_like(area), 2, 1))


@pytest.mark.parametrize("area", [np.zeros((33, 41), bool), np.ones((33, 41), bool), np.ones((1, 1), bool)])
def test_nothing_and_everything_have_no_surroundings(area):
    assert ring(area, np.ones_like(area), 3, 1).shape == (0, 2)


def test_the_ring_is_cut_at_the_pictures_edge():
    area = area_of((20, 30), 0, 0)
    x, y = ring(area, np.ones_like(area), 1, 1).T
    assert x.max() == 29
    assert y.max() == 19
    assert min(x.min(), y.min()) >= 0


@settings(max_examples=40, deadline=None)
@given(
    height=st.integers(5, 50),
    width=st.integers(5, 50),
    shift=st.tuples(*[st.integers(-24, 24)] * 3),
    unit=st.integers(1, 4),
)
def test_an_even_difference_is_made_up_for_in_each_channel_alone(height, width, shift, unit):
    found = corrected((height, width), shift, unit=unit)
    wanted = np.sign(shift) * np.maximum(np.abs(shift) - DEAD, 0)
    np.testing.assert_allclose(found, np.broadcast_to(wanted, found.shape), atol=1e-3)


def test_steady_light_stays_exactly_steady_under_noise():
    shape = (64, 64)
    noise = np.random.default_rng(0).normal(scale=4, size=(64 * 64, 3)).round().clip(-20, 20)
    assert not corrected(shape, noise).any()
    assert not corrected(shape, 0).any()


def test_differences_beyond_the_outlier_are_something_else_than_light():
    shape = (40, 40)
    at = everywhere(shape)
    passer_by = (at[:, 0] > 10) & (at[:, 0] < 25)
    found = corrected(shape, np.where(passer_by, OUTLIER + 1, 0)[:, None] * (0, 1, 0))
    assert not found.any()
    # The limit itself still counts.
    assert corrected(shape, OUTLIER).min() == pytest.approx(OUTLIER - DEAD, abs=1e-3)
    assert not corrected(shape, OUTLIER + 1).any()


def test_too_few_samples_say_nothing():
    at = everywhere((10, 10))
    wanted = everywhere((3, 3))
    few, enough = at[: int(TRUST) - 1], at[: int(TRUST)]
    assert not corrected((10, 10), 10, few, wanted).any()
    assert corrected((10, 10), 10, enough, wanted).min() > 9
    assert corrected((10, 10), 10, at[:0], wanted).shape == (9, 3)
    assert corrected((10, 10), 10, at, at[:0]).shape == (0, 3)


def test_light_that_changes_over_the_picture_is_followed_from_both_sides():
    shape = (80, 120)
    at = everywhere(shape)
    sides = at[(at[:, 0] < 40) | (at[:, 0] >= 80)]
    difference = np.where(sides[:, 0] < 40, -8, 8)[:, None]
    row = np.stack([np.arange(120), np.full(120, 40)], axis=1)
    found = corrected(shape, difference, sides, row)[:, 0]
    assert found[10] == pytest.approx(DEAD - 8, abs=0.3)
    assert found[110] == pytest.approx(8 - DEAD, abs=0.3)
    assert abs(found[55:65]).max() < 3
    # Slow: it never jumps from one pixel to the next, and never overshoots.
    assert np.abs(np.diff(found)).max() < 1
    assert np.abs(found).max() <= 8


def test_what_is_known_on_one_side_reaches_far_away():
    strip = everywhere((10, 200))
    far = np.array([[0, 199], [199, 199]])
    found = corrected((200, 200), 10, strip, far)
    np.testing.assert_allclose(found, 10 - DEAD, atol=0.01)


def test_levels_do_not_wrap_around():
    at = everywhere((20, 20))
    own, filled = np.full((400, 3), 10, np.uint8), np.full((400, 3), 30, np.uint8)
    np.testing.assert_allclose(correction((20, 20), 1, at, own, filled, OUTLIER, at), DEAD - 20, atol=1e-3)
