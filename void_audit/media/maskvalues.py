"""From values as coded in a foreign file to values 0 to 255 and to classes; a value that is no class is refused.

VOID's files are H.264, lossless or not, with grey stored as luma of limited or full range; a decoder that guesses
the range wrongly turns 63 and 127 into 54 and 129 (spec/media 4.3). So the range is the one in which the
file's values fit the classes best.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from void_audit.errors import MaskError
from void_audit.media.graysource import NOISE, Gray, GraySource
from void_audit.model.mask import VALUES

Ints = npt.NDArray[np.int64]

PLATEAU_SHARE = 1 / 2000
"""Part of a picture that even areas of another value may hold before the mask is refused."""

EXACT_VALUES = 8
"""A file with no more distinct values than these was coded without loss: nothing in it is noise."""


@dataclass(frozen=True)
class Levels:
    """Values that a mask may hold, rising; ``bounds`` are the last values counted as each of them but the last."""

    values: tuple[int, ...]
    bounds: tuple[int, ...]

    @property
    def classes(self) -> Gray:
        """Table from a value to the index of its level."""
        return np.searchsorted(np.array(self.bounds), np.arange(256), side="left").astype(np.uint8)

    def distance(self, values: Ints) -> Ints:
        """How far each of ``values`` is from the nearest level."""
        return np.asarray(np.abs(values[:, None] - np.array(self.values)).min(axis=1), np.int64)

    def __str__(self) -> str:
        return ", ".join(map(str, self.values[:-1])) + f" and {self.values[-1]}"


QUADMASK = Levels(VALUES, (31, 95, 191))
"""VOID's upper bounds of remove, overlap and affected (spec/void 1.3)."""

FOREGROUND = Levels((0, 255), (239,))
"""VOID's binary masks: white, from 240 on, is what they mark (spec/void 1.1)."""


_ALL: Ints = np.arange(256, dtype=np.int64)
_MIDDLE = (_ALL >= 25) & (_ALL <= 200)
"""Values that an expansion too many has moved; the ends were clipped by it."""

_MEANT: Mapping[str, Ints] = {
    "full": _ALL,
    "limited": np.round((_ALL - 16) * 255 / 219).astype(np.int64),
    "twice": np.where(_MIDDLE, np.round(_ALL * 219 / 255) + 16, _ALL).astype(np.int64),
}
"""By range: what each value as coded means. Beyond 0 to 255 lies what such a file should not hold."""

_TABLES: Mapping[str, Gray] = {
    name: np.clip(meant, 0, 255).astype(np.uint8) for name, meant in _MEANT.items()
}
_SAID = {
    "limited": "Luma of limited range (16 to 235) was expanded to 0 to 255.",
    "twice": "The values had been expanded to the full range once too often (63 to 54, 127 to 129); that was undone.",
}


@dataclass(frozen=True)
class Reading:
    """How a file is read: ``table`` from a value as coded to 0-255, and what has to be said of it."""

    table: Gray
    changes: tuple[str, ...]


def read_values(source: GraySource, levels: Levels) -> Reading:
    """Find the range of a file by its values, and check them: what compression leaves behind is put up with.

    Raises:
        MaskError: mask-values if it holds even areas of another value, or colour.
        ClipError: if the file is damaged or cut off.
    """
    coded = histogram(source)
    order = ("limited", "full", "twice") if source.video_range else ("full", "limited", "twice")
    best = min(order, key=lambda name: int((coded * np.minimum(levels.distance(_MEANT[name]), NOISE)).sum()))
    table = _TABLES[best]
    values = np.bincount(table, weights=coded, minlength=256).astype(np.int64)
    far = levels.distance(_ALL) > NOISE
    _check_exact(np.where(far, values, 0), int((values > 0).sum()), levels, source.name)
    if values[far].any():
        for number, picture in enumerate(source.pictures()):
            _check_plateaus(table[picture], number, levels, source.name)
    loss = _loss(values, levels, source.name)
    said = _exactly_limited(levels) if best == "limited" and loss is None else _SAID.get(best)
    return Reading(table, tuple(filter(None, (said, loss))))


