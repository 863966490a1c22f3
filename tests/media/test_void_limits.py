"""What VOID makes of lengths, rates and sizes; the numbers are those of spec/void 1.3 and 1.6."""

from fractions import Fraction

import pytest

from void_audit.media.void_limits import MAX_FRAMES, RATE, WORKING_SIZE, padded_length, warnings_for
from void_audit.model.geometry import Size


@pytest.mark.parametrize(
    ("frames", "padded"),
    [(1, 85), (46, 85), (85, 85), (86, 93), (93, 93), (94, 101), (189, 189), (190, 197), (197, 197), (500, 197)],
)  # fmt: skip
def test_padding(frames: int, padded: int) -> None:
    assert padded_length(frames) == padded


def test_padding_is_always_5_more_than_a_multiple_of_8() -> None:
    assert {(padded_length(n) - 5) % 8 for n in range(1, 300)} == {0}
    assert all(padded_length(n) >= n for n in range(1, MAX_FRAMES + 1))


def warned(size: Size = WORKING_SIZE, frames: int = 85, rate: Fraction = RATE) -> tuple[str, ...]:
    return warnings_for(size, frames, rate)


def test_what_it_was_trained_for_needs_no_word() -> None:
    assert warned() == ()
    assert warned(Size(1280, 720)) == ()


def test_too_long() -> None:
    (said,) = warned(frames=198)
    assert "first 197 of 198" in said
    assert warned(frames=197) == ()


def test_filled_up_and_cut_down() -> None:
    filled, cut = warned(frames=46)
    assert "85 frames" in filled
    assert "first 46" in filled
    assert "uses 45" in cut
    assert len(warned(frames=77)) == 1  # 8 * 9 + 5: nothing for ComfyUI to cut off


@pytest.mark.parametrize(
    ("rate", "words"),
    [
        (Fraction(24), "2 times too slowly"),
        (Fraction(6), "2 times too fast"),
        (Fraction(30000, 1001), "29.97"),
    ],
)
def test_another_rate(rate: Fraction, words: str) -> None:
    (said,) = warned(rate=rate)
    assert words in said


@pytest.mark.parametrize(
    ("size", "words"),
    [
        (Size(720, 1280), "3.11 times wider"),
        (Size(2000, 800), "1.43 times higher"),
        (Size(1000, 1000), "1.75 times wider"),
    ],
)
def test_another_shape(size: Size, words: str) -> None:
    assert any(words in said for said in warned(size))


def test_small_pictures_are_enlarged() -> None:
    (said,) = warned(Size(640, 366))
    assert "640x366" in said


def test_memory_of_a_4k_clip() -> None:
    """spec/void 1.3: 197 frames of 4K are about 20 GB."""
    (said,) = warned(Size(3840, 2160), 197)
    assert "18 GiB" in said
