"""Pictures on which a model can name places: a grid drawn over them, rows and columns numbered at the border."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from void_audit.model.clip import RGB
from void_audit.model.geometry import Size
from void_audit.model.grid import edges
from void_audit.model.mask import Bitmap
from void_audit.model.reasoning import Grid

Borders = npt.NDArray[np.int64]

SHORT_SIDE = 384
"""Pixels of the short side of a picture: what the stages before work with, and cells of 48 pixels at 8 rows."""

LONG_SIDE = 1280
LEAST_CELL = 20
"""Pixels of a cell, where the grid is fine: two digits fit."""

TINT = (255, 0, 255)
LINE = (255, 255, 0)
DARK = (0, 0, 0)
INK = (20, 20, 20)
PAPER = 245
FONT = cv2.FONT_HERSHEY_SIMPLEX
FONT_SCALE = 0.45
TITLE = 22
MARGIN = 24
"""Of the border with the numbers, pixels: its text is never shrunk with the picture."""


def shown_size(size: Size, grid: Grid) -> Size:
    """How large a picture of ``size`` is shown with ``grid``: enough for the numbers, a pixel a cell at least."""
    short = max(SHORT_SIDE, LEAST_CELL * min(grid.rows, grid.cols))
    scale = min(short / min(size), LONG_SIDE / max(size))
    return Size(max(grid.cols, round(size.width * scale)), max(grid.rows, round(size.height * scale)))


def tinted(picture: RGB, mask: Bitmap) -> RGB:
    """The picture with what the mask covers in magenta, outlined. The mask may have another size."""
    height, width = picture.shape[:2]
    area = cv2.resize(mask.astype(np.uint8), (width, height), interpolation=cv2.INTER_NEAREST_EXACT)
    out = picture.copy()
    inside = area > 0
    out[inside] = (0.55 * picture[inside] + 0.45 * np.array(TINT)).astype(np.uint8)
    contours, _ = cv2.findContours(area, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    cv2.drawContours(out, contours, -1, TINT, 2)
    return out


def gridded(picture: RGB, grid: Grid, title: str) -> RGB:
    """The picture with grid lines, in a border with row and column numbers on all sides and a title above.

    Border ``i`` of the grid lies where ``model.grid.edges`` puts it. Where cells are too narrow for their
    numbers, every second, fifth, tenth ... is numbered.
    """
    height, width = picture.shape[:2]
    rows, cols = edges(height, grid.rows), edges(width, grid.cols)
    out = np.full((TITLE + height + 2 * MARGIN, width + 2 * MARGIN, 3), PAPER, np.uint8)
    top = TITLE + MARGIN
    out[top : top + height, MARGIN : MARGIN + width] = _lined(picture, rows[1:-1], cols[1:-1])
    _text(out, title, MARGIN, TITLE - 6)
    for row in range(0, grid.rows, _step(rows, 14)):
        y = top + (rows[row] + rows[row + 1]) // 2
        for x in (MARGIN // 2, MARGIN + width + MARGIN // 2):
            _number(out, row, x, y)
    for col in range(0, grid.cols, _step(cols, 22)):
        x = MARGIN + (cols[col] + cols[col + 1]) // 2
        for y in (TITLE + MARGIN // 2, top + height + MARGIN // 2):
            _number(out, col, x, y)
    return out


def _lined(picture: RGB, rows: Borders, cols: Borders) -> RGB:
    """Yellow lines with a dark one beside each: one of the two shows on any picture."""
    lined = picture.astype(np.float32)
    for color, shift, weight in ((DARK, -1, 0.5), (LINE, 0, 0.8)):
        for lines in (np.s_[rows + shift, :], np.s_[:, cols + shift]):
            lined[lines] = lined[lines] * (1 - weight) + np.array(color, np.float32) * weight
    return np.asarray(lined, np.uint8)


def _step(borders: Borders, needed: int) -> int:
    """Number every ``step``-th cell, so that each number has ``needed`` pixels."""
    cell = float(borders[-1]) / (len(borders) - 1)
    return next(s for s in (1, 2, 5, 10, 20, 50, 100, 1000) if s * cell >= needed or s == 1000)


def _number(out: RGB, number: int, x: int, y: int) -> None:
    (width, height), _ = cv2.getTextSize(str(number), FONT, FONT_SCALE, 1)
    _text(out, str(number), int(x) - width // 2, int(y) + height // 2)


def _text(out: RGB, text: str, x: int, y: int) -> None:
    cv2.putText(out, text, (x, y), FONT, FONT_SCALE, INK, 1, cv2.LINE_AA)
