"""The interfaces of pass 1 (synthesizer) and pass 2 (refiner). Any refiner can follow any synthesizer."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol, TypeVar

from void_audit.errors import OrderError
from void_audit.model.base import Value
from void_audit.model.clip import RGB, Clip
from void_audit.model.engine import EngineInfo, Progress, no_progress
from void_audit.model.mask import ClassSequence
from void_audit.model.plan import EditPlan

FrameSink = Callable[[RGB], None]
"""Receives the pictures of a take in display order, ``plan.geometry`` height x width, one per frame."""


@dataclass(frozen=True)
class Job:
    """What an engine is given besides pictures and plan."""

    prompt: str = ""
    """The world after the edit. The plan holds only its commitment, since records carry no personal text."""
    checkpoints: Path | None = None
    """Folder of this edit for states from which a killed pass goes on; None keeps none."""
    supplied: Path | None = None
    """The clip whose pictures are to be put in."""


@dataclass(frozen=True)
class TakeReport:
    """What a pass says of its own work. ``statistics`` are shares (0-1) or levels (0-255)."""

    frames: int
    statistics: dict[str, float] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    execution: Mapping[str, str] = field(default_factory=dict)
    """What really computed it: device, kernels, digests of the noise that was drawn."""


Settings = TypeVar("Settings", bound=Value)


def settings_of(given: Value, kind: type[Settings]) -> Settings:
    """A pass's settings if they are for this engine. Raises OrderError ``engine-mismatch``."""
    if not isinstance(given, kind):
        raise OrderError(
            "engine-mismatch",
            f"The plan has settings for {getattr(given, 'engine', '?')!r}, not for this engine.",
            "Plan again: `void-audit plan EDIT`.",
        )
    return given


class Synthesizer(Protocol):
    """Pass 1: pictures without the object."""

    @property
    def info(self) -> EngineInfo:
        """What this engine is."""

    def synthesize(
        self,
        clip: Clip,
        mask: ClassSequence,
        plan: EditPlan,
        sink: FrameSink,
        progress: Progress = no_progress,
    ) -> TakeReport:
        """Write one picture of ``plan.geometry`` per frame to ``sink``.

        ``clip`` and ``mask`` are the whole clip at the source's own size.
        """


class Refiner(Protocol):
    """Pass 2: a take made better."""

    @property
    def info(self) -> EngineInfo:
        """What this engine is."""

    def refine(
        self,
        clip: Clip,
        take: Clip,
        mask: ClassSequence,
        plan: EditPlan,
        sink: FrameSink,
        progress: Progress = no_progress,
    ) -> TakeReport:
        """Write one picture of ``plan.geometry`` per frame to ``sink``; ``take`` is pass 1's, lossless."""
