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


GLIDE = np.array([[1, 0, 0.4], [0, 1, 0.3], [0, 0, 1]], np.float64)


def disc_of(radius: int) -> np.ndarray:
    y, x = np.ogrid[:160, :240]
    return (x - 120) ** 2 + (y - 80) ** 2 <= radius**2


def even_ground(unseen: np.ndarray) -> tuple[np.ndarray, Plate]:
    picture = np.full((160, 240, 3), 200, np.uint8)
    plate = Plate(SIZE)
    for _ in range(3):
        plate.see(picture, ~unseen)
    return picture, plate


def test_the_dark_of_unknown_places_does_not_bleed_into_known_ones():
    picture, plate = even_ground(disc_of(20))
    for shown in (0, 200, 255):
        picture[disc_of(20)] = shown
        changed, known = plate.difference(picture, WHOLE)
        assert known.any()
        assert changed[known].max() < 0.01


@pytest.mark.parametrize(
    "pan", [GLIDE, np.linalg.inv(GLIDE), np.diag([1.02, 1.02, 1]), np.diag([0.98, 0.98, 1])]
)
def test_neither_does_it_when_the_camera_moves(pan):
    """At the rims of the picture and of places never seen, however often the plate is moved."""
    picture, plate = even_ground(disc_of(20))
    for _ in range(4):
        plate.move(pan)
        changed, known = plate.difference(picture, WHOLE)
        assert 0.8 < known.mean() < 1
        assert changed[known].max() < 0.01


def test_a_camera_that_moves_by_whole_pixels_forgets_nothing_but_what_left():
    picture, plate = even_ground(disc_of(20))
    _, before = plate.difference(picture, WHOLE)
    plate.move(np.array([[1, 0, 7], [0, 1, -5], [0, 0, 1]], np.float64))
    _, known = plate.difference(picture, WHOLE)
    np.testing.assert_array_equal(known[:-5, 7:], before[5:, :-7])
    assert not known[-5:].any()
    assert not known[:, :7].any()


def test_what_enters_at_the_rim_of_unknown_ground_still_stands_out():
    picture, plate = even_ground(disc_of(20))
    plate.move(GLIDE)
    entered = picture.copy()
    entered[70:90, 130:148] = (60, 90, 40)
    changed, known = plate.difference(entered, WHOLE)
    inner = np.s_[72:88, 132:146]
    assert 0 < known[inner].mean() < 1
    assert changed[inner][known[inner]].min() > 0.99
