from __future__ import annotations

import cv2
import numpy as np
import pytest
from synthetic_footage import HEIGHT, KEEP, WIDTH, make_plan, scene, texture, wandering

from void_audit.model.geometry import Rect, Size
from void_audit.pipeline.synthesize.camera import (
    CameraTracker,
    Pose,
    is_identity,
    project,
    relative,
    small_size,
    small_to_geometry,
)


def follow(pictures, masks) -> list[Pose]:
    tracker = CameraTracker()
    return [tracker.add(p, m != KEEP) for p, m in zip(pictures, masks, strict=True)]


def corner_error(found, true) -> float:
    corners = np.array([[0, 0], [WIDTH, 0], [0, HEIGHT], [WIDTH, HEIGHT]], np.float32)
    return float(np.linalg.norm(project(found, corners) - project(true, corners), axis=1).max())


def test_a_moving_camera_is_followed_to_a_fraction_of_a_pixel():
    made = scene(frames=24, motion=wandering, path=lambda i: (20 + 5 * i, 60))
    poses = follow(made.pictures, made.mask.masks)
    for index in range(1, 24):
        found = relative(poses[index], poses[0])
        true = np.linalg.inv(made.motions[0]) @ made.motions[index]
        assert corner_error(found, true / true[2, 2]) < 0.6


def test_a_tripod_is_exactly_a_tripod_whatever_moves_in_front():
    made = scene(frames=20, path=lambda i: (20 + 6 * i, 60), radius=30, noise=2.0)
    # The mask is lost: the object itself must not be taken for the camera.
    poses = follow(made.pictures, [np.full((HEIGHT, WIDTH), KEEP, np.uint8)] * 20)
    assert all(is_identity(p.matrix) and p.shot == 0 for p in poses)


def test_a_slow_pan_is_not_a_tripod():
    made = scene(frames=16, motion=lambda i: np.array([[1, 0, 0.12 * i], [0, 1, 0], [0, 0, 1]]))
    poses = follow(made.pictures, made.mask.masks)
    assert poses[-1].matrix[0, 2] == pytest.approx(0.12 * 15, abs=0.15)


def test_a_cut_starts_another_shot():
    one, other = texture(WIDTH, HEIGHT, 1), texture(WIDTH, HEIGHT, 2)
    mask = np.full((HEIGHT, WIDTH), KEEP, np.uint8)
    poses = follow([one, one, other, other], [mask] * 4)
    assert [p.shot for p in poses] == [0, 0, 1, 1]
    assert relative(poses[1], poses[2]) is None
    assert is_identity(relative(poses[2], poses[3]))


def test_a_long_pan_is_chained_over_key_frames():
    world = texture(900, HEIGHT, 3)
    pictures = [np.ascontiguousarray(world[:, 12 * i : 12 * i + WIDTH]) for i in range(50)]
    poses = follow(pictures, [np.full((HEIGHT, WIDTH), KEEP, np.uint8)] * 50)
    assert poses[-1].shot == 0
    assert poses[-1].matrix[0, 2] == pytest.approx(12 * 49, abs=2.0)


def test_small_views_and_geometry_agree_on_where_a_pixel_is():
    source = Size(3840, 2160)
    small = small_size(source)
    assert max(small) == 640
    crop, scaled = Rect(x=1000, y=500, width=800, height=600), Size(400, 300)
    matrix = small_to_geometry(source, small, make_plan(source, crop=crop, scaled=scaled).geometry)
    # Source point (1400, 800) in the continuous plane, in either grid of pixel centres.
    here = np.array([[1400 / 6 - 0.5, 800 / 6 - 0.5]], np.float32)
    np.testing.assert_allclose(project(matrix, here), [[400 / 2 - 0.5, 300 / 2 - 0.5]], atol=1e-3)
    assert small_size(Size(320, 200)) == Size(320, 200)


def test_points_behind_the_camera_are_nowhere():
    matrix = np.array([[1, 0, 0], [0, 1, 0], [-0.01, 0, 1]], float)
    found = project(matrix, np.array([[10, 5], [500, 5]], np.float32))
    assert np.isfinite(found[0]).all()
    assert np.isnan(found[1]).all()
    assert cv2.__version__