def _exactly_limited(levels: Levels) -> str:
    return (
        "Luma of limited range (16 to 235), as in VOID's own files, was read as 0 to 255: every value is exactly one "
        f"of {levels}, so nothing was lost in it."
    )


def read_exactly(source: GraySource, values: Sequence[int]) -> Reading:
    """How a file that holds nothing but ``values`` is read; ``table`` goes from a value as coded to its index in them.

    Values are taken as they are coded where all of them are the schema's, else as luma of limited range.

    Raises:
        MaskError: mask-values, with the values found, if it holds others in either range, or colour.
        ClipError: if the file is damaged or cut off.
    """
    present = histogram(source) > 0
    fitting = [
        (name, table)
        for name in (("full", "limited") if source.video_range else ("full",))
        if (table := _indices(_MEANT[name], values))[present].max() < len(values)
    ]
    if fitting:
        name, table = fitting[0]
        return Reading(table, tuple(_told_of(name, fitting, present)))
    found = np.flatnonzero(present)
    listed = ", ".join(map(str, found[:12])) + (", ..." if len(found) > 12 else "")
    raise MaskError(
        "mask-values",
        f"{source.name} holds the values {listed}; the schema's are {', '.join(map(str, values))}.",
        "Write the mask with exactly the schema's values, without loss (PNG or FFV1).",
    )


def _indices(meant: Ints, values: Sequence[int]) -> Gray:
    """From a value as coded to the index of what it means; ``len(values)`` for what is none of them."""
    index = np.full(256, len(values), np.uint8)
    index[list(values)] = np.arange(len(values), dtype=np.uint8)
    # What lies beyond 0 to 255 is not cut off to them: with low values, noughts and ones would become one class.
    return np.where((meant >= 0) & (meant <= 255), index[np.clip(meant, 0, 255)], np.uint8(len(values)))


def _told_of(name: str, fitting: Sequence[tuple[str, Gray]], present: npt.NDArray[np.bool_]) -> Iterator[str]:
    if name == "limited":
        yield "Luma of limited range (16 to 235) was read as 0 to 255: every value is exactly one of the schema's."
    elif len({table[present].tobytes() for _, table in fitting}) > 1:
        yield "The values were taken as they are coded; as luma of limited range they would be other classes."


def histogram(source: GraySource) -> Ints:
    """How often each value occurs, as coded."""
    counts = np.zeros(256, np.int64)
    for picture in source.pictures():
        counts += np.bincount(picture.ravel(), minlength=256)
    return counts


def _check_exact(far: Ints, distinct: int, levels: Levels, name: str) -> None:
    """In a file coded without loss every value ``far`` from the levels is a class that is not ours."""
    if distinct <= EXACT_VALUES and far.any():
        value = int(far.argmax())
        raise _another(f"{name} holds the value {value} on {int(far[value])} pixels", levels)


def _check_plateaus(gray: Gray, number: int, levels: Levels, name: str) -> None:
    """Compression blurs edges and shivers by a few levels; it does not make even areas of another value."""
    kernel = np.ones((5, 5), np.uint8)
    spread = cv2.subtract(cv2.dilate(gray, kernel), cv2.erode(gray, kernel))
    plateau = (spread <= NOISE // 2) & (levels.distance(_ALL) > NOISE)[gray]
    count = int(plateau.sum())
    if count > max(8, gray.size * PLATEAU_SHARE):
        value = int(np.median(gray[plateau]))
        raise _another(f"{name} holds an area of value {value} ({count} pixels) on frame {number}", levels)


def _another(what: str, levels: Levels) -> MaskError:
    hint = "Check which class it should be and write the mask again."
    if levels is FOREGROUND:
        hint = (
            "VOID reads mask_*.mp4 as white on black; give a quadmask another name, such as quadmask_0.mp4."
        )
    return MaskError("mask-values", f"{what}, which is none of {levels}.", hint)


def _loss(values: Ints, levels: Levels, name: str) -> str | None:
    between = int(values[levels.distance(_ALL) > 0].sum())
    if not between:
        return None
    share = 100 * between / int(values.sum())
    bounds = ", ".join(map(str, levels.bounds))
    return (
        f"{name} is lossy: {between} pixels ({share:.3g} %) held none of {levels} and were put into classes by VOID's "
        f"thresholds ({bounds})."
    )
