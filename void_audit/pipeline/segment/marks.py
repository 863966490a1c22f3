"""Checking marks (clicks and boxes) against a clip, and grouping them by object and frame."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import ceil

from void_audit.errors import RequestError
from void_audit.model.clip import ClipInfo
from void_audit.model.geometry import Rect
from void_audit.model.track import Box, Click, Mark

Points = tuple[tuple[int, int], ...]
"""Pixels, column then row."""


@dataclass(frozen=True)
class Prompt:
    """What a person marked on one frame: pixels of the object, pixels that are not, and a box round the object.

    At least one of ``inside`` and ``box`` is there. ``box`` is cut to the picture, in whole pixels, outwards.
    """

    frame: int
    inside: Points
    outside: Points
    box: Rect | None = None


def check_marks(marks: Sequence[Mark], info: ClipInfo) -> None:
    """Raise RequestError unless every mark lies in the clip and every object has a click on it or a box.

    Codes: ``clicks-none`` (nothing is on the object), ``click-outside-clip``, ``box-outside-clip`` (no such
    frame), ``click-outside-frame`` (beyond the edges), ``box-outside-frame`` (no part is in the picture),
    ``box-repeated`` (two boxes round one object on one frame).
    """
    for number in sorted({mark.object for mark in marks}) or [1]:
        _check_object(marks, number)
    for mark in marks:
        if isinstance(mark, Box):
            _check_box(mark, info)
        else:
            _check_click(mark, info)


def objects(marks: Sequence[Mark]) -> tuple[int, ...]:
    """The numbers of the objects that have marks, in order."""
    return tuple(sorted({mark.object for mark in marks}))


def marked_frames(marks: Sequence[Mark]) -> tuple[int, ...]:
    """The frames that have marks of any kind, in order: ``Track.clicked``."""
    return tuple(sorted({mark.frame for mark in marks}))


def prompts(marks: Sequence[Mark], info: ClipInfo, object: int = 1) -> tuple[Prompt, ...]:  # noqa: A002
    """The marks of one object by frame, in order, for frames with a click on the object or a box.

    Background clicks on other frames cannot start a mask; they are left out. Raises RequestError for
    unusable marks (see ``check_marks``).
    """
    check_marks(marks, info)
    own = [mark for mark in marks if mark.object == object]
    return tuple(_prompt(own, frame, info) for frame in sorted({m.frame for m in own if _on_object(m)}))


def _prompt(marks: Sequence[Mark], frame: int, info: ClipInfo) -> Prompt:
    here = [mark for mark in marks if mark.frame == frame]
    boxes = [_within(mark, info) for mark in here if isinstance(mark, Box)]
    return Prompt(
        frame, tuple(_points(here, "object")), tuple(_points(here, "background")), next(iter(boxes), None)
    )


def _points(marks: Sequence[Mark], label: str) -> Iterator[tuple[int, int]]:
    return ((int(m.x), int(m.y)) for m in marks if isinstance(m, Click) and m.label == label)


def _on_object(mark: Mark) -> bool:
    return isinstance(mark, Box) or mark.label == "object"


def _within(box: Box, info: ClipInfo) -> Rect:
    left, top = int(box.x), int(box.y)
    right, bottom = min(box.x + box.width, info.width), min(box.y + box.height, info.height)
    return Rect(x=left, y=top, width=ceil(right) - left, height=ceil(bottom) - top)


def _check_object(marks: Sequence[Mark], number: int) -> None:
    own = [mark for mark in marks if mark.object == number]
    if not any(_on_object(mark) for mark in own):
        raise RequestError(
            "clicks-none",
            f"None of the {len(own)} clicks for object {number} is on it, and it has no box.",
            "Give at least one click with label 'object', or a box, for every object.",
        )
    boxes = Counter(mark.frame for mark in own if isinstance(mark, Box))
    if repeated := [frame for frame, count in boxes.items() if count > 1]:
        raise RequestError(
            "box-repeated",
            f"Object {number} has {boxes[repeated[0]]} boxes on frame {repeated[0]}.",
            "Draw one box round the whole object, or number the objects.",
        )


def _check_click(click: Click, info: ClipInfo) -> None:
    if click.frame >= info.frames:
        raise _no_such_frame("click", click, info)
    if click.x >= info.width or click.y >= info.height:
        raise RequestError(
            "click-outside-frame",
            f"The click at ({click.x:g}, {click.y:g}) on frame {click.frame} is outside the picture of "
            f"{info.width} x {info.height} pixels.",
            "Clicks are pixels from the top left of the picture as displayed.",
        )


def _check_box(box: Box, info: ClipInfo) -> None:
    if box.frame >= info.frames:
        raise _no_such_frame("box", box, info)
    if box.x >= info.width or box.y >= info.height:
        raise RequestError(
            "box-outside-frame",
            f"The box at ({box.x:g}, {box.y:g}) on frame {box.frame} is outside the picture of "
            f"{info.width} x {info.height} pixels.",
            "Boxes are in pixels from the top left of the picture as displayed.",
        )


def _no_such_frame(what: str, mark: Mark, info: ClipInfo) -> RequestError:
    return RequestError(
        f"{what}-outside-clip",
        f"There is a {what} on frame {mark.frame}; the clip has frames 0 to {info.frames - 1}.",
        "Frames are counted from 0.",
    )
