"""GrabCut from marks, or from what moves with them.

Rother et al., "GrabCut: interactive foreground extraction using iterated graph cuts", 2004.
"""

from __future__ import annotations

import cv2
import numpy as np

from void_audit.model.clip import RGB
from void_audit.model.geometry import Rect, Size
from void_audit.model.mask import Bitmap
from void_audit.pipeline.segment.edges import follow_edges
from void_audit.pipeline.segment.marks import Points, Prompt
from void_audit.pipeline.segment.window import Heat, Window, dilated, tidied, touching

_MOVES, _STAYS = 0.7, -0.5
"""Evidence of motion that is taken as certain; in between, colours decide."""


def window_of(box: Rect | None, size: Size) -> Window:
    """The box as a window; the whole picture where there is none."""
    if box is None:
        return Window(0, 0, size.width, size.height)
    return Window(box.x, box.y, box.right, box.bottom)


def cut_from_marks(picture: RGB, prompt: Prompt) -> Bitmap:
    """The colours of the box, or of the convex hull of the clicks, against those farther away."""
    return _cut(picture, _trimap(prompt, Size(picture.shape[1], picture.shape[0])))


def cut_from_motion(picture: RGB, prompt: Prompt, moved: Heat) -> Bitmap:
    """What moves with the clicks (see ``moving``), with the colours of both sides where motion cannot tell.

    What lies nearer to a background click than to one on the object is settled by colours also where it moves
    along. Only connected parts with a click; small holes are filled.
    """
    contested = _nearer(prompt.outside, prompt.inside, moved.shape)
    likely = (follow_edges(picture, moved, 8, 1e-3) > 0.05) & ~contested
    labels = np.where(likely, cv2.GC_PR_FGD, cv2.GC_PR_BGD).astype(np.uint8)
    labels[(moved > _MOVES) & ~contested] = cv2.GC_FGD
    labels[moved < _STAYS] = cv2.GC_BGD
    _mark_points(labels, prompt)
    found = touching(_cut(picture, labels), prompt.inside)
    return tidied(found, found) & ~_dots(prompt.outside, moved.shape)


def _cut(picture: RGB, labels: cv2.typing.MatLike) -> Bitmap:
    """GrabCut at half size; empty where the labels leave nothing to tell apart."""
    half = (max(picture.shape[1] // 2, 1), max(picture.shape[0] // 2, 1))
    small = cv2.resize(picture, half, interpolation=cv2.INTER_AREA)
    labels = cv2.resize(labels, half, interpolation=cv2.INTER_NEAREST)
    figure = np.isin(labels, (cv2.GC_FGD, cv2.GC_PR_FGD))
    if figure.all() or not figure.any():  # OpenCV would stop
        return np.zeros(picture.shape[:2], bool)
    cv2.setRNGSeed(1)
    cv2.grabCut(small, labels, (0, 0, 1, 1), np.zeros((1, 65)), np.zeros((1, 65)), 4, cv2.GC_INIT_WITH_MASK)
    found = np.isin(labels, (cv2.GC_FGD, cv2.GC_PR_FGD)).astype(np.float32)
    return np.asarray(cv2.resize(found, (picture.shape[1], picture.shape[0])) > 0.5)


def _trimap(prompt: Prompt, size: Size) -> cv2.typing.MatLike:
    labels = np.full((size.height, size.width), cv2.GC_BGD, np.uint8)
    if prompt.box is not None:
        _mark_box(labels, window_of(prompt.box, size))
    else:
        _mark_hull(labels, prompt.inside, size)
    _mark_points(labels, prompt)
    return labels


def _nearer(points: Points, others: Points, shape: tuple[int, ...]) -> Bitmap:
    """Pixels that are nearer to one of the points than to any of the others."""
    if not points:
        return np.zeros(shape, bool)
    near, far = (
        cv2.distanceTransform(1 - _dots(p, shape, 0).astype(np.uint8), cv2.DIST_L2, 5)
        for p in (points, others)
    )
    return np.asarray(near < far)


def _dots(points: Points, shape: tuple[int, ...], radius: int = 3) -> Bitmap:
    dots = np.zeros(shape, np.uint8)
    for point in points:
        cv2.circle(dots, point, radius, 1, -1)
    return dots > 0


def _mark_points(labels: cv2.typing.MatLike, prompt: Prompt) -> None:
    for points, label in ((prompt.inside, cv2.GC_FGD), (prompt.outside, cv2.GC_BGD)):
        for point in points:
            cv2.circle(labels, point, 3, int(label), -1)


def _mark_box(labels: cv2.typing.MatLike, box: Window) -> None:
    """All of the box but its outline may be the object."""
    labels[box.of] = cv2.GC_PR_BGD
    labels[box.top + 1 : box.bottom - 1, box.left + 1 : box.right - 1] = cv2.GC_PR_FGD


def _mark_hull(labels: cv2.typing.MatLike, clicks: Points, size: Size) -> None:
    labels[_reach(clicks, size).of] = cv2.GC_PR_BGD
    hull = np.zeros_like(labels)
    cv2.fillConvexPoly(hull, cv2.convexHull(np.array(clicks, np.int32)), 1)
    radius = max(3, min(size) // 40) if len(clicks) < 3 else 3
    labels[dilated(hull > 0, radius)] = cv2.GC_PR_FGD


def _reach(points: Points, size: Size) -> Window:
    """How far from the clicks the object may go: 40 % of their extent, at least a sixth of the picture."""
    columns, rows = zip(*points, strict=True)
    span = max(max(columns) - min(columns), max(rows) - min(rows))
    margin = max(0.4 * span, min(size) / 6)
    left, right = max(0, min(columns) - margin), min(size.width, max(columns) + margin + 1)
    top, bottom = max(0, min(rows) - margin), min(size.height, max(rows) + margin + 1)
    return Window(int(left), int(top), int(right), int(bottom))
