"""The starting noise of pass 2: white noise that moves with the pictures of pass 1 (arXiv 2501.08331)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import pairwise
from typing import Literal

import cv2
import numpy as np
import torch

from void_audit.errors import RequestError
from void_audit.model.clip import RGB
from void_audit.model.engine import Progress, no_progress
from void_audit.pipeline.synthesize.void.motion import FlowProvider
from void_audit.pipeline.synthesize.void.noise_field import CHANNELS, Floats, NoiseField

DETAIL = 8
"""Pixels of the noise field per pixel of the flow, whose pictures have half the model's size."""

FRAMES_PER_LATENT = 4

REFERENCE_CANVAS = (480, 720)
"""Height and width to which the reference crops the clip before it looks for motion."""

REFERENCE_FRAMES = 72
REFERENCE_LATENTS = 22


def warped_noise(
    pictures: Iterable[RGB],
    latent_frames: int,
    height: int,
    width: int,
    provider: FlowProvider,
    seed: int,
    *,
    geometry: Literal["reference", "aligned"],
    fresh: float = 0.0,
    progress: Progress = no_progress,
    detail: int = DETAIL,
    canvas: tuple[int, int] = REFERENCE_CANVAS,
) -> torch.Tensor:
    """Noise carried along the motion of pass 1's pictures.

    Args:
        pictures: ``4 * (latent_frames - 1) + 1`` pictures, ``height`` x ``width``; each is looked at once.
        latent_frames: length of the latents, any for ``aligned``.
        height: of the pictures, a multiple of 8, like ``width``.
        width: see ``height``.
        provider: finds the motion between two pictures of half the size.
        seed: decides every draw, together with the flow; not negative.
        geometry: ``aligned``: the clip's own size, unit variance; latent frame k is the noise at picture 4k,
            where what it covers ends. ``reference``: 72 pictures cropped to 480 x 720, 22 of their states
            stretched to the latents' size, which leaves a standard deviation of about 0.66.
        fresh: share of unmoved noise mixed in, 0 to 1; the variance of ``aligned`` stays 1.
        progress: told of each picture.
        detail: pixels of the noise field per pixel of the flow.
        canvas: height and width that ``reference`` crops to, multiples of 8.

    Returns:
        ``(1, latent_frames, 16, height / 8, width / 8)`` float32 on the CPU. It depends on pictures, flow and
        seed, never on device or threads.

    Raises:
        RequestError: ``warp-length``: ``reference`` knows only 22 latent frames.
        ValueError: another number of pictures than ``latent_frames`` needs.
    """
    moving, unmoving = (
        np.random.Generator(np.random.SFC64(s)) for s in np.random.SeedSequence(seed).spawn(2)
    )
    frames = FRAMES_PER_LATENT * (latent_frames - 1) + 1
    reported = _reported(pictures, frames, progress)
    if geometry == "aligned":
        noise = _aligned(reported, (height, width), provider, moving, detail)
    else:
        _refuse_other_lengths(latent_frames)
        noise = _reference(reported, (height, width), provider, moving, detail, canvas)
    if fresh > 0:
        noise = _mixed(noise, fresh, unmoving)
    return torch.from_numpy(noise)[None]


def _mixed(noise: Floats, fresh: float, generator: np.random.Generator) -> Floats:
    """Of variance 1 again, if ``noise`` is."""
    drawn = generator.standard_normal(noise.shape, np.float32)
    return np.asarray(((1 - fresh) * noise + fresh * drawn) / np.hypot(1 - fresh, fresh), np.float32)


def _refuse_other_lengths(latent_frames: int) -> None:
    if latent_frames != REFERENCE_LATENTS:
        raise RequestError(
            "warp-length",
            f"The reference's warped noise has {REFERENCE_LATENTS} latent frames, this clip {latent_frames}.",
            "Plan with numerics `corrected`, whose noise has any length.",
        )


def _reported(pictures: Iterable[RGB], frames: int, progress: Progress) -> Iterator[RGB]:
    """The pictures, exactly so many, each reported before it is used."""
    for index, (picture, _) in enumerate(zip(pictures, range(frames), strict=True)):
        progress("carrying noise along the flow", index, frames)
        yield picture
    progress("carrying noise along the flow", frames, frames)


def _aligned(
    pictures: Iterable[RGB],
    size: tuple[int, int],
    provider: FlowProvider,
    generator: np.random.Generator,
    detail: int,
) -> Floats:
    """``(T, 16, h, w)`` from every fourth state, at the clip's own size."""
    states = _states(pictures, size, provider, generator, detail)
    taken = [field.pooled(4 * detail) for index, field in enumerate(states) if index % FRAMES_PER_LATENT == 0]
    return np.stack(taken)


def _reference(
    pictures: Iterable[RGB],
    size: tuple[int, int],
    provider: FlowProvider,
    generator: np.random.Generator,
    detail: int,
    canvas: tuple[int, int],
) -> Floats:
    """``(22, 16, h, w)`` by way of 72 pictures of a fixed size, resampled in time twice and stretched in space."""
    frames = FRAMES_PER_LATENT * (REFERENCE_LATENTS - 1) + 1
    nearest = set(np.rint(np.linspace(0, frames - 1, REFERENCE_FRAMES)).astype(int).tolist())
    wanted = set(np.linspace(0, REFERENCE_FRAMES - 1, REFERENCE_LATENTS).astype(int).tolist())
    resampled = (_cropped(picture, canvas) for index, picture in enumerate(pictures) if index in nearest)
    states = _states(resampled, canvas, provider, generator, detail)
    taken = [
        field.pooled(4 * detail).astype(np.float16) for index, field in enumerate(states) if index in wanted
    ]
    height, width = size
    stretched = [
        cv2.resize(channel.astype(np.float32), (width // 8, height // 8), interpolation=cv2.INTER_LINEAR)
        for channel in np.concatenate(taken)
    ]
    return np.asarray(
        np.reshape(stretched, (REFERENCE_LATENTS, CHANNELS, height // 8, width // 8)), np.float32
    )


def _cropped(picture: RGB, canvas: tuple[int, int]) -> RGB:
    """The picture scaled until it covers the canvas, and its middle."""
    height, width = canvas
    scale = max(height / picture.shape[0], width / picture.shape[1])
    cover = (round(picture.shape[1] * scale), round(picture.shape[0] * scale))
    scaled = cv2.resize(picture, cover, interpolation=cv2.INTER_LINEAR)
    top, left = (cover[1] - height) // 2, (cover[0] - width) // 2
    return np.asarray(scaled[top : top + height, left : left + width], np.uint8)


def _states(
    pictures: Iterable[RGB],
    size: tuple[int, int],
    provider: FlowProvider,
    generator: np.random.Generator,
    detail: int,
) -> Iterator[NoiseField]:
    """The noise field at each picture; always the same object, so use it before the next."""
    height, width = size[0] // 2, size[1] // 2
    field = NoiseField(height * detail, width * detail, generator)
    yield field
    small = (cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA) for picture in pictures)
    for before, picture in pairwise(small):
        flow = provider.flow(np.asarray(before, np.uint8), np.asarray(picture, np.uint8))
        field.advance(_enlarged(flow, detail))
        yield field


def _enlarged(flow: Floats, detail: int) -> Floats:
    size = (flow.shape[1] * detail, flow.shape[0] * detail)
    return np.asarray(cv2.resize(flow, size, interpolation=cv2.INTER_LINEAR) * np.float32(detail), np.float32)
