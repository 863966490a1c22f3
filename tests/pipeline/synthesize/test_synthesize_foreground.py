"""What passes by is told from background, and a change of exposure from both."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from synthetic_footage import texture

from void_audit.pipeline.synthesize.camera import Pose
from void_audit.pipeline.synthesize.foreground import deviation, masked_median, relit, survey

SHAPE = (48, 64)
SKIN, GLASS = (235, 180, 150), (20, 250, 20)
CONSISTENCY = 12.0
STILL = Pose(np.eye(3), 0)


def pan(frames: int, dx: float, dy: float, world: np.ndarray) -> tuple[list[np.ndarray], list[Pose]]:
    """Views of a world by a camera that glides."""
    pictures, poses = [], []
    for i in range(frames):
        to_world = np.array([[1, 0, 40 + dx * i], [0, 1, 40 + dy * i], [0, 0, 1]], np.float64)
        flags = cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP
        pictures.append(cv2.warpPerspective(world, to_world, SHAPE[::-1], flags=flags))
        poses.append(Pose(np.array([[1, 0, dx * i], [0, 1, dy * i], [0, 0, 1]], np.float64), 0))
    return pictures, poses


def box(rows: slice, columns: slice, shape=SHAPE) -> np.ndarray:
    area = np.zeros(shape, bool)
    area[rows, columns] = True
    return area


def nothing(frames: int) -> list[np.ndarray]:
    return [np.zeros(SHAPE, bool)] * frames


def painted(pictures, areas, colour) -> list[np.ndarray]:
    return [np.where(a[..., None], np.uint8(colour), p) for p, a in zip(pictures, areas, strict=True)]


WORLDS = {"textured": texture(200, 160), "flat": np.full((160, 200, 3), 200, np.uint8)}


@pytest.mark.parametrize("world", WORLDS)
@pytest.mark.parametrize(("dx", "dy"), [(0, 0), (3, 1), (1.4, 0.6), (-2.5, 0)])
def test_plain_background_is_nothing_that_passes_whatever_the_camera_does(world, dx, dy):
    """Neither are the rims of the picture and of opened areas, nor a narrow strip between two of them."""
    pictures, poses = pan(12, dx, dy, WORLDS[world])
    opened = [box(slice(10, 40), slice(20, 28)) | box(slice(10, 40), slice(31, 39))] * 12
    found = survey(painted(pictures, opened, GLASS), opened, poses, CONSISTENCY)
    assert not np.any(found.passing)
    assert not found.light.any()


@pytest.mark.parametrize(("dx", "dy"), [(0, 0), (1.4, 0.6)])
def test_a_hand_over_the_object_passes_and_the_object_does_not(dx, dy):
    pictures, poses = pan(20, dx, dy, WORLDS["textured"])
    hands = [box(slice(0, 25), slice(28, 38)) if 5 <= i < 9 else np.zeros(SHAPE, bool) for i in range(20)]
    opened = [box(slice(20, 30), slice(25, 40)) & ~h for h in hands]
    found = survey(painted(painted(pictures, hands, SKIN), opened, GLASS), opened, poses, CONSISTENCY).passing
    for passing, hand, hole in zip(found, hands, opened, strict=True):
        assert not (passing & hole).any()
        assert passing[hand].all()
        assert not passing[cv2.dilate(hand.astype(np.uint8), np.ones((17, 17))) == 0].any()


def test_what_is_there_all_the_time_is_background():
    """Standing, it is scenery: only what most frames disagree with passes."""
    pictures, poses = pan(12, 0, 0, WORLDS["textured"])
    for frames, passes in ((12, False), (8, False), (3, True)):
        hands = [box(slice(5, 25), slice(5, 20)) & (i < frames) for i in range(12)]
        found = survey(painted(pictures, hands, SKIN), nothing(12), poses, CONSISTENCY).passing
        assert found[0].any() == passes
        if frames == 12:
            assert not np.any(found)


def test_grain_and_specks_do_not_pass():
    pictures, poses = pan(10, 0, 0, WORLDS["textured"])
    random = np.random.default_rng(0)
    grainy = [(p + random.normal(scale=6, size=p.shape)).clip(0, 255).astype(np.uint8) for p in pictures]
    grainy[4][20:22, 20:22] = 255
    assert not np.any(survey(grainy, nothing(10), poses, CONSISTENCY).passing)


def test_something_nearly_of_the_backgrounds_colour_does_not_pass():
    pictures, poses = pan(9, 0, 0, WORLDS["flat"])
    for levels, passes in ((20, False), (30, True)):
        shown = [p.copy() for p in pictures]
        shown[2][10:30, 10:30] -= np.uint8(levels)
        assert survey(shown, nothing(9), poses, CONSISTENCY).passing[2].any() == passes


def test_a_small_piece_within_the_opened_area_is_doubted_where_its_background_is_never_sure():
    """Glimpsed through the object: its like is opened in all other frames, so it may be anything."""
    pictures, poses = pan(9, 0, 0, WORLDS["textured"])
    whole = box(slice(10, 40), slice(10, 50))
    gap = box(slice(20, 24), slice(20, 24))
    opened = [whole & ~gap if i == 4 else whole for i in range(9)]
    found = survey(pictures, opened, poses, CONSISTENCY).passing
    np.testing.assert_array_equal(found[4], gap)
    assert not np.any(found[:4] + found[5:])
    often = survey(pictures, [whole & ~gap] * 9, poses, CONSISTENCY).passing
    assert not np.any(often)


def test_light_brings_every_frame_to_the_middle_one_in_each_channel():
    pictures, poses = pan(7, 1, 0, WORLDS["textured"] // 2 + 50)
    steps = np.array([(2 * i, -3 * i, 0) for i in range(7)])
    brighter = [(p + s).clip(0, 255).astype(np.uint8) for p, s in zip(pictures, steps, strict=True)]
    opened = [box(slice(20, 40), slice(10, 40))] * 7
    found = survey(painted(brighter, opened, GLASS), opened, poses, CONSISTENCY)
    np.testing.assert_allclose(found.light, steps[3] - steps, atol=1)
    assert not found.light[3].any()
    assert not np.any(found.passing)


def test_a_jump_of_exposure_is_nothing_that_passes():
    pictures, poses = pan(9, 0, 0, WORLDS["textured"] // 2 + 50)
    pictures[2] = pictures[2] + np.uint8((40, 30, 20))
    found = survey(pictures, nothing(9), poses, CONSISTENCY)
    assert found.light[2].tolist() == [-40, -30, -20]
    assert not np.any(found.passing)


def test_light_is_not_compared_between_frames_with_too_little_in_common():
    world = WORLDS["textured"].copy()
    pictures, poses = pan(3, 60, 0, world)
    shown = [pictures[0], pictures[1], (pictures[2] // 2).astype(np.uint8)]
    assert not survey(shown, nothing(3), poses, CONSISTENCY).light.any()
    together = survey([pictures[0], pictures[0] // 2], nothing(2), [STILL, STILL], CONSISTENCY).light
    assert together[0].max() < -20
    whole = [np.ones(SHAPE, bool)] * 2
    assert not survey([pictures[0], pictures[0] // 2], whole, [STILL, STILL], CONSISTENCY).light.any()


def test_shots_are_surveyed_apart():
    one, other = texture(64, 48, 1), texture(64, 48, 2)
    poses = [Pose(np.eye(3), i // 5) for i in range(10)]
    hand = box(slice(5, 30), slice(30, 45))
    pictures = [one] * 5 + [other // 2] * 5
    pictures[7] = np.where(hand[..., None], np.uint8(SKIN), pictures[7])
    found = survey(pictures, nothing(10), poses, CONSISTENCY)
    assert [bool(p.any()) for p in found.passing] == [i == 7 for i in range(10)]
    assert not found.light.any()


@pytest.mark.parametrize("shape", [(1, 1), (2, 3), (33, 35)])
@pytest.mark.parametrize("value", [False, True])
def test_tiny_pictures_and_everything_opened_tell_nothing(shape, value):
    random = np.random.default_rng(0)
    pictures = [random.integers(0, 256, (*shape, 3), np.uint8)] * 4
    found = survey(pictures, [np.full(shape, value)] * 4, [STILL] * 4, CONSISTENCY)
    assert [p.shape for p in found.passing] == [shape] * 4
    assert not np.any(found.passing)
    assert found.light.tolist() == [[0, 0, 0]] * 4


def test_fewer_than_three_frames_cannot_be_sure():
    pictures, poses = pan(2, 0, 0, WORLDS["textured"])
    hands = [box(slice(0, 25), slice(28, 38)), np.zeros(SHAPE, bool)]
    assert not np.any(survey(painted(pictures, hands, SKIN), nothing(2), poses, CONSISTENCY).passing)


def test_a_pose_gone_astray_costs_no_memory_and_no_error():
    pictures, _ = pan(3, 0, 0, WORLDS["textured"])
    astray = Pose(np.array([[1, 0, 1e7], [0, 1, -1e7], [1e-3, 0, 1]], np.float64), 0)
    found = survey(pictures, nothing(3), [STILL, STILL, astray], CONSISTENCY)
    assert not np.any(found.passing)


@settings(max_examples=50, deadline=None)
@given(
    levels=st.lists(st.integers(0, 254), min_size=1, max_size=8),
    seen=st.lists(st.booleans(), min_size=8, max_size=8),
)
def test_the_masked_median_against_a_plain_one(levels, seen):
    pictures = [np.full((2, 3, 3), v, np.uint8) for v in levels]
    visible = [np.full((2, 3), s) for s in seen[: len(levels)]]
    counted = sorted(v for v, s in zip(levels, seen, strict=False) if s)
    expected = counted[(len(counted) - 1) // 2] if counted else 255
    assert (masked_median(pictures, visible) == expected).all()


def test_the_masked_median_is_of_each_pixel_and_channel_alone():
    pictures = [np.uint8([[(1, 90, 5), (7, 7, 7)]]), np.uint8([[(9, 10, 5), (8, 8, 8)]])]
    visible = [np.array([[True, False]]), np.array([[True, False]])]
    assert masked_median(pictures, visible).tolist() == [[[1, 10, 5], [255, 255, 255]]]


def test_deviation_is_the_worst_channels_and_does_not_wrap():
    a, b = np.uint8([[(0, 255, 9), (5, 5, 5)]]), np.uint8([[(200, 0, 9), (5, 5, 5)]])
    assert deviation(a, b).tolist() == deviation(b, a).tolist() == [[255, 0]]


def test_relighting_clips_at_black_and_white():
    colours = np.uint8([(0, 128, 255), (250, 5, 1)])
    assert relit(colours, np.int16([10, -10, 10])).tolist() == [[10, 118, 255], [255, 0, 11]]
    assert relit(colours, np.int16([-255, 255, 300])).tolist() == [[0, 255, 255], [0, 255, 255]]
    np.testing.assert_array_equal(relit(colours, np.zeros(3, np.int16)), colours)
