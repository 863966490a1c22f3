"""Candidates for the mask of a marked frame: the saliency network on crops of several sizes, and GrabCut.

GrabCut: Rother et al., "GrabCut: interactive foreground extraction using iterated graph cuts", 2004.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np

from void_audit.model.clip import RGB
from void_audit.model.geometry import Rect, Size
from void_audit.model.mask import Bitmap
from void_audit.pipeline.segment.marks import Points, Prompt
from void_audit.pipeline.segment.saliency import Saliency
from void_audit.pipeline.segment.window import Window, around, dilated, extent, share_of, tidied, touching

SEED_SIDE = 320
"""Working resolution of the network on a marked frame, where it has to be right."""

_FRACTIONS = (0.25, 0.4, 0.6, 0.9, 1.3)
"""Crop sizes round the clicks, of the picture's shorter side."""

_SPANS = (1.3, 1.7, 2.4)
"""Crop sizes round the clicks, of the clicks' own extent."""

_ROOM = (1.15, 1.4, 1.8)
"""Crop sizes round a box, of its own size."""

_LEVELS = (0.3, 0.5, 0.7)
"""Saliency above which a pixel belongs to a candidate."""

_SMALLEST_CROP = 64

_STEP = 1.3
"""A crop is taken only if it is this much larger than the one before."""

_CUT = -1
"""Number of the source GrabCut."""


@dataclass(frozen=True)
class Candidate:
    """A mask, the number of the crop it was seen in (-1 GrabCut), and how whole it looks, 0 to 1.

    Seen in a crop round clicks: 1 where the crop cuts nothing off. In a box: 1 where it fills the box.
    """

    mask: Bitmap
    source: int
    whole: float


def candidates(picture: RGB, prompt: Prompt, saliency: Saliency) -> Iterator[Candidate]:
    """Masks of what was marked; any of them may be empty. With a box, none reaches out of it."""
    size = Size(picture.shape[1], picture.shape[0])
    for number, crop in enumerate(crops(prompt, size)):
        heat = saliency(np.ascontiguousarray(picture[crop.of]), SEED_SIDE)
        for level in _LEVELS:
            mask = np.zeros(picture.shape[:2], bool)
            mask[crop.of] = heat > level
            mask = _meant(mask, prompt)
            yield Candidate(mask, number, _wholeness(mask, crop, prompt.box, size))
    mask = _meant(_cut(picture, prompt), prompt)
    yield Candidate(mask, _CUT, _wholeness(mask, window_of(None, size), prompt.box, size))


def crops(prompt: Prompt, size: Size) -> list[Window]:
    """Windows of growing size: of the box's shape round a box, else square round the clicks; cut to the picture."""
    if prompt.box is not None:
        return _crops_of_box(window_of(prompt.box, size), size)
    columns, rows = zip(*prompt.inside, strict=True)
    span = max(max(columns) - min(columns), max(rows) - min(rows))
    centre = (max(columns) + min(columns)) / 2, (max(rows) + min(rows)) / 2
    sides = [f * min(size) for f in _FRACTIONS] + [s * span for s in _SPANS]
    windows: list[Window] = []
    last = max(_SMALLEST_CROP, 1.1 * span) / _STEP
    for side in sorted(sides):
        window = around(centre, side, side, size)
        if side > _STEP * last and window not in windows:
            windows.append(window)
            last = side
    return windows or [around(centre, max(size), max(size), size)]


def window_of(box: Rect | None, size: Size) -> Window:
    """The box as a window; the whole picture where there is none."""
    if box is None:
        return Window(0, 0, size.width, size.height)
    return Window(box.x, box.y, box.right, box.bottom)


def _crops_of_box(box: Window, size: Size) -> list[Window]:
    height, width = box.shape
    windows: list[Window] = []
    for room in _ROOM:
        window = box.resized(max(room * width, _SMALLEST_CROP), max(room * height, _SMALLEST_CROP), size)
        if window not in windows:
            windows.append(window)
    return windows


def _meant(mask: Bitmap, prompt: Prompt) -> Bitmap:
    """The parts that are clicked; in a box, all of any size."""
    if prompt.box is None:
        return touching(mask, prompt.inside)
    boxed = np.zeros_like(mask)
    part = window_of(prompt.box, Size(*mask.shape[::-1])).of
    boxed[part] = mask[part]
    return tidied(boxed, boxed) | touching(boxed, prompt.inside)


def _wholeness(mask: Bitmap, crop: Window, box: Rect | None, size: Size) -> float:
    if box is not None:
        found = extent(mask)
        return share_of(found, window_of(box, size)) if found else 0.0
    return _uncut(mask, crop, size)


def _uncut(mask: Bitmap, crop: Window, size: Size) -> float:
    """1 if the crop's border cuts nothing off, down to 0. The picture's own border may cut."""
    part = mask[crop.of]
    sides = (
        (crop.left > 0, part[:, 0]), (crop.right < size.width, part[:, -1]),
        (crop.top > 0, part[0]), (crop.bottom < size.height, part[-1]),
    )  # fmt: skip
    cut = sum(int(line.sum()) for inner, line in sides if inner)
    return max(0.0, 1 - cut / max(float(np.sqrt(part.sum())), 1.0))


def _cut(picture: RGB, prompt: Prompt) -> Bitmap:
    """GrabCut, started from the box or the convex hull of the clicks, at half size."""
    size = Size(picture.shape[1], picture.shape[0])
    half = (max(size.width // 2, 1), max(size.height // 2, 1))
    small = cv2.resize(picture, half, interpolation=cv2.INTER_AREA)
    labels = cv2.resize(_trimap(prompt, size), half, interpolation=cv2.INTER_NEAREST)
    figure = np.isin(labels, (cv2.GC_FGD, cv2.GC_PR_FGD))
    if figure.all() or not figure.any():  # nothing to tell apart, and OpenCV would stop
        return np.zeros(picture.shape[:2], bool)
    cv2.setRNGSeed(1)
    cv2.grabCut(small, labels, (0, 0, 1, 1), np.zeros((1, 65)), np.zeros((1, 65)), 4, cv2.GC_INIT_WITH_MASK)
    found = np.isin(labels, (cv2.GC_FGD, cv2.GC_PR_FGD)).astype(np.float32)
    return np.asarray(cv2.resize(found, tuple(size)) > 0.5)


def _trimap(prompt: Prompt, size: Size) -> cv2.typing.MatLike:
    labels = np.full((size.height, size.width), cv2.GC_BGD, np.uint8)
    if prompt.box is not None:
        _mark_box(labels, window_of(prompt.box, size))
    else:
        _mark_hull(labels, prompt.inside, size)
    for points, label in ((prompt.inside, cv2.GC_FGD), (prompt.outside, cv2.GC_BGD)):
        for point in points:
            cv2.circle(labels, point, 3, int(label), -1)
    return labels


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
