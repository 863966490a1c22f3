"""A contact sheet of the mask over the footage: what an approver looks at before saying yes."""

from __future__ import annotations

import cv2
import numpy as np

from void_audit.media.reader import pictures_at
from void_audit.model.clip import RGB, Clip
from void_audit.model.mask import Bitmap, Classes, ClassSequence
from void_audit.model.mask_schema import MaskSchema, Pattern
from void_audit.pipeline.masks.sheet import (
    INK,
    MARGIN,
    arranged,
    captioned,
    paper,
    png,
    sample,
    shrunk,
    tile_size,
    wrapped,
    write,
)

FRAMES = 6
COLUMNS = 3
LEGEND_ROW = 30
LEGEND_LINE = 18
LEGEND_GAP = 4
SWATCH = (20, 44)
"""Rows and columns of a legend's sample."""
TINT = 0.45
PERIOD = 10
"""Distance of hatching lines, pixels of the sheet."""


def preview(clip: Clip, mask: ClassSequence, schema: MaskSchema, frames: int = FRAMES) -> bytes:
    """A PNG: up to ``frames`` pictures from first to last with the mask in colour and pattern, and a legend.

    ``clip`` and ``mask`` have the same size and length; the mask is of ``schema``.
    """
    size = tile_size(clip.info.size)
    view = clip.view(size=size)
    tiles = []
    numbers = sample(len(mask), frames)
    for number, shown in zip(numbers, pictures_at(view, numbers), strict=True):
        classes = next(mask.classes(number, number + 1))
        picture = overlay(shown, shrunk(classes, size), schema)
        opened = float(schema.opens[classes].mean())
        tiles.append(captioned(picture, _caption(number, float(number / clip.info.rate), opened)))
    above = arranged(tiles, COLUMNS)
    return png(np.vstack([above, legend(schema, above.shape[1])]))


def overlay(picture: RGB, classes: Classes, schema: MaskSchema) -> RGB:
    """The picture with every class that has a pattern tinted, hatched and outlined. Both have the same size."""
    out = picture
    for index, spec in enumerate(schema.classes):
        if spec.pattern != "none":
            out = marked(out, classes == index, spec.color, spec.pattern)
    return out


def marked(picture: RGB, area: Bitmap, color: tuple[int, int, int], pattern: Pattern) -> RGB:
    """The picture with an area of the same size tinted, hatched and outlined."""
    out, paint = picture.astype(np.float32), np.array(color, np.float32)
    out[area] = out[area] * (1 - TINT) + paint * TINT
    drawn = area & _hatching(area.shape, pattern)
    out[drawn] = out[drawn] * 0.25 + paint * 0.75
    out[_outline(area)] = paint
    return np.clip(np.round(out), 0, 255).astype(np.uint8)


def _hatching(shape: tuple[int, ...], pattern: Pattern) -> Bitmap:
    """Where a pattern's lines or dots are: a texture fixed to the sheet, not to the area."""
    y, x = np.mgrid[0 : shape[0], 0 : shape[1]]
    half = PERIOD // 2
    drawn = {
        "stripes": (x + y) % PERIOD < 2,
        "cross": ((x + y) % PERIOD < 2) | ((x - y) % PERIOD < 2),
        "dots": (x % PERIOD - half) ** 2 + (y % PERIOD - half) ** 2 <= 5,
        "rows": y % PERIOD < 2,
        "columns": x % PERIOD < 2,
        "checks": (x // half + y // half) % 2 == 0,
    }
    return np.asarray(drawn.get(pattern, np.zeros(shape, bool)), np.bool_)


def _outline(area: Bitmap) -> Bitmap:
    inner = cv2.erode(area.astype(np.uint8), np.ones((3, 3), np.uint8), borderValue=0)
    return np.asarray(area & (inner == 0), bool)


def _caption(number: int, seconds: float, opened: float) -> str:
    return f"frame {number}   {seconds:.2f} s   {100 * opened:.1f} % opened"


def legend(schema: MaskSchema, width: int) -> RGB:
    """Per class: swatch, name, stored value, and its meaning in as many lines as it needs at this width."""
    left = MARGIN + SWATCH[1] + 12
    texts = [
        wrapped(f"{spec.name} ({spec.value}): {spec.meaning}", width - left - LEGEND_GAP)
        for spec in schema.classes
    ]
    heights = [LEGEND_ROW + LEGEND_LINE * (len(lines) - 1) for lines in texts]
    strip = paper(width, MARGIN + sum(heights))
    top = MARGIN // 2
    for index, (lines, height) in enumerate(zip(texts, heights, strict=True)):
        strip[top : top + SWATCH[0], MARGIN : MARGIN + SWATCH[1]] = _swatch(index, schema)
        for number, line in enumerate(lines):
            write(strip, line, left, top + 15 + LEGEND_LINE * number)
        top += height
    return strip


def _swatch(index: int, schema: MaskSchema) -> RGB:
    ground = np.full((*SWATCH, 3), 170, np.uint8)
    swatch = overlay(ground, np.full(SWATCH, index, np.uint8), schema)
    if schema.classes[index].pattern == "none":
        cv2.rectangle(swatch, (0, 0), (SWATCH[1] - 1, SWATCH[0] - 1), INK, 1)
    return swatch
