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

Colours = npt.NDArray[np.uint8]
"""``(n, 3)`` RGB."""

Flags = npt.NDArray[np.bool_]

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

    def __len__(self) -> int:
        return len(self.frames)


@dataclass(frozen=True)
class Consensus:
    """Per wanted pixel: its colour, and whether enough samples agree on it."""

    colours: Colours
    seen: Flags


def look_up(
    footage: Footage, points: Points, pose: Pose, order: Sequence[int], settings: PropagateSettings
) -> Consensus:
    """Colours of ``points`` (in pixels of ``pose``) as the frames of ``order`` show them, the first ones first."""
    colours = np.zeros((len(points), 3), np.uint8)
    seen = np.zeros(len(points), bool)
    for start in range(0, len(points), CHUNK):
        part = slice(start, start + CHUNK)
        colours[part], seen[part] = _look_up(footage, points[part], pose, order, settings)
    return Consensus(colours, seen)


def _look_up(
    footage: Footage, points: Points, pose: Pose, order: Sequence[int], settings: PropagateSettings
) -> tuple[Colours, Flags]:
    near = max(NEAR, settings.min_samples)
    samples, count = gather(footage, points, pose, order, near)
    colours, seen = agree(samples, count, settings.consistency, settings.min_samples)
    # Where the nearest samples quarrel, a later look may find a majority.
    again = np.flatnonzero(~seen & (count == near))
    if again.size:
        samples, count = gather(footage, points[again], pose, order, max(FAR, near))
        colours[again], seen[again] = agree(samples, count, settings.consistency, settings.min_samples)
    return colours, seen


def gather(
    footage: Footage, points: Points, pose: Pose, order: Sequence[int], limit: int
) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.int16]]:
    """Up to ``limit`` trusted samples ``(limit, 3, n)``, in the order of the frames, and how many there are."""
    samples = np.zeros((limit, 3, len(points)), np.uint8)
    count = np.zeros(len(points), np.int16)
    for index in order:
        wanted = np.flatnonzero(count < limit)
        if not wanted.size:
            break
        motion = relative(pose, footage.poses[index])
        if motion is None:
            continue
        hit, colours = sample(footage.frames[index], footage.trusted[index], points[wanted], motion)
        found = wanted[hit]
        samples[count[found], :, found] = colours
        count[found] += 1
    return samples, count


def nearest_first(time: int, frames: int) -> list[int]:
    """All frames but ``time``, nearest first."""
    return sorted((i for i in range(frames) if i != time), key=lambda i: abs(i - time))


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
