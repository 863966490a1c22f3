"""The bounds that any reasoner's answer must keep before anything acts on it.

A vision-language model's reply is hostile until it has passed here: indices are made into pixels, texts
are shown to people and hashed into the log.
"""

from __future__ import annotations

import unicodedata

from pydantic import ValidationError

from void_audit.errors import ReasoningError
from void_audit.model.clip import ClipInfo
from void_audit.model.geometry import FrameRange
from void_audit.model.reasoning import AffectedObject, Consequences, Grid, GridLocalization

MOST_CELLS = 2_000_000
"""Cells that one answer may name in all: what a long clip needs, and what a mask can be built from."""

_AGAIN = "Ask the reasoner again, or draw the affected region by hand."


def check_consequences(consequences: Consequences, info: ClipInfo) -> Consequences:
    """The same answer, proven to lie inside ``info``'s picture and frames, its texts made printable.

    Held: the schema itself (again, so that a value built without validation does not slip through);
    no more cells than pixels; frame ranges not empty and inside the clip; localizations in strictly rising
    order inside their range; cells inside the grid and named once; ``MOST_CELLS`` in all. Control,
    formatting and unassigned characters in texts become spaces (line breaks and tabs stay).

    Raises ReasoningError: ``reply-malformed`` if it breaks the schema, else ``reply-out-of-bounds``.
    """
    checked = _revalidated(consequences)
    _check_grid(checked.grid, info)
    if sum(len(place.cells) for thing in checked.affected for place in thing.localizations) > MOST_CELLS:
        raise _out_of_bounds(f"The answer names more than {MOST_CELLS} cells.")
    for thing in checked.affected:
        _check_thing(thing, checked.grid, info.frames)
    return checked


def _revalidated(consequences: Consequences) -> Consequences:
    try:
        plain = _printable(consequences.model_dump(warnings=False))
        return Consequences.model_validate(plain)
    except (ValidationError, ValueError, TypeError, AttributeError, RecursionError) as error:
        first = error.errors()[0] if isinstance(error, ValidationError) else None
        where = ".".join(str(part) for part in first["loc"]) if first else type(error).__name__
        raise ReasoningError(
            "reply-malformed", f"The reasoner's answer breaks its schema at {where}.", _AGAIN
        ) from None


def _printable(value: object) -> object:
    if isinstance(value, str):
        return "".join(c if c in "\n\t" or unicodedata.category(c)[0] != "C" else " " for c in value)
    if isinstance(value, dict):
        return {key: _printable(item) for key, item in value.items()}
    if isinstance(value, tuple):
        return tuple(_printable(item) for item in value)
    return value


def _check_grid(grid: Grid, info: ClipInfo) -> None:
    if grid.rows > info.height or grid.cols > info.width:
        raise _out_of_bounds(
            f"A grid of {grid.rows} x {grid.cols} cells does not fit {info.height} x {info.width} pixels."
        )


def _check_thing(thing: AffectedObject, grid: Grid, frames: int) -> None:
    span = thing.frames
    if not span.start < span.stop <= frames:
        raise _out_of_bounds(
            f"Frames {span.start} to {span.stop} of {thing.noun!r} do not fit a clip of {frames} frames."
        )
    last = -1
    for place in thing.localizations:
        _check_place(place, span, last, grid, thing.noun)
        last = place.frame


def _check_place(place: GridLocalization, span: FrameRange, last: int, grid: Grid, noun: str) -> None:
    if not span.start <= place.frame < span.stop:
        raise _out_of_bounds(
            f"Frame {place.frame} of {noun!r} lies outside its range {span.start} to {span.stop}."
        )
    if place.frame <= last:
        raise _out_of_bounds(
            f"Frame {place.frame} of {noun!r} comes after frame {last}: not in rising order."
        )
    seen = {(cell.row, cell.col) for cell in place.cells}
    if len(seen) < len(place.cells):
        raise _out_of_bounds(f"Frame {place.frame} of {noun!r} names a cell twice.")
    outside = [c for c in seen if c[0] >= grid.rows or c[1] >= grid.cols]
    if outside:
        row, col = min(outside)
        raise _out_of_bounds(
            f"Cell ({row}, {col}) of {noun!r} on frame {place.frame} lies outside {grid.rows} x {grid.cols} cells."
        )


def _out_of_bounds(message: str) -> ReasoningError:
    return ReasoningError("reply-out-of-bounds", message, _AGAIN)
