"""Contact sheets: pictures in columns with captions on paper, as a PNG."""

from __future__ import annotations

import unicodedata

import cv2
import numpy as np
import numpy.typing as npt

from void_audit.model.clip import RGB
from void_audit.model.geometry import Size
from void_audit.model.mask import Classes

TILE_WIDTH = 480
MAX_TILE_HEIGHT = 640
MARGIN = 16
CAPTION = 30
FONT = cv2.FONT_HERSHEY_SIMPLEX
FONT_SCALE = 0.48
INK = (32, 33, 36)
PAPER = (250, 250, 248)
PNG_LEVEL = 6
"""Level 9 took 14 times as long for a tenth less."""


def sample(length: int, count: int) -> list[int]:
    """Up to ``count`` frame numbers from the first to the last, evenly spread."""
    count = min(count, length)
    return [round(i * (length - 1) / max(1, count - 1)) for i in range(count)]


def tile_size(size: Size) -> Size:
    """The size at which a picture is shown."""
    scale = min(TILE_WIDTH / size.width, MAX_TILE_HEIGHT / size.height)
    return Size(max(1, round(size.width * scale)), max(1, round(size.height * scale)))


def shrunk(classes: Classes, size: Size) -> Classes:
    """Nearest neighbour, since classes have no mean."""
    return np.asarray(cv2.resize(classes, tuple(size), interpolation=cv2.INTER_NEAREST_EXACT), np.uint8)


def captioned(picture: RGB, text: str) -> RGB:
    """The picture with a line of text below it."""
    strip = paper(picture.shape[1], CAPTION)
    write(strip, text, 0, CAPTION - 10)
    return np.vstack([picture, strip])


def arranged(tiles: list[RGB], columns: int) -> RGB:
    """Tiles of one size in rows of ``columns``."""
    height, width = tiles[0].shape[:2]
    columns = min(columns, len(tiles))
    rows = -(-len(tiles) // columns)
    sheet = paper(sheet_width(width, columns), MARGIN + rows * height)
    for i, tile in enumerate(tiles):
        row, column = divmod(i, columns)
        top, left = MARGIN + row * height, MARGIN + column * (width + MARGIN)
        sheet[top : top + height, left : left + width] = tile
    return sheet


def sheet_width(tile_width: int, columns: int) -> int:
    """Wide enough for the tiles, and for a legend below them."""
    return max(MARGIN + columns * (tile_width + MARGIN), 2 * MARGIN + 440)


def paper(width: int, height: int) -> RGB:
    """An empty area."""
    return np.full((height, width, 3), PAPER, np.uint8)


def write(picture: npt.NDArray[np.uint8], text: str, x: int, y: int) -> None:
    """A line of text; ``y`` is its base line."""
    cv2.putText(picture, text, (x, y), FONT, FONT_SCALE, INK, 1, cv2.LINE_AA)


def text_width(text: str) -> int:
    """How many pixels wide ``write`` draws it."""
    (width, _), _ = cv2.getTextSize(text, FONT, FONT_SCALE, 1)
    return int(width)


def wrapped(text: str, width: int) -> list[str]:
    """The text in lines of at most ``width`` pixels, broken at spaces, or inside a word that is longer than a line.

    The font has ASCII only: accents are dropped, other letters become question marks.
    """
    decomposed = (c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))
    words = "".join(c if c.isprintable() or c.isspace() else "?" for c in decomposed)
    lines = [""]
    for word in words.encode("ascii", "replace").decode("ascii").split():
        for part in _parts(word, width):
            longer = f"{lines[-1]} {part}".lstrip()
            if lines[-1] and text_width(longer) > width:
                lines.append(part)
            else:
                lines[-1] = longer
    return lines


def _parts(word: str, width: int) -> list[str]:
    """A word cut into pieces that fit; one letter always does."""
    parts = [""]
    for letter in word:
        if parts[-1] and text_width(parts[-1] + letter) > width:
            parts.append("")
        parts[-1] += letter
    return parts


def png(picture: RGB) -> bytes:
    """The picture as a PNG file."""
    done, data = cv2.imencode(".png", picture[:, :, ::-1], [cv2.IMWRITE_PNG_COMPRESSION, PNG_LEVEL])
    if not done:
        raise AssertionError("OpenCV cannot encode PNG")
    return data.tobytes()
