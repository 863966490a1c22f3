"""Lengths and mirror padding (spec/void section 1.3 step 4)."""

from __future__ import annotations

import weakref
from itertools import chain, cycle, islice

import pytest
from hypothesis import given
from hypothesis import strategies as st

from void_audit.errors import ClipError
from void_audit.pipeline.synthesize.void.padding import frame_length, latent_length, padded, padded_length


@pytest.mark.parametrize(
    ("first", "last", "length"),
    [(1, 85, 85), (86, 93, 93), (94, 101, 101), (190, 197, 197), (198, 205, 205), (398, 405, 405)],
)
def test_e9_padded_lengths_are_the_references_and_go_on_beyond_197(first, last, length):
    assert {padded_length(frames) for frames in range(first, last + 1)} == {length}


@given(st.integers(1, 5000), st.sampled_from([5, 13, 21, 85, 80]))
def test_padded_length_is_the_least_that_fits_and_gives_an_even_number_of_latents(frames, window):
    length = padded_length(frames, window)
    assert length % 8 == 5
    assert max(frames, window) <= length < max(frames, window) + 8
    assert latent_length(length) % 2 == 0
    assert frame_length(latent_length(length)) == length


def test_padding_is_mirrored_with_the_last_frame_twice():
    assert list(padded("abc", 3, 10)) == list("abccbaabcc")


@given(st.integers(1, 40), st.integers(0, 90))
def test_padding_follows_its_definition(count, more):
    frames = list(range(count))
    expected = list(islice(cycle(chain(frames, reversed(frames))), count + more))
    assert list(padded(iter(frames), count, count + more)) == expected


class Frame:
    pass


@pytest.mark.parametrize(("count", "total", "held"), [(300, 300, 1), (300, 301, 2), (300, 307, 8)])
def test_a_long_clip_is_never_held(count, total, held):
    alive = weakref.WeakSet()

    def frames():
        for _ in range(count):
            frame = Frame()
            alive.add(frame)
            yield frame
            del frame

    most = 0
    for frame in padded(frames(), count, total):
        del frame
        most = max(most, len(alive))
    assert most <= held + 1


def test_frames_are_taken_one_by_one():
    taken = []
    source = (taken.append(i) or i for i in range(50))
    stream = padded(source, 50, 53)
    assert next(stream) == 0
    assert taken == [0]


@pytest.mark.parametrize("came", [0, 4, 6])
def test_another_number_of_frames_than_announced_is_refused(came):
    with pytest.raises(ClipError, match=f"5 frames were announced and {came} came") as caught:
        list(padded(range(came), 5, 13))
    assert caught.value.code == "clip-length"
