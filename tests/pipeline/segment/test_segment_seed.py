"""The marked frame's mask obeys the marks, finds the object, and is unsure where it is wrong."""

import numpy as np
import pytest

from void_audit.model.geometry import Rect
from void_audit.pipeline.segment.marks import Prompt
from void_audit.pipeline.segment.seed import seed
from void_audit.pipeline.segment.window import overlap

BOX = Rect(x=88, y=48, width=66, height=65)


@pytest.fixture
def scene(scenes):
    return scenes(1, lambda i: (120, 80), radius=28)


@pytest.fixture
def picture(scene):
    return next(scene.clip.frames())


def test_one_click_finds_the_object(scene, picture, saliency):
    made = seed(picture, Prompt(0, ((120, 80),), ()), saliency)
    assert overlap(made.mask, scene.masks[0]) > 0.9
    assert made.score > 0.6


def test_one_box_finds_the_object(scene, picture, saliency):
    made = seed(picture, Prompt(0, (), (), BOX), saliency)
    assert overlap(made.mask, scene.masks[0]) > 0.9
    assert made.score > 0.6


@pytest.mark.parametrize(
    "prompt",
    [Prompt(0, ((105, 80), (135, 80), (120, 62), (120, 98)), ()), Prompt(0, (), (), BOX)],
    ids=["clicks", "box"],
)
def test_marks_find_it_without_any_help_from_the_network(scene, picture, blind_saliency, prompt):
    assert overlap(seed(picture, prompt, blind_saliency).mask, scene.masks[0]) > 0.85


def test_background_clicks_are_outside_and_object_clicks_inside(picture, saliency):
    made = seed(picture, Prompt(0, ((120, 80), (60, 40)), ((100, 30), (125, 85))), saliency)
    assert made.mask[80, 120]
    assert made.mask[40, 60]
    assert not made.mask[30, 100]


def test_clicks_refine_a_box(picture, saliency):
    made = seed(picture, Prompt(0, ((92, 52),), ((120, 80),), BOX), saliency)
    assert made.mask[52, 92]
    assert not made.mask[80, 120]


def test_a_background_click_takes_a_neighbour_out_of_the_box(scenes, saliency):
    scene = scenes(1, lambda i: (70, 80), radius=20)
    picture = next(scene.clip.frames()).copy()
    picture[50:111, 130:191] = 30
    box = Rect(x=45, y=45, width=150, height=70)
    alone = seed(picture, Prompt(0, ((70, 80),), (), box), saliency).mask
    refined = seed(picture, Prompt(0, ((70, 80),), ((160, 80), (140, 60), (180, 100)), box), saliency).mask
    assert overlap(refined, scene.masks[0]) >= overlap(alone, scene.masks[0])
    assert not refined[80, 160]


def test_an_empty_box_is_filled_and_not_sure(picture, blind_saliency):
    plain = np.full_like(picture, 128)
    made = seed(plain, Prompt(0, (), (), Rect(x=10, y=20, width=30, height=15)), blind_saliency)
    assert made.mask[20:35, 10:40].mean() > 0.8
    assert made.mask.sum() == made.mask[20:35, 10:40].sum()
    assert made.score < 0.55


def test_contradicting_clicks_still_give_a_mask(picture, saliency):
    made = seed(picture, Prompt(0, ((120, 80),), ((120, 80),)), saliency)
    assert made.mask[80, 120]


def test_marks_on_plain_ground_are_not_sure(picture, saliency, blind_saliency):
    on_object = seed(picture, Prompt(0, ((120, 80),), ()), saliency)
    on_ground = seed(picture, Prompt(0, ((20, 20),), ()), blind_saliency)
    assert on_ground.mask[20, 20]
    assert on_ground.score < 0.55 < on_object.score
    round_object = seed(picture, Prompt(0, (), (), BOX), saliency)
    round_nothing = seed(picture, Prompt(0, (), (), Rect(x=5, y=5, width=60, height=60)), blind_saliency)
    assert round_nothing.score < round_object.score


@pytest.mark.parametrize("place", [(0, 0), (239, 159), (0, 159)])
def test_clicks_in_the_corners_work(picture, saliency, place):
    made = seed(picture, Prompt(0, (place,), ()), saliency)
    assert made.mask[place[1], place[0]]


def test_a_tiny_picture_is_no_special_case(saliency):
    picture = np.full((24, 32, 3), 60, np.uint8)
    picture[8:16, 10:20] = (220, 40, 40)
    for prompt in (Prompt(0, ((14, 12),), ()), Prompt(0, (), (), Rect(x=8, y=6, width=14, height=12))):
        assert seed(picture, prompt, saliency).mask[12, 14]


@pytest.mark.parametrize("size", [(1, 1), (24, 32)])
def test_a_mask_of_the_whole_picture_has_a_score(size):
    """It has no outline, of which a mean would be taken."""
    picture = np.full((*size, 3), 60, np.uint8)
    made = seed(picture, Prompt(0, ((0, 0),), ()), lambda part, side: np.ones(part.shape[:2], np.float32))
    assert made.mask.all()
    assert 0 <= made.score < 0.7


def test_a_mask_that_nothing_seconds_is_not_sure(picture, blind_saliency):
    picture = picture.copy()
    picture[60:100, 100:140] = 250, 250, 0
    made = seed(picture, Prompt(0, ((120, 80),), ()), blind_saliency)
    assert made.mask[80, 120]
    assert made.score < 0.55


def test_one_click_finds_parts_that_look_unlike_each_other_by_their_motion(scenes, blind_saliency):
    """Half of the disc is painted blue: colours alone find the clicked half."""
    scene = scenes(9, lambda i: (60 + 8 * i, 80), radius=30)
    pictures = [p.copy() for p in scene.clip.frames()]
    for picture, mask in zip(pictures, scene.masks, strict=True):
        lower = mask.copy()
        lower[:84] = False
        picture[lower] = picture[lower][:, ::-1]
    click = Prompt(4, ((92, 68),), ())
    alone = seed(pictures[4], click, blind_saliency)
    made = seed(pictures[4], click, blind_saliency, pictures[5:], pictures[3::-1])
    assert overlap(made.mask, scene.masks[4]) > 0.85
    assert overlap(made.mask, scene.masks[4]) > overlap(alone.mask, scene.masks[4]) + 0.2
    assert made.score > alone.score
