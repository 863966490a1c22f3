from __future__ import annotations

import numpy as np
import pytest
from synthetic_footage import KEEP, scene, texture, wandering

from void_audit.pipeline.synthesize.quality import compare_opened, flicker_opened, ssim_map


def half_open(size: int = 64) -> np.ndarray:
    classes = np.full((size, size), KEEP, np.uint8)
    classes[:, : size // 2] = 0
    return classes


def test_psnr_is_the_textbooks_and_looks_inside_only():
    true, classes = np.full((64, 64, 3), 100, np.uint8), half_open()
    off = true.copy()
    off[:, :32] += 10
    off[:, 32:] += 77
    found = compare_opened([off, off], [true, true], [classes, classes])
    assert found.psnr == pytest.approx(10 * np.log10(255**2 / 100))
    assert found.frames == 2


def test_equal_pictures_are_infinitely_alike():
    true = texture(64, 64)
    found = compare_opened([true], [true], [half_open()])
    assert found.psnr == np.inf
    assert found.ssim == pytest.approx(1.0)


def test_ssim_sees_structure_that_psnr_does_not():
    true, classes = texture(64, 64), half_open()
    brighter = np.clip(true.astype(int) + 10, 0, 255).astype(np.uint8)
    random = np.random.default_rng(0).choice([-10, 10], true.shape)
    noisy = np.clip(true + random, 0, 255).astype(np.uint8)
    one = compare_opened([brighter], [true], [classes])
    other = compare_opened([noisy], [true], [classes])
    assert one.psnr == pytest.approx(other.psnr, abs=0.5)
    assert one.ssim > other.ssim + 0.02
    assert ssim_map(true, true).shape == (64, 64)


def test_clips_of_different_length_are_refused():
    with pytest.raises(ValueError, match="shorter"):
        compare_opened([texture(64, 64)], [], [half_open()])


def test_camera_motion_is_no_flicker_and_noise_is():
    made = scene(frames=6, motion=wandering, path=lambda i: (80, 60), radius=30)
    masks = made.mask.masks
    random = np.random.default_rng(0)
    noisy = [np.clip(t + random.normal(scale=8, size=t.shape), 0, 255).astype(np.uint8) for t in made.truth]
    assert flicker_opened(made.truth, masks) < 0.5 * flicker_opened(noisy, masks)
    assert flicker_opened([made.truth[0]] * 3, masks[:3]) == 0
    assert flicker_opened(made.truth[:1], masks[:1]) == 0
