"""Things that pass by: pixels outside opened areas that nevertheless do not show the background.

A hand that reaches over the removed glass is the only thing ever seen where the glass stands, so agreement of
samples cannot expose it. Its surroundings can: where the window's median picture is sure, the hand differs from
it, and the rest of the hand is reached from there by a watershed on the picture's own edges.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
import numpy.typing as npt

from void_audit.model.clip import RGB
from void_audit.model.mask import Bitmap
from void_audit.pipeline.synthesize.camera import Matrix, Pose, project, relative

MOST = 25
"""Frames that make the median picture, evenly spread."""

SURE = 0.5
"""Share of the frames that have a pixel in view which must agree on it."""

CANVAS = 2.0
"""The median picture reaches at most this many frame widths and heights beyond its reference frame."""

_BACKGROUND, _PASSING, _OPENED = 1, 2, 3


def passing(
    frames: Sequence[RGB], opened: Sequence[Bitmap], poses: Sequence[Pose], consistency: float
) -> list[Bitmap]:
    """For each (small) frame: pixels on something that passes by. Opened pixels are never among them."""
    found: list[Bitmap] = [np.zeros(o.shape, bool) for o in opened]
    for shot in sorted({p.shot for p in poses}):
        members = [i for i, p in enumerate(poses) if p.shot == shot]
        reference = poses[members[len(members) // 2]]
        to_reference = {i: _known(relative(poses[i], reference)) for i in members}
        offset, size = _canvas([to_reference[i] for i in members], opened[0].shape)
        maps = {i: offset @ to_reference[i] for i in members}
        median, sure = _median_picture(frames, opened, maps, size, consistency)
        for i in members:
            found[i] = _passing(frames[i], opened[i], maps[i], median, sure, consistency)
    return found


def _known(matrix: Matrix | None) -> Matrix:
    return np.eye(3) if matrix is None else matrix


def _canvas(maps: Sequence[Matrix], shape: tuple[int, ...]) -> tuple[Matrix, tuple[int, int]]:
    """Shift to a canvas around all frames, bounded, and its width and height."""
    height, width = shape[0], shape[1]
    corners = np.array([[0, 0], [width, 0], [0, height], [width, height]], np.float32)
    reach = np.concatenate([project(m, corners) for m in maps])
    reach = reach[np.isfinite(reach).all(axis=1)]
    bound = np.array([width * CANVAS, height * CANVAS])
    low = np.floor(np.maximum(reach.min(axis=0), -bound))
    high = np.ceil(np.minimum(reach.max(axis=0), bound + np.array([width, height])))
    shift = np.array([[1, 0, -low[0]], [0, 1, -low[1]], [0, 0, 1]], np.float64)
    return shift, (max(1, int(high[0] - low[0])), max(1, int(high[1] - low[1])))


def _median_picture(
    frames: Sequence[RGB],
    opened: Sequence[Bitmap],
    maps: dict[int, Matrix],
    size: tuple[int, int],
    consistency: float,
) -> tuple[RGB, Bitmap]:
    """Median of what is seen of each pixel of the canvas, and where it can be relied upon."""
    members = list(maps)
    chosen = [members[i] for i in np.unique(np.linspace(0, len(members) - 1, MOST).astype(int))]
    pictures, visible = [], []
    in_view = np.zeros((size[1], size[0]), np.int16)
    for i in chosen:
        pictures.append(np.asarray(cv2.warpPerspective(frames[i], maps[i], size), np.uint8))
        state = np.where(opened[i], 1, 2).astype(np.uint8)
        warped = cv2.warpPerspective(state, maps[i], size, flags=cv2.INTER_NEAREST)
        visible.append(warped == 2)
        in_view += warped > 0
    median = masked_median(pictures, visible)
    agreeing = np.zeros(in_view.shape, np.int16)
    for picture, seen in zip(pictures, visible, strict=True):
        agreeing += seen & (deviation(picture, median) <= consistency)
    return median, np.asarray((agreeing >= SURE * in_view) & (agreeing >= 3), np.bool_)


def masked_median(pictures: Sequence[RGB], visible: Sequence[Bitmap]) -> RGB:
    """Median per sample over the pictures in which it is visible; 255 where it never is."""
    rows = [np.where(v[..., None], p, 255).astype(np.uint8) for p, v in zip(pictures, visible, strict=True)]
    for turn in range(len(rows)):
        for i in range(turn % 2, len(rows) - 1, 2):
            rows[i], rows[i + 1] = np.minimum(rows[i], rows[i + 1]), np.maximum(rows[i], rows[i + 1])
    middle = (np.maximum(np.sum(visible, axis=0), 1) - 1) // 2
    result = rows[0]
    for index, row in enumerate(rows):
        result = np.where((middle == index)[..., None], row, result)
    return np.asarray(result, np.uint8)


def deviation(a: RGB, b: RGB) -> npt.NDArray[np.uint8]:
    """Largest difference of the three channels, in levels."""
    return np.asarray(cv2.absdiff(a, b).max(axis=2), np.uint8)


def _passing(
    frame: RGB, opened: Bitmap, to_canvas: Matrix, median: RGB, sure: Bitmap, consistency: float
) -> Bitmap:
    height, width = opened.shape
    back = cv2.WARP_INVERSE_MAP
    expected = np.asarray(
        cv2.warpPerspective(median, to_canvas, (width, height), flags=cv2.INTER_LINEAR | back), np.uint8
    )
    known = cv2.warpPerspective(
        sure.astype(np.uint8), to_canvas, (width, height), flags=cv2.INTER_NEAREST | back
    ).astype(bool)
    # A sub-pixel error of the warp at an edge is no passing thing: small specks are opened away.
    differs = known & ~opened & (cv2.GaussianBlur(deviation(frame, expected), (3, 3), 0) > 2 * consistency)
    seeds = cv2.morphologyEx(differs.astype(np.uint8), cv2.MORPH_OPEN, np.ones((3, 3), np.uint8)).astype(bool)
    if not seeds.any():
        return np.zeros(opened.shape, bool)
    markers = np.zeros(opened.shape, np.int32)
    markers[known & ~differs] = _BACKGROUND
    markers[seeds] = _PASSING
    markers[opened] = _OPENED
    cv2.watershed(frame, markers)
    grown = cv2.dilate((markers == _PASSING).astype(np.uint8), np.ones((5, 5), np.uint8))
    return np.asarray(grown.astype(bool) & ~opened, np.bool_)
