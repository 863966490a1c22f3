"""Lines over a picture: round an object, round an original position, along a path. Drawn into the picture given."""

from __future__ import annotations

from itertools import pairwise

import cv2
import numpy as np

from void_audit.model.clip import RGB
from void_audit.model.mask import Bitmap
from void_audit.model.reasoning import AffectedObject, CellSize, Grid, TrajectoryPoint
from void_audit.pipeline.masks.sheet import INK

Color = tuple[int, int, int]

WHITE: Color = (255, 255, 255)
OBJECT: Color = (230, 57, 70)
ORIGINAL: Color = (255, 140, 0)
PATH: Color = (255, 235, 59)


def outline_object(picture: RGB, area: Bitmap) -> None:
    """Round what the object covers."""
    contours, _ = cv2.findContours(area.astype(np.uint8), cv2.RETR_LIST, cv2.CHAIN_APPROX_NONE)
    cv2.drawContours(picture, contours, -1, WHITE, 4)
    cv2.drawContours(picture, contours, -1, OBJECT, 2)


def outline_original(picture: RGB, area: Bitmap) -> None:
    """A dashed border, dark between the dashes: it shows on any ground."""
    border = area & (cv2.erode(area.astype(np.uint8), np.ones((5, 5), np.uint8), borderValue=0) == 0)
    y, x = np.nonzero(border)
    dash = (x + y) % 14 < 9
    picture[y, x] = np.where(dash[:, None], np.array(ORIGINAL), np.array(INK))


def draw_path(picture: RGB, thing: AffectedObject, grid: Grid) -> None:
    """Lines from keyframe to keyframe with an arrow, and what it covers at the start and at the end."""
    if not thing.trajectory:
        return
    places = [_middle(point, picture, grid) for point in thing.trajectory]
    for point, thickness in ((thing.trajectory[0], 1), (thing.trajectory[-1], 2)):
        _rectangle(picture, point, thing.size, grid, thickness)
    steps = [(a, b) for a, b in pairwise(places) if a != b]
    for color, thickness in ((INK, 5), (PATH, 2)):
        for start, end in steps[:-1]:
            cv2.line(picture, start, end, color, thickness, cv2.LINE_AA)
        for start, end in steps[-1:]:
            cv2.arrowedLine(picture, start, end, color, thickness, cv2.LINE_AA, tipLength=_tip(start, end))
        cv2.circle(picture, places[0], thickness + 1, color, -1, cv2.LINE_AA)


def _tip(start: tuple[int, int], end: tuple[int, int]) -> float:
    """The arrow's head as a part of its line, so that it is 12 pixels long."""
    return min(1.0, 12 / float(np.hypot(end[0] - start[0], end[1] - start[1])))


def _middle(point: TrajectoryPoint, picture: RGB, grid: Grid) -> tuple[int, int]:
    height, width = picture.shape[:2]
    return int((point.col + 0.5) * width / grid.cols), int((point.row + 0.5) * height / grid.rows)


def _rectangle(
    picture: RGB, point: TrajectoryPoint, size: CellSize | None, grid: Grid, thickness: int
) -> None:
    height, width = picture.shape[:2]
    x, y = _middle(point, picture, grid)
    across = (size.cols if size else 1) * width / grid.cols / 2
    down = (size.rows if size else 1) * height / grid.rows / 2
    corners = (round(x - across), round(y - down)), (round(x + across), round(y + down))
    cv2.rectangle(picture, *corners, INK, thickness + 2)
    cv2.rectangle(picture, *corners, PATH, thickness)
