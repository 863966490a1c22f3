"""Consequences of a removal: the schema shared by vision-language models and by rules (spec/void 3)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import Field

from void_audit.model.base import Name, Share, Text, Value
from void_audit.model.engine import EngineInfo
from void_audit.model.geometry import FrameRange

GridIndex = Annotated[int, Field(ge=0, le=255)]


class Grid(Value):
    """Cells laid over the picture; border ``i`` lies at ``floor(i * length / cells)`` (``model.grid``)."""

    rows: Annotated[int, Field(ge=1, le=256)]
    cols: Annotated[int, Field(ge=1, le=256)]


class Cell(Value):
    """One grid cell."""

    row: GridIndex
    col: GridIndex


class GridLocalization(Value):
    """Where something is on one frame."""

    frame: Annotated[int, Field(ge=0)]
    cells: Annotated[tuple[Cell, ...], Field(max_length=65536)]
    """At most as many as a ``Grid`` can have."""


class AffectedObject(Value):
    """Something that looks or behaves otherwise because the removed object was there.

    ``localizations`` are given for sampled frames; each holds until the next one. Nothing is affected
    outside ``frames``.
    """

    noun: Name
    category: Literal["physical", "visual_artifact"]
    why: Text
    will_move: bool
    frames: FrameRange
    movement: Text = ""
    localizations: Annotated[tuple[GridLocalization, ...], Field(max_length=20000)]
    confidence: Share = 1.0


class Consequences(Value):
    """The checked answer of a reasoner."""

    grid: Grid
    instruction: Text
    belongings: Annotated[tuple[Name, ...], Field(max_length=10)] = ()
    affected: Annotated[tuple[AffectedObject, ...], Field(max_length=20)] = ()
    scene_description: Text = ""
    summary: Text
    """Plain language for a person: what was found and why; rules say that they are rules."""
    confidence: Share


@dataclass(frozen=True)
class Reasoning:
    """A reasoner's answer with the exact bytes that were asked and answered."""

    consequences: Consequences
    request: bytes
    reply: bytes
    media_type: str
    engine: EngineInfo
    settings: dict[str, str | int | float | bool]
    warnings: tuple[str, ...] = ()
