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
_STOPPED, _TURNED = 0.4, 0.5
_MOST = 20


@dataclass(frozen=True)
class Owned:
    """One frame after the first assignment of owners. ``pose``: into the segment's coordinates."""

    covered: Bitmap
    labels: Labels
    pose: Homography


@dataclass(frozen=True)
class Meeting:
    """An independent region as it reaches the object."""

    offset: int
    region: Bitmap


def deflections(frame: Callable[[int], Owned], count: int, reach: Reach) -> list[Meeting]:
    """Meetings after which the thing stopped, turned or was thrown back. ``frame(i)`` for i below ``count``."""
    return [meeting for meeting in _meetings(frame, count, reach) if _deflected(frame, count, meeting, reach)]


def _meetings(frame: Callable[[int], Owned], count: int, reach: Reach) -> list[Meeting]:
    found: list[Meeting] = []
    recent: list[Bitmap] = []
    for offset in range(count):
        seen = frame(offset)
        close = distance_to(seen.covered) <= reach.touch
        touching = [region for region in _independent(seen, reach) if (region & close).any()]
        for region in touching:
            if offset >= _FEWEST and not any((region & earlier).any() for earlier in recent):
                found.append(Meeting(offset, region))
        recent = [*recent, *touching][-8:] if touching else []
    return found[:_MOST]


def _independent(seen: Owned, reach: Reach) -> list[Bitmap]:
    return list(regions(seen.labels == INDEPENDENT, reach.birth))


def _deflected(frame: Callable[[int], Owned], count: int, meeting: Meeting, reach: Reach) -> bool:
    before = _walk(frame, meeting, range(meeting.offset, max(-1, meeting.offset - _BEFORE - 1), -1), reach)[
        ::-1
    ]
    after = _walk(frame, meeting, range(meeting.offset, min(count, meeting.offset + _AFTER + 1)), reach)
    if min(len(before), len(after)) <= _FEWEST:
        return False
    velocity = _slope(np.array([points.mean(0) for points in before[:-1]]))
    pace = float(np.hypot(*velocity))
    if pace < _SLOWEST:
        return False
    ahead = velocity / pace
    sideways = np.array([-ahead[1], ahead[0]])
    rear = _slope(np.array([[np.percentile(points @ ahead, 10)] for points in after[1:]]))[0]
    aside = _slope(np.array([[np.median(points @ sideways)] for points in after[1:]]))[0]
    return bool(rear < _STOPPED * pace or abs(aside) > _TURNED * pace)


def _walk(
    frame: Callable[[int], Owned], meeting: Meeting, offsets: range, reach: Reach
) -> list[npt.NDArray[np.float64]]:
    """The region's pixels, in the segment's coordinates, on each frame as far as it can be followed."""
    region, points = meeting.region, []
    for offset in offsets:
        seen = frame(offset)
        candidates = [other for other in _independent(seen, reach) if (other & region).any()]
        if not candidates:
            break
        region = max(candidates, key=lambda other: int((other & region).sum()))
        points.append(project(seen.pose, np.argwhere(region)[:, ::-1].astype(np.float64)))
    return points


def _slope(track: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Least-squares change per frame of each column."""
    time = np.arange(len(track)) - (len(track) - 1) / 2
    return np.asarray(time @ track / (time @ time), np.float64)
