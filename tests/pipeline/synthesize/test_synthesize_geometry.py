from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from void_audit.model.geometry import Rect, Size
from void_audit.pipeline.synthesize.geometry import LEAST_MARGIN, SHORT_SIDE, choose_geometry


@st.composite
def boxes(draw):
    width, height = draw(st.integers(16, 4096)), draw(st.integers(16, 2304))
    x, y = draw(st.integers(0, width - 1)), draw(st.integers(0, height - 1))
    box = Rect(x=x, y=y, width=draw(st.integers(1, width - x)), height=draw(st.integers(1, height - y)))
    return box, Size(width, height)


@given(given=boxes(), profile=st.sampled_from(["native", "384p"]))
def test_the_crop_holds_everything_opened_and_lies_in_the_frame(given, profile):
    box, size = given
    made = choose_geometry(box, size, profile)
    crop = made.crop
    assert crop.x <= box.x
    assert crop.y <= box.y
    assert box.right <= crop.right <= size.width
    assert box.bottom <= crop.bottom <= size.height
    assert crop.x % 2 == crop.y % 2 == 0
    assert crop.right % 2 == 0 or crop.right == size.width
    assert crop.bottom % 2 == 0 or crop.bottom == size.height
    assert made.width <= crop.width
    assert made.height <= crop.height
    for edge, limit, wanted in (
        (crop.x, 0, box.x - LEAST_MARGIN),
        (size.width - crop.right, 0, size.width - box.right - LEAST_MARGIN),
    ):
        assert edge <= max(limit, wanted)


def test_native_keeps_the_crop_and_384p_scales_the_whole_frame_to_384_lines():
    whole = Rect(x=0, y=0, width=1920, height=1080)
    native = choose_geometry(whole, Size(1920, 1080), "native")
    assert (native.width, native.height) == (1920, 1080)
    small = choose_geometry(whole, Size(1920, 1080), "384p")
    assert (small.width, small.height) == (682, 384)
    portrait = choose_geometry(Rect(x=0, y=0, width=720, height=1280), Size(720, 1280), "384p")
    assert (portrait.width, portrait.height) == (384, 682)


def test_nothing_is_ever_scaled_up():
    made = choose_geometry(Rect(x=0, y=0, width=100, height=80), Size(320, 240), "384p")
    assert (made.width, made.height) == (made.crop.width, made.crop.height)


@given(given=boxes())
def test_the_scaled_size_is_even_and_within_a_pixel_of_the_crops_aspect(given):
    box, size = given
    made = choose_geometry(box, size, "384p")
    scale = min(1.0, SHORT_SIDE / min(size))
    for found, length in ((made.width, made.crop.width), (made.height, made.crop.height)):
        assert found >= 1
        assert found == length or (found % 2 == 0 and abs(found - length * scale) <= 1)


def test_the_margin_is_a_quarter_of_the_longer_side_on_every_side():
    made = choose_geometry(Rect(x=1000, y=600, width=400, height=100), Size(3840, 2160), "native")
    assert made.crop == Rect(x=900, y=500, width=600, height=300)
    upright = choose_geometry(Rect(x=1000, y=600, width=100, height=400), Size(3840, 2160), "native")
    assert upright.crop == Rect(x=900, y=500, width=300, height=600)


def test_a_speck_still_has_surroundings():
    made = choose_geometry(Rect(x=501, y=301, width=1, height=1), Size(1920, 1080), "native")
    assert made.crop == Rect(x=468, y=268, width=66, height=66)


def test_odd_frames_keep_their_last_row_and_column():
    made = choose_geometry(Rect(x=0, y=0, width=101, height=75), Size(101, 75), "native")
    assert made.crop == Rect(x=0, y=0, width=101, height=75)
    corner = choose_geometry(Rect(x=300, y=200, width=1, height=1), Size(301, 201), "native")
    assert (corner.crop.right, corner.crop.bottom) == (301, 201)


def test_384_lines_are_not_scaled_and_385_are():
    at, above = (
        choose_geometry(Rect(x=0, y=0, width=n, height=n), Size(n, n), "384p")
        for n in (SHORT_SIDE, SHORT_SIDE + 1)
    )
    assert (at.width, at.height) == (SHORT_SIDE, SHORT_SIDE) == (above.width, above.height)
    assert above.crop.width == SHORT_SIDE + 1
