"""Several marked objects in one track, told apart again: pieces that never touch, followed through the clip.

Rules look at each by itself. Looked at as one, an object at rest would hide from them that another one moves, so that
no frame shows either's surroundings without "it".
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import cv2
import numpy as np
import numpy.typing as npt

from void_audit.model.mask import Bitmap, PackedBitmaps

_REACH = 9
"""Pixels at the track's size, odd: what is no further from a piece of the frame before belongs to it."""

_SPECK = 16
"""Pixels: smaller components are not followed, however many a noisy mask has; each goes to the nearest object."""

Labels = npt.NDArray[np.int32]


@dataclass
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
    order = sorted(found, key=lambda name: -found[name].area)
    if len(order) < 2:
        return (masks,)
    kept = order[:most]
    owner = {name: kept.index(_owner(name, kept, found)) for name in order}
    parts = tuple(PackedBitmaps(masks.size) for _ in kept)
    for mask, here in zip(masks, names, strict=True):
        _, labels = _components(mask)
        table = np.array([-1, *(owner[name] for name in here)], np.int32)
        for number, part in enumerate(parts):
            part.append(table[labels] == number)
    return parts


def _followed(masks: PackedBitmaps) -> tuple[list[list[int]], dict[int, _Piece]]:
    """For each frame the piece of each of its components, and all pieces by name."""
    parents: list[int] = []
    nodes: list[list[int]] = []
    before: tuple[Labels, list[int]] | None = None
    for mask in masks:
        count, labels = _components(mask)
        here = list(range(len(parents), len(parents) + count))
        parents.extend(here)
        if before is not None:
            for new, old in _meeting(labels, before[0]):
                parents[_root(parents, here[new - 1])] = _root(parents, before[1][old - 1])
        nodes.append(here)
        before = labels, here
    names = [[_root(parents, node) for node in here] for here in nodes]
    found: dict[int, _Piece] = {}
    for frame, (mask, named) in enumerate(zip(masks, names, strict=True)):
        _, _, boxes, centres = cv2.connectedComponentsWithStats(mask.astype(np.uint8), connectivity=8)
        for label, name in enumerate(named, start=1):
            piece = found.setdefault(name, _Piece())
            piece.add(frame, int(boxes[label, cv2.CC_STAT_AREA]), centres[label])
    return names, found


def _components(mask: Bitmap) -> tuple[int, Labels]:
    """Their number, and for each pixel its component from 1 on, or 0."""
    count, labels = cv2.connectedComponents(mask.astype(np.uint8), connectivity=8)
    return count - 1, np.asarray(labels, np.int32)


def _meeting(labels: Labels, before: Labels) -> Iterator[tuple[int, int]]:
    """Components of two neighbouring frames that come within reach of each other."""
    around = np.ones((2 * _REACH + 1, 2 * _REACH + 1), np.uint8)
    for label in np.flatnonzero(np.bincount(labels.ravel())[1:] >= _SPECK) + 1:
        near = cv2.dilate((labels == label).astype(np.uint8), around) > 0
        for old in np.unique(before[near]):
            if old:
                yield int(label), int(old)


def _root(parents: list[int], node: int) -> int:
    while parents[node] != node:
        parents[node] = parents[parents[node]]
        node = parents[node]
    return node


def _owner(name: int, kept: Sequence[int], found: dict[int, _Piece]) -> int:
    if name in kept:
        return name
    piece = found[name]
    back = piece.area >= _SPECK
    apart = [other for other in kept if back and not found[other].frames & piece.frames]
    return min(apart or kept, key=lambda other: piece.distance(found[other]))
