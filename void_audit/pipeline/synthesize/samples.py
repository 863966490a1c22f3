"""What other frames show at a pixel, and whether they agree.

For every wanted pixel up to ``limit`` trusted samples are collected, nearest in time first. They agree if
enough of them lie within ``consistency`` levels of one of them; the value is the median of the largest such
cluster. One passing thing, or one frame with a motion-blur halo, cannot become background.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from void_audit.model.clip import RGB
from void_audit.model.mask import Bitmap
from void_audit.model.plan import PropagateSettings
from void_audit.pipeline.synthesize.camera import Matrix, Points, Pose, is_identity, project, relative
from void_audit.pipeline.synthesize.foreground import relit

Colours = npt.NDArray[np.uint8]
"""``(n, 3)`` RGB."""

Flags = npt.NDArray[np.bool_]

LINES = 480
"""Lines of the whole frame for which lengths such as the guard are given; they grow with larger frames."""

CHUNK = 1 << 16
"""Pixels looked at together: bounds memory."""

NEAR = 9
"""Samples looked at first."""

FAR = 41
"""Samples looked at where the first ones do not agree."""


@dataclass(frozen=True)
class Footage:
    """Frames of one window at the plan's geometry, with what may be taken from them."""

    frames: Sequence[RGB]
    opened: Sequence[Bitmap]
    trusted: Sequence[Bitmap]
    """Pixels that show background: outside opened areas and their guard, and not on something passing by."""
    poses: Sequence[Pose]
    light: npt.NDArray[np.int16]
    """``(frames, 3)``: levels that bring a frame to the overall light of its shot's middle frame."""
    unit: int = 1
    """Pixels that stand for one pixel of a frame with ``LINES`` lines: lengths grow with the picture."""

    def __len__(self) -> int:
        return len(self.frames)


@dataclass(frozen=True)
class Consensus:
    """Per wanted pixel: its colour, and whether enough samples agree on it."""

    colours: Colours
    seen: Flags
    lag: int
    """How far away in time, in frames, the nearest sample of a seen pixel typically is."""


@dataclass(frozen=True)
class Gathered:
    """Up to ``limit`` samples ``(limit, 3, n)`` per wanted pixel, in the order of the frames."""

    samples: npt.NDArray[np.uint8]
    count: npt.NDArray[np.int16]
    first: npt.NDArray[np.int16]
    """The frame of the first sample, or -1."""


def look_up(
    footage: Footage, points: Points, time: int, order: Sequence[int], settings: PropagateSettings
) -> Consensus:
    """Colours of ``points`` of frame ``time`` as the frames of ``order`` show them, in the light of ``time``.

    Points may lie outside the frame. Frames that come first in ``order`` are preferred.
    """
    colours = np.zeros((len(points), 3), np.uint8)
    seen = np.zeros(len(points), bool)
    first = np.full(len(points), time, np.int16)
    for start in range(0, len(points), CHUNK):
        part = slice(start, start + CHUNK)
        colours[part], seen[part], first[part] = _look_up(footage, points[part], time, order, settings)
    lag = int(np.median(np.abs(first[seen] - time))) if seen.any() else 0
    return Consensus(colours, seen, lag)


def _look_up(
    footage: Footage, points: Points, time: int, order: Sequence[int], settings: PropagateSettings
) -> tuple[Colours, Flags, npt.NDArray[np.int16]]:
    near = max(NEAR, settings.min_samples)
    found = gather(footage, points, time, order, near)
    colours, seen = agree(found.samples, found.count, settings.consistency, settings.min_samples)
    # Where the nearest samples quarrel, a later look may find a majority.
    again = np.flatnonzero(~seen & (found.count == near))
    if again.size:
        more = gather(footage, points[again], time, order, max(FAR, near))
        agreed = agree(more.samples, more.count, settings.consistency, settings.min_samples)
        colours[again], seen[again] = agreed
    return colours, seen, found.first


