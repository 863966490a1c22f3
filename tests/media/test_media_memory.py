"""A clip in memory behaves as a file does; fitting crops first, then scales."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from void_audit.media.memory import ArrayClip, fit
from void_audit.model.clip import RGB
from void_audit.model.geometry import Rect, Size

RNG = np.random.default_rng(5)
PICTURES = [RNG.integers(0, 256, (12, 16, 3), np.uint8) for _ in range(7)]


def same(one, other: list[RGB]) -> None:
    assert [p.tobytes() for p in one] == [p.tobytes() for p in other]


def test_facts() -> None:
    info = ArrayClip(PICTURES, "30000/1001").info
    assert (info.size, info.frames, info.frame_rate) == ((16, 12), 7, "30000/1001")
    assert info.duration_seconds == pytest.approx(7 * 1001 / 30000)
    assert (info.time_base, info.pixel_format, info.rotation, info.audio) == ("1001/30000", "rgb24", 0, ())


@settings(max_examples=30, deadline=None)
@given(st.integers(-9, 9), st.none() | st.integers(-9, 9))
def test_any_range_is_a_slice(start: int, stop: int | None) -> None:
    clip = ArrayClip(PICTURES)
    same(clip.frames(start, stop), PICTURES[start:stop])
    same(clip.frames_backwards(stop, start), PICTURES[start:stop][::-1])


def test_a_stack_of_pictures_will_do() -> None:
    clip = ArrayClip(np.stack(PICTURES))
    same(clip.frames_backwards(4, 1), PICTURES[1:4][::-1])
    assert clip.info.frames == 7


def test_a_view_of_a_view() -> None:
    clip = ArrayClip(PICTURES, "25/1")
    view = clip.view(Rect(x=3, y=2, width=10, height=8)).view(Rect(x=1, y=1, width=4, height=3), Size(8, 6))
    assert (view.info.size, view.info.frames, view.info.frame_rate) == ((8, 6), 7, "25/1")
    same(view.frames(), [fit(p[3:6, 4:8], None, Size(8, 6)) for p in PICTURES])


@pytest.mark.parametrize(
    "crop",
    [
        Rect(x=0, y=0, width=17, height=12),
        Rect(x=0, y=0, width=16, height=13),
        Rect(x=16, y=0, width=1, height=1),
        Rect(x=10, y=4, width=7, height=2),
    ],
)
def test_a_crop_must_lie_inside(crop: Rect) -> None:
    """As with a file: never a smaller picture than was asked for."""
    with pytest.raises(ValueError, match="not inside 16x12"):
        ArrayClip(PICTURES).view(crop)


def test_the_whole_picture_is_a_crop() -> None:
    same(ArrayClip(PICTURES).view(Rect(x=0, y=0, width=16, height=12)).frames(), PICTURES)


@pytest.mark.parametrize(
    "crop", [Rect(x=0, y=2, width=16, height=3), Rect(x=2, y=0, width=3, height=12)], ids=["band", "column"]
)
def test_a_crop_does_not_hold_the_whole_picture(crop: Rect) -> None:
    """Else a thin band of many large pictures would take the memory of them all."""
    part = fit(PICTURES[0], crop, None)
    assert not np.shares_memory(part, PICTURES[0])
    assert part.flags.c_contiguous
    np.testing.assert_array_equal(part, PICTURES[0][crop.y : crop.bottom, crop.x : crop.right])


def test_nothing_to_do_changes_nothing() -> None:
    np.testing.assert_array_equal(fit(PICTURES[0], None, Size(16, 12)), PICTURES[0])
    turned = np.rot90(PICTURES[0])
    assert fit(turned, None, None).flags.c_contiguous


def test_down_is_the_mean_of_areas() -> None:
    small = fit(PICTURES[0], None, Size(4, 3))
    means = PICTURES[0].reshape(3, 4, 4, 4, 3).mean(axis=(1, 3))
    assert np.abs(small - means).max() <= 0.5 + 1e-6


def test_up_is_bicubic() -> None:
    """An edge is overshot, as no linear interpolation does, and cut to a byte."""
    edge = np.full((8, 8, 3), 100, np.uint8)
    edge[:, 4:] = 150
    large = fit(edge, None, Size(32, 32))
    assert (large.shape, large.dtype) == ((32, 32, 3), np.uint8)
    assert large.min() < 100
    assert large.max() > 150
    assert fit(edge * 0 + np.uint8(255), None, Size(32, 32)).min() == 255


def test_wider_and_lower_is_not_averaged() -> None:
    """Area averaging can only shrink; enlarged by it, pixels would be squares."""
    row = np.tile(np.arange(0, 160, 10, dtype=np.uint8)[None, :, None], (12, 1, 3))
    mixed = fit(row, None, Size(64, 6))
    assert mixed.shape == (6, 64, 3)
    assert len(np.unique(mixed)) > 40
