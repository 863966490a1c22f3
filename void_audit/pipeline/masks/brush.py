"""A round brush along a line of points: which pixels it covers, exactly and without half tones."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from void_audit.model.geometry import Rect, Size
from void_audit.model.mask import Bitmap
from void_audit.model.mask_edit import Point

Floats = npt.NDArray[np.float64]

_STEPS = 1024
"""Places are rounded to so many parts of a pixel, so that no slope is too small to be divided by."""

_CHUNK = 64
"""Segments drawn together; being neighbours, they reach few rows."""


def brush_bounds(points: Sequence[Point], radius: float, size: Size) -> Rect | None:
    """The part of a picture of ``size`` that the brush can reach; None if that is nothing."""
    line = _line(points)
    left, top = np.maximum(0, np.ceil(line.min(axis=0) - radius)).astype(int).tolist()
    right, bottom = np.minimum(size, np.floor(line.max(axis=0) + radius) + 1).astype(int).tolist()
    if left >= right or top >= bottom:
        return None
    return Rect(x=left, y=top, width=right - left, height=bottom - top)


def _line(points: Sequence[Point]) -> Floats:
    """The points, ``(points, 2)``."""
    return np.rint(np.array([(p.x, p.y) for p in points], np.float64) * _STEPS) / _STEPS


def brush(points: Sequence[Point], radius: float, bounds: Rect) -> Bitmap:
    """Pixels of ``bounds``, ``(height, width)``, whose middle is within ``radius`` of the line through ``points``.

    Every row of a segment with round ends is one interval, so the cost is rows times segments and not their areas.
    """
    line = _line(points) - (bounds.x, bounds.y)
    starts, ends = (line, line) if len(line) == 1 else (line[:-1], line[1:])
    steps = np.zeros((bounds.height, bounds.width + 1), np.int32)
    for first in range(0, len(starts), _CHUNK):
        _add_segments(steps, starts[first : first + _CHUNK], ends[first : first + _CHUNK], radius)
    return np.asarray(np.cumsum(steps, axis=1)[:, :-1] > 0, np.bool_)


def _add_segments(steps: npt.NDArray[np.int32], starts: Floats, ends: Floats, radius: float) -> None:
    """+1 where a segment's interval of a row begins, -1 behind its end."""
    height, width = steps.shape[0], steps.shape[1] - 1
    reach = np.concatenate([starts[:, 1], ends[:, 1]])
    top = max(0, math.floor(reach.min() - radius))
    bottom = min(height, math.ceil(reach.max() + radius) + 1)
    rows = np.arange(top, bottom, dtype=np.float64)[None, :]
    low, high = _intervals(rows, starts, ends, radius)
    first = np.clip(np.ceil(low), 0, width)
    stop = np.clip(np.floor(high) + 1, 0, width)
    segment, row = np.nonzero(first < stop)
    np.add.at(steps, (top + row, first[segment, row].astype(np.intp)), 1)
    np.add.at(steps, (top + row, stop[segment, row].astype(np.intp)), -1)


def _intervals(rows: Floats, starts: Floats, ends: Floats, radius: float) -> tuple[Floats, Floats]:
    """Left and right border on every row of every segment, ``(segments, rows)``; left > right where there is none.

    The shape is convex: its border on a row is the farthest of both discs' and of the long sides'.
    """
    low = np.full((len(starts), rows.shape[1]), np.inf)
    high = -low
    for ends_at in (starts, ends):
        x, off = ends_at[:, :1], rows - ends_at[:, 1:]
        half = np.sqrt(np.maximum(radius * radius - off * off, 0.0))
        near = np.abs(off) <= radius
        low = np.where(near, np.minimum(low, x - half), low)
        high = np.where(near, np.maximum(high, x + half), high)
    for side in (-1.0, 1.0):
        reached, x = _long_side(rows, starts, ends, side * radius)
        low = np.where(reached, np.minimum(low, x), low)
        high = np.where(reached, np.maximum(high, x), high)
    return low, high


def _long_side(rows: Floats, starts: Floats, ends: Floats, offset: float) -> tuple[Bitmap, Floats]:
    """Where the line parallel to each segment at ``offset`` is on each row, and whether its part reaches the row."""
    along = ends - starts
    dx, dy = along[:, :1], along[:, 1:]
    length = np.sqrt(dx * dx + dy * dy)  # rounded the same on every machine, which hypot is not
    leans = dy != 0  # a level segment's long sides lie on single rows, where its discs reach as far
    safe = np.where(leans, dy, 1.0)
    x = starts[:, :1] + ((rows - starts[:, 1:]) * dx + offset * length) / safe
    shift = -offset * dx / np.where(leans, length, 1.0)
    top = np.minimum(starts[:, 1:], ends[:, 1:]) + shift
    bottom = np.maximum(starts[:, 1:], ends[:, 1:]) + shift
    return np.asarray(leans & (rows >= top) & (rows <= bottom), np.bool_), x
