"""Edits of a mask from a file, and their parts from a command line."""

from __future__ import annotations

import re

from pydantic import ValidationError

from void_audit.canon import jcs
from void_audit.canon.strict_yaml import yaml_to_json
from void_audit.errors import MaskError
from void_audit.model.geometry import FrameRange
from void_audit.model.mask_edit import MaskEdits, Point
from void_audit.model.reasoning import Cell, Grid

MAX_BYTES = 4 * 2**20
"""Largest JSON file of edits: about 150,000 points of strokes. YAML: ``canon.strict_yaml.MAX_BYTES``."""

MAX_POINTS = 10000

_NUMBER = re.compile(r"[+-]?(\d{1,6}(\.\d{0,9})?|\.\d{1,9})", re.ASCII)
_SPAN = re.compile(r"(\d{1,7})(?:-(\d{1,7}))?", re.ASCII)
_GRID = re.compile(r"(\d{1,3})x(\d{1,3})", re.ASCII)


def parse_edits(data: bytes) -> MaskEdits:
    """A batch from the bytes of a JSON file (it begins with ``{``) or a YAML file.

    Raises:
        MaskError: ``mask-edit-malformed``, with the place and the reason.
    """
    text = _json(data) if data.lstrip()[:1] == b"{" else yaml_to_json(data, _malformed)
    try:
        return MaskEdits.model_validate_json(text)
    except ValidationError as error:
        problems = [f"{'.'.join(map(str, e['loc'])) or 'edits'}: {e['msg']}" for e in error.errors()[:5]]
        raise _malformed("; ".join(problems)[:1500]) from None


def _json(data: bytes) -> bytes:
    """The same bytes, if every reader reads the same in them."""
    try:
        jcs.parse(data, MAX_BYTES, error=MaskError)
    except MaskError as error:
        raise _malformed(error.message.rstrip(".")) from None
    return data


def _malformed(reason: str) -> MaskError:
    return MaskError(
        "mask-edit-malformed",
        f"The edits are refused: {reason}.",
        "Write {operations: [{op: cells | stroke | copy, frames: {start, stop}, ...}]} as JSON or YAML.",
    )


def cells_from_text(text: str) -> tuple[Cell, ...]:
    """Cells from ``row,col`` pairs with spaces between; either may be a range: ``3,4 3,5 4-6,0-9``.

    Ends of ranges are included; cells named twice are taken once.

    Raises:
        MaskError: ``mask-edit-cell`` with what could not be read.
    """
    found: dict[tuple[int, int], None] = {}
    for word in text.split():
        parts = [_span(part) for part in word.split(",")]
        if len(parts) != 2 or None in parts or any(span[-1] > 255 for span in parts if span):
            raise MaskError(
                "mask-edit-cell", f"{word[:40]!r} names no cell.", "Write row,col such as 3,4 or 4-6,0-9."
            )
        rows, cols = (span or range(0) for span in parts)
        found.update(dict.fromkeys((row, col) for row in rows for col in cols))
    if not found:
        raise MaskError("mask-edit-cell", "No cell is named.", "Write row,col such as 3,4 or 4-6,0-9.")
    return tuple(Cell(row=row, col=col) for row, col in found)


def points_from_text(text: str) -> tuple[Point, ...]:
    """Points from ``x,y`` pairs with spaces between: ``100,200 120.5,210``, in pixels of the mask.

    Raises:
        MaskError: ``mask-edit-point`` with what could not be read, or for more than 10,000.
    """
    words = text.split()
    if not 1 <= len(words) <= MAX_POINTS:
        raise MaskError("mask-edit-point", f"There are {len(words)} points.", f"Give 1 to {MAX_POINTS}.")
    return tuple(map(_point, words))


def _point(word: str) -> Point:
    x, comma, y = word.partition(",")
    try:
        if comma and _NUMBER.fullmatch(x) and _NUMBER.fullmatch(y):
            return Point(x=float(x), y=float(y))
    except ValidationError:
        pass  # out of bounds
    raise MaskError(
        "mask-edit-point", f"{word[:40]!r} is no point.", "Write x,y such as 100,200; within 16384."
    )


def frames_from_text(text: str) -> FrameRange:
    """One frame, ``12``, or a range with both ends in it, ``12-20``, counted from 0.

    Raises:
        MaskError: ``mask-edit-frames`` with what could not be read.
    """
    span = _span(text.strip())
    if not span:
        raise MaskError(
            "mask-edit-frames", f"{text[:40]!r} names no frames.", "Write 12, or 12-20 for 12 to 20."
        )
    return FrameRange(start=span.start, stop=span.stop)


def grid_from_text(text: str) -> Grid:
    """A grid from ``8x14``: rows, then columns, 1 to 256.

    Raises:
        MaskError: ``mask-edit-grid`` with what could not be read.
    """
    match = _GRID.fullmatch(text.strip())
    try:
        return Grid(rows=int(match[1]) if match else 0, cols=int(match[2]) if match else 0)
    except ValidationError:
        raise MaskError(
            "mask-edit-grid", f"{text[:40]!r} is no grid.", "Write 8x14: rows, then columns."
        ) from None


def _span(text: str) -> range | None:
    """``4`` or ``4-6``, both ends included; None for anything else, ``6-4`` too."""
    match = _SPAN.fullmatch(text)
    if match is None:
        return None
    first, last = int(match[1]), int(match[2] or match[1])
    return range(first, last + 1) if first <= last else None
