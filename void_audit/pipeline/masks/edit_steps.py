"""The operations of ``model.mask_edit`` made ready for one mask: checked against it, then painted frame by frame."""

from __future__ import annotations

import zlib

import numpy as np

from void_audit.errors import MaskError
from void_audit.model.geometry import Rect, Size
from void_audit.model.grid import edges
from void_audit.model.mask import Bitmap, Classes
from void_audit.model.mask_edit import CellsEdit, CopyEdit, MaskEdits, MaskOperation, Mode, StrokeEdit
from void_audit.model.mask_schema import MaskSchema
from void_audit.pipeline.masks.brush import brush, brush_bounds
from void_audit.pipeline.masks.class_tables import ClassTables, Table, looked_up, paired, repaint

DRAWN_BYTES = 32 * 2**20
"""Packed strokes of a batch that are remembered; the others are drawn again for every frame."""

MAX_WORK = 10**13
"""Pixels that one batch may touch, over all frames: some hours. A whole 4K picture is touched a million times."""


class CellsStep:
    """Whole cells are set, added or erased."""

    def __init__(self, edit: CellsEdit, size: Size, table: Table) -> None:
        self._area = _CellArea(edit, size)
        self._table = table
        self.pixels = self._area.pixels

    def paint(self, picture: Classes) -> None:
        """Every chosen cell by the table."""
        self._area.repaint(picture, self._area.chosen, self._table)


class ToggleStep:
    """Cells that hold the class anywhere are erased, the others added."""

    def __init__(self, edit: CellsEdit, size: Size, tables: ClassTables, index: int) -> None:
        self._area = _CellArea(edit, size)
        self._holding, self._add, self._erase = (
            tables.holding(index),
            tables.adding(index),
            tables.erasing(index),
        )
        self.pixels = 3 * self._area.pixels

    def paint(self, picture: Classes) -> None:
        """Every chosen cell by what it holds."""
        held = self._area.chosen & self._area.any_of(picture, self._holding)
        added = self._area.chosen & ~held
        self._area.repaint(picture, held, self._erase)
        self._area.repaint(picture, added, self._add)


class _CellArea:
    """The rectangle of cells round the chosen ones; ``chosen`` is ``(rows, cols)`` of that rectangle."""

    def __init__(self, edit: CellsEdit, size: Size) -> None:
        places = np.array([(cell.row, cell.col) for cell in edit.cells])
        first, last = places.min(axis=0), places.max(axis=0)
        self.chosen = np.zeros(last - first + 1, np.bool_)
        self.chosen[tuple((places - first).T)] = True
        self._rows = edges(size.height, edit.grid.rows)[first[0] : last[0] + 2]
        self._cols = edges(size.width, edit.grid.cols)[first[1] : last[1] + 2]
        self._part = np.s_[self._rows[0] : self._rows[-1], self._cols[0] : self._cols[-1]]
        self.pixels = int((self._rows[-1] - self._rows[0]) * (self._cols[-1] - self._cols[0]))

    def any_of(self, picture: Classes, holding: Table) -> Bitmap:
        """Which cells hold a pixel that ``holding`` marks, ``(rows, cols)``."""
        marked = looked_up(picture[self._part], holding)
        by_row = np.maximum.reduceat(marked, self._rows[:-1] - self._rows[0], axis=0)
        return np.asarray(np.maximum.reduceat(by_row, self._cols[:-1] - self._cols[0], axis=1), np.bool_)

    def repaint(self, picture: Classes, cells: Bitmap, table: Table) -> None:
        """The pixels of ``cells`` by the table."""
        if cells.all():
            repaint(picture[self._part], table)
        elif cells.any():
            high = np.repeat(cells, np.diff(self._rows), axis=0)
            repaint(picture[self._part], table, np.repeat(high, np.diff(self._cols), axis=1))


class StrokeStep:
    """A brush stroke; drawn once if there is room to remember it."""

    def __init__(self, edit: StrokeEdit, size: Size, table: Table, room: Room) -> None:
        self._edit, self._table, self._room = edit, table, room
        self._bounds = brush_bounds(edit.points, edit.radius, size)
        self._packed: bytes | None = None
        self.pixels = self._bounds.height * (self._bounds.width + len(edit.points)) if self._bounds else 0

    def paint(self, picture: Classes) -> None:
        """Every pixel under the brush by the table."""
        bounds = self._bounds
        if bounds is not None:
            part = np.s_[bounds.y : bounds.bottom, bounds.x : bounds.right]
            repaint(picture[part], self._table, self._drawn(bounds))

    def _drawn(self, bounds: Rect) -> Bitmap:
        if self._packed is not None:
            bits = np.frombuffer(zlib.decompress(self._packed), np.uint8)
            flat = np.unpackbits(bits, count=bounds.width * bounds.height)
            return flat.reshape(bounds.height, bounds.width).view(np.bool_)
        drawn = brush(self._edit.points, self._edit.radius, bounds)
        packed = zlib.compress(np.packbits(drawn).tobytes(), 1)
        if self._room.take(len(packed)):
            self._packed = packed
        return drawn


