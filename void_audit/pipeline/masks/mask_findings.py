"""What can look wrong in a mask: one watcher for each kind, which sees every frame once and then tells."""

from __future__ import annotations

from typing import Literal, NamedTuple, Protocol

import cv2
import numpy as np
import numpy.typing as npt

from void_audit.model.base import Name, Text, Value
from void_audit.model.geometry import Size
from void_audit.model.mask import Classes
from void_audit.model.mask_schema import MaskSchema
from void_audit.pipeline.masks.class_tables import looked_up, marking

LARGE_SHARE = 0.2
"""Part of a frame above which policies ask for a second approval (spec/policy 2, N05)."""

JUMP = 0.5
"""Part of its larger area by which something may grow or shrink within a frame before it is told."""

JUMP_SHARE = 1 / 1000
"""Part of a frame; smaller changes of area are not told."""

Counts = npt.NDArray[np.int64]
"""Pixels of one frame, by class."""


class Finding(Value):
    """One thing that is wrong (error) or may be (warning)."""

    code: Name
    severity: Literal["error", "warning"]
    frame: int | None = None
    """The first one; None where it is not of a frame."""
    frames: int = 0
    """How many."""
    message: Text


class Roles(NamedTuple):
    """Class indices of a schema by what compositions put there."""

    objects: list[int]
    caused: list[int]
    both: list[int]


def roles(schema: MaskSchema) -> Roles:
    """Which classes hold an object, what an object caused, and both; a class for both holds the object too."""
    objects, caused, both = set(), set(), set()
    for parts in schema.compose.values():
        objects.add(schema.index(parts.object))
        if parts.both is not None and parts.consequence is not None:
            caused.add(schema.index(parts.consequence))
            both.add(schema.index(parts.both))
    caused |= {i for i, c in enumerate(schema.classes) if c.change == "consequence"}
    return Roles(sorted(objects | both), sorted(caused - objects - both), sorted(both - caused))


class Watcher(Protocol):
    """Sees all frames in order, then tells."""

    def see(self, number: int, classes: Classes, counts: Counts) -> None:
        """Frame ``number``."""

    def findings(self) -> list[Finding]:
        """What there is to tell."""


class _Noted:
    """The frames on which something was found: the first, how many, and where most of it was."""

    def __init__(self) -> None:
        self.first: int | None = None
        self.frames, self.most, self.worst = 0, 0.0, 0

    def note(self, number: int, amount: float = 1.0) -> None:
        self.first = number if self.first is None else self.first
        self.frames += 1
        if amount > self.most:
            self.most, self.worst = amount, number

    def told(
        self, code: str, message: str, severity: Literal["error", "warning"] = "warning"
    ) -> list[Finding]:
        """The one finding, with where it is; none if nothing was noted."""
        if self.first is None:
            return []
        where = (
            f"On frame {self.first}."
            if self.frames == 1
            else f"On {self.frames} frames, first on {self.first}."
        )
        told = f"{message} {where}"
        return [Finding(code=code, severity=severity, frame=self.first, frames=self.frames, message=told)]


class Content:
    """Nothing may change at all; no object; frames without it; more open than policies like."""

    def __init__(self, schema: MaskSchema, size: Size) -> None:
        self._objects, self._opens = roles(schema).objects, schema.opens
        self._pixels = size.width * size.height
        self._open, self._present, self._absent, self._large = _Noted(), _Noted(), _Noted(), _Noted()

    def see(self, number: int, classes: Classes, counts: Counts) -> None:
        """Frame ``number``."""
        opened = int(counts[self._opens].sum())
        if opened:
            self._open.note(number)
        (self._present if counts[self._objects].any() else self._absent).note(number)
        if opened / self._pixels > LARGE_SHARE:
            self._large.note(number, opened / self._pixels)

    def findings(self) -> list[Finding]:
        """``mask-empty``, ``mask-no-object``, ``mask-object-absent``, ``mask-opened-large``."""
        if not self._open.frames:
            told = "Nothing may change on any frame: an edit with this mask changes nothing."
            return [Finding(code="mask-empty", severity="error", message=told)]
        if not self._present.frames:
            told = "No frame holds the object."
            return [Finding(code="mask-no-object", severity="error", message=told)]
        return [
            *self._absent.told(
                "mask-object-absent", "The object is not on every frame: was it lost, or is it hidden?"
            ),
            *self._large.told(
                "mask-opened-large",
                f"More than {100 * LARGE_SHARE:g} % of the picture may change; most on frame {self._large.worst}:"
                f" {100 * self._large.most:.1f} %.",
            ),
        ]


class FrameZero:
    """Nothing has happened yet on frame 0, so nothing is affected there (``docs/adr/0003-frame-zero.md``)."""

    def __init__(self, schema: MaskSchema) -> None:
        self._caused = [i for i, c in enumerate(schema.classes) if c.change == "consequence"]
        self._names = ", ".join(schema.classes[i].name for i in self._caused)
        self._pixels = 0

    def see(self, number: int, classes: Classes, counts: Counts) -> None:
        """Frame ``number``."""
        if number == 0:
            self._pixels = int(counts[self._caused].sum())

    def findings(self) -> list[Finding]:
        """``mask-frame-zero``."""
        if not self._pixels:
            return []
        told = (
            f"Frame 0 holds {self._pixels} pixels of {self._names}: nothing has happened yet there, and engines are"
            " trained so. Erase them, or make them part of the object."
        )
        return [Finding(code="mask-frame-zero", severity="error", frame=0, frames=1, message=told)]


