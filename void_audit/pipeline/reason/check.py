"""The bounds that any reasoner's answer must keep before anything acts on it.

A vision-language model's reply is hostile until it has passed here: indices are made into pixels, texts
are shown to people and hashed into the log.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

from pydantic import ValidationError

from void_audit.errors import MaskError, ReasoningError
from void_audit.model.clip import ClipInfo
from void_audit.model.geometry import FrameRange
from void_audit.model.reasoning import (
    AffectedObject,
    Belonging,
    Cell,
    Consequences,
    Grid,
    GridLocalization,
    TrajectoryPoint,
)
from void_audit.model.track import Track

MOST_CELLS = 2_000_000
"""Cells and keyframes that one answer may name in all: what a long clip needs, what a mask can be built from."""

_AGAIN = "Ask again; or plan with the embedded rules (without --reasoner) and correct the mask by hand."


def check_track(info: ClipInfo, track: Track) -> None:
    """Raises MaskError ``track-mismatch`` unless the track has the clip's size and length."""
    if track.masks.size != info.size or len(track.masks) != info.frames:
        have, want = track.masks.size, info.size
        raise MaskError(
            "track-mismatch",
            f"The track has {len(track.masks)} masks of {have.width}x{have.height}, "
            f"the clip {info.frames} frames of {want.width}x{want.height}.",
            "Segment this clip again at the size it is reasoned about.",
        )


def check_consequences(consequences: Consequences, info: ClipInfo) -> Consequences:
    """The same answer, proven to lie inside ``info``'s picture and frames, its texts made printable.

    Held: the schema itself (again, so that a value built without validation does not slip through);
    no more cells than pixels; frame ranges not empty and inside the clip; localizations in strictly rising
    order inside their range (a belonging's: inside the clip); cells inside the grid and named once per place;
    keyframes in strictly rising order inside clip and grid, and only for what will move; sizes no larger than
    the grid; ``MOST_CELLS`` in all. Control, formatting and unassigned characters in texts become spaces
    (line breaks and tabs stay).

    Raises ReasoningError: ``reply-malformed`` if it breaks the schema, else ``reply-out-of-bounds``.
    """
    checked = _revalidated(consequences)
    _check_grid(checked.grid, info)
    if _named(checked) > MOST_CELLS:
        raise _out_of_bounds(f"The answer names more than {MOST_CELLS} cells.")
    for thing in checked.affected:
        _check_thing(thing, checked.grid, info.frames)
    for belonging in checked.belongings:
        _check_places(belonging, FrameRange(start=0, stop=info.frames), checked.grid)
    return checked


def _named(consequences: Consequences) -> int:
    """How many cells and keyframes an answer names."""
    things = consequences.affected
    found: tuple[AffectedObject | Belonging, ...] = (*things, *consequences.belongings)
    places = sum(len(place.cells) for one in found for place in one.localizations)
    return places + sum(len(thing.original_position) + len(thing.trajectory) for thing in things)


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
    _check_places(thing, span, grid)
    _check_cells(thing.original_position, grid, f"of {thing.noun!r} in its original position")
    _check_path(thing, grid, frames)


def _check_places(found: AffectedObject | Belonging, span: FrameRange, grid: Grid) -> None:
    last = -1
    for place in found.localizations:
        _check_place(place, span, last, grid, found.noun)
        last = place.frame


def _check_place(place: GridLocalization, span: FrameRange, last: int, grid: Grid, noun: str) -> None:
    if not span.start <= place.frame < span.stop:
        raise _out_of_bounds(
            f"Frame {place.frame} of {noun!r} lies outside its range {span.start} to {span.stop}."
        )
    _check_rising(place.frame, last, noun)
    _check_cells(place.cells, grid, f"of {noun!r} on frame {place.frame}")


def _check_rising(frame: int, last: int, noun: str) -> None:
    if frame <= last:
        raise _out_of_bounds(f"Frame {frame} of {noun!r} comes after frame {last}: not in rising order.")


def _check_cells(cells: tuple[Cell, ...], grid: Grid, what: str) -> None:
    if len({(cell.row, cell.col) for cell in cells}) < len(cells):
        raise _out_of_bounds(f"A cell {what} is named twice.")
    _check_inside(cells, grid, what)


def _check_inside(cells: Sequence[Cell | TrajectoryPoint], grid: Grid, what: str) -> None:
    outside = [(c.row, c.col) for c in cells if c.row >= grid.rows or c.col >= grid.cols]
    if outside:
        row, col = min(outside)
        raise _out_of_bounds(f"Cell ({row}, {col}) {what} lies outside {grid.rows} x {grid.cols} cells.")


def _check_path(thing: AffectedObject, grid: Grid, frames: int) -> None:
    """A path of what does not move is a contradiction: nobody can tell which half was meant."""
    if thing.trajectory and not thing.will_move:
        raise _out_of_bounds(f"{thing.noun!r} has a trajectory, but is said not to move.")
    last = -1
    for point in thing.trajectory:
        _check_rising(point.frame, last, thing.noun)
        last = point.frame
    if last >= frames:
        raise _out_of_bounds(
            f"Frame {last} of {thing.noun!r} on its trajectory lies outside a clip of {frames} frames."
        )
    _check_inside(thing.trajectory, grid, f"of {thing.noun!r} on its trajectory")
    size = thing.size
    if size and (size.rows > grid.rows or size.cols > grid.cols):
        raise _out_of_bounds(
            f"{thing.noun!r} is {size.rows} x {size.cols} cells large, the grid {grid.rows} x {grid.cols}."
        )


def _out_of_bounds(message: str) -> ReasoningError:
    return ReasoningError("reply-out-of-bounds", message, _AGAIN)
