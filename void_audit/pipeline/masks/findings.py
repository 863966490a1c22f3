"""What a reasoner found, as a picture: each affected region and belonging over the footage, with the reason below."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from void_audit.model.clip import RGB, Clip
from void_audit.model.geometry import Size
from void_audit.model.grid import fill_cells
from void_audit.model.mask import Bitmap
from void_audit.model.mask_schema import Pattern
from void_audit.model.reasoning import AffectedObject, Belonging, Consequences, Grid
from void_audit.model.track import Track
from void_audit.pipeline.masks.compose import enlarge
from void_audit.pipeline.masks.finding_marks import (
    OBJECT,
    PATH,
    WHITE,
    Color,
    draw_path,
    outline_object,
    outline_original,
)
from void_audit.pipeline.masks.grid import Finding, FindingCells, chosen
from void_audit.pipeline.masks.preview import marked
from void_audit.pipeline.masks.sheet import (
    INK,
    MARGIN,
    TILE_WIDTH,
    arranged,
    paper,
    png,
    sample,
    shrunk,
    text_width,
    tile_size,
    wrapped,
    write,
)

COLUMNS = 3
LOOKED_AT = 200
"""Frames on which a finding's size is measured, to show it where it is largest."""

NAME_LINES = 2
REASON_LINES = 12
"""Reason and movement of the lengths that models are asked to keep to fit."""

LINE = 18
FOREIGN = "(in letters that this picture lacks: see the record)"
SWATCH = (14, 32)
"""Rows and columns of the sample beside a name."""


@dataclass(frozen=True)
class _Style:
    """How one kind of finding is drawn, and what the legend says of it."""

    meaning: str
    color: Color
    pattern: Pattern


_PHYSICAL = _Style("would look or move otherwise without the object", (0, 180, 216), "stripes")
_VISUAL = _Style("shadow, reflection or light of the object", (155, 93, 229), "dots")
_BELONGING = _Style("belongs to the object and goes with it", (255, 183, 3), "cross")
_STYLES = (_PHYSICAL, _VISUAL, _BELONGING)


def findings_picture(clip: Clip, track: Track, consequences: Consequences) -> bytes:
    """A PNG with one tile for each affected object and belonging, and a legend; one tile says it if there is none.

    A tile shows the frame on which the finding covers most cells (the middle one of several), its cells tinted, the
    object outlined, its path and its original position, and below name (affected ones numbered, as warnings
    and commands number them), kind, frames, confidence and reason. Text is
    ASCII and cut where it is too long: the full text is in the record.

    Args:
        clip: the footage.
        track: the object, at any working size; as many frames as the clip.
        consequences: as checked for this clip.
    """
    names = [f"{number}. {thing.noun}" for number, thing in enumerate(consequences.affected, 1)]
    names += [belonging.noun for belonging in consequences.belongings]
    found = zip(_all(consequences), names, strict=True)
    tiles = [_tile(clip, track, consequences.grid, finding, name) for finding, name in found]
    tiles = tiles or [_empty_tile(clip, track, consequences)]
    height = max(tile.shape[0] for tile in tiles)
    above = arranged([_padded(tile, height) for tile in tiles], COLUMNS)
    return png(np.vstack([above, _legend(consequences, above.shape[1])]))


def _all(consequences: Consequences) -> tuple[Finding, ...]:
    return (*consequences.affected, *consequences.belongings)


def _style(finding: Finding) -> _Style:
    if isinstance(finding, Belonging):
        return _BELONGING
    return _PHYSICAL if finding.category == "physical" else _VISUAL


def _tile(clip: Clip, track: Track, grid: Grid, finding: Finding, name: str) -> RGB:
    cells = FindingCells(finding, grid)
    frame = _best_frame(cells, finding, clip.info.frames)
    picture = _footage(clip, frame)
    style = _style(finding)
    picture = marked(picture, _pixels(cells.at(frame), clip.info.size), style.color, style.pattern)
    outline_object(picture, _object(track, frame, picture))
    if isinstance(finding, AffectedObject):
        outline_original(picture, _pixels(chosen(finding.original_position, grid), clip.info.size))
        draw_path(picture, finding, grid)
    shown = frame if cells.at(frame).any() else None
    return np.vstack([_on_paper(picture), _words(clip, finding, name, shown)])


def _empty_tile(clip: Clip, track: Track, consequences: Consequences) -> RGB:
    """The frame on which most of the object is seen, and what the reasoner says of it."""
    frames = sample(clip.info.frames, LOOKED_AT)
    frame = max(frames, key=lambda number: int(track.masks[number].sum()))
    picture = _footage(clip, frame)
    outline_object(picture, _object(track, frame, picture))
    lines = ["Nothing was found that the object caused.", "", *_cut(consequences.summary, REASON_LINES)]
    return np.vstack([_on_paper(picture), _text(lines)])


def _footage(clip: Clip, frame: int) -> RGB:
    view = clip.view(size=tile_size(clip.info.size))
    return np.array(next(view.frames(frame, frame + 1)))


def _object(track: Track, frame: int, picture: RGB) -> Bitmap:
    return enlarge(track.masks[frame], Size(picture.shape[1], picture.shape[0]))


