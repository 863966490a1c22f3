"""Cuts from marks and from motion obey the marks, and labels that leave nothing to tell apart give nothing."""

import numpy as np
import pytest

from void_audit.model.geometry import Rect, Size
from void_audit.pipeline.segment.grabcut import cut_from_marks, cut_from_motion, window_of
from void_audit.pipeline.segment.marks import Prompt
from void_audit.pipeline.segment.window import Window, overlap


@pytest.fixture
def scene(scenes):
    return scenes(1, lambda i: (120, 80), radius=28)


@pytest.fixture
def picture(scene):
    return next(scene.clip.frames())


def heat_of(mask: np.ndarray, inside: float = 1.0, outside: float = -1.0) -> np.ndarray:
    return np.where(mask, inside, outside).astype(np.float32)


def test_a_box_is_its_window_and_none_is_the_whole_picture():
    assert window_of(Rect(x=3, y=4, width=5, height=6), Size(20, 20)) == Window(3, 4, 8, 10)
    assert window_of(None, Size(20, 10)) == Window(0, 0, 20, 10)


def test_colours_settle_what_motion_leaves_open(scene, picture):
    heat = heat_of(scene.masks[0], outside=-0.8)
    heat[60:100, 110:130] = 0
    found = cut_from_motion(picture, Prompt(0, ((120, 80),), ()), heat)
    assert overlap(found, scene.masks[0]) > 0.93


def test_only_what_is_connected_to_a_click_counts(scene, picture):
    heat = heat_of(scene.masks[0])
    heat[10:40, 10:40] = 1
    found = cut_from_motion(picture, Prompt(0, ((120, 80),), ()), heat)
    assert found[80, 120]
    assert not found[10:40, 10:40].any()


def test_a_background_click_settles_what_motion_leaves_open(scene, picture):
    heat = heat_of(scene.masks[0])
    heat[50:110, 150:210] = 0
    picture = picture.copy()
    picture[50:110, 150:210] = picture[80, 120]
    found = cut_from_motion(picture, Prompt(0, ((110, 80),), ((165, 80), (180, 80), (195, 80))), heat)
    assert found[80, 110]
    assert not found[80, 180]


@pytest.mark.parametrize("value", [-1.0, 0.0, 1.0])
def test_evidence_that_says_one_thing_everywhere_stops_nothing(picture, value):
    heat = np.full(picture.shape[:2], value, np.float32)
    assert cut_from_motion(picture, Prompt(0, ((120, 80),), ()), heat).shape == picture.shape[:2]


def test_clicks_alone_give_the_colours_round_them(scene, picture):
    found = cut_from_marks(picture, Prompt(0, ((105, 80), (135, 80), (120, 62), (120, 98)), ()))
    assert overlap(found, scene.masks[0]) > 0.85


def test_a_background_click_takes_out_a_neighbour_that_moves_along(scene, picture):
    """Also where motion is certain; and the clicked pixel itself is never in the mask."""
    picture, heat = picture.copy(), heat_of(scene.masks[0])
    neighbour = np.zeros(scene.masks[0].shape, bool)
    neighbour[60:100, 148:190] = True
    neighbour &= ~scene.masks[0]
    picture[neighbour] = 30, 60, 200
    heat[neighbour] = 1
    both = cut_from_motion(picture, Prompt(0, ((110, 80),), ()), heat)
    refined = cut_from_motion(picture, Prompt(0, ((110, 80),), ((165, 80),)), heat)
    assert both[neighbour].mean() > 0.9
    assert overlap(refined, scene.masks[0]) > 0.85
    assert not refined[80, 165]
