"""What changed between two masks of one clip, in numbers."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from void_audit.errors import MaskError
from void_audit.model.base import Share, Value
from void_audit.model.mask import Classes, ClassSequence
from void_audit.model.mask_schema import ClassName, MaskSchema
from void_audit.pipeline.masks.class_tables import PAIR, counted, paired

MOST_CHANGED = 6
"""How many of the frames that differ most are named."""

_KINDS = 1 << PAIR
"""Classes that a pair of them has room for."""

Counts = npt.NDArray[np.int64]
"""Pixels by class before and class after, ``(_KINDS, _KINDS)``."""


class ClassDifference(Value):
    """One class, by name. Shares are of all pixels of all frames; None where the schema does not have it."""

    name: ClassName
    share_before: Share | None
    share_after: Share | None
    iou: Share | None
    """Intersection over union over all frames; None where neither mask holds the class."""


class MaskDifference(Value):
    """Two masks compared. A pixel has changed where the *name* of its class has."""

    frames: int
    pixels: int
    """Of all frames."""
    frames_changed: int
    first_changed: int | None
    last_changed: int | None
    most_changed: tuple[int, ...]
    """Up to ``MOST_CHANGED`` frames, the one that differs most first; then the next one that is no neighbour of those
    named (less than a twelfth of the clip away), and so on; of equal ones the one farthest from those named."""
    changed_pixels: int
    changed_share_max: Share
    """Largest share of any frame."""
    opened_pixels: int
    """May change now and could not before."""
    closed_pixels: int
    """May not change any more."""
    classes_before: tuple[ClassName, ...]
    classes_after: tuple[ClassName, ...]
    transitions: tuple[tuple[int, ...], ...]
    """Pixels, by class before (row) and class after (column)."""
    classes: tuple[ClassDifference, ...]


def difference(
    before: ClassSequence, after: ClassSequence, schema: MaskSchema, schema_after: MaskSchema | None = None
) -> MaskDifference:
    """Compare two masks, frame by frame. ``schema_after`` is given where ``after`` is of another schema.

    Raises:
        MaskError: mask-size, mask-frames where they are not of one clip; mask-values for a class that the schema
            does not have.
    """
    pair = Pair(schema, schema_after or schema)
    check_same_clip(before, after)
    tally = _Tally()
    for old, new in zip(before.classes(), after.classes(), strict=True):
        counts = pair.counts(old, new)
        tally.add(counts, int(counts[pair.differs].sum()))
    return tally.result(pair, before.size.width * before.size.height)


def check_same_clip(before: ClassSequence, after: ClassSequence) -> None:
    """Raises MaskError mask-size or mask-frames."""
    if before.size != after.size:
        raise MaskError(
            "mask-size",
            f"One mask is {before.size.width}x{before.size.height}, the other {after.size.width}x{after.size.height}.",
            "Compare masks of one clip.",
        )
    if len(before) != len(after):
        raise MaskError(
            "mask-frames",
            f"One mask has {len(before)} frames, the other {len(after)}.",
            "Compare masks of one clip.",
        )


def changed_share_max(
    before: ClassSequence, after: ClassSequence, schema: MaskSchema, frames: Iterable[int]
) -> float:
    """``changed_share_max`` of two masks of one clip and schema that differ on ``frames`` (rising) at most.

    Only these are read: a stroke on one frame of a long clip costs one frame. Raises as ``difference``.
    """
    check_same_clip(before, after)
    pair, most = Pair(schema, schema), 0
    for start, stop in _runs(frames):
        for old, new in zip(before.classes(start, stop), after.classes(start, stop), strict=True):
            most = max(most, int(pair.counts(old, new)[pair.differs].sum()))
    return most / (before.size.width * before.size.height)


def _runs(numbers: Iterable[int]) -> Iterator[tuple[int, int]]:
    """Rising numbers as ranges (start, stop): opening a file for each of many would take longer than reading on."""
    start = stop = -1
    for number in numbers:
        if number != stop:
            if start >= 0:
                yield start, stop
            start = number
        stop = number + 1
    if start >= 0:
        yield start, stop


class Pair:
    """The schemas of two masks, and what going from a class of one to a class of the other means.

    ``differs``, ``opened`` and ``closed`` are look-up tables by class before and class after.
    """

    def __init__(self, before: MaskSchema, after: MaskSchema) -> None:
        self.before = tuple(c.name for c in before.classes)
        self.after = tuple(c.name for c in after.classes)
        self.differs, self.opened, self.closed = (np.zeros((_KINDS, _KINDS), np.bool_) for _ in range(3))
        known = np.s_[: len(self.before), : len(self.after)]
        self.differs[known] = [[old != new for new in self.after] for old in self.before]
        old, new = before.opens[:, None], after.opens[None, :]
        self.opened[known], self.closed[known] = ~old & new, old & ~new

    def counts(self, old: Classes, new: Classes) -> Counts:
        """How often each pair of classes occurs. Raises MaskError mask-values."""
        for classes, names in ((old, self.before), (new, self.after)):
            if classes.max() >= len(names):
                raise MaskError(
                    "mask-values",
                    f"There is no mask class {classes.max()}.",
                    f"The schema has {', '.join(names)}.",
                )
        return counted(paired(new, old))[: _KINDS * _KINDS].reshape(_KINDS, _KINDS)


@dataclass
class _Tally:
    counts: Counts = field(default_factory=lambda: np.zeros((_KINDS, _KINDS), np.int64))
    changed: array[int] = field(default_factory=lambda: array("q"))
    """Pixels, by frame."""

    def add(self, counts: Counts, changed: int) -> None:
        self.counts += counts
        self.changed.append(changed)

    def result(self, pair: Pair, pixels: int) -> MaskDifference:
        changed = np.array(self.changed, np.int64)
        numbers = np.flatnonzero(changed).tolist()
        table = self.counts[: len(pair.before), : len(pair.after)]
        return MaskDifference(
            frames=len(changed),
            pixels=len(changed) * pixels,
            frames_changed=len(numbers),
            first_changed=numbers[0] if numbers else None,
            last_changed=numbers[-1] if numbers else None,
            most_changed=_most(changed),
            changed_pixels=int(self.counts[pair.differs].sum()),
            changed_share_max=int(changed.max(initial=0)) / pixels,
            opened_pixels=int(self.counts[pair.opened].sum()),
            closed_pixels=int(self.counts[pair.closed].sum()),
            classes_before=pair.before,
            classes_after=pair.after,
            transitions=tuple(tuple(int(n) for n in row) for row in table),
            classes=_classes(pair, table),
        )


def _most(changed: npt.NDArray[np.int64]) -> tuple[int, ...]:
    """The frames with the largest numbers, not next to one another."""
    left = changed.copy()
    found: list[int] = []
    apart = max(1, len(changed) // (2 * MOST_CHANGED))
    while len(found) < MOST_CHANGED and left.any():
        equal = np.flatnonzero(left == left.max())
        # The same cells on every frame differ equally: then frames from all of the clip are shown, not the first six.
        away = np.abs(equal[:, None] - np.array(found)).min(axis=1) if found else np.zeros(len(equal))
        number = int(equal[away.argmax()])
        found.append(number)
        left[max(0, number - apart + 1) : number + apart] = 0
    return tuple(found)


def _classes(pair: Pair, table: Counts) -> tuple[ClassDifference, ...]:
    pixels = max(1, int(table.sum()))
    held_before = dict(zip(pair.before, table.sum(axis=1).tolist(), strict=True))
    held_after = dict(zip(pair.after, table.sum(axis=0).tolist(), strict=True))
    found = []
    for name in dict.fromkeys((*pair.before, *pair.after)):
        old, new = held_before.get(name), held_after.get(name)
        both = 0
        if old is not None and new is not None:
            both = int(table[pair.before.index(name), pair.after.index(name)])
        union = (old or 0) + (new or 0) - both
        found.append(
            ClassDifference(
                name=name,
                share_before=None if old is None else old / pixels,
                share_after=None if new is None else new / pixels,
                iou=both / union if union else None,
            )
        )
    return tuple(found)