class Room:
    """A number of bytes that several share."""

    def __init__(self, size: int) -> None:
        self._left = size

    def take(self, size: int) -> bool:
        """Whether there is room for so much; if so, it is taken."""
        fits = size <= self._left
        self._left -= size if fits else 0
        return fits


class CopyStep:
    """Classes of another frame; ``table`` None copies all of it."""

    def __init__(self, from_frame: int, size: Size, table: Table | None) -> None:
        self.from_frame, self._table = from_frame, table
        self.pixels = size.width * size.height

    @property
    def whole(self) -> bool:
        """Whether nothing of what was there before is left."""
        return self._table is None

    def paint(self, picture: Classes, other: Classes) -> None:
        """Take classes of ``other``."""
        picture[...] = other if self._table is None else looked_up(paired(picture, other), self._table)


Step = CellsStep | ToggleStep | StrokeStep | CopyStep


def ready(edits: MaskEdits, size: Size, frames: int, schema: MaskSchema) -> list[Step]:
    """The operations of a batch, ready for a mask of ``frames`` pictures of ``size``.

    Raises:
        MaskError: ``mask-edit-class``, ``mask-edit-frames``, ``mask-edit-grid``, ``mask-edit-cell``,
            ``mask-edit-work``.
    """
    make = _Maker(size, schema)
    steps, work = [], 0
    for number, edit in enumerate(edits.operations):
        _check_frames(number, edit, frames)
        steps.append(make(number, edit))
        work += steps[-1].pixels * (edit.frames.stop - edit.frames.start)
    if work > MAX_WORK:
        raise MaskError(
            "mask-edit-work",
            f"The batch touches {work:.1e} pixels, counted over all frames; at most {MAX_WORK:.0e} are done at once.",
            "Give operations the frames that they are for, or make several batches of it.",
        )
    return steps


class _Maker:
    """Makes steps, with one set of tables and one room for drawn strokes."""

    def __init__(self, size: Size, schema: MaskSchema) -> None:
        self._size, self._schema = size, schema
        self._tables, self._room = ClassTables(schema), Room(DRAWN_BYTES)

    def __call__(self, number: int, edit: MaskOperation) -> Step:
        if isinstance(edit, CopyEdit):
            indices = [self._index(number, name, "copied") for name in edit.classes]
            table = self._tables.copying(indices) if indices else None
            return CopyStep(edit.from_frame, self._size, table)
        index = self._index(number, edit.to, edit.mode)
        if isinstance(edit, StrokeEdit):
            return StrokeStep(edit, self._size, self._table(edit.mode, index), self._room)
        _check_grid(number, edit, self._size)
        if edit.mode == "toggle":
            return ToggleStep(edit, self._size, self._tables, index)
        return CellsStep(edit, self._size, self._table(edit.mode, index))

    def _table(self, mode: Mode, index: int) -> Table:
        if mode == "set":
            return self._tables.setting(index)
        return self._tables.adding(index) if mode == "add" else self._tables.erasing(index)

    def _index(self, number: int, name: str, mode: str) -> int:
        names = [spec.name for spec in self._schema.classes]
        if name not in names:
            raise MaskError(
                "mask-edit-class",
                f"Operation {number} names the class {name!r}, which the schema {self._schema.name} does not have.",
                f"Its classes are {', '.join(names)}.",
            )
        index = names.index(name)
        if index == self._schema.background and mode not in {"set", "add"}:
            raise MaskError(
                "mask-edit-class",
                f"Operation {number}: {name} is where no other class is; it cannot be {_DONE.get(mode, mode)}.",
                f"Set it, or name the other classes: {', '.join(n for n in names if n != name)}.",
            )
        return index


_DONE = {"erase": "erased", "toggle": "toggled"}


def _check_frames(number: int, edit: MaskOperation, frames: int) -> None:
    last = edit.frames.stop - 1
    if last >= frames:
        raise MaskError(
            "mask-edit-frames",
            f"Operation {number} is for frames {edit.frames.start} to {last}; the mask has {frames} frames.",
            f"Frames are counted from 0 to {frames - 1}; in a file of operations `stop` is the first one left alone.",
        )
    if isinstance(edit, CopyEdit) and edit.from_frame >= frames:
        raise MaskError(
            "mask-edit-frames",
            f"Operation {number} copies from frame {edit.from_frame}; the mask has {frames} frames.",
            f"Frames are counted from 0 to {frames - 1}.",
        )


def _check_grid(number: int, edit: CellsEdit, size: Size) -> None:
    grid = edit.grid
    if grid.rows > size.height or grid.cols > size.width:
        raise MaskError(
            "mask-edit-grid",
            f"Operation {number} has a grid of {grid.rows} rows and {grid.cols} columns on {size.width}x{size.height}"
            " pixels.",
            "A cell needs at least one pixel.",
        )
    for cell in edit.cells:
        if cell.row >= grid.rows or cell.col >= grid.cols:
            raise MaskError(
                "mask-edit-cell",
                f"Operation {number}: cell {cell.row},{cell.col} is outside the grid of {grid.rows} rows and"
                f" {grid.cols} columns.",
                f"Rows are 0 to {grid.rows - 1}, columns 0 to {grid.cols - 1}.",
            )
