from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from synthetic_footage import KEEP, ArrayMask, make_plan, texture

from void_audit.errors import ClipError, MaskError
from void_audit.media.memory import ArrayClip
from void_audit.media.planes import chroma_keep, planes_to_rgb, rgb_to_planes
from void_audit.model.clip import ClipInfo, PlaneFrame
from void_audit.model.geometry import Rect, Size
from void_audit.pipeline.synthesize import composite
from void_audit.pipeline.synthesize.composite import Compositor, seam

FORMATS = ["yuv420p", "yuv422p", "yuv444p", "yuv420p10le", "yuv422p10le", "gbrp", "gray"]


def info_of(pixel_format: str, size: Size, frames: int = 1) -> ClipInfo:
    facts = ArrayClip([np.zeros((size.height, size.width, 3), np.uint8)] * frames).info
    depth = 10 if "10" in pixel_format else 8
    return facts.model_copy(update={"pixel_format": pixel_format, "bit_depth": depth, "color_space": 1})


def source_frame(pixel_format: str, size: Size, seed: int = 0) -> PlaneFrame:
    picture = texture(size.width, size.height, seed)
    return PlaneFrame(rgb_to_planes(picture, pixel_format, info_of(pixel_format, size)), pixel_format, 17)


def lay(frame: PlaneFrame, take: np.ndarray, classes: np.ndarray, plan):
    size = Size(classes.shape[1], classes.shape[0])
    made = Compositor(ArrayClip([take]), ArrayMask([classes]), plan, info_of(frame.pixel_format, size))
    (done,) = made.frames([frame])
    return done, made.report


def touches_keep(classes: np.ndarray, pixel_format: str) -> tuple[np.ndarray, ...]:
    return tuple(~p for p in chroma_keep(classes != KEEP, pixel_format))


@settings(max_examples=30, deadline=None)
@given(
    pixel_format=st.sampled_from(FORMATS),
    width=st.integers(9, 40),
    height=st.integers(9, 40),
    feather=st.integers(0, 9),
    seed=st.integers(0, 1000),
)
def test_every_sample_that_touches_a_kept_pixel_is_the_sources_own(
    pixel_format, width, height, feather, seed
):
    random = np.random.default_rng(seed)
    size = Size(width, height)
    classes = np.where(random.random((height, width)) < random.random(), random.integers(0, 3), KEEP)
    classes = classes.astype(np.uint8)
    frame = source_frame(pixel_format, size, seed)
    take = random.integers(0, 256, (height, width, 3), np.uint8)
    done, report = lay(frame, take, classes, make_plan(size, feather=feather))
    kept = touches_keep(classes, pixel_format)
    for before, after, samples in zip(frame.planes, done.planes, kept, strict=True):
        np.testing.assert_array_equal(before[samples], after[samples])
        assert after.dtype == before.dtype
    assert report.keep_samples == sum(int(k.sum()) for k in kept)
    assert report.keep_samples_changed == 0
    assert report.opened_share_max == pytest.approx((classes != KEEP).mean())
    assert (done.pixel_format, done.pts) == (pixel_format, 17)


