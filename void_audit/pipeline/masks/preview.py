"""A contact sheet of the mask over the footage: what an approver looks at before saying yes."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from void_audit.model.clip import RGB, Clip
from void_audit.model.geometry import Size
from void_audit.model.mask import Bitmap, Classes, ClassSequence, MaskClass
from void_audit.pipeline.masks.schema import QUADMASK, ClassStyle, MaskSchema, Pattern

FRAMES = 6
COLUMNS = 3
TILE_WIDTH = 480
MAX_TILE_HEIGHT = 640
MARGIN = 16
CAPTION = 30
LEGEND_ROW = 30
INK = (32, 33, 36)
PAPER = (250, 250, 248)
TINT = 0.45
PERIOD = 10
"""Distance of hatching lines, pixels of the sheet."""
PNG_LEVEL = 6
"""Level 9 took 14 times as long for a tenth less."""


def preview(clip: Clip, mask: ClassSequence, schema: MaskSchema = QUADMASK, frames: int = FRAMES) -> bytes:
    """A PNG: up to ``frames`` pictures from first to last with the mask in colour and pattern, and a legend.

    ``clip`` and ``mask`` have the same size and length.
    """
    size = _tile_size(clip.info.size)
    view = clip.view(size=size)
    tiles = []
    for number in sample(len(mask), frames):
        classes = next(mask.classes(number, number + 1))
        picture = overlay(next(view.frames(number, number + 1)), _shrunk(classes, size), schema)
        tiles.append(_captioned(picture, _caption(number, float(number / clip.info.rate), classes)))
    sheet = np.vstack([_arranged(tiles), _legend(schema, _sheet_width(size, len(tiles)))])
    done, png = cv2.imencode(".png", sheet[:, :, ::-1], [cv2.IMWRITE_PNG_COMPRESSION, PNG_LEVEL])
    if not done:
        raise AssertionError("OpenCV cannot encode PNG")
    return png.tobytes()


def sample(length: int, count: int) -> list[int]:
    """Up to ``count`` frame numbers from the first to the last, evenly spread."""
    count = min(count, length)
    return [round(i * (length - 1) / max(1, count - 1)) for i in range(count)]


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


def _tile_size(size: Size) -> Size:
    scale = min(TILE_WIDTH / size.width, MAX_TILE_HEIGHT / size.height)
    return Size(max(1, round(size.width * scale)), max(1, round(size.height * scale)))


def _shrunk(classes: Classes, size: Size) -> Classes:
    """Nearest neighbour, since classes have no mean."""
    return np.asarray(cv2.resize(classes, tuple(size), interpolation=cv2.INTER_NEAREST_EXACT), np.uint8)


def _caption(number: int, seconds: float, classes: Classes) -> str:
    opened = 100 * float((classes != MaskClass.KEEP).mean())
    return f"frame {number}   {seconds:.2f} s   {opened:.1f} % opened"


def _captioned(picture: RGB, text: str) -> RGB:
    strip = _paper(picture.shape[1], CAPTION)
    _write(strip, text, 0, CAPTION - 10)
    return np.vstack([picture, strip])


def _arranged(tiles: list[RGB]) -> RGB:
    height, width = tiles[0].shape[:2]
    columns = min(COLUMNS, len(tiles))
    rows = -(-len(tiles) // columns)
    sheet = _paper(_sheet_width(Size(width, height), len(tiles)), MARGIN + rows * height)
    for i, tile in enumerate(tiles):
        row, column = divmod(i, columns)
        top, left = MARGIN + row * height, MARGIN + column * (width + MARGIN)
        sheet[top : top + height, left : left + width] = tile
    return sheet


def _sheet_width(tile: Size, tiles: int) -> int:
    return max(MARGIN + min(COLUMNS, tiles) * (tile.width + MARGIN), 2 * MARGIN + 440)


def _legend(schema: MaskSchema, width: int) -> RGB:
    """One row per class: swatch, name, stored value, meaning."""
    strip = _paper(width, MARGIN + LEGEND_ROW * len(schema.classes))
    for row, style in enumerate(schema.classes):
        top = MARGIN // 2 + row * LEGEND_ROW
        strip[top : top + 20, MARGIN : MARGIN + 44] = _swatch(style, schema)
        _write(strip, f"{style.name} ({style.value}): {style.meaning}", MARGIN + 56, top + 15)
    return strip


def _swatch(style: ClassStyle, schema: MaskSchema) -> RGB:
    ground = np.full((20, 44, 3), 170, np.uint8)
    swatch = overlay(ground, np.full((20, 44), style.mask_class, np.uint8), schema)
    if style.pattern == "none":
        cv2.rectangle(swatch, (0, 0), (43, 19), INK, 1)
    return swatch


def _paper(width: int, height: int) -> RGB:
    return np.full((height, width, 3), PAPER, np.uint8)


def _write(picture: npt.NDArray[np.uint8], text: str, x: int, y: int) -> None:
    cv2.putText(picture, text, (x, y), cv2.FONT_HERSHEY_SIMPLEX, 0.48, INK, 1, cv2.LINE_AA)
