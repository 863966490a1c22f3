"""A model's reply becomes ``Consequences``, or is refused: it is hostile until it has passed here.

Nothing else comes out: no key of a reply names a setting, a policy or a person, and an unknown key refuses the
whole reply. Texts come out on one line and printable, so that words in them can be read but do nothing.

How the wire is read (spec/void 3 where it says, else decided here):

* A thing is affected from the first frame that the reply names for it to the end of the clip.
* Cells are sets: named twice, on two places of one frame, or out of order is the same thing said otherwise.
* Between two localizations the cells move evenly if the thing is ``currently_moving``, otherwise they hold.
* Cells on the first frame on which a thing is localized hold from ``first_appears_frame`` on, but not beyond the
  sampled frame before: on that one it would have been named. A belonging's hold back to after that frame.
* A belonging goes where the object goes: between two localizations its cells move evenly.
* The confidence of the whole reply is the confidence of each thing.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise

from pydantic import ValidationError

from void_audit.canon.jcs import parse
from void_audit.errors import ReasoningError
from void_audit.model.clip import ClipInfo
from void_audit.model.geometry import FrameRange
from void_audit.model.reasoning import (
    AffectedObject,
    Belonging,
    Cell,
    CellSize,
    Consequences,
    Grid,
    GridLocalization,
    TrajectoryPoint,
)
from void_audit.pipeline.reason.check import check_consequences
from void_audit.pipeline.reason.vlm.plain import clipped, escaped, plain
from void_audit.pipeline.reason.vlm.schema import (
    WireAffected,
    WireBelonging,
    WireCell,
    WireLocalization,
    WirePoint,
    WireReply,
    WireSize,
)
from void_audit.pipeline.reason.vlm.telling import summary_of

MOST_KEYS = 32
"""Of one object of a reply."""

_AGAIN = (
    "Ask again with another seed or model; or plan with the embedded rules (without --reasoner) and correct the mask "
    "by hand."
)


def read_reply(
    text: str,
    *,
    info: ClipInfo,
    grid: Grid,
    sampled: Sequence[int],
    instruction: str,
    said_by: str,
    most_bytes: int = 1_000_000,
) -> Consequences:
    """What a model says, checked.

    Args:
        text: the reply as it came.
        info: of the clip that was asked about.
        grid: that was drawn on the pictures.
        sampled: numbers of the frames that were shown, rising.
        instruction: of the person; it stands in the result, not the reply's.
        said_by: the engine, for the summary.
        most_bytes: of UTF-8 that are looked at.

    Raises:
        ReasoningError: ``reply-malformed`` (too long, not one strict JSON object, not of the schema) or
            ``reply-out-of-bounds`` (frames, cells or sizes that do not exist), with place and reason.
    """
    reply = _wire(text, most_bytes)
    reading = _Reading(info, grid, sampled)
    affected = [
        reading.thing(thing, reply.confidence, f"affected_objects.{i}")
        for i, thing in enumerate(reply.affected_objects)
    ]
    belongings = [
        reading.belonging(thing, f"integral_belongings.{i}")
        for i, thing in enumerate(reply.integral_belongings)
    ]
    consequences = Consequences(
        grid=grid,
        instruction=instruction,
        belongings=tuple(belongings),
        affected=tuple(affected),
        scene_description=plain(reply.scene_description),
        summary=summary_of(said_by, affected, belongings, reply.confidence),
        confidence=float(reply.confidence),
    )
    return check_consequences(consequences, info)


def _wire(text: str, most_bytes: int) -> WireReply:
    """Strict JSON of the wire's schema: lengths and types hold, numbers are not yet looked at."""
    if len(text) > most_bytes:
        raise _malformed(f"It has more than {most_bytes} bytes.")
    try:
        value = parse(text.encode(), most_bytes, error=ReasoningError)
    except ReasoningError as error:
        raise _malformed(error.message) from None
    except UnicodeEncodeError:
        raise _malformed("A text holds half of a surrogate pair.") from None
    _refuse_wide(value)
    try:
        return WireReply.model_validate(value)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        place = ".".join(clipped(str(part), 60) for part in first["loc"]) or "the reply"
        raise _malformed(f"{place}: {first['msg']}.") from None


def _refuse_wide(value: object) -> None:
    """Refuse objects of many keys here: the schema would list each of them as a fault of its own."""
    level = [value]
    while level:
        for item in level:
            if isinstance(item, dict) and len(item) > MOST_KEYS:
                raise _malformed(f"An object has {len(item)} keys, more than any of the schema's.")
        level = [child for item in level for child in _children(item)]


def _children(item: object) -> Iterable[object]:
    if isinstance(item, dict):
        return item.values()
    return item if isinstance(item, list) else ()


