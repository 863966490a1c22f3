"""Optical flow: known shifts are found, stillness is exact, and what flickers is counted along the motion."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from synthetic_footage import texture

from void_audit.pipeline.synthesize.flow import (
    LEAST_SIDE,
    MARGIN,
    STILL,
    flicker,
    flow_between,
    follow,
    likeness,
    part_around,
)


def shifted(x: float, y: float, height: int = 40, width: int = 50) -> np.ndarray:
    return np.full((height, width, 2), (x, y), np.float32)


@settings(max_examples=60, deadline=None)
@given(x=st.integers(0, 69), y=st.integers(0, 89), width=st.integers(1, 70), height=st.integers(1, 90))
def test_the_part_is_the_opened_box_and_its_margin_cut_to_the_picture(x, y, width, height):
    opened = np.zeros((90, 70), bool)
    opened[y : y + height, x : x + width] = True
    part = part_around(opened)
    assert opened[part].sum() == opened.sum()
    rows, columns = (np.arange(n)[s] for n, s in zip((90, 70), part, strict=True))
    assert (rows[0], rows[-1]) == (max(0, y - MARGIN), min(89, min(90, y + height) + MARGIN - 1))
    assert (columns[0], columns[-1]) == (max(0, x - MARGIN), min(69, min(70, x + width) + MARGIN - 1))


@pytest.mark.parametrize("size", [(LEAST_SIDE, LEAST_SIDE), (33, 47), (120, 37)])
@pytest.mark.parametrize(("x", "y"), [(3, 2), (-2, 3)])
def test_a_known_shift_is_found_whatever_the_size(size, x, y):
    one = texture(*size)
    flow = flow_between(one, np.roll(one, (y, x), (0, 1)))
    assert flow.shape == (*one.shape[:2], 2)
    np.testing.assert_allclose(np.median(flow, axis=(0, 1)), (x, y), atol=0.4)


def test_a_picture_does_not_move_against_itself_or_its_noise():
    one = texture(64, 48)
    assert not flow_between(one, one).any()
    grain = np.random.default_rng(0).integers(-1, 2, one.shape)
    noisy = (one + grain).clip(0, 255).astype(np.uint8)
    assert np.mean(flow_between(one, noisy).any(axis=2)) < 0.1


def test_flow_is_either_none_or_longer_than_noise():
    one = texture(64, 48)
    flow = np.abs(flow_between(one, np.roll(one, 1, axis=1))).max(axis=2)
    assert flow.any()
    assert not ((flow > 0) & (flow < STILL)).any()


@pytest.mark.parametrize("size", [(LEAST_SIDE - 1, 90), (90, LEAST_SIDE - 1), (1, 1)])
def test_pictures_too_small_for_the_method_are_taken_for_unmoved(size):
    one = texture(*size)
    flow = flow_between(one, np.roll(one, 3, axis=1))
    assert flow.shape == (size[1], size[0], 2)
    assert not flow.any()


def test_following_no_motion_is_exact():
    picture = np.random.default_rng(0).integers(0, 256, (41, 53, 3), np.uint8)
    moved, inside = follow(picture, shifted(0, 0, 41, 53))
    np.testing.assert_array_equal(moved, picture)
    assert inside.all()


@pytest.mark.parametrize(("x", "y"), [(4, 0), (0, -3), (-5, 2)])
def test_following_brings_the_other_picture_back_and_knows_what_left_it(x, y):
    picture = texture(50, 40)
    moved, inside = follow(np.roll(picture, (y, x), (0, 1)), shifted(x, y))
    np.testing.assert_array_equal(moved[inside], picture[inside])
    assert inside.sum() == (40 - abs(y)) * (50 - abs(x))


def test_half_a_pixel_beyond_the_edge_is_outside_and_the_last_pixel_is_not():
    picture = texture(50, 40)
    _, inside = follow(picture, shifted(0.5, 0))
    assert inside[:, :-1].all()
    assert not inside[:, -1].any()
    _, inside = follow(picture, shifted(0, -40))
    assert not inside.any()


def test_black_does_not_bleed_in_from_beyond_the_picture():
    level = np.full((40, 50, 3), 200, np.uint8)
    for x in (-0.5, 0.5, 60):
        assert (follow(level, shifted(x, 0.3))[0] == 200).all()


def test_likeness_is_one_for_equal_and_falls_with_difference_and_rises_with_sigma():
    one = np.full((20, 21, 3), 100, np.uint8)
    assert (likeness(one, one, 10.0) == 1).all()
    near, far, tolerant = (likeness(one, one + d, s) for d, s in ((5, 10.0), (20, 10.0), (20, 40.0)))
    assert (near > far).all()
    assert (tolerant > far).all()
    np.testing.assert_allclose(far, np.exp(-2), rtol=1e-5)
    # One channel is enough to differ.
    np.testing.assert_array_equal(likeness(one, one + np.uint8([0, 0, 20]), 10.0), far)
    assert likeness(one, np.full_like(one, 255), 1e-3).max() == 0


def test_likeness_looks_at_a_patch_of_five_by_five():
    one = np.zeros((21, 21, 3), np.uint8)
    other = one.copy()
    other[10, 10] = 250
    unlike = likeness(one, other, 10.0) < 1
    assert unlike[8:13, 8:13].all()
    assert unlike.sum() == 25


def test_likeness_of_a_single_pixel():
    assert likeness(np.uint8([[[7, 7, 7]]]), np.uint8([[[7, 7, 7]]]), 10.0).tolist() == [[1.0]]


def test_what_moves_along_does_not_flicker_and_what_changes_does():
    picture = texture(50, 40)
    before = np.roll(picture, 4, axis=1)
    area = np.zeros((40, 50), bool)
    area[10:20, 10:30] = True
    assert flicker(picture, before, shifted(4, 0), area) == (0.0, 3 * 200)
    assert flicker(picture, before, shifted(0, 0), area)[0] > 0
    brighter = (before + np.uint8((3, 0, 1))).astype(np.uint8)
    assert flicker(picture, brighter, shifted(4, 0), area) == (4 * 200.0, 3 * 200)


def test_only_the_area_and_what_was_in_view_counts():
    picture, before = np.zeros((2, 40, 50, 3), np.uint8)
    before[:20] = 255
    area = np.zeros((40, 50), bool)
    assert flicker(picture, before, shifted(0, 0), area) == (0.0, 0)
    area[20:] = True
    assert flicker(picture, before, shifted(0, 0), area) == (0.0, 3 * 1000)
    assert flicker(picture, before, shifted(40, 0), area) == (0.0, 3 * 200)
    assert flicker(picture, before, shifted(60, 0), area) == (0.0, 0)
