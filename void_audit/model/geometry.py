"""Sizes, rectangles and frame ranges. Pixels are counted from the top left, frames from 0."""

from __future__ import annotations

from typing import Annotated, NamedTuple

from pydantic import Field

from void_audit.model.base import Value


class Size(NamedTuple):
    """Width and height in pixels."""

    width: int
    height: int


class Rect(Value):
    """A rectangle in pixels, right and bottom edges excluded."""

    x: Annotated[int, Field(ge=0)]
    y: Annotated[int, Field(ge=0)]
    width: Annotated[int, Field(gt=0)]
    height: Annotated[int, Field(gt=0)]

    @property
    def right(self) -> int:
        """First column to the right of the rectangle."""
        return self.x + self.width

    @property
    def bottom(self) -> int:
        """First row below the rectangle."""
        return self.y + self.height


class FrameRange(Value):
    """Frames ``start`` up to, but not including, ``stop``."""

    start: Annotated[int, Field(ge=0)]
    stop: Annotated[int, Field(ge=0)]