class _Reading:
    """Turns wire values into checked ones, against one clip and grid."""

    def __init__(self, info: ClipInfo, grid: Grid, sampled: Sequence[int]) -> None:
        self._frames, self._grid, self._sampled = info.frames, grid, sampled

    def thing(self, wire: WireAffected, confidence: float, at: str) -> AffectedObject:
        places = self._places(wire.grid_localizations, at)
        path = self._path(wire.trajectory_path, at)
        appears = _within(wire.first_appears_frame, self._frames, f"{at}.first_appears_frame")
        places = self._held_back(places, appears)
        start = min([appears, *(place.frame for place in places[:1]), *(point.frame for point in path[:1])])
        return AffectedObject(
            noun=_noun(wire.noun, at),
            category=wire.category,
            why=plain(wire.why),
            will_move=wire.will_move,
            frames=FrameRange(start=start, stop=self._frames),
            movement=plain(wire.movement_description),
            localizations=places,
            between="linear" if wire.currently_moving else "hold",
            currently_moving=wire.currently_moving,
            should_have_stayed=wire.should_have_stayed,
            original_position=self._cells(wire.original_position_grid, f"{at}.original_position_grid"),
            trajectory=path,
            size=self._size(wire.object_size_grids, bool(path), f"{at}.object_size_grids"),
            confidence=float(confidence),
        )

    def belonging(self, wire: WireBelonging, at: str) -> Belonging:
        return Belonging(
            noun=_noun(wire.noun, at),
            why=plain(wire.why),
            localizations=self._held_back(self._places(wire.grid_localizations, at), 0),
            between="linear",
        )

    def _places(self, wire: list[WireLocalization], at: str) -> tuple[GridLocalization, ...]:
        """One localization for each frame, rising."""
        cells: dict[int, set[Cell]] = {}
        for i, place in enumerate(wire):
            here = f"{at}.grid_localizations.{i}"
            frame = _within(place.frame, self._frames, f"{here}.frame")
            cells.setdefault(frame, set()).update(self._cells(place.grid_regions, f"{here}.grid_regions"))
        return tuple(GridLocalization(frame=frame, cells=_sorted(cells[frame])) for frame in sorted(cells))

    def _cells(self, wire: list[WireCell], at: str) -> tuple[Cell, ...]:
        return _sorted({self._cell(c.row, c.col, f"{at}.{i}", "row", "col") for i, c in enumerate(wire)})

    def _cell(self, row: int, col: int, at: str, row_key: str, col_key: str) -> Cell:
        return Cell(
            row=_within(row, self._grid.rows, f"{at}.{row_key}"),
            col=_within(col, self._grid.cols, f"{at}.{col_key}"),
        )

    def _held_back(self, places: tuple[GridLocalization, ...], appears: int) -> tuple[GridLocalization, ...]:
        if not places:
            return places
        first = places[0]
        since = max([appears, *(frame + 1 for frame in self._sampled if frame < first.frame)])
        return (first.model_copy(update={"frame": since}), *places) if since < first.frame else places

    def _path(self, wire: list[WirePoint], at: str) -> tuple[TrajectoryPoint, ...]:
        points = []
        for i, point in enumerate(wire):
            here = f"{at}.trajectory_path.{i}"
            frame = _within(point.frame, self._frames, f"{here}.frame")
            cell = self._cell(point.grid_row, point.grid_col, here, "grid_row", "grid_col")
            points.append(TrajectoryPoint(frame=frame, row=cell.row, col=cell.col))
        for i, (earlier, later) in enumerate(pairwise(points), 1):
            if later.frame <= earlier.frame:
                raise _out_of_bounds(
                    f"{at}.trajectory_path.{i}.frame", f"{later.frame} does not come after {earlier.frame}"
                )
        return tuple(points)

    def _size(self, wire: WireSize, needed: bool, at: str) -> CellSize | None:
        """Padded by one cell, a size may be one larger than the grid."""
        rows = _within(wire.rows, self._grid.rows + 2, f"{at}.rows")
        cols = _within(wire.cols, self._grid.cols + 2, f"{at}.cols")
        if rows and cols:
            return CellSize(rows=min(rows, self._grid.rows), cols=min(cols, self._grid.cols))
        if needed:
            raise _out_of_bounds(at, f"{rows} x {cols}, where trajectory_path needs a size")
        return None


def _noun(text: str, at: str) -> str:
    noun = plain(text)
    if not noun:
        raise _malformed(f"{at}.noun: nothing that can be read.")
    return noun


def _sorted(cells: set[Cell]) -> tuple[Cell, ...]:
    return tuple(sorted(cells, key=lambda cell: (cell.row, cell.col)))


def _within(value: int, count: int, at: str) -> int:
    if not 0 <= value < count:
        raise _out_of_bounds(at, f"{value} does not lie in 0 to {count - 1}")
    return value


def _malformed(reason: str) -> ReasoningError:
    return ReasoningError("reply-malformed", f"The reply cannot be used. {escaped(reason, 300)}", _AGAIN)


def _out_of_bounds(at: str, reason: str) -> ReasoningError:
    return ReasoningError(
        "reply-out-of-bounds", f"The reply cannot be used. {at}: {escaped(reason, 300)}.", _AGAIN
    )
