"""The VAE, chunk by chunk: encoding with the stock model's bits, decoding with the exact number of frames.

Stock decoding makes 88 frames of 22 latents instead of 85, since its up-samplers guess from a chunk's length
whether it is the first (spec/void section 5.3). Here chunks are 1, 2, 2, ... latents, and a lone last one is
doubled in time like all others.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from itertools import islice
from typing import Any

import torch
from diffusers import AutoencoderKLCogVideoX
from diffusers.models.upsampling import CogVideoXUpsample3D

Chunk = Callable[[torch.Tensor], torch.Tensor]
"""Called with the chunks of one clip in order; knows those before."""

SPATIAL_COMPRESSION = 8
"""Pixels per latent in height and width."""


def encode_sizes(frames: int) -> list[int]:
    """Frames per chunk, as the stock model cuts them: the remainder joins the first, then eight each."""
    if frames < 8:
        return [frames]
    return [8 + frames % 8] + [8] * (frames // 8 - 1)


def decode_sizes(latents: int) -> list[int]:
    """Latents per chunk: one, then two each, then one if it is left over."""
    pairs, left = divmod(latents - 1, 2)
    return [1] + [2] * pairs + [1] * left


class Encoder:
    """Encodes the chunks of one clip, (1, 3, t, H, W) in -1..1 each, to (1, 16, t', H/8, W/8).

    The result is the posterior's mode, unscaled, in the VAE's dtype and on its device.
    """

    def __init__(self, vae: AutoencoderKLCogVideoX) -> None:
        self.vae = vae
        self._cache: dict[str, Any] | None = None

    def __call__(self, chunk: torch.Tensor) -> torch.Tensor:
        """The next chunk's latents."""
        moments, self._cache = self.vae.encoder(chunk, conv_cache=self._cache)
        if self.vae.quant_conv is not None:
            moments = self.vae.quant_conv(moments)
        return moments.chunk(2, dim=1)[0]


class Decoder:
    """Decodes the chunks of one clip, (1, 16, t, h, w) unscaled each, to (1, 3, t', 8h, 8w) about -1..1.

    The first chunk is one latent and becomes one frame, every other latent becomes four.
    """

    def __init__(self, vae: AutoencoderKLCogVideoX) -> None:
        self.vae = vae
        self._cache: dict[str, Any] | None = None

    def __call__(self, chunk: torch.Tensor) -> torch.Tensor:
        """The next chunk's frames."""
        lone = self._cache is not None and chunk.shape[2] == 1
        if self.vae.post_quant_conv is not None:
            chunk = self.vae.post_quant_conv(chunk)
        with _time_doubled(self.vae.decoder if lone else None):
            pixels, self._cache = self.vae.decoder(chunk, conv_cache=self._cache)
        return pixels


@contextmanager
def _time_doubled(decoder: torch.nn.Module | None) -> Iterator[None]:
    """Temporal up-samplers double their one frame, which they would take for a clip's first."""
    modules = [] if decoder is None else decoder.modules()
    upsamplers = [m for m in modules if isinstance(m, CogVideoXUpsample3D) and m.compress_time]
    hooks = [m.register_forward_pre_hook(lambda _, args: args[0].repeat_interleave(2, 2)) for m in upsamplers]
    for upsampler in upsamplers:
        upsampler.compress_time = False  # what is left to it is to double height and width
    try:
        yield
    finally:
        for upsampler, hook in zip(upsamplers, hooks, strict=True):
            upsampler.compress_time = True
            hook.remove()


def encode(encoder: Chunk, pictures: Iterable[torch.Tensor], total: int) -> Iterator[torch.Tensor]:
    """Latents of a clip, chunk by chunk.

    Args:
        encoder: an ``Encoder`` or its like, not used before.
        pictures: (3, H, W) each, in the encoder's dtype.
        total: number of pictures.

    Yields: (1, 16, t', H/8, W/8), unscaled.
    """
    rest = iter(pictures)
    for size in encode_sizes(total):
        yield encoder(torch.stack(list(islice(rest, size)), dim=1)[None])


def decode(decoder: Chunk, latents: torch.Tensor) -> Iterator[torch.Tensor]:
    """Frames of a clip, chunk by chunk.

    Args:
        decoder: a ``Decoder`` or its like, not used before.
        latents: (1, 16, T, h, w), unscaled, in the decoder's dtype.

    Yields: (1, 3, t', 8h, 8w); 4T - 3 frames in all.
    """
    for chunk in latents.split(decode_sizes(latents.shape[2]), dim=2):
        yield decoder(chunk)
