"""Pictures are scaled as the network was published to be used, and one frame is shown at a time."""

import numpy as np
import pytest
import torch
from PIL import Image

from void_audit.pipeline.segment.sam2.pictures import DEVIATION, MEAN, Screen, prepared


def levels(tensor: torch.Tensor) -> np.ndarray:
    """Back to 0..255, rows and columns first."""
    return (tensor * torch.tensor(DEVIATION)[:, None, None] + torch.tensor(MEAN)[:, None, None]).permute(
        1, 2, 0
    ).numpy() * 255


@pytest.mark.parametrize("size", [(64, 64), (40, 30), (200, 90), (640, 360), (90, 160)])
@pytest.mark.parametrize("side", [64, 224])
def test_scaled_as_pillow_does(clip_of, size, side):
    picture = next(clip_of(1, size=size).frames())
    theirs = np.asarray(Image.fromarray(picture).resize((side, side)), np.float64)
    apart = np.abs(levels(prepared(picture, side)) - theirs)
    assert apart.max() < 3.01
    assert apart.mean() < 0.2


def test_normalised_by_the_mean_and_deviation_of_its_training():
    picture = np.zeros((8, 8, 3), np.uint8)
    picture[...] = (255, 0, 51)
    expected = [(1 - 0.485) / 0.229, (0 - 0.456) / 0.224, (0.2 - 0.406) / 0.225]
    scaled = prepared(picture, 32)
    assert scaled.shape == (3, 32, 32)
    assert scaled.dtype == torch.float32
    assert torch.allclose(scaled, torch.tensor(expected)[:, None, None].expand(3, 32, 32), atol=1e-6)


def test_a_picture_that_is_a_view_and_is_not_changed(clip_of):
    picture = next(clip_of(1).frames())
    before = picture.copy()
    assert torch.equal(prepared(picture[::-1, ::2], 32), prepared(picture[::-1, ::2].copy(), 32))
    assert np.array_equal(picture, before)


def test_the_screen_shows_one_frame(clip_of):
    screen, pictures = Screen(32), list(clip_of(2).frames())
    with pytest.raises(LookupError):
        screen[0]
    screen.show(7, pictures[0])
    assert torch.equal(screen[7], prepared(pictures[0], 32))
    screen.features = {7: "features"}
    screen.show(8, pictures[1])
    assert screen.features == {}
    assert torch.equal(screen[8], prepared(pictures[1], 32))
    with pytest.raises(LookupError, match="frame 7 is asked for while 8"):
        screen[7]
