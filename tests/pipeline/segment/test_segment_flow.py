"""Flow carries masks to where things moved, and is not trusted where there is no answer."""

import numpy as np
import pytest

from void_audit.pipeline.segment.flow import FlowEstimator, Motion
from void_audit.pipeline.segment.window import overlap


@pytest.fixture
def pair(scenes):
    return scenes(2, lambda i: (100 + 6 * i, 80 - 3 * i))


def test_a_mask_is_carried_along(pair):
    old, new = pair.clip.frames()
    motion = FlowEstimator().between(old, new)
    carried = motion.bring(pair.masks[0].astype(np.float32)) > 0.5
    assert overlap(pair.masks[0], pair.masks[1]) < 0.7
    assert overlap(carried, pair.masks[1]) > 0.8


def test_a_still_picture_is_fully_trusted_and_noise_is_not(pair):
    old, _ = pair.clip.frames()
    noise = np.random.default_rng(0).integers(0, 255, old.shape, np.uint8)
    flow = FlowEstimator()
    assert flow.between(old, old).trust.min() > 0.9
    assert flow.between(old, noise).trust.mean() < 0.05


def test_what_comes_from_outside_the_picture_is_nothing_and_not_trusted():
    motion = Motion(np.full((20, 20, 2), 50, np.float32), np.ones((20, 20), np.float32))
    assert not motion.bring(np.ones((20, 20), np.float32)).any()


def test_still_motion_moves_nothing():
    values = np.random.default_rng(0).random((12, 15)).astype(np.float32)
    motion = Motion.still((12, 15))
    assert np.allclose(motion.bring(values), values)
    assert motion.trust.min() == 1


@pytest.mark.parametrize("size", [(1, 1), (11, 11), (1, 40), (40, 1), (2, 12)])
def test_pictures_too_small_for_flow_stand_still(size):
    picture = np.full((*size, 3), 90, np.uint8)
    assert not FlowEstimator().vectors(picture, picture).any()
    assert not FlowEstimator(fine=True).between(picture, picture).vectors.any()
