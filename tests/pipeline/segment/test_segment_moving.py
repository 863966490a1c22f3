"""What moves with the clicks: parts of any colour, against a ground that stands or pans, and nothing made up."""

import cv2
import numpy as np
import pytest

from tests.pipeline.segment.conftest import HEIGHT, WIDTH, texture
from void_audit.pipeline.segment.affine import standing
from void_audit.pipeline.segment.flow import FlowEstimator
from void_audit.pipeline.segment.moving import REACH, Beside, carried_by, moving, moving_along, moving_part

GROUND = texture(1, WIDTH + 200, HEIGHT, (110, 125, 105))
PARTS = (
    texture(2, WIDTH, HEIGHT, (200, 60, 60)), texture(3, WIDTH, HEIGHT, (60, 70, 180)),
    texture(4, WIDTH, HEIGHT, (120, 130, 110)),
)  # fmt: skip
MARKED = 8


def machine(frame: int, speed: float = 3.0, pan: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Three parts of unlike colours, one of them the ground's, that come down together from the upper edge."""
    picture = GROUND[:, pan * frame : pan * frame + WIDTH].copy()
    mask = np.zeros((HEIGHT, WIDTH), bool)
    foot = round(40 + speed * frame)
    for skin, (left, right, top, bottom) in zip(
        PARTS, ((90, 150, -60, -20), (100, 140, -20, 0), (70, 170, 0, 16)), strict=True
    ):
        rows = slice(max(foot + top, 0), foot + bottom)
        moved = np.roll(skin, foot, axis=0)
        picture[rows, left:right] = moved[rows, left:right]
        mask[rows, left:right] = True
    return picture, mask


def told(points, **how):
    frames = [machine(frame, **how)[0] for frame in range(2 * MARKED + 1)]
    return moving(frames[MARKED], points, frames[MARKED + 1 :], frames[MARKED - 1 :: -1])


def agreement(heat: np.ndarray, mask: np.ndarray) -> float:
    found = heat > 0
    return (found & mask).sum() / (found | mask).sum()


@pytest.mark.parametrize(("column", "above"), [(120, -25), (120, -5), (80, 8)], ids=["top", "neck", "foot"])
@pytest.mark.parametrize("how", [{}, {"pan": 2}, {"speed": 0.5}], ids=["still", "pan", "slow"])
def test_all_parts_move_with_a_click_on_any_of_them(column, above, how):
    mask = machine(MARKED, **how)[1]
    heat = told([(column, round(40 + how.get("speed", 3.0) * MARKED) + above)], **how)
    assert heat is not None
    assert agreement(heat, mask) > 0.75
    assert heat.min() >= -1
    assert heat.max() <= 1


@pytest.mark.parametrize("how", [{}, {"pan": 2}], ids=["still", "pan"])
def test_the_ground_is_no_object(how):
    assert told([(20, 140)], **how) is None


def test_what_stands_still_says_nothing():
    assert told([(120, 30)], speed=0) is None


def test_one_direction_of_time_is_enough():
    frames = [machine(frame)[0] for frame in range(2 * MARKED + 1)]
    for nearby in ([frames[MARKED + 1 :]], [[], frames[MARKED - 1 :: -1]]):
        heat = moving(frames[MARKED], [(120, 30)], *nearby)
        assert heat is not None
        assert agreement(heat, machine(MARKED)[1]) > 0.7


def test_no_pictures_and_no_clicks_say_nothing():
    picture = machine(MARKED)[0]
    assert moving(picture, [(120, 30)]) is None
    assert moving(picture, [(120, 30)], [], []) is None
    assert moving(picture, [], [machine(9)[0]]) is None


def test_another_shot_says_nothing():
    other = texture(9, WIDTH, HEIGHT, (240, 200, 30))
    assert moving(machine(MARKED)[0], [(120, 30)], [other] * 8, [other] * 8) is None


@pytest.mark.parametrize("size", [(1, 1), (2, 40), (24, 32)])
def test_tiny_and_plain_pictures_are_no_special_case(size):
    plain = np.full((*size, 3), 90, np.uint8)
    assert moving(plain, [(0, 0)], [plain] * 8, [plain] * 8) is None


def test_no_more_pictures_are_taken_than_promised():
    taken = []

    def endless():
        while True:
            taken.append(1)
            yield machine(MARKED)[0]

    moving(machine(MARKED)[0], [(120, 30)], endless())
    assert len(taken) <= REACH


def test_a_part_is_found_by_a_click_that_misses_it_narrowly():
    heat = np.full((HEIGHT, WIDTH), -1, np.float32)
    cv2.circle(heat, (60, 60), 15, 1, -1)
    cv2.circle(heat, (160, 60), 15, 1, -1)
    part = moving_part(heat, [(60, 79)])
    assert part[60, 60]
    assert not part[60, 160]
    assert not moving_part(heat, [(110, 60)]).any()


def beside(picture, other, shift=(0.0, 0.0)) -> Beside:
    camera = standing(picture.shape[:2]) + np.asarray(shift, np.float32)
    return Beside(other, FlowEstimator().vectors(picture, other), camera)


def test_what_the_object_uncovers_is_seen_to_stand_still_in_pictures_ahead():
    """Going back in time the machine rises; the strip below its foot was hidden a moment before."""
    picture, mask = machine(MARKED)
    ahead, behind = machine(MARKED - 3)[0], machine(MARKED + 1)[0]
    looked = moving_along(picture, mask, [beside(picture, ahead), beside(picture, behind)])
    blind = moving_along(picture, mask, [beside(picture, behind)])
    assert looked is not None
    assert blind is not None
    uncovered = machine(MARKED + 1)[1] & ~mask
    assert looked[mask].mean() > 0.5
    assert looked[uncovered].mean() < min(-0.1, blind[uncovered].mean() - 0.2)


def test_following_says_nothing_of_what_stands_or_is_gone():
    picture, mask = machine(MARKED)
    assert moving_along(picture, mask, [beside(picture, picture)]) is None
    assert moving_along(picture, np.zeros_like(mask), [beside(picture, machine(5)[0])]) is None
    assert moving_along(picture, mask, []) is None
    other = texture(9, WIDTH, HEIGHT, (240, 200, 30))
    assert moving_along(picture, mask, [beside(picture, other)]) is None


def test_the_camera_is_taken_into_account_in_a_window():
    turned = np.array([[1, 0, 4], [0, 1, -2], [0, 0, 1]], float)
    here = standing((20, 30))
    assert np.allclose(carried_by(turned, here, (100, 50)) - here, (4, -2))
    zoomed = np.diag([2.0, 2.0, 1.0])
    assert np.allclose(carried_by(zoomed, here, (100, 50))[0, 0], (100, 50))
    assert carried_by(None, here) is here
