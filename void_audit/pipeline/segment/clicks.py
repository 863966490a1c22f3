"""Checking clicks against a clip, and grouping them by frame."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from void_audit.errors import RequestError
from void_audit.model.clip import ClipInfo
from void_audit.model.track import Click

Points = tuple[tuple[int, int], ...]
"""Pixels, column then row."""


@dataclass(frozen=True)
class Prompt:
    """What a person clicked on one frame: pixels of the object, and pixels that are not the object."""

    frame: int
    inside: Points
    outside: Points


def check_clicks(clicks: Sequence[Click], info: ClipInfo) -> None:
    """Raise RequestError unless every click lies in the clip and at least one is on the object.

    Codes: ``clicks-none``, ``click-outside-clip`` (no such frame), ``click-outside-frame`` (beyond the edges).
    """
    if not any(click.label == "object" for click in clicks):
        raise RequestError(
            "clicks-none",
            f"None of the {len(clicks)} clicks is on the object.",
            "Give at least one click with label 'object'.",
        )
    for click in clicks:
        _check_place(click, info)


def prompts(clicks: Sequence[Click], info: ClipInfo) -> tuple[Prompt, ...]:
    """The clicks by frame, in order, for frames with at least one click on the object.

    Background clicks on other frames cannot start a mask; they are left out.
    """
    check_clicks(clicks, info)
    frames = sorted({click.frame for click in clicks if click.label == "object"})
    return tuple(
        Prompt(frame, _points(clicks, frame, "object"), _points(clicks, frame, "background"))
        for frame in frames
    )


def _check_place(click: Click, info: ClipInfo) -> None:
    if click.frame >= info.frames:
        raise RequestError(
            "click-outside-clip",
            f"There is a click on frame {click.frame}; the clip has frames 0 to {info.frames - 1}.",
            "Frames are counted from 0.",
        )
    if click.x >= info.width or click.y >= info.height:
        raise RequestError(
            "click-outside-frame",
            f"The click at ({click.x:g}, {click.y:g}) on frame {click.frame} is outside the picture of "
            f"{info.width} x {info.height} pixels.",
            "Clicks are pixels from the top left of the picture as displayed.",
        )


def _points(clicks: Sequence[Click], frame: int, label: str) -> Points:
    return tuple((int(c.x), int(c.y)) for c in clicks if c.frame == frame and c.label == label)
