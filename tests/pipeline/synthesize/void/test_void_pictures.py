from __future__ import annotations

import cv2
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from synthetic_footage import ArrayMask

from void_audit.media.memory import ArrayClip
from void_audit.model.geometry import Rect
from void_audit.model.mask import VALUES
from void_audit.model.plan import Geometry
from void_audit.model.void import CORRECTED, REFERENCE
from void_audit.pipeline.synthesize.void.pictures import (
    finished_pictures,
    model_masks,
    model_pictures,
    padded_size,
    take_pictures,
)


def geometry(crop=(0, 0, 96, 64), width=96, height=64):
    return Geometry(
        crop=Rect(**dict(zip(("x", "y", "width", "height"), crop, strict=True))), width=width, height=height
    )


def random_clip(width=96, height=64, frames=2):
    random = np.random.default_rng(1)
    return ArrayClip([random.integers(0, 256, (height, width, 3), np.uint8) for _ in range(frames)])


def planar(picture):
    return torch.from_numpy(picture).permute(2, 0, 1)


@given(width=st.integers(1, 700), height=st.integers(1, 700))
def test_the_models_size_is_the_next_multiple_of_sixteen(width, height):
    size = padded_size(geometry((0, 0, 1, 1), width, height))
    for found, given_size in ((size.width, width), (size.height, height)):
        assert found % 16 == 0
        assert given_size <= found < given_size + 16


def test_pictures_of_the_models_own_size_arrive_bit_for_bit():
    clip = random_clip()
    for got, picture in zip(model_pictures(clip, geometry(), CORRECTED), clip.frames(), strict=True):
        assert got.dtype == torch.uint8
        assert torch.equal(got, planar(picture))


def test_the_crop_is_cut_and_the_edges_are_repeated_to_the_right_and_below():
    clip, where = random_clip(), geometry((10, 20, 50, 30), 50, 30)
    for got, picture in zip(model_pictures(clip, where, CORRECTED), clip.frames(), strict=True):
        part = picture[20:50, 10:60]
        assert got.shape == (3, 32, 64)
        assert torch.equal(got, planar(np.pad(part, ((0, 2), (0, 14), (0, 0)), mode="edge")))


def test_corrected_pictures_are_averaged_downwards_and_bicubic_upwards():
    clip = random_clip()
    for width, height, how in ((48, 32, cv2.INTER_AREA), (192, 128, cv2.INTER_CUBIC)):
        got = next(model_pictures(clip, geometry(width=width, height=height), CORRECTED))
        wanted = cv2.resize(next(clip.frames()), (width, height), interpolation=how)
        assert torch.equal(got, planar(wanted))


def test_the_references_pictures_are_the_mean_over_whole_areas_in_float():
    clip = random_clip(192, 192)
    got = next(model_pictures(clip, geometry((0, 0, 192, 192), 96, 64), REFERENCE))
    blocks = next(clip.frames()).astype(np.float64).reshape(64, 3, 96, 2, 3).mean(axis=(1, 3)) / 255
    assert got.dtype == torch.float32
    np.testing.assert_allclose(got.permute(1, 2, 0).numpy(), blocks, atol=2e-7)


def test_the_references_pictures_are_torchs_area_interpolation_bit_for_bit():
    clip = random_clip(131, 77)
    got = next(model_pictures(clip, geometry((0, 0, 131, 77), 96, 64), REFERENCE))
    unit = planar(next(clip.frames())).float() / 255
    assert torch.equal(got, torch.nn.functional.interpolate(unit[None], size=(64, 96), mode="area")[0])


def test_pictures_are_read_one_by_one():
    read = []

    class Watched(ArrayClip):
        def view(self, crop=None, size=None):
            return self

        def frames(self, start=0, stop=None):
            for number, picture in enumerate(super().frames(start, stop)):
                read.append(number)
                yield picture

    for numerics in (CORRECTED, REFERENCE):
        read.clear()
        pictures = model_pictures(Watched(list(random_clip(frames=5).frames())), geometry(), numerics)
        assert not read
        next(pictures)
        next(pictures)
        assert read == [0, 1]


