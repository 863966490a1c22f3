"""The guessed shadow of an object that never moves, and the stains that are not even a guess."""

import cv2
import numpy as np
import pytest
from reason_scenes import disc

from void_audit.model.geometry import Size
from void_audit.pipeline.reason.photometric import guessed_shadow
from void_audit.pipeline.reason.shapes import diagonal_of, distance_to, grown

SIZE = Size(120, 90)
COVERED = disc((60, 45), 12, SIZE) > 0.5
GUARD, TOUCH = 3.0, 6.0
BESIDE = ((72, 56), (14, 5))
"""Hangs on the lower right of the object."""


def surface(colour=(150, 130, 110), noise=2.0):
    rng = np.random.default_rng(0)
    return np.array(colour, np.float32) + rng.normal(0, noise, (SIZE.height, SIZE.width, 3))


def with_patch(factor, centre=BESIDE[0], radius=BESIDE[1], base=None):
    patch = disc(centre, radius, SIZE, soft=0.5)[..., None]
    base = surface() if base is None else base
    picture = base * (1 - patch) + base * np.array(factor, np.float32) * patch
    picture[COVERED] = (200, 60, 40)
    return np.clip(picture, 0, 255).astype(np.uint8), patch[..., 0] > 0.5


def guess(picture, covered=COVERED):
    return guessed_shadow(picture, covered, GUARD, TOUCH)


def test_a_soft_dark_patch_at_the_foot_is_guessed():
    picture, patch = with_patch(0.6)
    found = guess(picture)
    shadow = patch & (distance_to(COVERED) > GUARD)
    assert (found & shadow).sum() >= 0.98 * shadow.sum()
    assert not (found & ~grown(patch, 8)).any()


NOT_A_SHADOW = {
    "nothing": with_patch(1.0),
    "light": with_patch(1.3),
    "barely darker": with_patch(0.97),
    "not hanging on the object": with_patch(0.6, (92, 56), (7, 5)),
    "beside its head": with_patch(0.6, (70, 34), (9, 5)),
}


@pytest.mark.parametrize("name", NOT_A_SHADOW)
def test_what_is_no_shadow_is_not_guessed(name):
    assert not guess(NOT_A_SHADOW[name][0]).any()


def test_a_dark_thing_of_another_colour_is_at_most_outlined():
    picture, patch = with_patch((0.9, 0.5, 0.3), (84, 56), (26, 12))
    inside = patch & ~grown(~patch, 7) & (distance_to(COVERED) > GUARD)
    assert inside.sum() > 50
    assert not (guess(picture) & inside).any()
    same, _ = with_patch(0.57, (84, 56), (26, 12))
    assert (guess(same) & inside).any()


def test_the_guess_is_bounded_however_far_the_darkness_goes():
    picture, _ = with_patch(0.6, (72, 56), (40, 6))
    found, distance = guess(picture), distance_to(COVERED)
    assert found.any()
    assert distance[found].max() <= 0.5 * diagonal_of(COVERED) + 5
    assert distance[found].min() > GUARD


def test_an_exposure_is_no_shadow():
    """Only darker than the surface at the same height counts, not dark as such."""
    assert not guess(with_patch(1.0, base=surface((40, 35, 30)))[0]).any()


def test_a_brighter_world_above_the_foot_does_not_make_the_floor_dark():
    base = surface()
    base[:30] *= 1.6
    assert not guess(with_patch(1.0, base=base)[0]).any()


def test_without_an_object_or_a_surface_there_is_no_guess():
    picture, _ = with_patch(0.6)
    assert not guess(picture, np.zeros_like(COVERED)).any()
    assert not guess(picture, np.ones_like(COVERED)).any()
    crop = (slice(30, 62), slice(45, 78))
    assert not guess(np.ascontiguousarray(picture[crop]), COVERED[crop]).any()


def test_a_surface_of_many_colours_is_not_judged():
    rng = np.random.default_rng(1)
    tiles = rng.integers(20, 250, (15, 20, 3)).astype(np.float32)
    base = cv2.resize(tiles, tuple(SIZE), interpolation=cv2.INTER_NEAREST)
    assert guess(with_patch(1.0, base=base)[0]).mean() < 0.02
