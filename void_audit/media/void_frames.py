"""Which frames of a clip go into an exported sequence, and at which rate."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from void_audit.errors import ClipError
from void_audit.media.reader import VideoClip
from void_audit.model.geometry import FrameRange

MAX_RATE = 240
"""Highest rate at which pictures are taken, frames per second."""

ROUNDING = 1e-3
"""Seconds by which timestamps may be rounded: Matroska's."""

Numbers = npt.NDArray[np.int64]
T = TypeVar("T")


@dataclass(frozen=True)
class Selection:
    """For every picture of the sequence, in order, the source's frame; never falling. ``rate`` of the sequence."""

    numbers: Numbers
    rate: Fraction

    @property
    def bounds(self) -> tuple[int, int]:
        """First frame of the source that is needed, and the end (excluded)."""
        return int(self.numbers[0]), int(self.numbers[-1]) + 1

    def of(self, items: Iterator[T]) -> Iterator[T]:
        """The sequence out of the source's frames; ``items`` are those within ``bounds``. One may come twice."""
        position, item = self.bounds[0], next(items)
        for number in self.numbers:
            while position < number:
                position, item = position + 1, next(items)
            yield item


def select(clip: VideoClip, span: FrameRange | None, rate: Fraction | None) -> Selection:
    """The frames of ``span`` (default all), each once; or the ones that are shown at each tick of ``rate``.

    Raises:
        ClipError: clip-frames if the clip does not have these frames; clip-rate if ``rate`` is not above 0 and
            at most 240.
    """
    frames, own = clip.info.frames, clip.info.rate
    first, stop = (span.start, span.stop) if span else (0, frames)
    if not first < stop <= frames:
        raise ClipError(
            "clip-frames",
            f"There are no frames {first} to {stop} (excluded).",
            f"The clip has {frames} frames.",
        )
    if rate is None:
        return Selection(np.arange(first, stop), own)
    if not 0 < rate <= MAX_RATE:
        raise ClipError("clip-rate", f"{rate} frames per second cannot be.", f"Give at most {MAX_RATE}.")
    times = _times(clip, first, stop)
    ticks = np.arange(max(1, int(np.ceil((times[-1] - ROUNDING) * float(rate))))) / float(rate)
    shown = np.searchsorted(times[:-1], ticks + ROUNDING, side="right") - 1
    return Selection(first + np.asarray(shown, np.int64), rate)


def _times(clip: VideoClip, first: int, stop: int) -> npt.NDArray[np.float64]:
    """Seconds at which each frame appears, counted from the first one; and when the last one ends.

    At a constant rate frames are counted, for their timestamps may be rounded.
    """
    step = 1 / float(clip.info.rate)
    if not clip.info.variable_frame_rate:
        return np.arange(stop - first + 1, dtype=np.float64) * step
    seconds = (clip.index.pts[first:stop] - clip.index.pts[first]) * float(clip.index.time_base)
    return np.append(seconds, seconds[-1] + step)
