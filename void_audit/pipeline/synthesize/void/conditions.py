"""What the diffusion is conditioned on: the clip, with a little noise, and the mask (spec/void section 1.3)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import repeat

import torch
import torch.nn.functional as F  # noqa: N812 - everybody's name for it

from void_audit.errors import ClipError
from void_audit.pipeline.synthesize.void.masks import levels

SIDE_MULTIPLE = 16
"""Pixels per patch: eight per latent, two latents per patch."""


def resize_picture(picture: torch.Tensor, height: int, width: int) -> torch.Tensor:
    """A picture, uint8 or float 0..1, (3, H, W), averaged by area to float32 (3, height, width) in 0..1."""
    return F.interpolate(unit(picture)[None], size=(height, width), mode="area")[0]


def unit(picture: torch.Tensor) -> torch.Tensor:
    """uint8 0..255 as float32 0..1; floats are taken to be in 0..1 already."""
    return picture.float() / 255 if picture.dtype == torch.uint8 else picture.float()


def conditioning(
    pictures: Iterable[torch.Tensor],
    sigma: float,
    generator: torch.Generator | None = None,
    given: Iterable[torch.Tensor] | None = None,
) -> Iterator[torch.Tensor]:
    """Pictures as the VAE is given them: with ``sigma`` x normal noise added, except where a value is black.

    The object is left in: the model looks at it.

    Args:
        pictures: (3, H, W), uint8 or float 0..1; H and W multiples of 16.
        sigma: of the noise; 0 draws none.
        generator: CPU generator of the noise.
        given: the noise itself, (3, H, W) each, instead of drawing it.

    Yields: float32 (3, H, W) in -1..1 (and a little beyond).
    Raises: ClipError ``clip-size``.
    """
    draws = repeat(None) if given is None else given
    for picture, draw in zip(pictures, draws, strict=False):
        _check_size(picture)
        values = 2.0 * unit(picture) - 1.0
        if sigma:
            noise = _drawn(values.shape, generator) if draw is None else draw
            values += torch.where(values == -1, 0.0, sigma * noise)
        yield values


def _drawn(shape: torch.Size, generator: torch.Generator | None) -> torch.Tensor:
    """The next frame of the noise that the reference draws for a whole clip at once.

    Its clip lies in memory as frame, channel, row, column and is not contiguous; torch then draws number after
    number in memory's order, while contiguous memory is filled in blocks with other numbers.
    """
    channels, height, width = shape
    return torch.empty(channels, height * width).t().normal_(generator=generator).t().reshape(shape)


def _check_size(picture: torch.Tensor) -> None:
    height, width = picture.shape[-2:]
    if height % SIDE_MULTIPLE or width % SIDE_MULTIPLE:
        raise ClipError(
            "clip-size",
            f"Pictures of {width}x{height} pixels do not divide into the model's patches.",
            f"Width and height must be multiples of {SIDE_MULTIPLE}: resize or pad them.",
        )


def mask_pictures(masks: Iterable[torch.Tensor], mask_levels: int) -> Iterator[torch.Tensor]:
    """Quadmasks (H, W) as float32 pictures (3, H, W) of the levels that the VAE sees.

    Raises: ClipError ``clip-size``, MaskError ``mask-values``.
    """
    for mask in masks:
        _check_size(mask)
        yield levels(mask, mask_levels).expand(3, -1, -1)
