"""Things that pass by: pixels outside opened areas that nevertheless do not show the background.

A hand that reaches over the removed glass is the only thing ever seen where the glass stands, so agreement of
samples cannot expose it. Its surroundings can: where the window's median picture is sure, the hand differs from
it, and the rest of the hand is reached from there by a watershed on the picture's own edges.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

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

LEAST_COMMON = 0.1
"""Share of a frame that two frames must have in common before their light is compared."""

ISLAND = 0.01
"""Share of the picture below which a piece surrounded by opened pixels is small."""

_BACKGROUND, _PASSING, _OPENED = 1, 2, 3


@dataclass(frozen=True)
class Scenery:
    """What is known of the frames of a window beside the opened areas."""

    passing: list[Bitmap]
    """For each (small) frame: pixels on something that passes by. Opened pixels are never among them."""
    light: npt.NDArray[np.int16]
    """``(frames, 3)``: levels to add to a frame to give it the overall light of its shot's middle frame."""


def survey(
    frames: Sequence[RGB], opened: Sequence[Bitmap], poses: Sequence[Pose], consistency: float
) -> Scenery:
    """Find what passes by, and how the overall light changes, on small views of a window's frames."""
    scenery = Scenery([np.zeros(o.shape, bool) for o in opened], np.zeros((len(frames), 3), np.int16))
    for shot in sorted({p.shot for p in poses}):
        members = [i for i, p in enumerate(poses) if p.shot == shot]
        middle = members[len(members) // 2]
        to_reference = {i: _known(relative(poses[i], poses[middle])) for i in members}
        offset, size = _canvas([to_reference[i] for i in members], opened[0].shape)
        maps = {i: offset @ to_reference[i] for i in members}
        scenery.light[members] = _light(frames, opened, maps, middle, size)
        # A change of exposure is nothing that passes.
        steady = {i: relit(frames[i], scenery.light[i]) for i in members}
        median, sure = _median_picture(steady, opened, maps, size, consistency)
        for i in members:
            scenery.passing[i] = _passing(steady[i], opened[i], maps[i], median, sure, consistency)
    return scenery


def relit(colours: npt.NDArray[np.uint8], shift: npt.NDArray[np.int16]) -> npt.NDArray[np.uint8]:
    """``(..., 3)`` colours with ``shift`` levels added per channel."""
    if not shift.any():
        return colours
    return np.asarray(np.clip(colours.astype(np.int16) + shift, 0, 255), np.uint8)


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


def _light(
    frames: Sequence[RGB],
    opened: Sequence[Bitmap],
    maps: dict[int, Matrix],
    reference: int,
    size: tuple[int, int],
) -> npt.NDArray[np.int16]:
    """Median difference of the reference frame to each, where both show something; 0 if they share too little."""
    target, there = _placed(frames[reference], opened[reference], maps[reference], size)
    shifts = np.zeros((len(maps), 3), np.int16)
    for row, (i, motion) in enumerate(maps.items()):
        picture, visible = _placed(frames[i], opened[i], motion, size)
        common = visible & there
        if np.count_nonzero(common) >= LEAST_COMMON * opened[i].size:
            difference = target[common].astype(np.int16) - picture[common]
            shifts[row] = np.rint(np.median(difference, axis=0))
    return shifts


def _placed(frame: RGB, opened: Bitmap, motion: Matrix, size: tuple[int, int]) -> tuple[RGB, Bitmap]:
    """A frame on the canvas, and where it shows something there."""
    picture = np.asarray(cv2.warpPerspective(frame, motion, size), np.uint8)
    shown = cv2.warpPerspective((~opened).astype(np.uint8), motion, size, flags=cv2.INTER_NEAREST)
    return picture, np.asarray(shown, np.bool_)


def _median_picture(
    frames: dict[int, RGB],
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
        picture, shown = _placed(frames[i], opened[i], maps[i], size)
        pictures.append(picture)
        visible.append(shown)
        everywhere = np.ones(opened[i].shape, np.uint8)
        in_view += np.asarray(
            cv2.warpPerspective(everywhere, maps[i], size, flags=cv2.INTER_NEAREST), np.int16
        )
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
    islands = _islands(opened, known & ~differs)
    if not seeds.any():
        return islands
    markers = np.zeros(opened.shape, np.int32)
    markers[known & ~differs] = _BACKGROUND
    markers[seeds] = _PASSING
    markers[opened] = _OPENED
    cv2.watershed(frame, markers)
    grown = cv2.dilate((markers == _PASSING).astype(np.uint8), np.ones((5, 5), np.uint8))
    return np.asarray((grown.astype(bool) & ~opened) | islands, np.bool_)


def _islands(opened: Bitmap, background: Bitmap) -> Bitmap:
    """Small pieces among opened pixels with nothing in them that is known to be background."""
    count, labels, stats, _ = cv2.connectedComponentsWithStats((~opened).astype(np.uint8), connectivity=4)
    small = stats[:, cv2.CC_STAT_AREA] < ISLAND * opened.size
    holds = np.bincount(labels[background], minlength=count) > 0
    doubtful = small & ~holds
    doubtful[0] = False
    return np.asarray(doubtful[labels], np.bool_)
