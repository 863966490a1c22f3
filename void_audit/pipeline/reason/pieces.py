"""Several marked objects in one track, told apart again: pieces that never touch, followed through the clip.

Rules look at each by itself. Looked at as one, an object at rest would hide from them that another one moves, so that
no frame shows either's surroundings without "it".
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import cv2
import numpy as np
import numpy.typing as npt

from void_audit.model.mask import Bitmap, PackedBitmaps

_REACH = 9
"""Pixels at the track's size: what is no further from a piece of the frame before belongs to it."""

_SPECK = 16
"""Pixels: smaller components are not followed, however many a noisy mask has; each goes to the nearest object."""

_SURE = 0.1
"""Share of its area, from which on one surely another goes before a larger one that may only have come back."""

Labels = npt.NDArray[np.int32]


class _Components(NamedTuple):
    """``labels``: for each pixel its component from 1 on, or 0; of component 1 on what OpenCV counts, and centres."""

    labels: Labels
    boxes: npt.NDArray[np.int32]
    centres: npt.NDArray[np.float64]

    @property
    def areas(self) -> npt.NDArray[np.int32]:
        return self.boxes[:, cv2.CC_STAT_AREA]


@dataclass(slots=True)
class _Piece:
    """What touches in the picture or from frame to frame; ``frames`` on which it is seen."""

    area: int = 0
    frames: set[int] = field(default_factory=set)
    across: float = 0.0
    down: float = 0.0

    def add(self, frame: int, area: int, centre: npt.NDArray[np.float64]) -> None:
        self.area += area
        self.frames.add(frame)
        self.across += area * float(centre[0])
        self.down += area * float(centre[1])

    def distance(self, other: _Piece) -> float:
        """Between the mean places, pixels."""
        return float(
            np.hypot(
                self.across / self.area - other.across / other.area,
                self.down / self.area - other.down / other.area,
            )
        )


def pieces(masks: PackedBitmaps, most: int) -> tuple[PackedBitmaps, ...]:
    """The track as at most ``most`` objects, the largest first; every set pixel is in exactly one of them.

    What is left over belongs to the object that is never seen together with it (it came back), or else to the nearest.
    Objects that touch on any frame stay one.
    """
    if most < 2:
        return (masks,)
    names, found = _followed(masks)
    if len(found) < 2:
        return (masks,)
    kept = _kept(found, most)
    owners = {name: _owner(name, kept, found) for name in found}
    areas = dict.fromkeys(kept, 0)
    for name, owner in owners.items():
        areas[owner] += found[name].area
    kept.sort(key=lambda name: -areas[name])
    parts = tuple(PackedBitmaps(masks.size) for _ in kept)
    for mask, here in zip(masks, names, strict=True):
        table = np.array([-1, *(kept.index(owners[name]) for name in here)], np.int32)
        mine = table[_components(mask).labels]
        for number, part in enumerate(parts):
            part.append(mine == number)
    return parts


def _followed(masks: PackedBitmaps) -> tuple[list[list[int]], dict[int, _Piece]]:
    """For each frame the piece of each of its components, and all pieces by name."""
    parents: list[int] = []
    nodes: list[list[int]] = []
    counted: list[tuple[npt.NDArray[np.int32], npt.NDArray[np.float64]]] = []
    before: _Components | None = None
    for mask in masks:
        now = _components(mask)
        here = list(range(len(parents), len(parents) + len(now.boxes)))
        parents.extend(here)
        if before is not None:
            for new, old in _meeting(now, before):
                parents[_root(parents, here[new - 1])] = _root(parents, nodes[-1][old - 1])
        nodes.append(here)
        counted.append((now.areas, now.centres))
        before = now
    names = [[_root(parents, node) for node in here] for here in nodes]
    found: dict[int, _Piece] = {}
    for frame, ((areas, centres), named) in enumerate(zip(counted, names, strict=True)):
        for name, area, centre in zip(named, areas, centres, strict=True):
            found.setdefault(name, _Piece()).add(frame, int(area), centre)
    return names, found


def _components(mask: Bitmap) -> _Components:
    _, labels, boxes, centres = cv2.connectedComponentsWithStats(mask.astype(np.uint8), connectivity=8)
    return _Components(
        np.asarray(labels, np.int32), np.asarray(boxes[1:], np.int32), np.asarray(centres[1:], np.float64)
    )


def _meeting(now: _Components, before: _Components) -> Iterator[tuple[int, int]]:
    """Components of two neighbouring frames that come within reach of each other."""
    around = np.ones((2 * _REACH + 1, 2 * _REACH + 1), np.uint8)
    for index in np.flatnonzero(now.areas >= _SPECK):
        left, top, width, height = (int(side) for side in now.boxes[index, :4])
        rows = slice(max(0, top - _REACH), top + height + _REACH)
        columns = slice(max(0, left - _REACH), left + width + _REACH)
        mine = (now.labels[rows, columns] == index + 1).astype(np.uint8)
        near = cv2.dilate(mine, around) > 0
        for old in np.unique(before.labels[rows, columns][near]):
            if old:
                yield int(index) + 1, int(old)


def _root(parents: list[int], node: int) -> int:
    while parents[node] != node:
        parents[node] = parents[parents[node]]
        node = parents[node]
    return node


def _kept(found: dict[int, _Piece], most: int) -> list[int]:
    """The largest; but first those seen together with all of these: another one may be one of them that came back."""
    order = sorted(found, key=lambda name: -found[name].area)
    kept = order[:1]
    while len(kept) < min(most, len(order)):
        rest = [name for name in order if name not in kept]
        enough = max(_SPECK, _SURE * found[rest[0]].area)
        sure = (
            name
            for name in rest
            if found[name].area >= enough and all(found[name].frames & found[other].frames for other in kept)
        )
        kept.append(next(sure, rest[0]))
    return kept


def _owner(name: int, kept: Sequence[int], found: dict[int, _Piece]) -> int:
    if name in kept:
        return name
    piece = found[name]
    back = piece.area >= _SPECK
    apart = [other for other in kept if back and not found[other].frames & piece.frames]
    return min(apart or kept, key=lambda other: piece.distance(found[other]))
