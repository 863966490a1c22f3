"""A field of noise stays white whatever carries it, and goes where the flow says."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from numpy.typing import NDArray

from void_audit.pipeline.synthesize.void.noise_field import CHANNELS, NoiseField

H, W = 64, 96
Array = NDArray[np.float32]


def field(seed: int = 0, height: int = H, width: int = W) -> NoiseField:
    return NoiseField(height, width, np.random.Generator(np.random.SFC64(seed)))


def values(state: NoiseField) -> Array:
    """Every pixel: pooling over squares of one."""
    return state.pooled(1)


def constant(x: float, y: float) -> Array:
    return np.full((H, W, 2), (x, y), np.float32)


def zoom(share: float, height: int = H, width: int = W) -> Array:
    y, x = np.mgrid[:height, :width].astype(np.float32)
    return np.dstack([(x - width / 2) * share, (y - height / 2) * share]).astype(np.float32)


def rough(seed: int) -> Array:
    """Every pixel goes its own way: collisions and gaps everywhere."""
    return np.random.default_rng(seed).normal(0, 3, (H, W, 2)).astype(np.float32)


def to_a_point() -> Array:
    """Everything collapses into the middle: one pixel has all edges, the rest have what they pull."""
    return np.rint(zoom(-1.0))


FLOWS = {
    "none": constant(0, 0),
    "whole pixels": constant(5, -3),
    "parts of pixels": constant(0.3, 0.4),
    "expansion": zoom(0.3),
    "great expansion": zoom(3.0),
    "contraction": zoom(-0.3),
    "collapse": to_a_point(),
    "rough": rough(1),
    "out of sight": constant(1000, 0),
}


@pytest.mark.parametrize("flow", FLOWS.values(), ids=FLOWS.keys())
def test_noise_stays_white(flow: Array) -> None:
    state = field()
    for _ in range(3):
        state.advance(flow)
    z = values(state)
    deviations = 5 / np.sqrt(z.size)  # five standard errors of a mean of unit normals
    assert abs(z.mean()) < deviations
    assert abs((z**2).mean() - 1) < deviations * np.sqrt(2)
    assert abs((z**4).mean() - 3) < deviations * np.sqrt(96)  # normal, not merely of unit variance
    assert abs((z[:, :, 1:] * z[:, :, :-1]).mean()) < deviations * 1.1
    assert abs((z[:, 1:] * z[:, :-1]).mean()) < deviations * 1.1


@pytest.mark.parametrize("flow", FLOWS.values(), ids=FLOWS.keys())
def test_channels_are_independent(flow: Array) -> None:
    state = field(1)
    for _ in range(3):
        state.advance(flow)
    correlation = np.corrcoef(values(state).reshape(CHANNELS, -1))
    assert np.abs(correlation - np.eye(CHANNELS)).max() < 5 / np.sqrt(H * W)


@pytest.mark.parametrize("flow", [zoom(0.3), zoom(-0.3), rough(2)], ids=["expansion", "contraction", "rough"])
def test_sums_over_areas_have_the_variance_of_independent_pixels(flow: Array) -> None:
    # Correlation at any distance, which neighbours alone do not show, would change the variance of sums.
    sums = []
    for seed in range(6):
        state = field(seed)
        for _ in range(3):
            state.advance(flow)
        sums.append(state.pooled(16))
    z = np.array(sums)
    assert abs((z**2).mean() - 1) < 5 * np.sqrt(2 / z.size)


def test_without_motion_not_a_bit_changes_however_long() -> None:
    state = field()
    crowding = constant(0, 0)
    crowding[..., 0] = 40.5 - np.arange(W)  # dozens meet between two pixels, half a pixel off either
    for flow in (zoom(0.2), constant(0.3, 0.1), rough(3), rough(4), crowding):
        state.advance(flow)  # weights and offsets are of all kinds by now
    before = values(state)
    for _ in range(20):
        state.advance(constant(0, 0))
    assert np.array_equal(values(state), before)


def test_whole_pixels_shift_the_noise_and_the_border_is_fresh() -> None:
    state = field()
    before = values(state)
    state.advance(constant(5, -3))
    after = values(state)
    assert np.array_equal(after[:, : H - 3, 5:], before[:, 3:, : W - 5])
    entered = np.concatenate([after[:, :, :5].ravel(), after[:, H - 3 :, 5:].ravel()])
    assert np.isin(entered, before).mean() < 0.05  # float32 normals meet by chance, though rarely
    assert abs((entered**2).mean() - 1) < 5 * np.sqrt(2 / entered.size)


def test_movement_below_a_pixel_adds_up() -> None:
    state = field()
    before = values(state)
    for _ in range(4):
        state.advance(constant(0.25, 0))
    assert np.array_equal(values(state)[:, :, 1:], before[:, :, :-1])


def test_it_goes_there_and_comes_back() -> None:
    state = field()
    before = values(state)
    state.advance(constant(5, -3))
    state.advance(constant(-5, 3))
    assert np.array_equal(values(state)[:, 3:, : W - 5], before[:, 3:, : W - 5])


def test_two_that_meet_give_their_normalised_sum() -> None:
    state = field()
    before = values(state)
    flow = constant(0, 0)
    flow[:, 10, 0] = 1
    state.advance(flow)
    met = (before[:, :, 10] + before[:, :, 11]) / np.sqrt(2)
    np.testing.assert_allclose(values(state)[:, :, 11], met, rtol=0, atol=1e-6)


def parted() -> Array:
    """From column 10 on one pixel to the right: column 9 has to fill the gap as well."""
    flow = constant(0, 0)
    flow[:, 10:, 0] = 1
    return flow


def test_children_sum_to_their_parent() -> None:
    state = field()
    before = values(state)
    state.advance(parted())
    after = values(state)
    children = (after[:, :, 9] + after[:, :, 10]) / np.sqrt(2)
    np.testing.assert_allclose(children, before[:, :, 9], rtol=0, atol=1e-5)
    assert np.array_equal(after[:, :, 11:], before[:, :, 10:-1])


def test_what_was_parted_is_itself_again_when_it_closes() -> None:
    state = field()
    before = values(state)
    state.advance(parted())
    state.advance(-parted())
    np.testing.assert_allclose(values(state)[:, :, :-1], before[:, :, :-1], rtol=0, atol=1e-5)


def shown(state: NoiseField, flow: Array) -> Array:
    """The state after ``flow``."""
    state.advance(flow)
    return values(state)


def test_the_smaller_part_of_a_pixel_weighs_less() -> None:
    state = field()
    before = shown(state, parted())  # columns 9 and 10 are halves of one
    meeting = constant(0, 0)
    meeting[:, 10, 0] = 1
    met = (0.5 * before[:, :, 10] + before[:, :, 11]) / np.sqrt(1.25)
    np.testing.assert_allclose(shown(state, meeting)[:, :, 11], met, rtol=0, atol=0.02)


def onto_the_second_row() -> Array:
    flow = constant(0, 0)
    flow[0, :, 1] = 1
    return flow


def test_fresh_noise_weighs_as_much_as_the_mean() -> None:
    # Every fourth pixel is split and the right border is lost: 77 of 96 columns are left, 96 / 77 each.
    state = field()
    wider = constant(0, 0)
    wider[..., 0] = np.arange(W) // 4
    state.advance(wider)
    before = shown(state, constant(0, 1))  # the first row is fresh
    weight = 96 / 77
    met = (before[:, 0, 6] + weight * before[:, 1, 6]) / np.hypot(1, weight)
    np.testing.assert_allclose(shown(state, onto_the_second_row())[:, 1, 6], met, rtol=0, atol=0.02)


def test_fresh_noise_does_not_inherit_the_weight_of_another_pixel() -> None:
    state = field()
    first = constant(0, 0)
    first[:, 1:, 0] = 1
    state.advance(first)  # columns 0 and 1 are halves of one
    before = shown(state, constant(0, 1))
    met = (before[:, 0, 5:] + before[:, 1, 5:]) / np.sqrt(2)
    np.testing.assert_allclose(shown(state, onto_the_second_row())[:, 1, 5:], met, rtol=0, atol=0.02)


@pytest.mark.parametrize(("further", "moves"), [(-0.2, False), (-0.4, True)])
def test_parts_of_pixels_that_meet_go_on_from_their_mean(further: float, moves: bool) -> None:
    # One comes 0.6 from the left, 0.4 short of the place where the other stays: together they are 0.2 short.
    state = field()
    meeting, on = constant(0, 0), constant(0, 0)
    meeting[:, 10, 0] = 0.6
    on[:, 11, 0] = further
    before = shown(state, meeting)
    assert np.array_equal(shown(state, on)[:, :, 11], before[:, :, 11]) != moves


def test_what_fills_a_gap_stands_in_its_middle() -> None:
    # Column 9 moved by 0.3 and also fills the gap at 10. Another 0.3 there is not yet a pixel.
    state = field()
    parting, on = constant(0.3, 0), constant(0, 0)
    parting[:, 10:, 0] = 0.6
    on[:, 10, 0] = 0.3
    before = shown(state, parting)
    assert np.array_equal(shown(state, on)[:, :, 10], before[:, :, 10])


def test_stretching_one_place_for_ever_stays_finite() -> None:
    state = field()
    flow = constant(0, 0)
    flow[24:40, 40:56] = zoom(1.0, 16, 16)
    for _ in range(120):
        state.advance(flow)
    assert np.isfinite(values(state)).all()


def test_seeds_decide_and_nothing_else_does() -> None:
    def run(seed: int) -> Array:
        state = field(seed)
        for number in range(3):
            state.advance(rough(number))
        return values(state)

    assert np.array_equal(run(4), run(4))
    assert abs(np.corrcoef(run(4).ravel(), run(5).ravel())[0, 1]) < 5 / np.sqrt(H * W * CHANNELS)


def test_one_thread_gives_what_many_give(monkeypatch: pytest.MonkeyPatch) -> None:
    def run() -> Array:
        state = field()
        state.advance(rough(7))
        state.advance(zoom(0.2))
        return values(state)

    many = run()
    monkeypatch.setattr(f"{NoiseField.__module__}.ThreadPoolExecutor", lambda _: ThreadPoolExecutor(1))
    assert np.array_equal(run(), many)


@pytest.mark.parametrize("share", [0.5, -0.5])
def test_long_stretching_one_way_stays_finite(share: float) -> None:
    state = NoiseField(16, 16, np.random.Generator(np.random.SFC64(0)))
    for _ in range(200):
        state.advance(zoom(share, 16, 16))
    z = values(state)
    assert np.isfinite(z).all()
    assert abs((z**2).mean() - 1) < 5 * np.sqrt(2 / z.size)


def test_pooling_sums_squares_to_unit_variance() -> None:
    state = field()
    z = values(state).astype(np.float64)
    expected = z.reshape(CHANNELS, H // 8, 8, W // 8, 8).sum(axis=(2, 4)) / 8
    assert state.pooled(8).shape == (CHANNELS, H // 8, W // 8)
    np.testing.assert_allclose(state.pooled(8), expected, rtol=0, atol=1e-5)
