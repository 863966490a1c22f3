"""Background estimates: which samples they take, and that nothing but background gets into them."""

import numpy as np
import pytest
from reason_scenes import floor

from void_audit.model.geometry import Size
from void_audit.pipeline.reason.camera import Segment
from void_audit.pipeline.reason.plate import MOST_SAMPLES, Plate, Sample, Sampler

SIZE = Size(60, 40)
SHAPE = (40, 60)
FAR, GUARD = 20.0, 3.0


def still(frames):
    return Segment(0, [np.eye(3)] * frames, still=True)


def sample(frame, level, distance=100.0):
    return Sample(frame, np.full((*SHAPE, 3), level, np.uint8), np.full(SHAPE, distance, np.float32))


def plate(samples, segment=None):
    return Plate(segment or still(len(samples)), samples, SIZE, FAR, GUARD)


@pytest.mark.parametrize("frames", [1, MOST_SAMPLES, MOST_SAMPLES + 1, 333])
def test_samples_are_bounded_and_even(frames):
    sampler = Sampler()
    for frame in range(frames):
        sampler.add(frame, np.zeros((4, 4, 3), np.uint8), np.zeros((4, 4), bool))
    taken = [s.frame for s in sampler.samples]
    assert min(frames, MOST_SAMPLES // 2) <= len(taken) <= MOST_SAMPLES
    assert taken[0] == 0
    assert len(set(np.diff(taken))) <= 1
    assert frames - taken[-1] <= (taken[1] if len(taken) > 1 else 1)


def test_early_is_of_the_first_clean_samples_and_late_of_the_last():
    view = plate([sample(i, 10 * i) for i in range(12)]).seen_from(0)
    assert (view.early == 20).all()
    assert (view.late == 90).all()
    assert view.far.all()


def test_a_passer_by_does_not_show():
    samples = [sample(i, 200 if i == 2 else 50) for i in range(9)]
    assert (plate(samples).early == 50).all()
    assert (plate(samples[::-1]).late == 50).all()


def test_samples_near_the_object_count_only_where_there_are_no_clean_ones():
    near = [sample(i, 200, FAR - 1) for i in range(6)]
    clean = [sample(6, 50), sample(7, 50)]
    assert (plate(near + clean).early == 50).all()
    only_near = plate(near).seen_from(0)
    assert (only_near.early == 200).all()
    assert only_near.known.all()
    assert not only_near.far.any()


def test_one_clean_sample_is_not_enough_to_be_sure():
    view = plate([sample(0, 200, FAR - 1), sample(1, 50)]).seen_from(0)
    assert not view.far.any()
    assert (view.early == 125).all()


def test_the_object_itself_is_never_background():
    view = plate([sample(i, 200, GUARD - 0.1) for i in range(6)]).seen_from(0)
    assert not view.known.any()
    assert not view.early.any()


WORLD = floor(Size(120, 60))


def shifted(frames, dx, dy, start=0):
    """A camera that glides over the world; poses to the first frame."""
    poses = [np.array([[1, 0, dx * i], [0, 1, dy * i], [0, 0, 1]], np.float64) for i in range(frames)]
    return Segment(start, poses)


def window(i, dx, dy):
    x, y = round(dx * i), round(dy * i)
    return WORLD[y : y + SIZE.height, x : x + SIZE.width].astype(np.uint8)


def test_every_frame_of_a_moving_camera_gets_its_own_view():
    segment = shifted(8, 4, 2, start=10)
    samples = [Sample(10 + i, window(i, 4, 2), np.full(SHAPE, 100, np.float32)) for i in range(8)]
    moving = plate(samples, segment)
    for i in (0, 3, 7):
        view = moving.seen_from(10 + i)
        assert view.known.mean() > 0.9
        assert np.abs(view.early - window(i, 4, 2))[view.known].max() < 1


def test_the_dark_beyond_the_picture_does_not_bleed_into_the_background():
    """Between pixels, at the rims of the samples and around what is never seen."""
    samples = [sample(i, 200) for i in range(0, 8, 3)]
    samples[0].distance[10:20, 10:20] = samples[1].distance[10:20, 10:20] = samples[2].distance[
        8:18, 9:19
    ] = 0
    moving = plate(samples, shifted(8, 0.5, 0.3))
    for i in range(8):
        view = moving.seen_from(i)
        assert 0.8 < view.known.mean() < 1
        assert np.abs(view.early[view.known] - 200).max() <= 1
        assert np.abs(view.late[view.known] - 200).max() <= 1


def test_places_that_no_sample_saw_are_unknown():
    moving = plate([sample(0, 90)], shifted(8, 5, 0))
    view = moving.seen_from(7)
    assert view.known[:, :20].all()
    assert not view.known[:, 25:].any()
