"""The region that moves as one with a point, found in a made-up flow."""

import numpy as np
import pytest

from void_audit.pipeline.segment.affine import grown, standing

SHAPE = 80, 120
STILL = standing(SHAPE)


def flow(motion=(0.0, 0.0)) -> np.ndarray:
    return np.full((*SHAPE, 2), motion, np.float32)


def test_every_pixel_stands_on_its_own_place():
    assert tuple(STILL[7, 30]) == (30, 7)


def test_a_shifted_block_is_one_region_and_its_motion_is_everywhere():
    vectors = flow()
    vectors[20:60, 30:90] = 5, -3
    region, there = grown(vectors, (40, 30), STILL)
    wanted = np.zeros(SHAPE, bool)
    wanted[20:60, 30:90] = True
    assert np.array_equal(region, wanted)
    assert np.allclose(there - STILL, (5, -3), atol=1e-3)


def test_a_turning_block_is_one_region_where_a_shift_alone_would_lose_its_ends():
    vectors = flow()
    turned = np.stack([-(STILL[..., 1] - 40), STILL[..., 0] - 60], axis=-1) * 0.15
    vectors[10:70, 20:100] = turned[10:70, 20:100] + (6, 0)
    region, there = grown(vectors, (60, 40), STILL)
    assert region[10:70, 20:100].mean() > 0.98
    assert not region[:, :10].any()
    assert np.abs((there - STILL)[15, 95] - vectors[15, 95]).max() < 0.3


def test_noise_and_strays_do_not_bend_the_motion():
    rng = np.random.default_rng(3)
    vectors = flow((4, 4)) + rng.normal(0, 0.15, (*SHAPE, 2)).astype(np.float32)
    vectors[:, 60:] = 0
    vectors[rng.random(SHAPE) < 0.05] += 30
    region, there = grown(vectors, (30, 40), STILL)
    assert np.abs(np.median((there - STILL)[region], axis=0) - 4).max() < 0.2
    assert not region[:, 70:].any()


@pytest.mark.parametrize("point", [(0, 0), (119, 79), (0, 79)])
def test_points_in_the_corners(point):
    region, _ = grown(flow((2, 1)), point, STILL)
    assert region.all()


def test_a_point_that_moves_unlike_everything_round_it_has_no_region_of_its_own():
    vectors = flow()
    vectors[40, 60] = 50, 50
    region, _ = grown(vectors, (60, 40), STILL)
    assert not region.any()
