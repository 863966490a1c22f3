"""The VAE, chunk by chunk: encoding with the stock model's bits, decoding with the exact number of frames.

Stock decoding makes 88 frames of 22 latents instead of 85, since its up-samplers guess from a chunk's length
whether it is the first (spec/void section 5.3). Here chunks are 1, 2, 2, ... latents, and a lone last one is
doubled in time like all others.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from itertools import islice
from typing import Any

import torch
from diffusers.models.autoencoders.autoencoder_kl_cogvideox import (
    AutoencoderKLCogVideoX,
    CogVideoXCausalConv3d,
)
from diffusers.models.upsampling import CogVideoXUpsample3D
from torch.utils.hooks import RemovableHandle

Coder = Callable[[torch.Tensor], torch.Tensor]
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
        mode: torch.Tensor = moments.chunk(2, dim=1)[0]
        return mode


class Decoder:
    """Decodes the chunks of one clip, (1, 16, t, h, w) unscaled each, to (1, 3, t', 8h, 8w) about -1..1.

    The first chunk is one latent and becomes one frame, every other latent becomes four.
    """

    def __init__(self, vae: AutoencoderKLCogVideoX) -> None:
        self.vae = vae
        self._cache: dict[str, Any] | None = None

    def __call__(self, chunk: torch.Tensor) -> torch.Tensor:
        """The next chunk's frames."""
        decoder, lone = self.vae.decoder, self._cache is not None and chunk.shape[2] == 1
        if self.vae.post_quant_conv is not None:
            chunk = self.vae.post_quant_conv(chunk)
        with _lean(decoder), _time_doubled(decoder) if lone else nullcontext():
            pixels: torch.Tensor
            pixels, self._cache = decoder(chunk, conv_cache=self._cache)
        return pixels


@contextmanager
def _hooks(handles: list[RemovableHandle]) -> Iterator[None]:
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


def _lean(decoder: torch.nn.Module) -> AbstractContextManager[None]:
    """Convolutions over one frame forget copies of their inputs, which nothing reads, instead of handing them on."""
    convolutions = (m for m in decoder.modules() if isinstance(m, CogVideoXCausalConv3d))
    pointwise = [m for m in convolutions if m.time_kernel_size == 1]
    return _hooks([m.register_forward_hook(lambda _m, _args, output: (output[0], None)) for m in pointwise])


@contextmanager
def _time_doubled(decoder: torch.nn.Module) -> Iterator[None]:
    """Temporal up-samplers double their one frame, which they would take for a clip's first."""
    modules = [m for m in decoder.modules() if isinstance(m, CogVideoXUpsample3D) and m.compress_time]
    doubling = [
        m.register_forward_pre_hook(lambda _m, args: args[0].repeat_interleave(2, 2)) for m in modules
    ]
    for module in modules:
        module.compress_time = False  # what is left to it is to double height and width
    try:
        with _hooks(doubling):
            yield
    finally:
        for module in modules:
            module.compress_time = True


def encode(encoder: Coder, pictures: Iterable[torch.Tensor], total: int) -> Iterator[torch.Tensor]:
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


def decode(decoder: Coder, latents: torch.Tensor) -> Iterator[torch.Tensor]:
    """Frames of a clip, chunk by chunk.

    Args:
        decoder: a ``Decoder`` or its like, not used before.
        latents: (1, 16, T, h, w), unscaled, as the decoder takes them.

    Yields: (1, 3, t', 8h, 8w); 4T - 3 frames in all.
    """
    for chunk in torch.split(latents, decode_sizes(latents.shape[2]), dim=2):
        yield decoder(chunk)
