"""The invented background: made once per shot, true where it was seen, carried along the camera."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from synthetic_footage import texture

from void_audit.model.plan import PropagateSettings
from void_audit.pipeline.synthesize.camera import Pose
from void_audit.pipeline.synthesize.plate import Plate, build_plates
from void_audit.pipeline.synthesize.samples import Footage

SHAPE = (48, 64)
GUARD = 3
SETTINGS = PropagateSettings(guard=GUARD)
TEXTURED, FLAT = texture(200, 160), np.full((160, 200, 3), 200, np.uint8)
GREY = np.repeat(TEXTURED[..., :1], 3, axis=2)
STILL = Pose(np.eye(3), 0)


def box(rows: slice, columns: slice, shape=SHAPE) -> np.ndarray:
    area = np.zeros(shape, bool)
    area[rows, columns] = True
    return area


HOLE = box(slice(15, 32), slice(20, 38))
EMPTY = np.zeros(SHAPE, bool)
WHOLE = np.ones(SHAPE, bool)


def pan(opened, dx=0.0, dy=0.0, world=TEXTURED, shots=None) -> tuple[Footage, list[np.ndarray]]:
    """A camera that glides over a world with something red in it, and what is behind that."""
    truth, poses = [], []
    for i in range(len(opened)):
        to_world = np.array([[1, 0, 40 + dx * i], [0, 1, 40 + dy * i], [0, 0, 1]], np.float64)
        flags = cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP
        truth.append(cv2.warpPerspective(world, to_world, SHAPE[::-1], flags=flags))
        matrix = np.array([[1, 0, dx * i], [0, 1, dy * i], [0, 0, 1]], np.float64)
        poses.append(Pose(matrix, shots[i] if shots else 0))
    return footage(truth, opened, poses), truth


def footage(truth, opened, poses) -> Footage:
    kernel = np.ones((2 * GUARD + 1, 2 * GUARD + 1), np.uint8)
    trusted = [cv2.dilate(o.astype(np.uint8), kernel) == 0 for o in opened]
    frames = [np.where(o[..., None], np.uint8((250, 20, 20)), t) for t, o in zip(truth, opened, strict=True)]
    return Footage(frames, opened, trusted, poses, np.zeros((len(truth), 3), np.int16))


def points(area: np.ndarray) -> np.ndarray:
    y, x = np.nonzero(area)
    return np.stack([x, y], axis=1).astype(np.float32)


def test_there_is_a_plate_for_each_shot_that_lacks_something_and_for_no_other():
    shots = [0, 0, 0, 1, 1, 1, 2, 2, 2]
    unseen = [HOLE] * 3 + [EMPTY] * 3 + [EMPTY, HOLE, EMPTY]
    made, _ = pan(unseen, shots=shots)
    plates = build_plates(made, unseen, SETTINGS, 1)
    assert [p.pose.shot for p in plates] == [0, 2]
    assert build_plates(made, [EMPTY] * 9, SETTINGS, 1) == []


@pytest.mark.parametrize(("dx", "dy"), [(0, 0), (2, 1), (0.7, -0.4)])
def test_everything_unseen_is_filled_for_every_frame_without_a_trace_of_the_object(dx, dy):
    unseen = [HOLE] * 7
    made, _ = pan(unseen, dx, dy, GREY)
    (plate,) = build_plates(made, unseen, SETTINGS, 1)
    for pose in made.poses:
        colours, known = plate.look(pose, points(HOLE))
        assert known.all()
        assert colours.std() > 5
        assert (np.ptp(colours, axis=1) <= 2).all()


def test_a_place_never_seen_is_filled_wherever_the_camera_glides_past_it():
    unseen = [box(slice(15, 32), slice(35 - 5 * i, 50 - 5 * i)) for i in range(5)]
    made, _ = pan(unseen, 5, 0, GREY)
    (plate,) = build_plates(made, unseen, SETTINGS, 1)
    for pose, hole in zip(made.poses, unseen, strict=True):
        colours, known = plate.look(pose, points(hole))
        assert known.all()
        assert (np.ptp(colours, axis=1) <= 2).all()


def test_the_guard_around_what_is_opened_is_filled_with_it():
    made, _ = pan([HOLE] * 5)
    (plate,) = build_plates(made, [HOLE] * 5, SETTINGS, 1)
    assert plate.look(STILL, points(~made.trusted[0]))[1].all()


@pytest.mark.parametrize(("dx", "dy"), [(0, 0), (2, 1), (1.4, -0.4)])
def test_the_plate_shows_the_truth_where_frames_showed_it(dx, dy):
    unseen = [HOLE] * 9
    made, truth = pan(unseen, dx, dy)
    (plate,) = build_plates(made, unseen, SETTINGS, 1)
    # The guard around what is opened was never trusted.
    away = points(made.trusted[4] & box(slice(4, 44), slice(4, 60)))
    colours, known = plate.look(made.poses[4], away)
    x, y = away.astype(int).T
    assert known.mean() > 0.5
    error = np.abs(colours.astype(int) - truth[4][y, x])[known]
    assert error.mean() < 1.5 * bool(dx) + 0.01
    assert error.max() < 25 * bool(dx) + 1


def test_the_invention_keeps_its_place_in_the_world():
    unseen = [HOLE] * 5
    made, _ = pan(unseen, 2, 1)
    (plate,) = build_plates(made, unseen, SETTINGS, 1)
    here, _ = plate.look(made.poses[2], points(HOLE) - (4, 2))
    there, _ = plate.look(made.poses[4], points(HOLE) - (8, 4))
    np.testing.assert_array_equal(here, there)


@pytest.mark.parametrize(
    "unseen",
    [
        HOLE,
        box(slice(0, 48), slice(0, 20)),
        box(slice(0, 48), slice(10, 64)),
    ],
)
@pytest.mark.parametrize("dx", [0.6, 1.3])
def test_the_dark_of_unknown_places_does_not_bleed_into_known_ones(unseen, dx):
    """Level ground is level wherever the plate claims to know it, whether there were examples or not."""
    made, _ = pan([unseen] * 4, dx, dx / 2, FLAT)
    (plate,) = build_plates(made, [unseen] * 4, SETTINGS, 1)
    for pose in made.poses:
        colours, known = plate.look(pose, points(WHOLE))
        assert np.abs(colours[known].astype(int) - 200).max(initial=0) <= 1


def test_what_was_invented_before_is_kept():
    unseen = [HOLE] * 5
    made, _ = pan(unseen)
    (first,) = build_plates(made, unseen, SETTINGS, 1)
    (other,) = build_plates(made, unseen, SETTINGS, 2)
    (kept,) = build_plates(made, unseen, SETTINGS, 2, [first])
    one, two, three = (p.look(STILL, points(HOLE))[0] for p in (first, other, kept))
    assert (one != two).any()
    np.testing.assert_array_equal(one, three)


def test_a_plate_of_another_shot_is_not_kept():
    unseen = [HOLE] * 5
    made, _ = pan(unseen)
    painted = Plate(Pose(np.eye(3), 1), (0, 0), np.full((*SHAPE, 3), 77, np.uint8), WHOLE)
    (plain,) = build_plates(made, unseen, SETTINGS, 1)
    (kept,) = build_plates(made, unseen, SETTINGS, 1, [painted])
    np.testing.assert_array_equal(plain.picture, kept.picture)


def test_what_is_seen_now_overrules_what_was_invented_before():
    seen_late = [HOLE if i == 0 else EMPTY for i in range(7)]
    made, truth = pan(seen_late)
    painted = Plate(STILL, (0, 0), np.full((*SHAPE, 3), 77, np.uint8), WHOLE)
    (plate,) = build_plates(made, seen_late, SETTINGS, 1, [painted])
    colours, known = plate.look(STILL, points(HOLE))
    assert known.all()
    np.testing.assert_array_equal(colours, truth[0][HOLE])


def test_equal_seeds_give_equal_plates():
    unseen = [HOLE] * 5
    made, _ = pan(unseen, 1, 0)
    (one,), (two,) = (build_plates(made, unseen, SETTINGS, 9) for _ in range(2))
    np.testing.assert_array_equal(one.picture, two.picture)
    np.testing.assert_array_equal(one.valid, two.valid)


def test_without_examples_nothing_is_claimed():
    made, _ = pan([WHOLE] * 4)
    (plate,) = build_plates(made, [WHOLE] * 4, SETTINGS, 1)
    assert not plate.look(STILL, points(WHOLE))[1].any()


@pytest.mark.parametrize("shape", [(1, 1), (3, 5), (33, 35)])
def test_tiny_and_odd_pictures(shape):
    picture, speck = texture(shape[1], shape[0]), np.zeros(shape, bool)
    speck[0, 0] = True
    unseen = [speck] * 4
    (plate,) = build_plates(footage([picture] * 4, unseen, [STILL] * 4), unseen, SETTINGS, 1)
    assert plate.picture.shape == (*shape, 3)
    assert plate.valid.any() == (max(shape) > GUARD + 1)


@pytest.mark.parametrize("dx", [30, -70, 1e5])
def test_however_far_the_camera_goes_the_canvas_stays_bounded(dx):
    unseen = [HOLE if i in (0, 8) else EMPTY for i in range(9)]
    made, _ = pan(unseen, dx, 0, FLAT)
    for lacking in (unseen, [EMPTY] * 8 + [HOLE]):
        (plate,) = build_plates(made, lacking, SETTINGS, 1)
        height, width = plate.valid.shape
        assert height <= 3 * SHAPE[0]
        assert width <= 3 * SHAPE[1]
        assert plate.look(made.poses[8], points(HOLE))[1].shape == (HOLE.sum(),)


def plate_of(origin=(0, 0)) -> Plate:
    valid = np.ones((33, 35), bool)
    valid[5, 6] = False
    return Plate(STILL, origin, texture(35, 33), valid)


def test_looking_beyond_the_plate_or_where_it_holds_nothing_says_so():
    where = np.array([[0, 0], [34, 32], [6, 5], [34.4, 0], [-1, 0], [0, 33], [np.nan, 1]], np.float32)
    colours, known = plate_of().look(STILL, where)
    assert known.tolist() == [True, True, False, False, False, False, False]
    np.testing.assert_array_equal(colours[:2], texture(35, 33)[[0, 32], [0, 34]])


def test_the_origin_moves_the_plate():
    colours, known = plate_of((-3, 7)).look(STILL, np.array([[-3, 7], [3, 12], [0, 0]], np.float32))
    assert known.tolist() == [True, False, False]
    np.testing.assert_array_equal(colours[0], texture(35, 33)[0, 0])


def test_between_pixels_the_plate_is_interpolated():
    ramp = np.repeat(np.arange(0, 240, 6, dtype=np.uint8)[None, :, None], 33, 0).repeat(3, 2)
    plate = Plate(STILL, (0, 0), ramp, np.ones((33, 40), bool))
    moved = Pose(np.array([[1, 0, 0.5], [0, 1, 0], [0, 0, 1]]), 0)
    colours, known = plate.look(moved, np.array([[10, 10], [20, 10]], np.float32))
    assert known.all()
    np.testing.assert_allclose(colours, [[63] * 3, [123] * 3], atol=1)


def test_another_shot_and_no_points_know_nothing():
    assert not plate_of().look(Pose(np.eye(3), 1), np.zeros((3, 2), np.float32))[1].any()
    colours, known = plate_of().look(STILL, np.zeros((0, 2), np.float32))
    assert (colours.shape, known.shape) == ((0, 3), (0,))
