from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from void_audit.model.geometry import Rect, Size
from void_audit.pipeline.synthesize.geometry import LEAST_MARGIN, choose_geometry


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
