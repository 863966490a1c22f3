"""The camera's path over a drawn plane whose truth is known, and the pictures that must not mislead it."""

import cv2
import numpy as np
import pytest
from reason_scenes import floor

from void_audit.model.geometry import Size
from void_audit.pipeline.reason.camera import CameraFollower, project

SIZE = Size(120, 80)
NOWHERE = np.zeros((80, 120), bool)


def plane(seed):
    gray = cv2.cvtColor(floor(Size(400, 160), seed), cv2.COLOR_RGB2GRAY)
    return np.clip(128 + (gray - gray.mean()) * 8.0, 0, 255)


WORLD, OTHER = plane(5), plane(6)


def shot(x, y=40.0, world=WORLD, noise=1.0, gain=1.0):
    picture = cv2.warpAffine(
        world, np.array([[1, 0, -x], [0, 1, -y]], np.float64), tuple(SIZE), flags=cv2.INTER_LINEAR
    )
    grain = np.random.default_rng(round(97 * x + y)).normal(0, noise, picture.shape)
    return np.clip(np.rint((picture + grain) * gain), 0, 255).astype(np.uint8)


def follow(pictures, covered=None):
    follower = CameraFollower(SIZE)
    opens = [
        follower.add(picture, NOWHERE if covered is None else covered[i])
        for i, picture in enumerate(pictures)
    ]
    segments = follower.finish()
    assert len(follower) == len(pictures)
    assert [i for i, new in enumerate(opens) if new] == [segment.start for segment in segments]
    return follower, segments


def moved(segment, i=-1):
    """Where the middle of that frame lies, relative to the middle of the segment's first."""
    middle = np.array([[60.0, 40.0]])
    return (project(segment.poses[i], middle) - middle)[0]


def test_a_pan_is_followed_far_beyond_its_first_picture():
    _, (segment,) = follow([shot(5 * i, 40 + i) for i in range(40)])
    assert not segment.still
    assert (segment.start, segment.stop) == (0, 40)
    for i in (1, 20, 39):
        assert moved(segment, i) == pytest.approx([5 * i, i], abs=0.5 + 0.1 * i)


@pytest.mark.parametrize("noise", [0, 1])
def test_a_still_camera_is_exactly_still(noise):
    rng = np.random.default_rng(1)
    base = shot(30, noise=0).astype(float)
    pictures = [np.clip(base + rng.normal(0, noise, base.shape), 0, 255).astype(np.uint8) for _ in range(8)]
    _, (segment,) = follow(pictures)
    assert segment.still
    assert all((pose == np.eye(3)).all() for pose in segment.poses)


def test_a_slow_drift_is_not_taken_for_standing_still():
    _, (segment,) = follow([shot(0.2 * i, noise=0.5) for i in range(20)])
    assert not segment.still
    assert moved(segment) == pytest.approx([3.8, 0], abs=0.5)


def test_what_moves_on_its_own_is_not_the_camera():
    pictures = [shot(20) for _ in range(8)]
    for i, picture in enumerate(pictures):
        picture[20:50, 10 + 8 * i : 40 + 8 * i] = shot(200, world=OTHER)[20:50, :30]
    _, (segment,) = follow(pictures)
    assert segment.still


def test_a_cut_opens_a_segment():
    _, (one, two) = follow([shot(20)] * 3 + [shot(150, world=OTHER)] * 4)
    assert (one.start, one.stop, two.start, two.stop) == (0, 3, 3, 7)
    assert one.still
    assert two.still


def test_a_camera_that_wanders_far_gets_several_segments_of_bounded_extent():
    there = [shot(8 * i, 2 * i) for i in range(35)]
    _, segments = follow(there + [shot(272 - 8 * i, 68 - 2 * i + i) for i in range(1, 35)])
    assert 2 <= len(segments) <= 8
    assert not any(segment.still for segment in segments)
    for segment in segments:
        corners = np.array([[0, 0], [119, 0], [0, 79], [119, 79]], np.float64)
        box = np.concatenate([project(pose, corners) for pose in segment.poses])
        assert np.prod(np.ptp(box, axis=0)) <= 6.0 * 120 * 80


def bare(level=90):
    return np.full((80, 120), level, np.uint8)


def test_a_picture_without_texture_counts_as_unmoved_and_is_said_to_be_poor():
    follower, (segment,) = follow([bare()] * 4)
    assert segment.still
    assert follower.poor_frames == 3


def test_a_cut_between_bare_pictures_is_a_cut():
    follower, segments = follow([bare(20), bare(20), bare(200), bare(200)])
    assert [segment.start for segment in segments] == [0, 2]
    assert follower.poor_frames == 2


def test_after_a_fade_from_black_the_camera_is_followed():
    frames = 40
    pictures = [shot(3 * i, gain=min(1, i / 30)) for i in range(frames)]
    follower, segments = follow(pictures)
    assert follower.poor_frames <= 5
    late = segments[-1]
    assert late.start <= 5
    between = np.linalg.inv(late.poses[30 - late.start]) @ late.poses[-1]
    middle = np.array([[60.0, 40.0]])
    assert (project(between, middle) - middle)[0] == pytest.approx([27, 0], abs=1.5)


def test_an_object_that_fills_the_first_picture_does_not_blind_it_for_ever():
    covered = [~NOWHERE, ~NOWHERE, *[NOWHERE] * 8]
    follower, (segment,) = follow([shot(4 * i) for i in range(10)], covered)
    assert follower.poor_frames == 2
    assert moved(segment) - moved(segment, 2) == pytest.approx([28, 0], abs=1)


def test_points_on_the_object_do_not_count():
    """Most of the picture is the object, which the camera holds in its middle."""
    covered = NOWHERE.copy()
    covered[8:72, 20:100] = True
    still = shot(200, world=OTHER)
    pictures = [np.where(covered, still, shot(4 * i)).astype(np.uint8) for i in range(10)]
    _, (segment,) = follow(pictures, [covered] * 10)
    assert moved(segment) == pytest.approx([36, 0], abs=1.5)


def test_points_on_the_object_do_not_count_when_the_key_is_lost_either():
    """The third picture is too far from the first, and the object is most of what it shares with the second."""
    covered = NOWHERE.copy()
    covered[8:72, 20:100] = True
    still = shot(200, world=OTHER)
    pictures = [np.where(covered, still, shot(x)).astype(np.uint8) for x in (0, 12, 48, 60)]
    _, segments = follow(pictures, [covered] * 4)
    for segment in segments:
        for i in range(1, len(segment.poses)):
            assert moved(segment, i)[0] - moved(segment, i - 1)[0] > 8


def test_no_pictures_no_segments():
    assert follow([])[1] == []


def test_project_maps_pixel_centres():
    pose = np.array([[2, 0, 1], [0, 2, -1], [0, 0, 2]], np.float64)
    assert project(pose, np.array([[3.0, 4.0], [0.0, 0.0]])).tolist() == [[3.5, 3.5], [0.5, -0.5]]
    assert project(np.eye(3), np.zeros((0, 2))).shape == (0, 2)
