"""Crops, scales and reading backwards over any clip, with bounded memory."""

from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from void_audit.media import views
from void_audit.media.memory import ArrayClip, fit
from void_audit.media.views import FittedClip, backwards, whole
from void_audit.model.clip import RGB
from void_audit.model.geometry import Rect, Size

RNG = np.random.default_rng(11)
PICTURES = [RNG.integers(0, 256, (12, 16, 3), np.uint8) for _ in range(10)]
BYTES = PICTURES[0].nbytes


class Watched(ArrayClip):
    """Remembers which ranges were asked for."""

    def __init__(self) -> None:
        super().__init__(PICTURES)
        self.asked: list[tuple[int, int | None]] = []

    def frames(self, start: int = 0, stop: int | None = None) -> Iterator[RGB]:
        self.asked.append((start, stop))
        return super().frames(start, stop)


def same(one: Iterator[RGB], other: list[RGB]) -> None:
    assert [p.tobytes() for p in one] == [p.tobytes() for p in other]


@pytest.mark.parametrize(
    ("crop", "expected"),
    [
        (None, True),
        (Rect(x=0, y=0, width=16, height=12), True),
        (Rect(x=0, y=0, width=15, height=12), False),
        (Rect(x=0, y=0, width=16, height=11), False),
        (Rect(x=1, y=0, width=16, height=12), False),
        (Rect(x=0, y=1, width=16, height=12), False),
    ],
)
def test_whole(crop: Rect | None, expected: bool) -> None:
    assert whole(ArrayClip(PICTURES).info, crop) is expected


@settings(max_examples=40, deadline=None)
@given(st.integers(-12, 12), st.none() | st.integers(-12, 12), st.integers(1, 12))
def test_backwards_is_the_slice_reversed_however_small_the_chunks(
    start: int, stop: int | None, chunk: int
) -> None:
    clip = Watched()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(views, "BACKWARD_BYTES", chunk * BYTES)
        same(backwards(clip, stop, start), PICTURES[start:stop][::-1])
    assert all(0 < last - first <= chunk for first, last in clip.asked)
    assert len(clip.asked) == -(-len(PICTURES[start:stop]) // chunk)


def test_one_picture_at_least(monkeypatch: pytest.MonkeyPatch) -> None:
    """A picture larger than the bound is still read."""
    monkeypatch.setattr(views, "BACKWARD_BYTES", BYTES - 1)
    clip = Watched()
    same(backwards(clip, 3, 0), PICTURES[2::-1])
    assert clip.asked == [(2, 3), (1, 2), (0, 1)]


def test_chunks_are_read_when_they_are_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(views, "BACKWARD_BYTES", 2 * BYTES)
    clip = Watched()
    reading = backwards(clip, None, 0)
    assert clip.asked == []
    for _ in range(3):
        next(reading)
    assert clip.asked == [(8, 10), (6, 8)]


@pytest.mark.parametrize(
    ("crop", "size", "expected"),
    [
        (None, None, (16, 12)),
        (None, Size(8, 6), (8, 6)),
        (Rect(x=2, y=1, width=7, height=5), None, (7, 5)),
        (Rect(x=2, y=1, width=7, height=5), Size(14, 10), (14, 10)),
    ],
)
def test_cropped_then_scaled(crop: Rect | None, size: Size | None, expected: tuple[int, int]) -> None:
    view = FittedClip(ArrayClip(PICTURES), crop, size)
    fitted = [fit(p, crop, size) for p in PICTURES]
    assert view.info.size == expected
    assert {(p.shape[1], p.shape[0]) for p in view.frames()} == {expected}
    same(view.frames(2, -1), fitted[2:-1])
    same(view.frames_backwards(5, 2), fitted[2:5][::-1])
    assert view.info.frames == 10


def test_chunks_are_counted_in_what_is_held(monkeypatch: pytest.MonkeyPatch) -> None:
    """The bound holds for the view's pictures: four quarters in the room of one."""
    monkeypatch.setattr(views, "BACKWARD_BYTES", BYTES)
    clip = Watched()
    same(
        FittedClip(clip, None, Size(8, 6)).frames_backwards(8),
        [fit(p, None, Size(8, 6)) for p in PICTURES[7::-1]],
    )
    assert clip.asked == [(4, 8), (0, 4)]


def test_a_view_through_a_view() -> None:
    outer = FittedClip(ArrayClip(PICTURES), Rect(x=4, y=2, width=12, height=10), None)
    inner = outer.view(Rect(x=1, y=3, width=5, height=4), Size(10, 8))
    same(inner.frames(), [fit(p[5:9, 5:10], None, Size(10, 8)) for p in PICTURES])


@pytest.mark.parametrize(("width", "height", "inside"), [(12, 10, True), (13, 10, False), (12, 11, False)])
def test_a_crop_must_lie_inside_the_view_and_not_only_the_clip(width: int, height: int, inside: bool) -> None:
    outer = FittedClip(ArrayClip(PICTURES), Rect(x=4, y=2, width=12, height=10), None)
    crop = Rect(x=0, y=0, width=width, height=height)
    if inside:
        assert outer.view(crop).info.size == (12, 10)
    else:
        with pytest.raises(ValueError, match="not inside 12x10"):
            outer.view(crop)
