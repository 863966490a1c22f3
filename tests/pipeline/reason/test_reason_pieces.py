"""Several objects in one track are told apart, and put together again none is missing or doubled."""

from __future__ import annotations

from time import process_time

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from void_audit.model.geometry import Size
from void_audit.model.mask import PackedBitmaps
from void_audit.pipeline.reason.pieces import pieces

SIZE = Size(120, 60)


def track(*frames):
    """Frames as lists of boxes ``(column, row, width, height)``."""
    masks = PackedBitmaps(SIZE)
    for boxes in frames:
        mask = np.zeros((SIZE.height, SIZE.width), bool)
        for x, y, width, height in boxes:
            mask[y : y + height, x : x + width] = True
        masks.append(mask)
    return masks


def seen(part):
    """Per frame the leftmost set column, or None."""
    return [int(np.flatnonzero(mask.any(axis=0))[0]) if mask.any() else None for mask in part]


def test_one_object_is_the_track_itself():
    masks = track([(0, 0, 10, 10), (80, 0, 10, 10)])
    assert pieces(masks, 1) == (masks,)
    assert pieces(masks, 0) == (masks,)


def test_a_thing_that_moves_is_one_and_what_rests_is_another():
    masks = track(*([(4 * frame, 5, 12, 12), (100, 40, 8, 8)] for frame in range(8)))
    moving, resting = pieces(masks, 2)
    assert seen(moving) == [4 * frame for frame in range(8)]
    assert seen(resting) == [100] * 8


def test_what_touches_on_any_frame_is_one():
    masks = track(*([(6 * frame, 5, 12, 12), (50, 5, 12, 12)] for frame in range(8)))
    assert len(pieces(masks, 2)) == 1


def test_an_object_that_comes_back_is_the_one_that_was_away():
    big, small = (0, 0, 20, 20), (90, 40, 9, 9)
    away = [[big, small], [big, small], [big], [big], [big], [big, (60, 40, 9, 9)], [big, (60, 40, 9, 9)]]
    first, second = pieces(track(*away), 2)
    assert seen(first) == [0] * 7
    assert seen(second) == [90, 90, None, None, None, 60, 60]


def test_a_large_object_that_was_hidden_is_not_two_and_leaves_the_small_one_its_place():
    big, small = (0, 0, 20, 20), (100, 40, 12, 8)
    frames = [*[[big, small]] * 4, *[[small]] * 3, *[[(50, 0, 20, 20), small]] * 4]
    first, second = pieces(track(*frames), 2)
    assert seen(first) == [0] * 4 + [None] * 3 + [50] * 4
    assert seen(second) == [100] * 11


def test_two_that_are_hidden_at_once_come_back_as_two():
    frames = [*[[(0, 0, 20, 20), (0, 40, 9, 9)]] * 3, [], *[[(40, 0, 20, 20), (40, 40, 9, 9)]] * 3]
    first, second = pieces(track(*frames), 2)
    assert [int(mask.sum()) for mask in first] == [400] * 3 + [0] + [400] * 3
    assert [int(mask.sum()) for mask in second] == [81] * 3 + [0] + [81] * 3


def test_one_after_another_are_two():
    first, second = pieces(track([(0, 0, 20, 20)], [(0, 0, 20, 20)], [], [(90, 0, 20, 20)]), 2)
    assert (seen(first), seen(second)) == ([0, 0, None, None], [None, None, None, 90])


def test_specks_belong_to_the_nearest_object_that_is_always_there():
    frames = [[(0, 0, 20, 20), (90, 30, 15, 15)]] * 3
    frames[1] = [*frames[1], (110, 55, 2, 2)]
    left, right = pieces(track(*frames), 2)
    assert [mask.sum() for mask in left] == [400] * 3
    assert [mask.sum() for mask in right] == [225, 229, 225]


def test_a_speck_is_nobody_who_came_back():
    frames = [[(0, 0, 20, 20), (90, 40, 9, 9)], [(0, 0, 20, 20), (22, 22, 2, 2)]]
    first, second = pieces(track(*frames), 2)
    assert [mask.sum() for mask in first] == [400, 404]
    assert seen(second) == [90, None]


def test_a_noisy_mask_takes_no_longer_than_a_look():
    random = np.random.default_rng(1)
    noise = PackedBitmaps(Size(680, 384), (random.random((384, 680)) < 0.2 for _ in range(3)))
    begun = process_time()
    assert len(pieces(noise, 3)) <= 3
    assert process_time() - begun < 10


def test_more_objects_than_pieces():
    assert len(pieces(track([(0, 0, 10, 10), (60, 0, 10, 10)]), 4)) == 2
    assert len(pieces(PackedBitmaps.empty(SIZE, 3), 2)) == 1
    assert len(pieces(PackedBitmaps(SIZE), 2)) == 1


@given(arrays(bool, (4, 40, 60), elements=st.booleans(), fill=st.just(False)), st.integers(2, 4))
def test_every_pixel_is_in_exactly_one_piece(frames, most):
    masks = PackedBitmaps(Size(60, 40), frames)
    parts = pieces(masks, most)
    assert 1 <= len(parts) <= most
    total = sum(np.stack(list(part)).astype(int) for part in parts)
    assert np.array_equal(total, frames.astype(int))
