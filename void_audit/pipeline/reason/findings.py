"""From what was observed to the schema: affected things with cells, frames, reasons in plain words."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import cv2
import numpy as np
import numpy.typing as npt

from void_audit.model.geometry import FrameRange
from void_audit.model.grid import cells_of
from void_audit.model.reasoning import AffectedObject, GridLocalization
from void_audit.pipeline.reason.observe import Observation, cells_over_time

Cells = npt.NDArray[np.bool_]
"""``(frames, rows, cols)``."""

_MOST_LOCALIZATIONS = 400
_MOST_THINGS = 4
_REFLECTS = 0.5
"""Pixels against those of the shadow, from which on a reflection is spoken of."""
_STAYS = 3.0
"""Pixels: more is not the jitter of the mask."""
_STEADY = 0.5
"""Share of the frames on which something is guessed."""
_FEWEST_FRAMES = 5
_FEWEST_CELLS = 5


def findings(seen: Observation, name: str) -> list[AffectedObject]:
    """Affected things, the object's own artefacts first. ``name`` is what the object is called."""
    cells = {kind: cells_over_time(pixels) for kind, pixels in _sorted(seen.pixels).items()}
    found = [
        _artifact(seen, cells["shadow"], f"shadow of the {name}", "shadow falls", 0.35),
        _artifact(
            seen, cells["appearance"], f"reflection or light of the {name}", "reflection or light shows", 0.25
        ),
        _guess(seen, _steady(cells["guess"], seen.centres), name),
        *(_set_off(part, name) for part in _things(cells["affected"])),
        *(_deflected(part, name) for part in _things(cells["deflected"])),
        *(_onward(part, name) for part in _things(cells["onward"])),
    ]
    return [thing for thing in found if thing is not None]


def _sorted(pixels: dict[str, npt.NDArray[np.uint16]]) -> dict[str, npt.NDArray[np.uint16]]:
    """A little that is not clearly dark around much that is dark is the shadow's edge, not a reflection."""
    shadow, appearance = pixels["shadow"], pixels["appearance"]
    if appearance.sum() >= _REFLECTS * shadow.sum():
        return pixels
    return {**pixels, "shadow": shadow + appearance, "appearance": np.zeros_like(appearance)}


def _artifact(seen: Observation, cells: Cells, noun: str, does: str, base: float) -> AffectedObject | None:
    span = _span(cells)
    if span is None:
        return None
    clean = float(seen.clean[span.start : span.stop].mean())
    trust = base + 0.25 * clean + (0.2 if seen.travelled else 0.0)
    how = (
        "This region differs from the same place seen without the object, and it moves with the object."
        if seen.travelled
        else "This region hangs on the object and differs from the same place at other times."
    )
    return AffectedObject(
        noun=noun[:200],
        category="visual_artifact",
        why=f"The object's {does} {_side(seen, cells)}. {how}",
        will_move=False,
        frames=span,
        localizations=_localizations(cells, span),
        confidence=round(trust, 2),
    )


def _steady(cells: Cells, centres: Sequence[tuple[float, float] | None]) -> Cells:
    """While the object rests its shadow does: where darkness comes or goes meanwhile, something else casts it."""
    steady, guessed = cells.copy(), np.asarray(cells.any(axis=(1, 2)), bool)
    for rest in _rests(centres):
        frames = rest[guessed[rest]]
        if len(frames):
            steady[frames] = cells[frames].mean(axis=0) >= _STEADY
    return steady


def _rests(centres: Sequence[tuple[float, float] | None]) -> Iterator[npt.NDArray[np.int64]]:
    """Runs of frames on which the object stays where it is in the picture."""
    start = 0
    for frame in range(1, len(centres) + 1):
        here, there = centres[frame] if frame < len(centres) else None, centres[start]
        if here is None or there is None or np.hypot(here[0] - there[0], here[1] - there[1]) > _STAYS:
            if frame - start >= _FEWEST_FRAMES:
                yield np.arange(start, frame)
            start = frame


def _guess(seen: Observation, cells: Cells, name: str) -> AffectedObject | None:
    span = _span(cells)
    if span is None:
        return None
    return AffectedObject(
        noun=f"possible shadow of the {name}"[:200],
        category="visual_artifact",
        why="The surface beside the object's foot is darker than the surface around it. No frame shows this "
        "place without the object, so this is a guess: it may be a stain or a dark pattern.",
        will_move=False,
        frames=span,
        localizations=_localizations(cells, span),
        confidence=0.2,
    )


def _set_off(cells: Cells, name: str) -> AffectedObject | None:
    return _physical(
        cells,
        f"what the {name} set off",
        "It looked the same until frame {start}, when the object (or something the object had already moved) reached "
        "it; from then on it looks different. Without the object it would have stayed as it was, also where the "
        "object hides it now.",
        0.5,
    )


def _deflected(cells: Cells, name: str) -> AffectedObject | None:
    return _physical(
        cells,
        f"what the {name} stopped or turned aside",
        "It was moving before; at frame {start} it met the object, and then stopped or went another way. Without the "
        "object it would not be here, but would have gone on.",
        0.3,
    )