def gather(footage: Footage, points: Points, time: int, order: Sequence[int], limit: int) -> Gathered:
    """Trusted samples of ``points`` of frame ``time`` from the frames of ``order``."""
    samples = np.zeros((limit, 3, len(points)), np.uint8)
    count = np.zeros(len(points), np.int16)
    first = np.full(len(points), -1, np.int16)
    for index in order:
        wanted = np.flatnonzero(count < limit)
        if not wanted.size:
            break
        motion = relative(footage.poses[time], footage.poses[index])
        if motion is None:
            continue
        hit, colours = sample(footage.frames[index], footage.trusted[index], points[wanted], motion)
        found = wanted[hit]
        first[found[count[found] == 0]] = index
        samples[count[found], :, found] = relit(colours, footage.light[index] - footage.light[time])
        count[found] += 1
    return Gathered(samples, count, first)


def nearest_first(time: int, frames: int, lag: int = 1) -> list[int]:
    """Frames at least ``lag`` away from ``time``, nearest first."""
    return sorted((i for i in range(frames) if abs(i - time) >= lag), key=lambda i: abs(i - time))


def sample(frame: RGB, trusted: Bitmap, points: Points, motion: Matrix) -> tuple[Flags, Colours]:
    """Which points fall on a trusted pixel of ``frame``, and the colours of those."""
    where = points if is_identity(motion) else project(motion, points)
    height, width = trusted.shape
    inside = (
        (where[:, 0] >= 0) & (where[:, 0] <= width - 1) & (where[:, 1] >= 0) & (where[:, 1] <= height - 1)
    )
    x, y = np.rint(where[inside]).astype(np.intp).T
    inside[inside] = trusted[y, x]
    if is_identity(motion):
        x, y = where[inside].astype(np.intp).T
        return inside, frame[y, x]
    return inside, interpolate(frame, where[inside])


def interpolate(picture: RGB, points: Points) -> Colours:
    """Bicubic samples at ``(n, 2)`` points inside the picture."""
    columns = 256
    rows = -(-len(points) // columns)
    padded = np.zeros((rows * columns, 2), np.float32)
    padded[: len(points)] = points
    grid = padded.reshape(rows, columns, 2)
    if not rows:
        return np.zeros((0, 3), np.uint8)
    found = cv2.remap(picture, grid[..., 0], grid[..., 1], cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(found.reshape(-1, 3)[: len(points)], np.uint8)


def agree(
    samples: npt.NDArray[np.uint8], count: npt.NDArray[np.int16], consistency: float, enough: int
) -> tuple[Colours, Flags]:
    """Median of the largest cluster of samples, and whether it holds ``enough`` of them."""
    votes = _votes(samples, count, consistency)
    best = votes.argmax(axis=0)
    centre = np.take_along_axis(samples, best[None, None, :], axis=0)[0]
    valid = np.arange(len(samples))[:, None] < count
    member = np.stack([_within(s, centre, consistency) for s in samples]) & valid
    colours = _median(samples, member)
    return colours, votes.max(axis=0) >= enough


def _votes(
    samples: npt.NDArray[np.uint8], count: npt.NDArray[np.int16], consistency: float
) -> npt.NDArray[np.uint8]:
    """How many valid samples lie within ``consistency`` of each (itself included)."""
    votes = (np.arange(len(samples))[:, None] < count).astype(np.uint8)
    for j in range(1, int(count.max(initial=0))):
        valid = count > j
        for i in range(j):
            near = _within(samples[i], samples[j], consistency) & valid
            votes[i] += near
            votes[j] += near
    return votes


def _within(a: npt.NDArray[np.uint8], b: npt.NDArray[np.uint8], consistency: float) -> Flags:
    difference = cv2.absdiff(a, b)
    return np.asarray(np.maximum.reduce(difference, axis=0) <= consistency, np.bool_)


def _median(samples: npt.NDArray[np.uint8], member: Flags) -> Colours:
    """Median over the members, by a sorting network that moves the others to the end."""
    rows = list(np.where(member[:, None, :], samples, 255).astype(np.uint8))
    for turn in range(len(rows)):
        for i in range(turn % 2, len(rows) - 1, 2):
            rows[i], rows[i + 1] = np.minimum(rows[i], rows[i + 1]), np.maximum(rows[i], rows[i + 1])
    ordered = np.stack(rows)
    size = np.maximum(member.sum(axis=0), 1)
    low = np.take_along_axis(ordered, ((size - 1) // 2)[None, None, :], axis=0)[0].astype(np.uint16)
    high = np.take_along_axis(ordered, (size // 2)[None, None, :], axis=0)[0].astype(np.uint16)
    return np.asarray(((low + high + 1) // 2).T, np.uint8)
