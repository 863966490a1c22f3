"""The object on every frame, as a segmenter returns it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import Field

from void_audit.model.base import Value
from void_audit.model.engine import EngineInfo
from void_audit.model.mask import PackedBitmaps


class Click(Value):
    """One click of a person, in pixels of the source as displayed."""

    frame: Annotated[int, Field(ge=0)]
    x: Annotated[float, Field(ge=0)]
    y: Annotated[float, Field(ge=0)]
    label: Literal["object", "background"] = "object"


@dataclass(frozen=True)
class Track:
    """Object masks for every frame of a clip, at the segmenter's working size.

    ``confidence[i]`` is 0 to 1: how sure the engine is of frame ``i`` (also of "not visible").
    ``clicked`` lists the frames on which a person clicked.
    """

    masks: PackedBitmaps
    confidence: tuple[float, ...]
    clicked: tuple[int, ...]
    engine: EngineInfo
    warnings: tuple[str, ...] = ()
