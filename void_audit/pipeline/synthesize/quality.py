"""How good a take is inside the opened area: against a known truth, and over time. Streaming."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from void_audit.model.clip import RGB
from void_audit.model.mask import Bitmap, Classes, MaskClass
from void_audit.pipeline.synthesize.flow import flicker, flow_between, part_around

_C1, _C2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2


@dataclass(frozen=True)
class Likeness:
    """``psnr`` in dB over all opened samples of all frames (infinite if equal); ``ssim`` their mean, -1 to 1."""

    frames: int
    psnr: float
    ssim: float


def compare_opened(pictures: Iterable[RGB], truth: Iterable[RGB], mask: Iterable[Classes]) -> Likeness:
    """PSNR and SSIM inside everything the mask opens.

    All three must be of one size and length (ValueError otherwise). SSIM is taken on luma with the usual
    Gaussian window of 1.5 pixels (Wang et al., "Image quality assessment", 2004) and averaged over opened pixels.
    """
    frames, squares, samples, similar, pixels = 0, 0.0, 0, 0.0, 0
    for picture, true, classes in zip(pictures, truth, mask, strict=True):
        opened = np.asarray(classes != MaskClass.KEEP, np.bool_)
        frames += 1
        if not opened.any():
            continue
        difference = picture[opened].astype(np.float64) - true[opened]
        squares += float(np.square(difference).sum())
        samples += difference.size
        part = part_around(opened)
        similar += float(ssim_map(picture[part], true[part])[opened[part]].sum())
        pixels += int(opened.sum())
    psnr = 10 * np.log10(255.0**2 * samples / squares) if squares else np.inf
    return Likeness(frames, float(psnr), similar / pixels if pixels else 1.0)


def ssim_map(one: RGB, other: RGB) -> npt.NDArray[np.float64]:
    """Structural similarity of two pictures' luma at every pixel."""
    a, b = (cv2.cvtColor(p, cv2.COLOR_RGB2GRAY).astype(np.float64) for p in (one, other))
    mean_a, mean_b = _blur(a), _blur(b)
    var_a, var_b = _blur(a * a) - mean_a**2, _blur(b * b) - mean_b**2
    both = _blur(a * b) - mean_a * mean_b
    high = (2 * mean_a * mean_b + _C1) * (2 * both + _C2)
    return np.asarray(high / ((mean_a**2 + mean_b**2 + _C1) * (var_a + var_b + _C2)), np.float64)


def _blur(picture: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    return np.asarray(cv2.GaussianBlur(picture, (11, 11), 1.5), np.float64)


def flicker_opened(pictures: Iterable[RGB], mask: Iterable[Classes]) -> float:
    """Mean absolute difference, in levels, of opened pixels to the frame before along the optical flow."""
    total, count = 0.0, 0
    before: RGB | None = None
    for picture, classes in zip(pictures, mask, strict=True):
        opened: Bitmap = np.asarray(classes != MaskClass.KEEP, np.bool_)
        if before is not None and opened.any():
            part = part_around(opened)
            flow = flow_between(picture[part], before[part])
            here, samples = flicker(picture[part], before[part], flow, opened[part])
            total, count = total + here, count + samples
        before = picture
    return total / count if count else 0.0
