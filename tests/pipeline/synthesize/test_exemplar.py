from __future__ import annotations

import numpy as np
import pytest
from synthetic_footage import texture

from void_audit.pipeline.synthesize.exemplar import fill, smooth


def holed(size: int = 96) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    picture = texture(size, size)
    hole = np.zeros((size, size), bool)
    hole[36:60, 36:60] = True
    picture[hole] = (255, 0, 0)
    return picture, hole, np.zeros_like(hole)


def test_only_the_hole_is_filled_and_nothing_of_it_is_left():
    picture, hole, unknown = holed()
    done = fill(picture, hole, unknown, 7, 3)
    np.testing.assert_array_equal(done[~hole], picture[~hole])
    assert not (done[hole] == (255, 0, 0)).all(axis=1).any()
    assert done[hole].std() > 0.4 * picture[~hole].std()


def test_unknown_pixels_are_no_examples_and_are_left_alone():
    picture, hole, unknown = holed()
    unknown[:, :30] = True
    picture[unknown] = (0, 255, 0)
    done = fill(picture, hole, unknown, 7, 3)
    np.testing.assert_array_equal(done[unknown], picture[unknown])
    assert not (np.abs(done[hole].astype(int) - (0, 255, 0)).max(axis=1) < 40).any()


def test_seeds_decide():
    picture, hole, unknown = holed()
    np.testing.assert_array_equal(fill(picture, hole, unknown, 7, 3), fill(picture, hole, unknown, 7, 3))
    assert (fill(picture, hole, unknown, 7, 3) != fill(picture, hole, unknown, 7, 4)).any()


@pytest.mark.parametrize("size", [4, 20])
def test_too_small_a_picture_holds_no_examples(size):
    picture = texture(size, size)
    hole = np.zeros((size, size), bool)
    hole[1:3, 1:3] = True
    assert fill(picture, hole, ~hole & False, 7, 1) is None


def test_a_picture_without_known_patches_holds_no_examples():
    picture, hole, _ = holed()
    assert fill(picture, hole, ~hole, 7, 1) is None


def test_no_hole_changes_nothing():
    picture, hole, unknown = holed()
    np.testing.assert_array_equal(fill(picture, hole & False, unknown, 7, 1), picture)


def test_the_smooth_fill_joins_its_surroundings():
    ramp = np.broadcast_to(np.linspace(0, 200, 80)[None, :, None], (60, 80, 3)).astype(np.uint8)
    hole = np.zeros((60, 80), bool)
    hole[20:40, 30:50] = True
    broken = ramp.copy()
    broken[hole] = 255
    done = smooth(broken, hole)
    assert np.abs(done[hole].astype(int) - ramp[hole]).max() < 25
    np.testing.assert_array_equal(done[~hole], ramp[~hole])
    assert (smooth(broken, np.ones_like(hole)) == 0).all()
