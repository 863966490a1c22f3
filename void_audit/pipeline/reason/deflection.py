"""Things that were moving already, met the object, and moved otherwise from then on.

Passing in front of or behind the object is not meeting it: what only passes keeps its pace. Where the object
hides a part, the far end of the visible rest still tells the pace; that end is measured.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from void_audit.model.mask import Bitmap
from void_audit.pipeline.reason.attribution import INDEPENDENT, Labels, Reach
from void_audit.pipeline.reason.camera import Homography, project
from void_audit.pipeline.reason.shapes import distance_to, regions

_BEFORE, _AFTER = 5, 6
"""Frames looked at before and after the meeting."""
_FEWEST = 3
_SLOWEST = 1.5
"""Pixels per frame; slower things cannot be told from noise."""
_STOPPED, _TURNED, _TRAVELS = 0.4, 0.5, 0.4
"""Shares of the pace before: rear slower than that, sideways faster, either end slower on the way."""
_SAME = 0.3
"""Share of a region."""
_MOST = 20


@dataclass(frozen=True)
class Owned:
    """One frame after the first assignment of owners. ``pose``: into the segment's coordinates."""

    covered: Bitmap
    labels: Labels
    pose: Homography


@dataclass(frozen=True)
class Meeting:
    """A thing as it reaches the object on frame ``offset`` of the segment, and how it would have gone on."""

    offset: int
    region: Bitmap
    coming: Bitmap
    """The thing on the frame before, when the object did not hide or touch it yet."""
    velocity: tuple[float, float]
    """Of the thing until then: pixels a frame, in the segment's coordinates."""


def deflections(frame: Callable[[int], Owned], count: int, reach: Reach) -> list[Meeting]:
    """Meetings after which the thing stopped, turned or was thrown back. ``frame(i)`` for i below ``count``."""
    met = (_met(frame, count, offset, region, reach) for offset, region in _touches(frame, count, reach))
    return [meeting for meeting in met if meeting is not None]


def _touches(frame: Callable[[int], Owned], count: int, reach: Reach) -> list[tuple[int, Bitmap]]:
    """Independent regions as they come near to the object, with their frames; not what lay there already."""
    found: list[tuple[int, Bitmap]] = []
    recent: list[Bitmap] = []
    for offset in range(count):
        seen = frame(offset)
        close = distance_to(seen.covered) <= reach.touch
        touching = [region for region in _independent(seen, reach) if (region & close).any()]
        for region in touching:
            if offset >= _FEWEST and not any(_mostly(region, earlier) for earlier in recent):
                found.append((offset, region))
        recent = [*recent, *touching][-8:] if touching else []
    return found[:_MOST]


def _mostly(region: Bitmap, earlier: Bitmap) -> bool:
    """Whether a region is what was there before, and not something larger that has run into it."""
    return bool((region & earlier).sum() > _SAME * region.sum())


def _independent(seen: Owned, reach: Reach) -> list[Bitmap]:
    return list(regions(seen.labels == INDEPENDENT, reach.birth))


def _met(
    frame: Callable[[int], Owned], count: int, offset: int, region: Bitmap, reach: Reach
) -> Meeting | None:
    """The meeting, if the thing travelled until then and did not go on in the same way."""
    before = _walk(frame, region, range(offset, max(-1, offset - _BEFORE - 1), -1), reach)[::-1]
    after = _walk(frame, region, range(offset, min(count, offset + _AFTER + 1)), reach)
    if min(len(before), len(after)) <= _FEWEST:
        return None
    velocity = _slope(np.array([seen.points.mean(0) for seen in before[:-1]]))
    pace = float(np.hypot(*velocity))
    if pace < _SLOWEST:
        return None
    ahead = velocity / pace
    sideways = np.array([-ahead[1], ahead[0]])
    if min(_ends(before[:-1], ahead)) < _TRAVELS * pace or _stays(before[:-1], velocity):
        return None
    rear = _ends(after[1:], ahead)[0]
    aside = _slope(np.array([[np.median(seen.points @ sideways)] for seen in after[1:]]))[0]
    if rear >= _STOPPED * pace and abs(aside) <= _TURNED * pace:
        return None
    return Meeting(offset, region, before[-2].region, (float(velocity[0]), float(velocity[1])))


def _ends(walk: list[_Seen], ahead: npt.NDArray[np.float64]) -> tuple[float, float]:
    """How fast rear and front move ``ahead``: of a thing both do, of a change that spreads only the front."""
    ends = np.array([np.percentile(seen.points @ ahead, (10, 90)) for seen in walk])
    rear, front = _slope(ends)
    return float(rear), float(front)


def _stays(walk: list[_Seen], velocity: npt.NDArray[np.float64]) -> bool:
    """Whether it is seen where it was rather than where it would have come to: a screen that changes, not a thing."""
    first, last = _pixels(walk[0].points), _pixels(walk[-1].points)
    brought = _pixels(walk[0].points + (len(walk) - 1) * velocity)
    return len(np.intersect1d(first, last)) >= len(np.intersect1d(brought, last))


def _pixels(points: npt.NDArray[np.float64]) -> npt.NDArray[np.int64]:
    """Points by one whole number each."""
    across, down = np.rint(points).astype(np.int64).T
    return np.asarray(across + (down << 32), np.int64)


@dataclass(frozen=True)
class _Seen:
    """A thing on one frame: its pixels there, and in the segment's coordinates ``(n, 2)``."""

    region: Bitmap
    points: npt.NDArray[np.float64]


def _walk(frame: Callable[[int], Owned], region: Bitmap, offsets: range, reach: Reach) -> list[_Seen]:
    """The thing on each frame as far as it can be followed: not where only a remnant of it is seen."""
    walk: list[_Seen] = []
    largest = 0
    for offset in offsets:
        seen = frame(offset)
        candidates = [other for other in _independent(seen, reach) if (other & region).any()]
        if not candidates:
            break
        region = max(candidates, key=lambda other: int((other & region).sum()))
        largest = max(largest, int(region.sum()))
        if region.sum() < _SAME * largest:
            break
        walk.append(_Seen(region, project(seen.pose, np.argwhere(region)[:, ::-1].astype(np.float64))))
    return walk


def _slope(track: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Least-squares change per frame of each column."""
    time = np.arange(len(track)) - (len(track) - 1) / 2
    return np.asarray(time @ track / (time @ time), np.float64)
