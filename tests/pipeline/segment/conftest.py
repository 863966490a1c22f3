"""Synthetic scenes with exact masks, and a stand-in for the saliency network."""

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np
import pytest

from void_audit.media.memory import ArrayClip

WIDTH, HEIGHT = 240, 160


def texture(
    seed: int, width: int, height: int, tint: tuple[int, int, int], contrast: float = 60
) -> np.ndarray:
    noise = np.random.default_rng(seed).normal(size=(height, width)).astype(np.float32)
    pattern = cv2.GaussianBlur(noise, (0, 0), 2.5)
    pattern = pattern / np.abs(pattern).max() * contrast
    return np.clip(np.array(tint, np.float32) + pattern[..., None], 0, 255).astype(np.uint8)


@dataclass(frozen=True)
class Scene:
    """Pictures and, for each, where the object is visible."""

    clip: ArrayClip
    masks: list[np.ndarray]


def disc_mask(x: float, y: float, radius: int) -> np.ndarray:
    mask = np.zeros((HEIGHT, WIDTH), np.uint8)
    cv2.circle(mask, (round(x), round(y)), radius, 1, -1)
    return mask > 0


def moving_disc(
    frames: int,
    path: Callable[[int], tuple[float, float]],
    pan: float = 0.0,
    radius: int = 20,
    occluder: tuple[int, int] | None = None,
) -> Scene:
    """A textured red disc over a textured grey-green ground; ``occluder`` is a pillar's columns in front of it."""
    ground = texture(1, WIDTH + 200, HEIGHT, (110, 125, 105))
    skin = texture(2, WIDTH, HEIGHT, (200, 50, 60), 40)
    pillar = texture(3, WIDTH, HEIGHT, (60, 70, 150), 30)
    pictures, masks = [], []
    for frame in range(frames):
        shift = round(pan * frame)
        picture = ground[:, shift : shift + WIDTH].copy()
        x, y = path(frame)
        mask = disc_mask(x, y, radius)
        moved = np.roll(skin, (round(y), round(x)), (0, 1))
        picture[mask] = moved[mask]
        if occluder:
            picture[:, slice(*occluder)] = pillar[:, slice(*occluder)]
            mask[:, slice(*occluder)] = False
        pictures.append(picture)
        masks.append(mask)
    return Scene(ArrayClip(pictures), masks)


def stand_out(picture: np.ndarray, side: int) -> np.ndarray:
    """Deterministic saliency without a network: how far a pixel's chroma is from the crop's border's."""
    lab = cv2.cvtColor(picture, cv2.COLOR_RGB2LAB).astype(np.float32)[..., 1:]
    border = np.concatenate([lab[0], lab[-1], lab[:, 0], lab[:, -1]])
    apart = np.linalg.norm(lab - np.median(border, axis=0), axis=-1)
    return (1 / (1 + np.exp(-(apart - 22) / 4))).astype(np.float32)


def nothing_stands_out(picture: np.ndarray, side: int) -> np.ndarray:
    return np.full(picture.shape[:2], 0.05, np.float32)


@pytest.fixture
def scenes():
    """``scenes(frames, path, pan=, radius=, occluder=)`` makes a ``Scene``."""
    return moving_disc


@pytest.fixture
def saliency():
    """A deterministic stand-in for the network."""
    return stand_out


@pytest.fixture
def blind_saliency():
    """A network that finds nothing."""
    return nothing_stands_out
