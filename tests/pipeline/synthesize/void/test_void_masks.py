"""Levels that the VAE sees, and resizing of classes (spec/void sections 1.2 and 1.3)."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from void_audit.errors import MaskError
from void_audit.pipeline.synthesize.void.masks import checked, levels, resize_area, resize_classes

ALL = torch.tensor([[0, 63, 127, 255]], dtype=torch.uint8)
SIDES = st.integers(1, 24)
MASKS = arrays.arrays(
    np.uint8, st.tuples(SIDES, SIDES), elements=st.sampled_from([0, 63, 127, 255]), fill=st.just(255)
)


def test_three_levels_are_those_of_the_reference():
    assert levels(ALL, 3).tolist() == [[0.0, 0.0, 1 - np.float32(127 / 255), 1.0]]


def test_two_levels_take_the_affected_area_for_the_object():
    assert levels(ALL, 2).tolist() == [[0.0, 0.0, 0.0, 1.0]]


@pytest.mark.parametrize("value", [1, 62, 64, 126, 128, 254])
def test_values_that_are_no_class_are_refused(value):
    with pytest.raises(MaskError, match=rf"\[{value}\]") as caught:
        levels(torch.tensor([[0, value]], dtype=torch.uint8))
    assert caught.value.code == "mask-values"
    with pytest.raises(MaskError):
        resize_classes(np.array([[value]], np.uint8), 1, 1)


def test_checked_gives_back_what_it_was_given():
    assert checked(ALL) is ALL


def test_area_cuts_averages_at_31_95_191():
    averages = [31, 32, 95, 96, 191, 192]
    mask = np.repeat(np.array([averages], np.uint8), 2, axis=0)
    assert resize_area(mask, 1, 6).tolist() == [[0, 63, 63, 127, 127, 255]]
    halves = np.array([[31, 95, 191], [32, 96, 192]], np.uint8)
    assert resize_area(halves, 1, 3).tolist() == [[63, 127, 255]]


def test_area_invents_a_rim_of_affected_pixels_and_classes_do_not():
    mask = np.full((9, 9), 255, np.uint8)
    mask[:, :4] = 0
    assert set(np.unique(resize_area(mask, 3, 3))) == {0, 127, 255}
    assert set(np.unique(resize_classes(mask, 3, 3))) == {0, 255}


@given(MASKS, SIDES, SIDES)
def test_no_class_is_invented_and_the_strongest_stays(mask, height, width):
    resized = resize_classes(mask, height, width)
    assert resized.shape == (height, width)
    assert resized.dtype == torch.uint8
    found = set(resized.flatten().tolist())
    assert found <= set(mask.flatten().tolist())
    assert min(found) == mask.min()


@given(MASKS)
def test_the_same_size_changes_nothing(mask):
    assert torch.equal(resize_classes(mask, *mask.shape), torch.from_numpy(mask))


@given(MASKS, st.integers(2, 4))
def test_enlarging_by_whole_factors_repeats_pixels(mask, factor):
    height, width = mask.shape
    resized = resize_classes(torch.from_numpy(mask), height * factor, width * factor)
    assert torch.equal(resized, torch.from_numpy(mask.repeat(factor, 0).repeat(factor, 1)))


@pytest.mark.parametrize(
    ("pixels", "wins"), [([255, 127], 127), ([255, 63], 63), ([127, 63], 63), ([63, 0], 0), ([255, 0], 0)]
)
def test_remove_before_affected_before_keep(pixels, wins):
    assert resize_classes(np.array([pixels], np.uint8), 1, 1).item() == wins


def test_a_wire_of_one_pixel_is_not_lost():
    mask = np.full((2160, 64), 255, np.uint8)
    mask[:, 31] = 0
    resized = resize_classes(mask, 384, 16)
    assert (resized == 0).sum(1).tolist() == [1] * 384
    assert not (resize_area(mask, 384, 16) == 0).any()


def test_63_survives_as_itself():
    mask = torch.full((32, 32), 63, dtype=torch.uint8)
    assert torch.equal(resize_classes(mask, 16, 16), mask[:16, :16])
