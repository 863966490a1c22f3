"""Windows in time of a long clip, and the weights that join them (spec/void section 1.7)."""

from __future__ import annotations

import torch

from void_audit.pipeline.synthesize.void.padding import TEMPORAL_COMPRESSION, latent_length


def latent_windows(latents: int, window_frames: int = 85, overlap_frames: int = 16) -> list[tuple[int, int]]:
    """Windows [begin, end) over ``latents`` latents; each begins an overlap before the end of the one before.

    All are even in length if ``latents`` is, since ``window_frames`` = 5 (mod 8) and ``overlap_frames`` = 0
    (mod 8). Raises ValueError for other numbers, and for an overlap that is not shorter than the window.
    """
    if window_frames % 8 != 5 or overlap_frames % 8 or not 0 <= overlap_frames < window_frames:
        raise ValueError(
            f"Windows of {window_frames} frames overlapping by {overlap_frames}: the window must be 5 (mod 8) "
            "frames and the overlap a shorter multiple of 8."
        )
    window, overlap = latent_length(window_frames), overlap_frames // TEMPORAL_COMPRESSION
    begins = range(0, max(latents - overlap, 1), window - overlap)
    return [(begin, min(begin + window, latents)) for begin in begins]


def weights(window: tuple[int, int], latents: int, overlap: int, dtype: torch.dtype) -> torch.Tensor:
    """Weight of each latent of a window: rises 1/5, 2/5, ... over its overlaps (of four), 1 elsewhere.

    Where both overlaps of a short window meet, the falling ramp holds.

    Returns: (end - begin, 1, 1, 1) in ``dtype``.
    """
    begin, end = window
    result = torch.ones(end - begin, dtype=dtype)
    ramp = torch.arange(1, overlap + 1, dtype=dtype) / (overlap + 1)
    if begin > 0:
        result[:overlap] = ramp
    if end < latents:
        result[end - begin - overlap :] = ramp.flip(0)
    return result[:, None, None, None]
