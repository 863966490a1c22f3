"""The object on every frame, as a segmenter returns it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Literal

from pydantic import Field

from void_audit.model.base import Scalar, Value
from void_audit.model.engine import EngineInfo
from void_audit.model.mask import PackedBitmaps

ObjectNumber = Annotated[int, Field(ge=1, le=16)]


class Click(Value):
    """One click of a person, in pixels of the source as displayed."""

    frame: Annotated[int, Field(ge=0)]
    x: Annotated[float, Field(ge=0)]
    y: Annotated[float, Field(ge=0)]
    label: Literal["object", "background"] = "object"
    object: ObjectNumber = 1
    """Which object it belongs to, where several are marked; their masks are joined."""


class Box(Value):
    """A box that a person drew round an object, in pixels of the source as displayed; right and bottom excluded."""

    frame: Annotated[int, Field(ge=0)]
    x: Annotated[float, Field(ge=0)]
    y: Annotated[float, Field(ge=0)]
    width: Annotated[float, Field(gt=0)]
    height: Annotated[float, Field(gt=0)]
    object: ObjectNumber = 1


Mark = Click | Box
"""What a person puts on a frame to say what is meant: a prompt, in the words of SAM (arXiv 2408.00714)."""


@dataclass(frozen=True)
class Track:
    """Object masks for every frame of a clip, at the segmenter's working size.

    ``confidence[i]`` is 0 to 1: how sure the engine is of frame ``i`` (also of "not visible").
    ``clicked`` lists the frames on which a person clicked or drew a box. ``settings`` are the engine's own.
    """

    masks: PackedBitmaps
    confidence: tuple[float, ...]
    clicked: tuple[int, ...]
    engine: EngineInfo
    warnings: tuple[str, ...] = ()
    settings: Mapping[str, Scalar] = field(default_factory=dict)
    device: str | None = None
    """Where it was computed; None where the engine has no choice."""
