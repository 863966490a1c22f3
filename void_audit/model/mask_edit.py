"""What a person does to a mask, as data: a batch of operations in the order in which they are applied.

What a mode does to a pixel follows from the schema alone. Where its composition has a class for *both* (quadmask:
``overlap`` is ``remove`` and ``affected`` in one place), such a pixel holds either half as well. All other classes
exclude one another: a pixel holds one of them. With the quadmask these are the tools of VOID's own editor
(spec/void 3): ``toggle`` of affected or remove, brush ``add`` and ``erase`` of remove, copies of either.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from void_audit.model.base import Text, Value
from void_audit.model.geometry import FrameRange
from void_audit.model.mask_schema import ClassName
from void_audit.model.reasoning import Cell, Grid

Coordinate = Annotated[float, Field(ge=-16384, le=16384)]


Mode = Literal["set", "add", "erase"]
"""What a class does to a pixel. ``set``: the pixel is of that class and no other. ``add``: the class is joined to what
is there: a pixel that holds it stays as it is, one whose class has a class for both with it becomes that, any other is
``set``. ``erase``: a pixel that was both keeps the other half, one that was only that class becomes background, any
other stays as it is. The background itself is what is left when all is erased: it can be set or added (which is the
same), not erased."""


class CellsEdit(Value):
    """Whole grid cells, each named once.

    ``toggle``, as VOID's editor: a cell in which any pixel holds the class is erased, any other is added. Every
    cell is decided for itself, on every frame.
    """

    op: Literal["cells"] = "cells"
    frames: FrameRange
    grid: Grid
    cells: Annotated[tuple[Cell, ...], Field(min_length=1, max_length=65536)]
    to: ClassName
    mode: Mode | Literal["toggle"] = "toggle"

    @model_validator(mode="after")
    def _each_once(self) -> CellsEdit:
        seen: set[tuple[int, int]] = set()
        for cell in self.cells:
            if (cell.row, cell.col) in seen:
                raise ValueError(f"cell {cell.row},{cell.col} is named twice")
            seen.add((cell.row, cell.col))
        return self


class Point(Value):
    """A place in pixels of the mask (the source's size), to 1/1024. Whole numbers are the middles of pixels."""

    x: Coordinate
    y: Coordinate


class StrokeEdit(Value):
    """A round brush drawn along a line: every pixel whose middle is within ``radius`` of it, edge included."""

    op: Literal["stroke"] = "stroke"
    frames: FrameRange
    points: Annotated[tuple[Point, ...], Field(min_length=1, max_length=10000)]
    """Joined by straight lines; one point is a disc. Parts outside the picture are not drawn."""
    radius: Annotated[float, Field(gt=0, le=2000)]
    to: ClassName
    mode: Mode = "set"


class CopyEdit(Value):
    """Take classes from another frame of the mask, earlier or later, as it is after all operations before this one.

    All: the picture is copied. Some: they are erased here, then added where the other frame holds them, so that
    the object can be copied without its consequences, or these without it.
    """

    op: Literal["copy"] = "copy"
    frames: FrameRange
    from_frame: Annotated[int, Field(ge=0)]
    classes: Annotated[tuple[ClassName, ...], Field(max_length=8)] = ()
    """Empty: all of them. The background cannot be named: it is where no other class is."""


MaskOperation = Annotated[CellsEdit | StrokeEdit | CopyEdit, Field(discriminator="op")]


class MaskEdits(Value):
    """A batch of operations: what one signed revision consists of."""

    operations: Annotated[tuple[MaskOperation, ...], Field(min_length=1, max_length=10000)]
    note: Text = ""

    @model_validator(mode="after")
    def _frames_are_ranges(self) -> MaskEdits:
        for number, operation in enumerate(self.operations):
            if operation.frames.start >= operation.frames.stop:
                raise ValueError(
                    f"operation {number}: frames {operation.frames.start} to {operation.frames.stop}"
                )
        return self
