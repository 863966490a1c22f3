"""Noise augmentation and mask pictures (spec/void section 1.3 steps 5 to 8)."""

from __future__ import annotations

import golden
import pytest
import torch

from void_audit.errors import ClipError, MaskError
from void_audit.pipeline.synthesize.void.conditions import (
    conditioning,
    mask_pictures,
    resize_picture,
    unit,
)

SIGMA = 0.0563


def pictures(count: int = 5, height: int = 16, width: int = 32) -> torch.Tensor:
    return torch.rand((count, 3, height, width), generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("frames", [5, 21, 85])
def test_e10_noise_drawn_frame_by_frame_is_the_references_one_draw(frames):
    clip = pictures(frames)
    # the reference: randn_like of a clip that lies in memory as frame, channel, row, column
    whole = torch.empty(1, frames, 3, 16, 32).permute(0, 2, 1, 3, 4)
    whole.normal_(generator=torch.Generator().manual_seed(9))
    streamed = list(conditioning(clip, SIGMA, torch.Generator().manual_seed(9)))
    given = list(conditioning(clip, SIGMA, None, whole[0].transpose(0, 1)))
    assert torch.equal(torch.stack(streamed), torch.stack(given))


def test_e10_golden_noise_comes_from_its_seed():
    case = golden.case("pass1_21_frames")
    grey = torch.full((1, 3, 64, 96), 0.5)
    (noise,) = conditioning(grey, 1.0, torch.Generator().manual_seed(case.settings["augmentation_seed"]))
    assert noise.flatten()[:3].tolist() == pytest.approx(case.settings["augmentation_begins"], abs=1e-6)


@pytest.mark.parametrize("layout", ["frames", "clip"])
def test_a_contiguous_draw_would_be_another_noise(layout):
    clip = pictures()
    shape = (5, 3, 16, 32) if layout == "frames" else (3, 5, 16, 32)
    whole = torch.empty(shape).normal_(generator=torch.Generator().manual_seed(9))
    given = whole if layout == "frames" else whole.transpose(0, 1)
    other = torch.stack(list(conditioning(clip, SIGMA, None, given)))
    assert not torch.equal(
        other, torch.stack(list(conditioning(clip, SIGMA, torch.Generator().manual_seed(9))))
    )


def test_noise_has_sigma_in_the_range_of_two():
    clip = pictures(8, 64, 64)
    noisy = torch.stack(list(conditioning(clip, SIGMA, torch.Generator().manual_seed(0))))
    assert noisy.dtype == torch.float32
    assert (noisy - (2 * clip - 1)).std().item() == pytest.approx(SIGMA, rel=0.02)


def test_exactly_black_values_stay_black_each_channel_for_itself():
    picture = torch.full((3, 16, 16), 0.5)
    picture[1, :, :8] = 0
    (noisy,) = conditioning([picture], SIGMA, torch.Generator().manual_seed(0))
    assert (noisy[1, :, :8] == -1).all()
    assert (noisy[0] != 0).all()
    assert (noisy[1, :, 8:] != 0).all()


def test_without_sigma_nothing_is_drawn():
    generator = torch.Generator().manual_seed(3)
    clip = pictures()
    clean = torch.stack(list(conditioning(clip, 0.0, generator)))
    assert torch.equal(clean, 2 * clip - 1)
    assert torch.equal(generator.get_state(), torch.Generator().manual_seed(3).get_state())


def test_pictures_given_are_not_written_to():
    clip = pictures()
    before = clip.clone()
    list(conditioning(clip, SIGMA, torch.Generator().manual_seed(0)))
    assert torch.equal(clip, before)


def test_bytes_and_floats_of_a_picture_are_the_same():
    values = torch.arange(256, dtype=torch.uint8).expand(3, 16, 256)
    assert torch.equal(unit(values), unit(values.float() / 255))
    assert unit(values).max() == 1


@pytest.mark.parametrize(("height", "width"), [(16, 24), (17, 16), (8, 16)])
def test_sizes_that_are_no_whole_patches_are_refused(height, width):
    with pytest.raises(ClipError, match=f"{width}x{height}") as caught:
        list(conditioning(pictures(1, height, width), SIGMA))
    assert caught.value.code == "clip-size"
    with pytest.raises(ClipError):
        list(mask_pictures([torch.zeros(height, width, dtype=torch.uint8)], 3))


def test_masks_become_pictures_of_levels_not_brought_to_minus_one():
    mask = torch.tensor([0, 63, 127, 255], dtype=torch.uint8).repeat(16, 4)
    (three,), (two,) = mask_pictures([mask], 3), mask_pictures([mask], 2)
    assert three.shape == two.shape == (3, 16, 16)
    assert three[:, 0, :4].tolist() == [[0, 0, pytest.approx(0.50196, abs=1e-5), 1]] * 3
    assert two[:, 0, :4].tolist() == [[0, 0, 0, 1]] * 3


def test_masks_with_other_values_are_refused():
    with pytest.raises(MaskError, match=r"\[128\]"):
        list(mask_pictures([torch.full((16, 16), 128, dtype=torch.uint8)], 3))


@pytest.mark.parametrize("layout", ["planar", "interleaved"])
def test_e9_pictures_are_averaged_by_area_whatever_their_layout(layout):
    picture = torch.randint(
        0, 256, (3, 48, 64), dtype=torch.uint8, generator=torch.Generator().manual_seed(0)
    )
    if layout == "interleaved":
        picture = picture.permute(1, 2, 0).contiguous().permute(2, 0, 1)
    expected = (picture.double() / 255).unflatten(1, (16, 3)).unflatten(3, (16, 4)).mean((2, 4))
    resized = resize_picture(picture, 16, 16)
    assert resized.dtype == torch.float32
    torch.testing.assert_close(resized, expected.float(), rtol=0, atol=1e-6)
    assert torch.equal(resized, resize_picture(picture.contiguous(), 16, 16))