def _best_frame(cells: FindingCells, finding: Finding, frames: int) -> int:
    """Of frames evenly spread over its range, and the one of its largest localization, where most cells are.

    What moves between localizations is shown on one of these: in between it covers more than it was seen in.
    """
    span: Sequence[int] = range(frames)
    if isinstance(finding, AffectedObject):
        span = span[finding.frames.start : finding.frames.stop]
    seen = [place.frame for place in finding.localizations if place.cells and place.frame in span]
    if finding.between == "linear" and seen:
        span = seen
    looked_at = {span[number] for number in sample(len(span), LOOKED_AT)}
    largest = max(finding.localizations, key=lambda place: len(place.cells), default=None)
    if largest is not None and largest.frame in span:
        looked_at.add(largest.frame)
    counts = {frame: int(cells.at(frame).sum()) for frame in sorted(looked_at)}
    most = max(counts.values())
    best = [frame for frame, count in counts.items() if count == most]
    return best[len(best) // 2]


def _pixels(cells: Bitmap, size: Size) -> Bitmap:
    """Cells of a picture of ``size`` as pixels of its tile, which may have fewer pixels than there are cells."""
    return shrunk(fill_cells(cells, size).astype(np.uint8), tile_size(size)) > 0


def _on_paper(picture: RGB) -> RGB:
    """Tiles are equally wide, also of upright footage: there must be room for text."""
    tile = paper(TILE_WIDTH, picture.shape[0])
    left = (TILE_WIDTH - picture.shape[1]) // 2
    tile[:, left : left + picture.shape[1]] = picture
    return tile


def _padded(tile: RGB, height: int) -> RGB:
    return np.vstack([tile, paper(tile.shape[1], height - tile.shape[0])])


def _words(clip: Clip, finding: Finding, name: str, shown: int | None) -> RGB:
    """What the finding is called, of which kind it is, when and why."""
    indent = SWATCH[1] + 10
    names = _cut(name, NAME_LINES, TILE_WIDTH - indent)
    reason = _cut(_reason(finding), REASON_LINES)
    strip = _text([*("" for _ in names), _kind(finding), _when(finding, clip, shown), *reason])
    strip[4 : 4 + SWATCH[0], : SWATCH[1]] = _swatch(_style(finding))
    for number, part in enumerate(names):
        for thickened in (0, 1):
            write(strip, part, indent + thickened, LINE * (number + 1))
    return strip


def _kind(finding: Finding) -> str:
    if isinstance(finding, Belonging):
        return "belongs to the object"
    kind = "physical" if finding.category == "physical" else "visual artifact"
    moves = "; would move" if finding.will_move else ""
    stays = "; would still be where it was" if finding.should_have_stayed else ""
    return f"{kind}, confidence {100 * finding.confidence:.0f} %{moves}{stays}"


def _when(finding: Finding, clip: Clip, shown: int | None) -> str:
    """A finding without a place has no effect on the mask: whoever looks at it should know."""
    here = "no place is named" if shown is None else f"frame {shown} is shown"
    if isinstance(finding, Belonging):
        return here
    first, last = finding.frames.start, finding.frames.stop - 1
    return f"frames {first} to {last} ({_seconds(clip, first)} to {_seconds(clip, last)} s); {here}"


def _seconds(clip: Clip, frame: int) -> str:
    return f"{float(frame / clip.info.rate):.2f}"


def _reason(finding: Finding) -> str:
    if isinstance(finding, Belonging):
        return finding.why
    return f"{finding.why} {finding.movement}"


def _cut(text: str, lines: int, width: int = TILE_WIDTH) -> list[str]:
    """At most so many lines, with an ellipsis where something is missing."""
    shown = wrapped(text if _foreign(text) <= 0.5 else FOREIGN, width)
    if len(shown) <= lines:
        return shown
    last = shown[lines - 1]
    while text_width(f"{last} ...") > width:
        last = last[:-1]
    return [*shown[: lines - 1], f"{last} ..."]


def _foreign(text: str) -> float:
    """The part of a text's letters that the font lacks."""
    letters = [unicodedata.normalize("NFKD", c)[0] for c in text if c.isalpha()]
    return sum(not c.isascii() for c in letters) / max(1, len(letters))


def _text(lines: list[str]) -> RGB:
    strip = paper(TILE_WIDTH, LINE * len(lines) + LINE)
    for number, line in enumerate(lines):
        write(strip, line, 0, LINE * (number + 1))
    return strip


def _legend(consequences: Consequences, width: int) -> RGB:
    """What each mark means, of those that occur."""
    rows = [(_swatch(style), style.meaning) for style in _STYLES if style in map(_style, _all(consequences))]
    rows.append((_sample(OBJECT, WHITE), "outline of the object that is removed"))
    if any(thing.trajectory for thing in consequences.affected):
        rows.append((_sample(PATH, INK), "where it would move, and its size at both ends"))
    if any(thing.original_position for thing in consequences.affected):
        swatch = np.full((*SWATCH, 3), 170, np.uint8)
        outline_original(swatch, np.ones(SWATCH, np.bool_))
        rows.append((swatch, "where it was, and would be still"))
    strip = paper(width, MARGIN + 24 * len(rows))
    for number, (swatch, meaning) in enumerate(rows):
        top = MARGIN // 2 + 24 * number
        strip[top : top + SWATCH[0], MARGIN : MARGIN + SWATCH[1]] = swatch
        write(strip, meaning, MARGIN + SWATCH[1] + 10, top + 12)
    return strip


def _swatch(style: _Style) -> RGB:
    ground = np.full((*SWATCH, 3), 170, np.uint8)
    return marked(ground, np.ones(SWATCH, np.bool_), style.color, style.pattern)


def _sample(color: Color, casing: Color) -> RGB:
    """A line as it is drawn."""
    ground = np.full((*SWATCH, 3), 170, np.uint8)
    middle = SWATCH[0] // 2
    ground[middle - 2 : middle + 3], ground[middle - 1 : middle + 1] = casing, color
    return ground
