"""The plate knows only what it has seen outside the object, follows the camera, and forgives shadows."""

import numpy as np
import pytest

from void_audit.model.geometry import Size
from void_audit.pipeline.segment.plate import Plate
from void_audit.pipeline.segment.window import Window

SIZE = Size(240, 160)
WHOLE = Window(0, 0, 240, 160)


@pytest.fixture
def scene(scenes):
    return scenes(6, lambda i: (40 + 30 * i, 80))


def learnt(scene, frames: int) -> Plate:
    plate = Plate(SIZE)
    for picture, mask in zip(scene.clip.frames(0, frames), scene.masks, strict=False):
        plate.see(picture, ~mask)
    return plate


def test_an_object_over_known_ground_stands_out(scene):
    picture = list(scene.clip.frames())[5]
    changed, known = learnt(scene, 5).difference(picture, WHOLE)
    assert known[scene.masks[5]].all()
    assert changed[scene.masks[5]].mean() > 0.95
    assert changed[known & ~scene.masks[5]].mean() < 0.1


def test_ground_that_was_never_seen_is_unknown(scene):
    picture = next(scene.clip.frames())
    plate = Plate(SIZE)
    for _ in range(5):
        plate.see(picture, ~scene.masks[0])
    _, known = plate.difference(picture, WHOLE)
    assert not known[scene.masks[0]].any()
    assert known[~scene.masks[0]].all()


def test_a_shadow_is_not_the_object(scene):
    picture = list(scene.clip.frames())[5]
    shadowed = (picture * 0.7).astype(np.uint8)
    changed, known = learnt(scene, 5).difference(shadowed, WHOLE)
    assert changed[known & ~scene.masks[5]].max() <= 0.5


def test_the_plate_follows_the_camera(scene):
    plate = learnt(scene, 5)
    shift = np.array([[1, 0, -20], [0, 1, 0], [0, 0, 1]], np.float64)
    plate.move(shift)
    picture = np.roll(next(scene.clip.frames()), -20, axis=1)
    changed, known = plate.difference(picture, WHOLE)
    assert not known[:, 225:].any()
    ground = known & ~np.roll(scene.masks[0], -20, axis=1)
    assert changed[ground].mean() < 0.1


def test_a_plate_that_has_seen_nothing_says_nothing(scene):
    _, known = Plate(SIZE).difference(next(scene.clip.frames()), WHOLE)
    assert not known.any()
