"""The guided filter moves rough evidence onto the picture's edges."""

import numpy as np

from void_audit.pipeline.segment.edges import follow_edges


def test_values_are_smoothed_inside_flat_parts_but_not_across_an_edge():
    picture = np.full((60, 60, 3), 40, np.uint8)
    picture[:, 30:] = 200
    rough = np.where(np.arange(60) < 30, -1.0, 1.0) + np.random.default_rng(0).normal(0, 0.5, (60, 60))
    found = follow_edges(picture, rough.astype(np.float32), 6, 1e-3)
    assert (found[:, :30] < 0).all()
    assert (found[:, 30:] > 0).all()
    assert found[:, :26].std() < 0.15


def test_a_mask_that_is_off_by_two_pixels_snaps_to_the_edge():
    picture = np.full((60, 60, 3), 40, np.uint8)
    picture[20:40, 20:40] = (200, 60, 60)
    rough = np.full((60, 60), -1.0, np.float32)
    rough[22:42, 18:38] = 1.0
    found = follow_edges(picture, rough, 6, 1e-3) > 0
    inside = picture[..., 0] == 200
    assert (found & inside).sum() / (found | inside).sum() > (rough[inside] > 0).sum() / (
        (rough > 0) | inside
    ).sum()


def test_constant_values_stay_constant():
    picture = np.random.default_rng(0).integers(0, 255, (40, 50, 3), np.uint8)
    found = follow_edges(picture, np.full((40, 50), 0.7, np.float32), 6, 1e-3)
    assert np.allclose(found, 0.7, atol=1e-3)