@pytest.mark.parametrize("pixel_format", FORMATS)
def test_deep_inside_the_opened_area_the_take_shows(pixel_format):
    size = Size(64, 48)
    classes = np.full((48, 64), KEEP, np.uint8)
    classes[10:40, 10:50] = 1
    take = np.full((48, 64, 3), (200, 40, 90), np.uint8)
    done, _ = lay(source_frame(pixel_format, size), take, classes, make_plan(size, feather=3))
    wanted = rgb_to_planes(take, pixel_format, info_of(pixel_format, size))
    for plane, expected in zip(done.planes, wanted, strict=True):
        down, across = 48 // plane.shape[0], 64 // plane.shape[1]
        inside = (slice(16 // down, 34 // down), slice(16 // across, 44 // across))
        np.testing.assert_array_equal(plane[inside], expected[inside])


def test_the_colours_of_the_take_survive_the_clips_own_matrix():
    size = Size(64, 48)
    classes = np.zeros((48, 64), np.uint8)
    take = np.full((48, 64, 3), (200, 40, 90), np.uint8)
    done, _ = lay(source_frame("yuv420p", size), take, classes, make_plan(size))
    back = planes_to_rgb(done, info_of("yuv420p", size))
    assert np.abs(back.astype(int) - take).max() <= 2


def test_a_take_at_another_size_is_scaled_to_the_crop():
    size = Size(64, 48)
    crop = Rect(x=7, y=9, width=41, height=31)
    classes = np.full((48, 64), KEEP, np.uint8)
    classes[9:40, 7:48] = 0
    take = np.full((16, 20, 3), 77, np.uint8)
    plan = make_plan(size, crop=crop, scaled=Size(20, 16), feather=2)
    done, report = lay(source_frame("yuv420p", size), take, classes, plan)
    grey = rgb_to_planes(np.full((48, 64, 3), 77, np.uint8), "yuv420p", info_of("yuv420p", size))
    np.testing.assert_array_equal(done.planes[0][14:35, 12:42], grey[0][14:35, 12:42])
    assert report.keep_samples_changed == 0


def test_the_seam_rises_inside_the_opened_area_only():
    opened = np.zeros((40, 40), bool)
    opened[5:35, 5:35] = True
    alpha = seam(opened, 4)
    assert (alpha[~opened] == 0).all()
    assert (alpha[opened] > 0).all()
    np.testing.assert_allclose(alpha[20, 5:10], [0.2, 0.4, 0.6, 0.8, 1.0], atol=1e-6)
    assert (np.diff(alpha[20, 5:20]) >= 0).all()
    np.testing.assert_array_equal(seam(opened, 0)[opened], 1.0)


def test_the_picture_edge_is_no_seam():
    opened = np.ones((20, 20), bool)
    assert (seam(opened, 8) == 1).all()
    opened[:, 15:] = False
    assert seam(opened, 4)[0, 0] == 1


def test_a_composite_that_went_wrong_is_counted(monkeypatch):
    honest = composite._laid

    def leaks(source, take, share, x, y):
        plane = honest(source, take, share, x, y)
        plane[0, 0] ^= 1
        return plane

    monkeypatch.setattr(composite, "_laid", leaks)
    size = Size(32, 32)
    classes = np.full((32, 32), KEEP, np.uint8)
    classes[8:24, 8:24] = 0
    frame = source_frame("yuv420p", size)
    _, report = lay(frame, np.zeros((32, 32, 3), np.uint8), classes, make_plan(size))
    assert report.keep_samples_changed == 3


def test_a_mask_beyond_the_crop_is_refused():
    size = Size(32, 32)
    classes = np.zeros((32, 32), np.uint8)
    plan = make_plan(size, crop=Rect(x=0, y=0, width=16, height=16))
    with pytest.raises(MaskError) as error:
        lay(source_frame("yuv420p", size), np.zeros((16, 16, 3), np.uint8), classes, plan)
    assert error.value.code == "mask-outside-crop"


def test_a_mask_of_another_size_is_refused():
    plan = make_plan(Size(32, 32))
    take = np.zeros((32, 32, 3), np.uint8)
    with pytest.raises(MaskError) as error:
        lay(source_frame("yuv420p", Size(32, 32)), take, np.zeros((30, 32), np.uint8), plan)
    assert error.value.code == "mask-size"


def test_a_take_of_another_geometry_or_length_is_refused():
    size = Size(32, 32)
    classes, plan = np.zeros((32, 32), np.uint8), make_plan(size)
    info, take = info_of("yuv420p", size), np.zeros((32, 32, 3), np.uint8)
    with pytest.raises(ClipError) as error:
        Compositor(ArrayClip([take[:16]]), ArrayMask([classes]), plan, info)
    assert error.value.code == "take-size"
    frame = source_frame("yuv420p", size)
    with pytest.raises(ClipError) as error:
        list(Compositor(ArrayClip([take]), ArrayMask([classes]), plan, info).frames([frame, frame]))
    assert error.value.code == "clip-frames"


def test_the_report_covers_all_frames():
    size = Size(16, 16)
    classes = [np.full((16, 16), KEEP, np.uint8), np.zeros((16, 16), np.uint8)]
    take = ArrayClip([np.zeros((16, 16, 3), np.uint8)] * 2)
    made = Compositor(take, ArrayMask(classes), make_plan(size), info_of("yuv420p", size))
    frames = list(made.frames([source_frame("yuv420p", size)] * 2))
    assert made.report.frames == len(frames) == 2
    assert made.report.keep_samples == 16 * 16 * 3 // 2
    assert made.report.opened_share_max == 1.0
