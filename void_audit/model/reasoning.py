"""Consequences of a removal: the schema shared by vision-language models and by rules (spec/void 3)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Literal

from pydantic import Field

from void_audit.model.base import Name, Scalar, Share, Text, Value
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


class TrajectoryPoint(Value):
    """Where the middle of something would be on one frame, had the object never been there."""

    frame: Annotated[int, Field(ge=0)]
    row: GridIndex
    col: GridIndex


class CellSize(Value):
    """Size of something in grid cells."""

    rows: Annotated[int, Field(ge=1, le=256)]
    cols: Annotated[int, Field(ge=1, le=256)]


Between = Literal["hold", "linear"]
"""What is known between two sampled frames: the earlier one holds, or its cells move evenly to the later ones."""


class AffectedObject(Value):
    """Something that looks or behaves otherwise because the removed object was there.

    ``localizations`` are given for sampled frames; in between as ``between`` says, and the last one holds.
    Nothing is affected outside ``frames``.
    """

    noun: Name
    category: Literal["physical", "visual_artifact"]
    why: Text
    will_move: bool
    frames: FrameRange
    movement: Text = ""
    localizations: Annotated[tuple[GridLocalization, ...], Field(max_length=20000)]
    between: Between = "hold"
    currently_moving: bool = False
    should_have_stayed: bool = False
    """It moved only because of the object: without it, it is still where it was."""
    original_position: Annotated[tuple[Cell, ...], Field(max_length=65536)] = ()
    """Where it was before, and would be still."""
    trajectory: Annotated[tuple[TrajectoryPoint, ...], Field(max_length=1000)] = ()
    """Where it would move, by keyframes, evenly between them; the last one holds."""
    size: CellSize | None = None
    """What it covers while it moves along ``trajectory``."""
    confidence: Share = 1.0


class Belonging(Value):
    """Something that goes with the object: worn, carried, attached. Removed together with it.

    In between localizations as ``between`` says; the last one holds to the end.
    """

    noun: Name
    why: Text = ""
    localizations: Annotated[tuple[GridLocalization, ...], Field(max_length=20000)] = ()
    between: Between = "hold"


class Consequences(Value):
    """The checked answer of a reasoner."""

    grid: Grid
    instruction: Text
    belongings: Annotated[tuple[Belonging, ...], Field(max_length=10)] = ()
    affected: Annotated[tuple[AffectedObject, ...], Field(max_length=20)] = ()
    scene_description: Text = ""
    """The world after the edit, as the reasoner would describe it: a proposal that a person confirms or not."""
    summary: Text
    """Plain language for a person: what was found and why; rules say that they are rules."""
    confidence: Share


@dataclass(frozen=True)
class Exchange:
    """What was asked and what came back, byte for byte. ``reply`` is empty where none came."""

    request: bytes = b""
    reply: bytes = b""
    media_type: str = "application/json"
    attempts: int = 1
    model_version: str = ""
    """What the service says answered."""
    usage: Mapping[str, int] = field(default_factory=dict)
    """Tokens, as the service counts them."""
    safety: str = ""
    """The service's own verdict on question and answer, in its words."""
    failures: tuple[str, ...] = ()
    """Codes of the errors of earlier attempts: what is above is of the last one."""


@dataclass(frozen=True)
class Reasoning:
    """A reasoner's checked answer with the exchange that it came from. ``settings`` hold no secret."""

    consequences: Consequences
    exchange: Exchange
    engine: EngineInfo
    settings: Mapping[str, Scalar] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