def _onward(cells: Cells, name: str) -> AffectedObject | None:
    return _physical(
        cells,
        f"where what met the {name} would have gone on",
        "Something came towards the object and met it at frame {start}. Without the object it would have gone on, and "
        "would be here. Rules cannot foresee: a path straight on at the same pace is assumed, without friction and "
        "obstacles, and a fall ends where the object stands.",
        0.2,
        _way,
    )


def _physical(
    cells: Cells,
    noun: str,
    why: str,
    confidence: float,
    movement: Callable[[Cells, FrameRange], str] | None = None,
) -> AffectedObject | None:
    """A thing that would move otherwise; ``why`` names its first frame, ``{start}``."""
    span = _span(cells)
    if span is None:
        return None
    return AffectedObject(
        noun=noun[:200],
        category="physical",
        why=why.format(start=span.start),
        will_move=True,
        frames=span,
        movement=(movement or _movement)(cells, span),
        localizations=_localizations(cells, span),
        confidence=confidence,
    )


def _matters(cells: npt.NDArray[np.bool_]) -> bool:
    """Whether a thing ``(frames, cells)`` is large enough on enough frames: more than a fault of the comparison."""
    return int((cells.sum(axis=1) >= _FEWEST_CELLS).sum()) >= _FEWEST_FRAMES


def _things(cells: Cells) -> Iterator[Cells]:
    """Separate things that matter: groups of cells that never touch. The largest few; the rest go with the last."""
    count, names = cv2.connectedComponents(np.asarray(cells.any(axis=0), np.uint8), connectivity=8)
    order = [name for name in range(1, count) if _matters(cells[:, names == name])]
    order.sort(key=lambda name: -int((names == name).sum()))
    groups = [[name] for name in order[: _MOST_THINGS - 1]]
    if order[_MOST_THINGS - 1 :]:
        groups.append(order[_MOST_THINGS - 1 :])
    for group in groups:
        yield cells & np.isin(names, group)


def _span(cells: Cells) -> FrameRange | None:
    used = np.flatnonzero(cells.any(axis=(1, 2)))
    return FrameRange(start=int(used[0]), stop=int(used[-1]) + 1) if len(used) else None


def _localizations(cells: Cells, span: FrameRange) -> tuple[GridLocalization, ...]:
    """Cells per held interval: all that are needed on any frame of it. Equal neighbours are said once."""
    every = -(-(span.stop - span.start) // _MOST_LOCALIZATIONS)
    places: list[GridLocalization] = []
    last = None
    for start in range(span.start, span.stop, every):
        needed = np.asarray(cells[start : min(start + every, span.stop)].any(axis=0), bool)
        if last is None or (needed != last).any():
            places.append(GridLocalization(frame=start, cells=cells_of(needed)))
        last = needed
    return tuple(places)


def _side(seen: Observation, cells: Cells) -> str:
    """Where the cells lie, seen from the object: ``to its left``, ``below it``."""
    scale = np.array([seen.grid.cols / seen.size.width, seen.grid.rows / seen.size.height])
    offsets = [
        np.argwhere(frame).mean(0)[::-1] + 0.5 - np.array(centre) * scale
        for frame, centre in zip(cells, seen.centres, strict=True)
        if centre is not None and frame.any()
    ]
    if not offsets:
        return "into the picture before the object itself is seen"
    right, down = np.mean(offsets, axis=0)
    if max(abs(right), abs(down)) < 1:
        return "around it"
    if abs(right) >= abs(down):
        return "to its right" if right > 0 else "to its left"
    return "below it" if down > 0 else "above it"


def _movement(cells: Cells, span: FrameRange) -> str:
    """How the changed region grows: where to, until when."""
    first, last = _box(cells[span.start]), _box(cells[span.stop - 1])
    whole = cells[span.start : span.stop]
    rests = span.stop - 1
    while rests > span.start and (cells[rests - 1] == cells[span.stop - 1]).all():
        rests -= 1
    shift = last - first
    words = [
        word
        for word, far in (("left", -shift[1]), ("right", shift[3]), ("up", -shift[0]), ("down", shift[2]))
        if far >= 1
    ]
    where = "towards the " + " and ".join(words) if words else "in place"
    share = 100 * whole.any(axis=0).mean()
    return (
        f"Begins to move at frame {span.start}, {where}; changes until frame {rests}. "
        f"In all it touches {share:.0f} % of the picture's cells."
    )


def _way(cells: Cells, span: FrameRange) -> str:
    """Where a thing goes that moves through the picture, and until when."""
    first, last = (np.argwhere(cells[frame]).mean(0) for frame in (span.start, span.stop - 1))
    down, right = last - first
    words = [
        word for word, far in (("left", -right), ("right", right), ("up", -down), ("down", down)) if far >= 1
    ]
    return f"Towards the {' and '.join(words) or 'viewer'} until frame {span.stop - 1}."


def _box(cells: npt.NDArray[np.bool_]) -> npt.NDArray[np.int64]:
    """Top, left, bottom, right of the chosen cells; zeros if there is none."""
    at = np.argwhere(cells)
    return np.r_[at.min(0), at.max(0)] if len(at) else np.zeros(4, np.int64)
