"""How far a video file that was made again is from the one on record: picture by picture, and in everything else."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path

import cv2
import numpy as np

from void_audit.media.packets import packet_digests
from void_audit.media.reader import VideoClip
from void_audit.model.clip import ClipInfo, Plane
from void_audit.model.engine import Progress, no_progress

Planes = tuple[Plane, ...]
"""One picture as coded."""


@dataclass(frozen=True)
class Difference:
    """Pictures against pictures. ``first`` counts from 0; ``most`` is in levels 0 to 255 at any bit depth."""

    recorded: int
    made: int
    differing: int
    """Pictures that differ in any sample, or that one side does not have."""
    first: int | None
    most: float


@dataclass(frozen=True)
class FileDifference:
    """``pictures`` is None where the two have other sizes or sample formats; ``facts`` are all other differences."""

    pictures: Difference | None
    facts: tuple[str, ...]

    @property
    def none(self) -> bool:
        """Whether pictures, their times, the sound and every fact of the clip are the same."""
        return self.pictures is not None and not self.pictures.differing and not self.facts


def file_difference(recorded: Path, made: Path, progress: Progress = no_progress) -> FileDifference:
    """Compare two files in constant memory.

    Raises:
        ClipError: one of them cannot be read.
    """
    one, other = VideoClip(recorded), VideoClip(made)
    facts = tuple(_facts(one, other))
    if _samples(one.info) != _samples(other.info):
        return FileDifference(None, facts)
    pairs = _told(zip_longest(_planes(one), _planes(other)), max(len(one.index), len(other.index)), progress)
    return FileDifference(difference(pairs, one.info.bit_depth), facts)


def difference(pairs: Iterable[tuple[Planes | None, Planes | None]], bit_depth: int = 8) -> Difference:
    """Pictures of one size and format, recorded and made, side by side; None where a side has ended."""
    counts, differing, first, most = [0, 0], 0, None, 0.0
    for number, (one, other) in enumerate(pairs):
        counts = [counts[0] + (one is not None), counts[1] + (other is not None)]
        distance = _distance(one, other)
        if distance is None or distance > 0:
            differing += 1
            first = number if first is None else first
            most = max(most, float(distance or 0))
    return Difference(counts[0], counts[1], differing, first, round(most * 255 / ((1 << bit_depth) - 1), 2))


def _distance(one: Planes | None, other: Planes | None) -> float | None:
    """Largest difference of a sample; None where there is nothing to compare with."""
    if one is None or other is None:
        return None
    return max(float(cv2.absdiff(a, b).max()) for a, b in zip(one, other, strict=True))


def _planes(clip: VideoClip) -> Iterator[Planes]:
    return (frame.planes for frame in clip.planes())


def _samples(info: ClipInfo) -> tuple[object, ...]:
    return info.width, info.height, info.pixel_format, info.rotation


def _facts(one: VideoClip, other: VideoClip) -> Iterator[str]:
    """What beside the samples themselves differs; the number of pictures is counted with them."""
    for name in ClipInfo.model_fields:
        was, now = getattr(one.info, name), getattr(other.info, name)
        if was != now and name not in {"frames", "duration_seconds"}:
            yield f"{name}: recorded {was}, here {now}"
    if len(one.index) == len(other.index) and not np.array_equal(one.index.pts, other.index.pts):
        yield "the times of the pictures"
    if packet_digests(one.path).audio != packet_digests(other.path).audio:
        yield "the sound"


def _told(
    pairs: Iterable[tuple[Planes | None, Planes | None]], total: int, progress: Progress
) -> Iterator[tuple[Planes | None, Planes | None]]:
    for number, pair in enumerate(pairs):
        yield pair
        progress("comparing pictures", number + 1, total)
