"""What is to be said of a mask before anybody relies on it: does it fit, what does it hold, what looks wrong."""

from __future__ import annotations

from typing import Annotated

import numpy as np
from pydantic import Field

from void_audit.errors import MaskError
from void_audit.model.base import Share, Value
from void_audit.model.clip import ClipInfo
from void_audit.model.mask import Classes, ClassSequence
from void_audit.model.mask_schema import ClassName, MaskSchema
from void_audit.pipeline.masks.class_tables import counted
from void_audit.pipeline.masks.mask_findings import (
    Apart,
    Content,
    Counts,
    Finding,
    FrameZero,
    Jumps,
    Specks,
    Watcher,
)

SPECK_SHARE = 1 / 100_000
"""Part of a picture below which an area is a speck: 21 pixels of Full HD."""

LEAST_SPECK = 4
"""Pixels; smaller areas are specks at any size."""


class ClassPresence(Value):
    """One class of a mask. Shares are of the pixels of a frame; the mean is over all frames."""

    name: ClassName
    frames: int
    """How many hold it."""
    mean_share: Share
    max_share: Share
    max_frame: int | None
    """The first one that holds most of it; None where none holds any."""


class MaskReport(Value):
    """What ``inspect`` found. Bounded: every kind of finding is told once per class, with the number of frames."""

    width: Annotated[int, Field(gt=0)]
    height: Annotated[int, Field(gt=0)]
    frames: Annotated[int, Field(gt=0)]
    classes: tuple[ClassPresence, ...]
    """In the schema's order."""
    max_opened_share: Share
    max_opened_frame: int | None
    touching_frame: int | None
    """First frame on which what the object caused is next to the object, or in the same place; None where never."""
    findings: tuple[Finding, ...]
    """Errors first."""

    @property
    def usable(self) -> bool:
        """Whether there is no error among the findings."""
        return not any(finding.severity == "error" for finding in self.findings)


def inspect(mask: ClassSequence, schema: MaskSchema, source: ClipInfo | None = None) -> MaskReport:
    """Look at every frame of a mask once.

    Findings, by code:

    * ``mask-size``, ``mask-frames`` (error): it does not fit ``source``;
    * ``mask-empty``, ``mask-no-object`` (error): nothing may change on any frame; no object on any frame;
    * ``mask-frame-zero`` (error): a consequence on frame 0 (``docs/adr/0003-frame-zero.md``);
    * ``mask-object-absent``: frames without the object, though others have it;
    * ``mask-opened-large``: more than a fifth of a frame may change, from where on policies ask for more approvals;
    * ``mask-specks``, ``mask-holes``: tiny areas that may change, or tiny areas kept inside such ones;
    * ``mask-jump``: the object's area changes by more than half from one frame to the next;
    * ``mask-flicker``: another class that may change comes or goes by more than half for a single frame;
    * ``mask-apart``: what the object caused never touches it.

    Raises:
        MaskError: mask-values for a class that the schema does not have.
    """
    size, presence, apart = mask.size, _Presence(schema), Apart(schema)
    least = max(LEAST_SPECK, round(size.width * size.height * SPECK_SHARE))
    watchers: list[Watcher] = [
        Content(schema, size), FrameZero(schema), Specks(schema, least), Jumps(schema, size), apart,
    ]  # fmt: skip
    for number, classes in enumerate(mask.classes()):
        counts = _counts(number, classes, schema)
        presence.see(number, counts)
        for watcher in watchers:
            watcher.see(number, classes, counts)
    found = [*_misfits(mask, source), *(finding for watcher in watchers for finding in watcher.findings())]
    return MaskReport(
        width=size.width,
        height=size.height,
        frames=len(mask),
        classes=presence.classes(size.width * size.height),
        max_opened_share=presence.opened / (size.width * size.height),
        max_opened_frame=presence.opened_frame,
        touching_frame=apart.touching,
        findings=tuple(sorted(found, key=lambda finding: finding.severity)),
    )


def inspect_frame_zero(mask: ClassSequence, schema: MaskSchema) -> list[Finding]:
    """``mask-frame-zero`` alone, for which one picture is read: what is easily drawn and costs most later."""
    watcher = FrameZero(schema)
    for classes in mask.classes(0, 1):
        watcher.see(0, classes, _counts(0, classes, schema))
    return watcher.findings()


def _counts(number: int, classes: Classes, schema: MaskSchema) -> Counts:
    counts = counted(classes)
    if counts[len(schema.classes) :].any():
        raise MaskError(
            "mask-values",
            f"Frame {number} holds class {classes.max()}; the schema {schema.name} has {len(schema.classes)}.",
            "The mask is of another schema.",
        )
    return counts[: len(schema.classes)]


class _Presence:
    """How much of each class there is."""

    def __init__(self, schema: MaskSchema) -> None:
        self._names, self._opens = [c.name for c in schema.classes], schema.opens
        self._seen = 0
        self._total, self._frames, self._most = (np.zeros(len(self._names), np.int64) for _ in range(3))
        self._most_frame = np.full(len(self._names), -1)
        self.opened = 0
        self.opened_frame: int | None = None

    def see(self, number: int, counts: Counts) -> None:
        """Frame ``number``."""
        self._seen += 1
        self._total += counts
        self._frames += counts > 0
        self._most_frame[counts > self._most] = number
        self._most = np.maximum(self._most, counts)
        opened = int(counts[self._opens].sum())
        if opened > self.opened:
            self.opened, self.opened_frame = opened, number

    def classes(self, pixels: int) -> tuple[ClassPresence, ...]:
        """The classes, for frames of so many pixels."""
        return tuple(
            ClassPresence(
                name=name,
                frames=int(self._frames[i]),
                mean_share=int(self._total[i]) / (pixels * self._seen),
                max_share=int(self._most[i]) / pixels,
                max_frame=int(self._most_frame[i]) if self._frames[i] else None,
            )
            for i, name in enumerate(self._names)
        )


def _misfits(mask: ClassSequence, source: ClipInfo | None) -> list[Finding]:
    if source is None:
        return []
    found = []
    if mask.size != source.size:
        told = f"The mask is {mask.size.width}x{mask.size.height}, the clip {source.width}x{source.height}."
        found.append(Finding(code="mask-size", severity="error", message=told))
    if len(mask) != source.frames:
        told = f"The mask has {len(mask)} frames, the clip {source.frames}."
        found.append(Finding(code="mask-frames", severity="error", message=told))
    return found
