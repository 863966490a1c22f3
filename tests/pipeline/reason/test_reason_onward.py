"""The way on of a thing that met the object: straight, at its pace, through every camera, down to the foot at most."""

import numpy as np
import pytest

from void_audit.pipeline.reason.deflection import Meeting
from void_audit.pipeline.reason.onward import Onward

HEIGHT, WIDTH, FRAMES = 80, 120, 20
STILL = [np.eye(3)] * FRAMES


def box(x, y, width=10, height=10):
    bitmap = np.zeros((HEIGHT, WIDTH), bool)
    bitmap[max(0, y) : max(0, y + height), max(0, x) : max(0, x + width)] = True
    return bitmap


def panning(by):
    """Each frame sees the world ``by`` pixels further right."""
    return [np.array([[1, 0, by * i], [0, 1, 0], [0, 0, 1]], np.float64) for i in range(FRAMES)]


def met(velocity, coming, offset=5):
    return Meeting(offset, coming, coming, velocity)


def test_it_goes_straight_on_from_the_frame_before_the_meeting():
    path = Onward(met((6.0, 1.0), box(20, 30)), STILL, None)
    for offset in range(5, 15):
        frames = offset - 5 + 1
        assert np.array_equal(path.at(offset), box(20 + 6 * frames, 30 + frames))


def test_before_the_meeting_it_is_nowhere_and_out_of_the_picture_too():
    path = Onward(met((12.0, 0.0), box(60, 30)), STILL, None)
    assert not path.at(4).any()
    assert path.at(8).any()
    assert not path.at(9).any()


@pytest.mark.parametrize("pan", [-3, 2, 6])
def test_the_way_is_that_of_the_world_not_of_the_picture(pan):
    path = Onward(met((6.0, 0.0), box(20, 30)), panning(pan), None)
    for offset in (6, 9, 12):
        frames = offset - 5 + 1
        x = 20 + 6 * frames - pan * frames
        assert np.array_equal(path.at(offset), box(x, 30))


FALLS = {"straight down": (0.0, 5.0), "slightly aside": (2.0, 5.0)}


@pytest.mark.parametrize("velocity", FALLS.values(), ids=FALLS)
def test_a_fall_ends_where_the_object_stands(velocity):
    stands = box(30, 40, 30, 21)
    path = Onward(met(velocity, box(25, 20)), STILL, stands)
    assert np.flatnonzero(path.at(19).any(axis=1)).max() == 60
    assert np.array_equal(path.at(14), path.at(19))


def test_nothing_falls_up_to_a_foot_above_it():
    path = Onward(met((0.0, 5.0), box(25, 50)), STILL, box(30, 20, 30, 10))
    assert np.array_equal(path.at(12), box(25, 50))


@pytest.mark.parametrize(
    ("velocity", "stands"), [((0.0, 5.0), False), ((4.0, 5.0), True), ((0.0, -5.0), True)]
)
def test_only_a_fall_on_what_stands_ends_there(velocity, stands):
    path = Onward(met(velocity, box(25, 20)), STILL, box(30, 40, 30, 21) if stands else None)
    across, down = (15 * pace for pace in velocity)
    assert np.array_equal(path.at(19), box(25 + round(across), 20 + round(down)))
