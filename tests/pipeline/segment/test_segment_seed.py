"""The clicked frame's mask obeys the clicks, finds the object, and is unsure where it is wrong."""

import numpy as np
import pytest

from void_audit.model.geometry import Size
from void_audit.pipeline.segment.marks import Prompt
from void_audit.pipeline.segment.seed import crops, seed
from void_audit.pipeline.segment.window import overlap


@pytest.fixture
def scene(scenes):
    return scenes(1, lambda i: (120, 80), radius=28)


def test_one_click_finds_the_object(scene, saliency):
    made = seed(next(scene.clip.frames()), Prompt(0, ((120, 80),), ()), saliency)
    assert overlap(made.mask, scene.masks[0]) > 0.9
    assert made.score > 0.6


def test_several_clicks_find_it_without_any_help_from_the_network(scene, blind_saliency):
    clicks = ((105, 80), (135, 80), (120, 62), (120, 98))
    made = seed(next(scene.clip.frames()), Prompt(0, clicks, ()), blind_saliency)
    assert overlap(made.mask, scene.masks[0]) > 0.85


def test_background_clicks_are_outside_and_object_clicks_inside(scene, saliency):
    made = seed(next(scene.clip.frames()), Prompt(0, ((120, 80), (60, 40)), ((100, 30), (125, 85))), saliency)
    assert made.mask[80, 120]
    assert made.mask[40, 60]
    assert not made.mask[30, 100]


def test_contradicting_clicks_still_give_a_mask(scene, saliency):
    made = seed(next(scene.clip.frames()), Prompt(0, ((120, 80),), ((120, 80),)), saliency)
    assert made.mask[80, 120]


def test_a_click_on_plain_ground_is_not_sure(scene, saliency, blind_saliency):
    picture = next(scene.clip.frames())
    on_object = seed(picture, Prompt(0, ((120, 80),), ()), saliency)
    on_ground = seed(picture, Prompt(0, ((20, 20),), ()), blind_saliency)
    assert on_ground.mask[20, 20]
    assert on_ground.score < 0.55 < on_object.score


@pytest.mark.parametrize("place", [(0, 0), (239, 159), (0, 159)])
def test_clicks_in_the_corners_work(scene, saliency, place):
    made = seed(next(scene.clip.frames()), Prompt(0, (place,), ()), saliency)
    assert made.mask[place[1], place[0]]


def test_crops_grow_and_hold_the_clicks():
    found = crops(((100, 80), (160, 90)), Size(672, 384))
    widths = [w.shape[1] for w in found]
    assert widths == sorted(widths)
    assert len(set(widths)) == len(widths)
    assert all(w.left <= 100 and w.right > 160 for w in found)
    assert len(crops(((0, 0), (671, 383)), Size(672, 384))) == 1


def test_a_tiny_picture_is_no_special_case(saliency):
    picture = np.full((24, 32, 3), 60, np.uint8)
    picture[8:16, 10:20] = (220, 40, 40)
    made = seed(picture, Prompt(0, ((14, 12),), ()), saliency)
    assert made.mask[12, 14]
