from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from void_audit.model.geometry import Rect, Size
from void_audit.model.void import TRAINED_AREA
from void_audit.pipeline.synthesize.geometry import (
    LEAST_MARGIN,
    MODEL_SIZE,
    SHORT_SIDE,
    WIDEST,
    choose_geometry,
    model_geometry,
    reference_geometry,
)


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


AREA = MODEL_SIZE.width * MODEL_SIZE.height


@st.composite
def model_boxes(draw):
    width, height = draw(st.integers(1, 8192)), draw(st.integers(1, 8192))
    x, y = draw(st.integers(0, width - 1)), draw(st.integers(0, height - 1))
    box = Rect(x=x, y=y, width=draw(st.integers(1, width - x)), height=draw(st.integers(1, height - y)))
    return box, Size(width, height)


@given(given=model_boxes())
def test_the_models_crop_holds_the_box_lies_in_the_frame_and_has_even_edges(given):
    box, size = given
    crop = model_geometry(box, size).crop
    assert crop.x <= box.x
    assert crop.y <= box.y
    assert box.right <= crop.right <= size.width
    assert box.bottom <= crop.bottom <= size.height
    assert crop.x % 2 == crop.y % 2 == 0
    assert crop.right % 2 == 0 or crop.right == size.width
    assert crop.bottom % 2 == 0 or crop.bottom == size.height


@given(given=model_boxes(), area=st.sampled_from([AREA, 64 * 96]))
def test_the_model_is_never_given_a_stretched_picture_and_always_its_own_area(given, area):
    box, size = given
    made = model_geometry(box, size, area)
    scale = (area / (made.crop.width * made.crop.height)) ** 0.5
    for found, length in ((made.width, made.crop.width), (made.height, made.crop.height)):
        assert found % 2 == 0
        assert abs(found - length * scale) <= (1 if length * scale >= 1 else 2)
    # One even step of either side is the most that rounding can cost.
    assert (made.width - 2) * (made.height - 2) < area < (made.width + 2) * (made.height + 2)


@given(given=model_boxes())
def test_the_crop_has_at_least_the_models_area_where_the_source_has_it(given):
    box, size = given
    crop = model_geometry(box, size).crop
    short = min(crop.width, crop.height)
    longest = short * WIDEST
    room = (crop.width < size.width or crop.height < size.height) and max(
        crop.width, crop.height
    ) < longest - 4
    assert crop.width * crop.height >= AREA or not room


@given(given=model_boxes())
def test_the_aspect_is_one_that_the_model_knows_unless_box_or_source_forbid_it(given):
    box, size = given
    crop = model_geometry(box, size).crop
    for long, short, limit in (
        (crop.width, crop.height, size.height),
        (crop.height, crop.width, size.width),
    ):
        assert long <= short * WIDEST + 4 or short == limit


@given(given=model_boxes())
def test_the_margin_is_half_of_the_longer_side_where_there_is_room(given):
    box, size = given
    crop = model_geometry(box, size).crop
    margin = 0.5 * max(box.width, box.height)
    assert crop.width >= min(size.width, box.width + 2 * margin)
    assert crop.height >= min(size.height, box.height + 2 * margin)


def test_a_small_box_in_a_large_frame_gets_the_models_own_size_around_it():
    made = model_geometry(Rect(x=1900, y=1000, width=40, height=30), Size(3840, 2160))
    assert made.crop.x <= 1900 - 200
    assert made.crop.right >= 1940 + 200
    assert AREA <= made.crop.width * made.crop.height <= AREA * 1.02
    assert abs(made.width - made.crop.width) <= 4  # a pixel of the source is a pixel of the model


@pytest.mark.parametrize(
    ("box", "size", "crop", "model"),
    [
        # The whole of a small clip, scaled up.
        ((0, 0, 160, 120), (160, 120), (0, 0, 160, 120), (586, 440)),
        # The whole of a large one, scaled down.
        ((0, 0, 3840, 2160), (3840, 2160), (0, 0, 3840, 2160), (678, 380)),
        # A corner: the margin that has no room on one side is taken on the other.
        ((0, 0, 600, 400), (1920, 1080), (0, 0, 1200, 1000), (556, 464)),
        # A pole as high as the frame: widened to 4:7.
        ((900, 0, 20, 1080), (1920, 1080), (360, 0, 1100, 1080), (512, 504)),
        # A banner: as high as there is, no wider than 7:4.
        ((3000, 10, 20, 20), (7680, 64), (2954, 0, 112, 64), (672, 384)),
    ],
)
def test_geometries_by_example(box, size, crop, model):
    made = model_geometry(Rect(**dict(zip(("x", "y", "width", "height"), box, strict=True))), Size(*size))
    assert (made.crop.x, made.crop.y, made.crop.width, made.crop.height) == crop
    assert (made.width, made.height) == model


def test_the_models_size_has_the_area_that_it_was_trained_for():
    assert AREA == TRAINED_AREA == 258048


def test_a_clip_of_the_models_own_size_is_neither_cut_nor_scaled():
    made = model_geometry(Rect(x=300, y=150, width=60, height=60), MODEL_SIZE)
    assert made == reference_geometry(MODEL_SIZE)


@given(width=st.integers(1, 8192), height=st.integers(1, 8192))
def test_the_reference_stretches_the_whole_frame_to_672x384(width, height):
    made = reference_geometry(Size(width, height))
    assert made.crop == Rect(x=0, y=0, width=width, height=height)
    assert (made.width, made.height) == (672, 384)