def masks_of(classes):
    return ArrayMask([classes])


@pytest.mark.parametrize("numerics", [CORRECTED, REFERENCE])
def test_classes_become_the_values_that_the_model_was_trained_with(numerics):
    classes = np.zeros((64, 96), np.uint8)
    for number in range(4):
        classes[16 * number : 16 * number + 16] = number
    got = next(model_masks(masks_of(classes), geometry(), numerics))
    assert got.dtype == torch.uint8
    assert [int(got[16 * n].unique()) for n in range(4)] == list(VALUES)


@pytest.mark.parametrize("numerics", [CORRECTED, REFERENCE])
def test_beyond_the_geometry_everything_is_kept(numerics):
    got = next(
        model_masks(masks_of(np.zeros((64, 96), np.uint8)), geometry((2, 4, 50, 30), 50, 30), numerics)
    )
    assert got.shape == (32, 64)
    assert not got[:30, :50].any()
    assert (got[30:] == 255).all()
    assert (got[:, 50:] == 255).all()


def test_class_safe_invents_no_class_and_area_does():
    classes = np.full((64, 96), 3, np.uint8)
    classes[10:31, 20:51] = 0
    where = geometry(width=64, height=48)
    assert set(next(model_masks(masks_of(classes), where, CORRECTED)).unique().tolist()) == {0, 255}
    assert {63, 127} & set(next(model_masks(masks_of(classes), where, REFERENCE)).unique().tolist())


@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_no_opened_pixel_is_lost_on_the_way_to_the_model(data):
    width, height = data.draw(st.integers(1, 80)), data.draw(st.integers(1, 80))
    where = geometry((0, 0, 80, 60), width, height)
    classes = np.full((60, 80), 3, np.uint8)
    x, y = data.draw(st.integers(0, 79)), data.draw(st.integers(0, 59))
    classes[y, x] = data.draw(st.integers(0, 2))
    got = next(model_masks(masks_of(classes), where, CORRECTED)).numpy()
    opened = np.argwhere(got != 255)
    assert len(opened)
    assert set(got[got != 255].tolist()) == {VALUES[classes[y, x]]}
    # Where it is, it covers the pixel of the source.
    assert any(int(x * width / 80) == j and int(y * height / 60) == i for i, j in opened)


def test_a_take_gets_the_same_edges_as_the_clip():
    clip, where = random_clip(50, 30), geometry((0, 0, 50, 30), 50, 30)
    for taken, pictured in zip(
        take_pictures(clip, where), model_pictures(clip, where, CORRECTED), strict=True
    ):
        assert taken.flags.c_contiguous
        assert np.array_equal(taken, pictured.permute(1, 2, 0).numpy())


def test_what_the_model_made_is_cut_to_the_geometry_and_rounded():
    made = torch.zeros(3, 32, 64)
    made[0, :, :] = torch.arange(64) / 255
    made[1, 0, 0], made[1, 0, 1], made[1, 0, 2] = 0.5 / 255, 0.499 / 255, 1.0
    made[2, 29, 49] = 0.7
    [got] = finished_pictures([made], geometry((0, 0, 50, 30), 50, 30))
    assert got.shape == (30, 50, 3)
    assert got.dtype == np.uint8
    assert got.flags.c_contiguous
    assert np.array_equal(got[0, :, 0], np.arange(50))
    assert got[0, :3, 1].tolist() == [1, 0, 255]
    assert got[29, 49, 2] == 179  # 178.5


def test_every_level_survives_the_way_there_and_back():
    ramp = np.arange(256, dtype=np.uint8).reshape(16, 16, 1).repeat(3, axis=2)
    where = geometry((0, 0, 16, 16), 16, 16)
    for numerics in (CORRECTED, REFERENCE):
        sent = [
            p.float() / (255 if p.dtype == torch.uint8 else 1)
            for p in model_pictures(ArrayClip([ramp]), where, numerics)
        ]
        [back] = finished_pictures(sent, where)
        assert np.array_equal(back, ramp)
