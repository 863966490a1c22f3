"""A contact sheet of the mask over the footage: what an approver looks at before saying yes."""

from __future__ import annotations

import cv2
import numpy as np

from void_audit.model.clip import RGB, Clip
from void_audit.model.mask import Bitmap, Classes, ClassSequence, MaskClass
from void_audit.pipeline.masks.schema import QUADMASK, ClassStyle, MaskSchema, Pattern
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
    write,
)

FRAMES = 6
COLUMNS = 3
LEGEND_ROW = 30
TINT = 0.45
PERIOD = 10
"""Distance of hatching lines, pixels of the sheet."""


def preview(clip: Clip, mask: ClassSequence, schema: MaskSchema = QUADMASK, frames: int = FRAMES) -> bytes:
    """A PNG: up to ``frames`` pictures from first to last with the mask in colour and pattern, and a legend.

    ``clip`` and ``mask`` have the same size and length.
    """
    size = tile_size(clip.info.size)
    view = clip.view(size=size)
    tiles = []
    for number in sample(len(mask), frames):
        classes = next(mask.classes(number, number + 1))
        picture = overlay(next(view.frames(number, number + 1)), shrunk(classes, size), schema)
        tiles.append(captioned(picture, _caption(number, float(number / clip.info.rate), classes)))
    above = arranged(tiles, COLUMNS)
    return png(np.vstack([above, legend(schema, above.shape[1])]))


def overlay(picture: RGB, classes: Classes, schema: MaskSchema = QUADMASK) -> RGB:
    """The picture with every class but KEEP tinted, hatched and outlined. Both have the same size."""
    out = picture.astype(np.float32)
    for style in schema.classes:
        area = classes == style.mask_class
        if style.pattern == "none" or not area.any():
            continue
        color = np.array(style.color, np.float32)
        out[area] = out[area] * (1 - TINT) + color * TINT
        drawn = area & _hatching(area.shape, style.pattern)
        out[drawn] = out[drawn] * 0.25 + color * 0.75
        out[_outline(area)] = color
    return np.clip(np.round(out), 0, 255).astype(np.uint8)


def _hatching(shape: tuple[int, ...], pattern: Pattern) -> Bitmap:
    y, x = np.mgrid[0 : shape[0], 0 : shape[1]]
    down = (x + y) % PERIOD < 2
    if pattern == "stripes":
        return np.asarray(down, bool)
    if pattern == "cross":
        return np.asarray(down | ((x - y) % PERIOD < 2), bool)
    return np.zeros(shape, bool)


def _outline(area: Bitmap) -> Bitmap:
    inner = cv2.erode(area.astype(np.uint8), np.ones((3, 3), np.uint8), borderValue=0)
    return np.asarray(area & (inner == 0), bool)


def _caption(number: int, seconds: float, classes: Classes) -> str:
    opened = 100 * float((classes != MaskClass.KEEP).mean())
    return f"frame {number}   {seconds:.2f} s   {opened:.1f} % opened"


def legend(schema: MaskSchema, width: int) -> RGB:
    """One row per class: swatch, name, stored value, meaning."""
    strip = paper(width, MARGIN + LEGEND_ROW * len(schema.classes))
    for row, style in enumerate(schema.classes):
        top = MARGIN // 2 + row * LEGEND_ROW
        strip[top : top + 20, MARGIN : MARGIN + 44] = _swatch(style, schema)
        write(strip, f"{style.name} ({style.value}): {style.meaning}", MARGIN + 56, top + 15)
    return strip


def _swatch(style: ClassStyle, schema: MaskSchema) -> RGB:
    ground = np.full((20, 44, 3), 170, np.uint8)
    swatch = overlay(ground, np.full((20, 44), style.mask_class, np.uint8), schema)
    if style.pattern == "none":
        cv2.rectangle(swatch, (0, 0), (43, 19), INK, 1)
    return swatch
