"""Which frames go into a sequence: each once, or those that are shown at each tick of another rate."""

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from clips import write_clip, write_jumpy_clip
from hypothesis import given
from hypothesis import strategies as st

from void_audit.errors import ClipError
from void_audit.media.reader import VideoClip
from void_audit.media.void_frames import Selection, select
from void_audit.model.geometry import FrameRange

TINY = {"width": 16, "height": 16}


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> VideoClip:
    return VideoClip(
        write_clip(tmp_path_factory.mktemp("frames") / "v.mp4", frames=12, rate=Fraction(24), **TINY)
    )


def numbers(clip: VideoClip, rate: object = None, span: tuple[int, int] | None = None) -> list[int]:
    chosen = FrameRange(start=span[0], stop=span[1]) if span else None
    selection = select(clip, chosen, Fraction(str(rate)) if rate is not None else None)
    return selection.numbers.tolist()


def test_all_by_default(clip: VideoClip) -> None:
    assert numbers(clip) == list(range(12))
    assert select(clip, None, None).rate == 24
    assert numbers(clip, 24) == list(range(12))


@pytest.mark.parametrize(
    ("rate", "expected"),
    [
        (12, [0, 2, 4, 6, 8, 10]),
        (8, [0, 3, 6, 9]),
        (5, [0, 4, 9]),
        (48, [i // 2 for i in range(24)]),
        (18, [0, 1, 2, 4, 5, 6, 8, 9, 10]),
        ("0.1", [0]),
    ],
)
def test_another_rate(clip: VideoClip, rate: object, expected: list[int]) -> None:
    assert numbers(clip, rate) == expected


def test_a_part(clip: VideoClip) -> None:
    assert numbers(clip, span=(3, 7)) == [3, 4, 5, 6]
    assert numbers(clip, 12, (3, 8)) == [3, 5, 7]
    assert select(clip, FrameRange(start=3, stop=7), None).bounds == (3, 7)


@pytest.mark.parametrize("span", [(12, 13), (0, 13), (4, 4)])
def test_frames_that_are_not_there(clip: VideoClip, span: tuple[int, int]) -> None:
    with pytest.raises(ClipError) as caught:
        select(clip, FrameRange.model_construct(start=span[0], stop=span[1]), None)
    assert caught.value.code == "clip-frames"
    assert "12 frames" in caught.value.hint


@pytest.mark.parametrize("rate", [0, -1, 241, 10**9])
def test_rates_that_cannot_be(clip: VideoClip, rate: int) -> None:
    with pytest.raises(ClipError) as caught:
        numbers(clip, rate)
    assert caught.value.code == "clip-rate"


def test_variable_rates_go_by_the_clock(tmp_path: Path) -> None:
    clip = VideoClip(
        write_jumpy_clip(tmp_path / "v.mp4", gaps=(1, 3, 1, 5), **TINY)
    )  # shown at 0, 1, 4, 5, 10 / 120 s
    assert numbers(clip) == [0, 1, 2, 3, 4]
    assert numbers(clip, 120)[:11] == [0, 1, 1, 1, 2, 3, 3, 3, 3, 3, 4]
    assert numbers(clip, 24)[:3] == [0, 3, 4]
    assert numbers(clip, 120, (2, 5))[:7] == [2, 3, 3, 3, 3, 3, 4]


def test_timestamps_rounded_to_milliseconds(tmp_path: Path) -> None:
    """Frame 1 of 24 per second is shown at 42 ms in Matroska, which is later than 1/24 s."""
    clip = VideoClip(write_clip(tmp_path / "v.mkv", frames=24, rate=Fraction(24), **TINY))
    assert numbers(clip, 12) == list(range(0, 24, 2))
    assert numbers(clip, 48) == [i // 2 for i in range(48)]
    jumpy = VideoClip(write_jumpy_clip(tmp_path / "j.mkv", gaps=(1, 3, 1, 5), **TINY))
    assert jumpy.info.variable_frame_rate
    assert numbers(jumpy, 120)[:11] == [0, 1, 1, 1, 2, 3, 3, 3, 3, 3, 4]


@given(st.lists(st.integers(0, 4), min_size=1, max_size=30), st.integers(0, 5))
def test_the_sequence_is_taken_in_one_pass(steps: list[int], first: int) -> None:
    picked = [first]
    for step in steps:
        picked.append(picked[-1] + step)
    selection = Selection(np.array(picked), Fraction(1))
    start, stop = selection.bounds
    assert list(selection.of(iter(range(start, stop)))) == picked
