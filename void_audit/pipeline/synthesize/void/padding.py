"""Lengths that the model takes, and mirror padding up to them (spec/void section 1.3 step 4)."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from itertools import chain, cycle, islice
from typing import TypeVar

from void_audit.errors import ClipError

T = TypeVar("T")

TEMPORAL_COMPRESSION = 4
"""Frames per latent after the first, which stands for one frame alone."""


def latent_length(frames: int) -> int:
    """How many latents the VAE makes of so many frames."""
    return (frames - 1) // TEMPORAL_COMPRESSION + 1


def frame_length(latents: int) -> int:
    """How many frames the VAE makes of so many latents."""
    return (latents - 1) * TEMPORAL_COMPRESSION + 1


def padded_length(frames: int, window: int = 85) -> int:
    """Length N of the padded clip: the least N >= ``frames``, ``window`` with N = 5 (mod 8).

    That makes the number of latents even, as a transformer with patches of two latents needs.
    """
    least = max(frames, window)
    return least + (5 - least) % 8


def padded(frames: Iterable[T], count: int, total: int) -> Iterator[T]:
    """``count`` frames, then the clip backwards, forwards and so on, until there are ``total``.

    The last frame is repeated: 0, 1, ..., n-1, n-1, ..., 0, 0, 1, ... Only frames that come again are held.
    Raises ClipError ``clip-length`` if ``frames`` has another number of frames than ``count``.
    """
    again: deque[T] = deque(maxlen=min(count, total - count))
    seen = 0
    for seen, frame in enumerate(frames, 1):
        again.append(frame)
        if seen <= count:
            yield frame
    if seen != count:
        raise ClipError(
            "clip-length", f"{count} frames were announced and {seen} came.", "Read the clip's length again."
        )
    backwards = list(reversed(again))
    yield from islice(cycle(chain(backwards, again)), total - count)
