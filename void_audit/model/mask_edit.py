"""What a person does to a mask, as data: a batch of operations in the order in which they are applied."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from void_audit.model.base import Text, Value
from void_audit.model.geometry import FrameRange
from void_audit.model.mask_schema import ClassName
from void_audit.model.reasoning import Cell, Grid

Coordinate = Annotated[float, Field(ge=-16384, le=16384)]


Mode = Literal["set", "add", "erase"]
"""What a class does to a pixel. ``set``: the pixel is of that class and no other. ``add``: the class is joined to what is
there, where the schema's composition has a class for both (object and consequence), else as ``set``. ``erase``: the class
is taken away; what was both keeps the other half, what was only that becomes background."""


class CellsEdit(Value):
    """Whole grid cells. ``toggle``: a cell of which every pixel holds the class is erased, any other is added."""

    op: Literal["cells"] = "cells"
    frames: FrameRange
    grid: Grid
    cells: Annotated[tuple[Cell, ...], Field(min_length=1, max_length=65536)]
    to: ClassName
    mode: Mode | Literal["toggle"] = "toggle"


class Point(Value):
    """A place in pixels of the mask, which has the source's size."""

    x: Coordinate
    y: Coordinate


class StrokeEdit(Value):
    """A round brush drawn along a line: everything within ``radius`` pixels of it."""

    op: Literal["stroke"] = "stroke"
    frames: FrameRange
    points: Annotated[tuple[Point, ...], Field(min_length=1, max_length=10000)]
    radius: Annotated[float, Field(gt=0, le=2000)]
    to: ClassName
    mode: Mode = "set"


class CopyEdit(Value):
    """Take classes from another frame of the mask as it is at that moment.

    All: the picture is copied. Some: they are erased here, then added where the other frame holds them, so that
    the object can be copied without its consequences, or these without it.
    """

    op: Literal["copy"] = "copy"
    frames: FrameRange
    from_frame: Annotated[int, Field(ge=0)]
    classes: Annotated[tuple[ClassName, ...], Field(max_length=8)] = ()
    """Empty: all of them."""


MaskOperation = Annotated[CellsEdit | StrokeEdit | CopyEdit, Field(discriminator="op")]


class MaskEdits(Value):
    """A batch of operations: what one signed revision consists of."""

    operations: Annotated[tuple[MaskOperation, ...], Field(min_length=1, max_length=10000)]
    note: Text = ""

    @model_validator(mode="after")
    def _frames_are_ranges(self) -> MaskEdits:
        for number, operation in enumerate(self.operations):
            if operation.frames.start >= operation.frames.stop:
                raise ValueError(f"operation {number}: frames {operation.frames.start} to {operation.frames.stop}")
        return self
