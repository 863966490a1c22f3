"""A mask as people look at it: chosen frames over the footage, and the shares of its classes over time."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import cv2
import numpy as np
import numpy.typing as npt

from void_audit.errors import MaskError
from void_audit.media.reader import pictures_at
from void_audit.model.clip import RGB, Clip
from void_audit.model.geometry import Size
from void_audit.model.grid import edges
from void_audit.model.mask import ClassSequence
from void_audit.model.mask_schema import MaskSchema
from void_audit.model.reasoning import Grid
from void_audit.pipeline.masks.class_tables import counted
from void_audit.pipeline.masks.preview import COLUMNS, FRAMES, legend, overlay
from void_audit.pipeline.masks.sheet import (
    INK,
    MARGIN,
    PAPER,
    arranged,
    captioned,
    paper,
    png,
    sample,
    shrunk,
    text_width,
    tile_size,
    write,
)

MOST_FRAMES = 48
"""On one sheet."""

CHART_HEIGHT = 120
_LABELS = 64
"""Width of the scale's labels."""

LABEL = 16
"""Height of a number on the grid."""

_SCALES = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0)

Shares = npt.NDArray[np.float32]
"""``(frames, classes)``, 0 to 1."""


def mask_picture(
    clip: Clip,
    mask: ClassSequence,
    schema: MaskSchema,
    frames: tuple[int, ...] | None = None,
    grid: Grid | None = None,
) -> bytes:
    """A PNG: the mask over frames (default: six from first to last), a chart of all frames, a legend.

    With a ``grid`` its lines and the numbers of its rows and columns are drawn, by which cells are named in edits.

    Raises:
        MaskError: mask-size, mask-frames where mask and clip do not fit or a frame is not in the clip; mask-values.
    """
    check_clip(clip, mask)
    numbers = chosen(frames, len(mask)) if frames is not None else sample(len(mask), FRAMES)
    view = clip.view(size=tile_size(clip.info.size))
    tiles = []
    for number, shown in zip(numbers, pictures_at(view, numbers), strict=True):
        classes = next(mask.classes(number, number + 1))
        share = _shares(classes, schema)
        picture = overlay(shown, shrunk(classes, view.info.size), schema)
        picture = picture if grid is None else _ruled(picture, grid)
        seconds, opened = float(number / clip.info.rate), 100 * float(share[schema.opens].sum())
        tiles.append(captioned(picture, f"frame {number}   {seconds:.2f} s   {opened:.2f} % open"))
    sheet = arranged(tiles, COLUMNS)
    shares = np.stack([_shares(classes, schema) for classes in mask.classes()])
    return png(
        np.vstack([sheet, chart(shares, schema, sheet.shape[1], numbers), legend(schema, sheet.shape[1])])
    )


def _ruled(picture: RGB, grid: Grid) -> RGB:
    """The picture with a grid over it, rows numbered down the left side and columns along the top."""
    out, size = picture.copy(), Size(picture.shape[1], picture.shape[0])
    if grid.rows > size.height or grid.cols > size.width:
        raise MaskError(
            "mask-edit-grid", f"{grid.rows}x{grid.cols} cells cannot be told apart.", "Choose fewer."
        )
    rows, columns = edges(size.height, grid.rows), edges(size.width, grid.cols)
    out[rows[1:-1]] = out[rows[1:-1]] // 2 + 100
    out[:, columns[1:-1]] = out[:, columns[1:-1]] // 2 + 100
    _numbers(out, _middles(columns), across=True)
    _numbers(out, _middles(rows), across=False)
    return out


