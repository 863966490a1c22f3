"""Options of ``void-audit mask edit``: one operation, or a file with a batch of them."""

from __future__ import annotations

from dataclasses import dataclass, fields
from pathlib import Path
from typing import Annotated, Literal

import typer
from pydantic import ValidationError

from void_audit.errors import RequestError
from void_audit.model.geometry import FrameRange, Size
from void_audit.model.grid import VOID_MINIMUM_GRID, grid_for
from void_audit.model.mask_edit import CellsEdit, CopyEdit, MaskEdits, MaskOperation, StrokeEdit
from void_audit.pipeline.masks.edit_text import (
    cells_from_text,
    frames_from_text,
    parse_edits,
    points_from_text,
)

MAX_FILE = 8 * 1024 * 1024

OBEYED = {
    "--cells": {"to", "mode", "frames", "grid", "note"},
    "--stroke": {"to", "mode", "frames", "radius", "note"},
    "--copy-from": {"to", "frames", "note"},
    "--file": set[str](),
}
"""Options that each way of editing obeys."""

OPTIONS = set[str]().union(*OBEYED.values())


@dataclass(frozen=True)
class EditOptions:
    """One of --cells, --stroke, --copy-from, --file says what is done."""

    cells: Annotated[str, typer.Option("--cells", help='Rows and columns, e.g. "3,4 3,6-8".')] = ""
    stroke: Annotated[str, typer.Option("--stroke", help='Points in pixels, e.g. "100,80 140,90".')] = ""
    copy_from: Annotated[int | None, typer.Option("--copy-from", min=0, help="A frame to copy from.")] = None
    file: Annotated[Path | None, typer.Option("--file", help="YAML or JSON with a batch.")] = None
    to: Annotated[str, typer.Option("--to", help="The class that is drawn; with --copy-from: copied.")] = ""
    mode: Annotated[
        Literal["set", "add", "erase", "toggle"] | None,
        typer.Option("--mode", help="Default: toggle for cells, set for strokes."),
    ] = None
    frames: Annotated[str, typer.Option("--frames", help="E.g. 12 or 0-47, both ends included.")] = ""
    grid: Annotated[int, typer.Option("--grid", min=1, max=256, help="Cells on the short side.")] = (
        VOID_MINIMUM_GRID
    )
    radius: Annotated[float, typer.Option("--radius", min=0.5, max=2000, help="Brush, in pixels.")] = 10.0
    note: Annotated[str, typer.Option("--note", help="Why; travels with the finished file.")] = ""

    def edits(self, size: Size) -> MaskEdits:
        """The batch that the options describe, for a mask of ``size``.

        Raises:
            RequestError: ``option-missing``, ``option-value``, ``option-unused``.
            MaskError: the batch is malformed.
        """
        way = self._way()
        self._insist_on_effect(way)
        if self.file is not None:
            return self._from_file(self.file)
        try:
            return MaskEdits(operations=(self._operation(size),), note=self.note)
        except ValidationError as error:
            first = error.errors()[0]
            raise RequestError(
                "option-value", f"{'.'.join(map(str, first['loc']))}: {first['msg']}.", "Correct the option."
            ) from None

    def _way(self) -> str:
        ways = {
            "--cells": self.cells,
            "--stroke": self.stroke,
            "--copy-from": self.copy_from,
            "--file": self.file,
        }
        given = [name for name, value in ways.items() if value not in {"", None}]
        if len(given) != 1:
            said = (
                f"{' and '.join(given)} are not for one edit"
                if given
                else "Nothing says what is to be changed"
            )
            raise RequestError("option-missing", f"{said}.", f"Choose one of {', '.join(ways)}.")
        return given[0]

    def _insist_on_effect(self, way: str) -> None:
        """No option is taken and then ignored."""
        defaults = {field.name: field.default for field in fields(self)}
        for name in sorted(OPTIONS - OBEYED[way]):
            if getattr(self, name) != defaults[name]:
                raise RequestError(
                    "option-unused",
                    f"--{name} {getattr(self, name)} would have no effect with {way}.",
                    "Leave it out." if way != "--file" else "Say it in the file.",
                )

    def _operation(self, size: Size) -> MaskOperation:
        frames = self._frames()
        if self.copy_from is not None:
            classes = tuple(self.to.split(",")) if self.to else ()
            return CopyEdit(frames=frames, from_frame=self.copy_from, classes=classes)
        if not self.to:
            raise RequestError("option-missing", "Which class is to be drawn?", "Name it: `--to remove`.")
        if self.cells:
            cells = cells_from_text(self.cells)
            grid = grid_for(size, self.grid)
            return CellsEdit(frames=frames, grid=grid, cells=cells, to=self.to, mode=self.mode or "toggle")
        points = points_from_text(self.stroke)
        if self.mode == "toggle":
            raise RequestError("option-value", "A stroke cannot toggle.", "Use --mode set, add or erase.")
        return StrokeEdit(
            frames=frames, points=points, radius=self.radius, to=self.to, mode=self.mode or "set"
        )

    def _frames(self) -> FrameRange:
        if not self.frames:
            raise RequestError("option-missing", "On which frames?", "E.g. `--frames 0-47`.")
        return frames_from_text(self.frames)

    def _from_file(self, path: Path) -> MaskEdits:
        try:
            with path.open("rb") as stream:
                return parse_edits(stream.read(MAX_FILE + 1))
        except OSError as error:
            raise RequestError(
                "request-unreadable", f"{path} cannot be read: {error.strerror}.", "Give a YAML or JSON file."
            ) from None