class Specks:
    """Tiny areas that may change, and tiny kept ones inside areas that may: mostly slips, or traces of compression."""

    def __init__(self, schema: MaskSchema, least: int) -> None:
        self._opens, self._least = marking(schema.opens), least
        self._specks, self._holes = _Noted(), _Noted()

    def see(self, number: int, classes: Classes, counts: Counts) -> None:
        """Frame ``number``."""
        opened = looked_up(classes, self._opens)
        x, y, width, height = cv2.boundingRect(opened)
        if not width:
            return
        part = np.pad(opened[y : y + height, x : x + width], 1)
        for noted, area, neighbours in ((self._specks, part, 8), (self._holes, 1 - part, 4)):
            _, _, found, _ = cv2.connectedComponentsWithStats(area, connectivity=neighbours)
            small = int((found[1:, cv2.CC_STAT_AREA] < self._least).sum())
            if small:
                noted.note(number, small)

    def findings(self) -> list[Finding]:
        """``mask-specks``, ``mask-holes``."""
        size = f"of fewer than {self._least} pixels"
        return [
            *self._specks.told(
                "mask-specks", f"There are areas {size} that may change{_most(self._specks)}."
            ),
            *self._holes.told(
                "mask-holes", f"There are kept areas {size} inside what may change{_most(self._holes)}."
            ),
        ]


def _most(noted: _Noted) -> str:
    return f"; most on frame {noted.worst}: {noted.most:.0f}"


class Jumps:
    """The object's area jumps from one frame to the next; another class comes or goes for a single frame."""

    def __init__(self, schema: MaskSchema, size: Size) -> None:
        self._objects, _, both = roles(schema)
        self._alone = [i for i in self._objects if i not in both]
        self._others = {
            i: c.name
            for i, c in enumerate(schema.classes)
            if c.change != "nothing" and i not in self._objects
        }
        self._least = JUMP_SHARE * size.width * size.height
        self._before: list[Counts] = []
        self._jumps = _Noted()
        self._flickers = {i: _Noted() for i in self._others}

    def see(self, number: int, classes: Classes, counts: Counts) -> None:
        """Frame ``number``."""
        self._before = [*self._before[-2:], counts]
        if number:
            # On frame 0 a class for both is all that there is for a consequence (ADR 3): not the object alone.
            parts = [self._objects, self._alone] if number == 1 else [self._objects]
            jumps = [self._jump(*(int(c[part].sum()) for c in self._before[-2:])) for part in parts]
            if all(jumps):
                self._jumps.note(number, jumps[0])
        for index, noted in self._flickers.items() if len(self._before) == 3 else ():
            amount = _alone(*(int(c[index]) for c in self._before))
            if amount > self._least:
                noted.note(number - 1, amount)

    def _jump(self, was: int, now: int) -> float:
        """By which part of the larger one an area changes; 0 if that is not much."""
        much = abs(now - was) > max(JUMP * max(was, now), self._least)
        return abs(now - was) / max(was, now) if much else 0.0

    def findings(self) -> list[Finding]:
        """``mask-jump``, ``mask-flicker``."""
        found = self._jumps.told(
            "mask-jump",
            "The object's area grows or shrinks by more than half from one frame to the next; most on frame"
            f" {self._jumps.worst}.",
        )
        for index, noted in self._flickers.items():
            name = self._others[index]
            found += noted.told(
                "mask-flicker", f"More than half of {name} is there, or missing, for a single frame."
            )
        return found


def _alone(before: int, area: int, after: int) -> int:
    """By how many pixels the middle one departs from both others, if by more than half."""
    more, less = area - max(before, after), min(before, after) - area
    return more if more > JUMP * area else less if less > JUMP * min(before, after) else 0


class Apart:
    """What the object caused is nowhere near it, so that it may not be a consequence."""

    def __init__(self, schema: MaskSchema) -> None:
        self._objects, self._caused, self._both = roles(schema)
        self._seen = _Noted()
        self._object = False
        self.touching: int | None = None
        """First frame on which both are next to one another, or in one place."""

    def see(self, number: int, classes: Classes, counts: Counts) -> None:
        """Frame ``number``."""
        if self.touching is not None:
            return
        objects, caused, both = self._objects, self._caused, self._both
        if number == 0:  # There a class for both may be a consequence alone (ADR 3).
            objects, caused, both = [i for i in objects if i not in both], [*caused, *both], []
        here = bool(counts[objects].any())
        self._object |= here
        if counts[caused].any():
            self._seen.note(number)
        if counts[both].any() or (here and _near(classes, objects, caused)):
            self.touching = number

    def findings(self) -> list[Finding]:
        """``mask-apart``."""
        if self.touching is not None or not self._object:
            return []
        return self._seen.told("mask-apart", "What the object is said to have caused never touches it.")


def _near(classes: Classes, some: list[int], others: list[int]) -> bool:
    """Whether a pixel of ``some`` is next to one of ``others``, corners included."""
    marks = np.zeros((2, 256), np.uint8)
    marks[0, some] = marks[1, others] = 1
    near = np.asarray(cv2.dilate(looked_up(classes, marks[0]), np.ones((3, 3), np.uint8)), np.uint8)
    return bool(np.bitwise_and(looked_up(classes, marks[1]), near).any())
