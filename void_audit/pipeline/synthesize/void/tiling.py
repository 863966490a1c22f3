"""The VAE in spatial tiles, for pictures that do not fit the device's memory at once.

A clip still goes chunk by chunk: every tile has its own coder with its own past, and each chunk visits all tiles
before the next one comes. Between visits that past waits in the CPU's memory. Tiles overlap, and across an
overlap one fades linearly into the next. The pixels are not those of the whole picture, since the VAE's norms
are over a tile; a tile that covers the whole picture changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from itertools import pairwise

import torch
from diffusers.models.autoencoders.autoencoder_kl_cogvideox import AutoencoderKLCogVideoX
from torch.utils._pytree import tree_map_only

from void_audit.pipeline.synthesize.void.codec import SPATIAL_COMPRESSION, Decoder, Encoder

Span = tuple[int, int]
"""First and behind the last, in latents."""


def overlap(tile: int) -> int:
    """Pixels that two neighbouring tiles of this side share at least: three sixteenths, in whole latents."""
    latents = 3 * tile // (16 * SPATIAL_COMPRESSION)
    return max(1, latents) * SPATIAL_COMPRESSION


def spans(length: int, tile: int) -> list[Span]:
    """Where tiles lie along one side of the picture: as few as will do, of one size, evenly spaced.

    Args:
        length: of the side, in latents.
        tile: largest side of a tile, in pixels.
    """
    most, shared = tile // SPATIAL_COMPRESSION, overlap(tile) // SPATIAL_COMPRESSION
    if length <= most:
        return [(0, length)]
    number = -(-(length - shared) // (most - shared))
    size = -(-(length + (number - 1) * shared) // number)
    starts = [index * (length - size) // (number - 1) for index in range(number)]
    return [(start, start + size) for start in starts]


def fades(tiles: list[Span], scale: int) -> list[torch.Tensor]:
    """Weights of each tile along one side, ``scale`` numbers per latent; those of all tiles add up to 1."""
    weights = [torch.ones((end - begin) * scale) for begin, end in tiles]
    for (before, after), ((_, end), (begin, _)) in zip(pairwise(weights), pairwise(tiles), strict=True):
        shared = (end - begin) * scale
        rising = (torch.arange(shared) + 0.5) / shared
        after[:shared] = rising
        before[-shared:] = 1 - rising
    return weights


@dataclass
class _Tile:
    rows: Span
    columns: Span
    weight: torch.Tensor
    """(rows, columns) of what comes out."""
    coder: Encoder | Decoder

    def cut(self, chunk: torch.Tensor, scale: int) -> torch.Tensor:
        """The tile's part of (..., H, W), which has ``scale`` numbers per latent in each direction."""
        (top, bottom), (left, right) = self.rows, self.columns
        return chunk[..., top * scale : bottom * scale, left * scale : right * scale]


class _Tiled:
    """Calls a coder for every tile and puts the results together. Sides are in numbers per latent."""

    coder: type[Encoder | Decoder]
    side_in: int
    side_out: int

    def __init__(self, vae: AutoencoderKLCogVideoX, tile: int) -> None:
        self.vae = vae
        self.tile = tile
        self._tiles: list[_Tile] = []

    def __call__(self, chunk: torch.Tensor) -> torch.Tensor:
        """The next chunk's result, as the coder for whole pictures gives it."""
        height, width = (side // self.side_in for side in chunk.shape[-2:])
        if not self._tiles:
            self._tiles = list(self._layout(height, width, chunk.device))
        canvas = torch.empty(0)
        for tile in self._tiles:
            part = _visit(tile.coder, tile.cut(chunk, self.side_in))
            if not canvas.numel():  # the coder decides how many frames there are
                size = (*part.shape[:3], height * self.side_out, width * self.side_out)
                canvas = torch.zeros(size, device=part.device)
            tile.cut(canvas, self.side_out).add_(part * tile.weight)
        return canvas.to(chunk.dtype)

    def _layout(self, height: int, width: int, device: torch.device) -> Iterator[_Tile]:
        across, down = spans(width, self.tile), spans(height, self.tile)
        for rows, vertical in zip(down, fades(down, self.side_out), strict=True):
            for columns, horizontal in zip(across, fades(across, self.side_out), strict=True):
                weight = torch.outer(vertical, horizontal).to(device)
                yield _Tile(rows, columns, weight, self.coder(self.vae))


class TiledEncoder(_Tiled):
    """``codec.Encoder`` in tiles of at most ``tile`` x ``tile`` pixels."""

    coder, side_in, side_out = Encoder, SPATIAL_COMPRESSION, 1


class TiledDecoder(_Tiled):
    """``codec.Decoder`` in tiles of at most ``tile`` x ``tile`` pixels."""

    coder, side_in, side_out = Decoder, 1, SPATIAL_COMPRESSION


def _visit(coder: Encoder | Decoder, chunk: torch.Tensor) -> torch.Tensor:
    """One chunk through one tile's coder, whose past is on the device only for so long."""
    coder._cache = tree_map_only(torch.Tensor, partial(_moved, device=chunk.device), coder._cache)
    result = coder(chunk)
    coder._cache = tree_map_only(torch.Tensor, partial(_moved, device=torch.device("cpu")), coder._cache)
    return result


def _moved(past: torch.Tensor, device: torch.device) -> torch.Tensor:
    """The tensor on the device; coming to the CPU, in pinned memory, so that nobody waits for the copy."""
    if past.device == device or device.type != "cpu":
        return past.to(device, non_blocking=True)
    return torch.empty_like(past, device=device, pin_memory=True).copy_(past, non_blocking=True)