def _middles(borders: npt.NDArray[np.int64]) -> list[int]:
    return [int(a + b) // 2 for a, b in pairwise(borders)]


def _numbers(picture: RGB, places: list[int], across: bool) -> None:
    """Numbers on small labels along an edge: every one, or every second, fifth, ... where cells are narrow."""
    room = (places[-1] - places[0]) / max(1, len(places) - 1)
    need = text_width(str(len(places))) + 8 if across else LABEL + 2
    step = next((s for s in (1, 2, 5, 10, 20, 50, 100) if s * room >= need), len(places))
    for number in range(0, len(places), step):
        wide = text_width(str(number)) + 4
        # Rows begin below the columns' numbers.
        left, top = (
            (max(0, places[number] - wide // 2), 0)
            if across
            else (0, max(LABEL, places[number] - LABEL // 2))
        )
        label = picture[top : top + LABEL, left : left + wide]
        label[...] = PAPER
        write(label, str(number), 2, 12)


def check_clip(clip: Clip, mask: ClassSequence) -> None:
    """Raises MaskError mask-size or mask-frames where they do not fit."""
    info = clip.info
    if info.size != mask.size:
        raise MaskError(
            "mask-size",
            f"The mask is {mask.size.width}x{mask.size.height}, the clip {info.width}x{info.height}.",
            "Show the mask over the clip that it is for.",
        )
    if info.frames != len(mask):
        raise MaskError(
            "mask-frames",
            f"The mask has {len(mask)} frames, the clip {info.frames}.",
            "Show the mask over the clip that it is for.",
        )


def chosen(frames: Sequence[int], length: int) -> list[int]:
    """The frames, once each and in order. Raises MaskError mask-frames for none, too many, or one that is not there."""
    numbers = sorted(set(frames))
    if not 1 <= len(numbers) <= MOST_FRAMES:
        raise MaskError(
            "mask-frames", f"{len(numbers)} frames are to be shown.", f"Choose 1 to {MOST_FRAMES} of them."
        )
    for number in (numbers[0], numbers[-1]):
        if not 0 <= number < length:
            raise MaskError(
                "mask-frames", f"There is no frame {number}.", f"Frames are counted from 0 to {length - 1}."
            )
    return numbers


def _shares(classes: npt.NDArray[np.uint8], schema: MaskSchema) -> npt.NDArray[np.float32]:
    counts = counted(classes)
    if counts[len(schema.classes) :].any():
        raise MaskError(
            "mask-values",
            f"There is no mask class {classes.max()}.",
            f"Classes are 0 to {len(schema.classes) - 1}.",
        )
    return (counts[: len(schema.classes)] / classes.size).astype(np.float32)


def chart(shares: Shares, schema: MaskSchema, width: int, numbers: Sequence[int]) -> RGB:
    """Shares of all classes but the background, one above the other, against the frame number.

    Args:
        shares: of every frame.
        schema: what the mask is of; colours and patterns are its own.
        width: of the strip, pixels.
        numbers: frames to point out.
    """
    across = width - 2 * MARGIN - _LABELS
    columns = _columns(shares, schema, across)
    drawn = np.delete(columns, schema.background, axis=1)
    scale = next(s for s in _SCALES if s >= min(1.0, float(drawn.sum(axis=1).max())) - 1e-6)
    strip = paper(width, CHART_HEIGHT + 4 * MARGIN)
    top, left = 2 * MARGIN, MARGIN + _LABELS
    area = strip[top : top + CHART_HEIGHT, left : left + across]
    area[...] = overlay(area, _stacked(columns, schema, scale), schema)
    cv2.rectangle(strip, (left - 1, top - 1), (left + across, top + CHART_HEIGHT), INK, 1)
    write(strip, "share of the picture per class, by frame", left, top - 10)
    write(strip, f"{100 * scale:g} %", MARGIN, top + 10)
    write(strip, "0 %", MARGIN, top + CHART_HEIGHT)
    _ticks(strip, left, across, len(shares), numbers)
    return strip


def _columns(shares: Shares, schema: MaskSchema, across: int) -> Shares:
    """The shares of every column; of several frames in a column those of the one of which most is open."""
    frames = len(shares)
    first = np.arange(across) * frames // across
    if frames <= across:
        return shares[first]
    opened = shares[:, schema.opens].sum(axis=1)
    ends = [*first[1:], frames]
    return shares[[a + int(opened[a:b].argmax()) for a, b in zip(first, ends, strict=True)]]


def _stacked(columns: Shares, schema: MaskSchema, scale: float) -> npt.NDArray[np.uint8]:
    """A picture of classes, ``(CHART_HEIGHT, columns)``: what a frame holds at all covers a pixel."""
    rows = np.ceil(columns / scale * CHART_HEIGHT - 1e-3).astype(np.int64)
    rows[:, schema.background] = 0
    tops = rows.cumsum(axis=1)
    height = CHART_HEIGHT - 1 - np.arange(CHART_HEIGHT)[:, None]
    picture = np.full((CHART_HEIGHT, len(columns)), schema.background, np.uint8)
    for index in reversed(range(len(schema.classes))):
        if index != schema.background:
            picture[height < tops[None, :, index]] = index
    return picture


def _ticks(strip: RGB, left: int, across: int, frames: int, numbers: Sequence[int]) -> None:
    """Frame numbers below the chart, as many as fit, with a mark at each shown frame."""
    bottom, free = strip.shape[0] - 2 * MARGIN, 0
    for number in numbers:
        x = left + (2 * number + 1) * across // (2 * frames)
        cv2.line(strip, (x, bottom), (x, bottom + 5), INK, 1)
        wide = text_width(str(number))
        start = min(max(x - wide // 2, 0), strip.shape[1] - wide)
        if start >= free:
            write(strip, str(number), start, bottom + 20)
            free = start + wide + 8
