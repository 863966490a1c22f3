"""The camera's motion is found from the background, and never made up."""

import numpy as np
import pytest

from void_audit.pipeline.segment.camera import camera_motion


def test_a_pan_is_found_although_an_object_moves_against_it(scenes):
    scene = scenes(2, lambda i: (80 + 8 * i, 80), pan=4)
    old, new = scene.clip.frames()
    matrix = camera_motion(old, new, ~scene.masks[0])
    assert matrix is not None
    assert matrix[0, 2] == pytest.approx(-4, abs=0.5)
    assert matrix[1, 2] == pytest.approx(0, abs=0.5)


def test_a_still_camera_has_no_motion(scenes):
    scene = scenes(2, lambda i: (80 + 8 * i, 80))
    old, new = scene.clip.frames()
    assert camera_motion(old, new, ~scene.masks[0]) is None


def test_a_flat_picture_or_an_empty_background_tells_nothing():
    flat = np.full((160, 240, 3), 90, np.uint8)
    everywhere = np.ones((160, 240), bool)
    assert camera_motion(flat, flat, everywhere) is None
    noise = np.random.default_rng(0).integers(0, 255, flat.shape, np.uint8)
    assert camera_motion(noise, noise[::-1].copy(), ~everywhere) is None
