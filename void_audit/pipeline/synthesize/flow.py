"""Dense optical flow, following it, and what flickers along it."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from void_audit.model.clip import RGB
from void_audit.model.mask import Bitmap

Flow = npt.NDArray[np.float32]
"""``(h, w, 2)``: where each pixel of one picture lies in another, as a difference in pixels."""

Floats = npt.NDArray[np.float32]

Part = tuple[slice, slice]
"""Rows and columns of a picture."""

MARGIN = 24
"""Surroundings of the opened box that take part in the flow, pixels."""

LEAST_SIDE = 32
"""DIS needs pictures of some size; smaller ones are taken for unmoved."""

STILL = 0.25
"""Flow shorter than this is noise; following it would only blur."""


def part_around(opened: Bitmap) -> Part:
    """The opened area's box and its surroundings."""
    x, y, w, h = cv2.boundingRect(opened.astype(np.uint8))
    return slice(max(0, y - MARGIN), y + h + MARGIN), slice(max(0, x - MARGIN), x + w + MARGIN)


def flow_between(one: RGB, other: RGB) -> Flow:
    """Flow from ``one`` to ``other`` (Kroeger et al., "Fast Optical Flow using Dense Inverse Search", 2016)."""
    flow = np.zeros((*one.shape[:2], 2), np.float32)
    if min(one.shape[:2]) < LEAST_SIDE:
        return flow
    engine = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_FAST)
    gray, gray_other = (cv2.cvtColor(p, cv2.COLOR_RGB2GRAY) for p in (one, other))
    flow = np.asarray(engine.calc(gray, gray_other, flow), np.float32)
    flow[np.abs(flow).max(axis=2) < STILL] = 0
    return flow


def follow(picture: RGB, flow: Flow) -> tuple[RGB, Bitmap]:
    """``picture`` moved back along ``flow``, and which pixels lie inside it."""
    height, width = flow.shape[:2]
    x, y = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
    x, y = x + flow[..., 0], y + flow[..., 1]
    moved = cv2.remap(picture, x, y, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
    inside = (x >= 0) & (x <= width - 1) & (y >= 0) & (y <= height - 1)
    return np.asarray(moved, np.uint8), np.asarray(inside, np.bool_)


def likeness(one: RGB, other: RGB, sigma: float) -> Floats:
    """1 where two pictures agree over a 5 x 5 patch, falling off with ``sigma`` levels."""
    difference = cv2.absdiff(one, other).max(axis=2).astype(np.float32)
    mean = cv2.boxFilter(difference, -1, (5, 5), borderType=cv2.BORDER_REFLECT)
    return np.asarray(np.exp(-0.5 * np.square(mean / np.float32(sigma))), np.float32)


def flicker(picture: RGB, before: RGB, flow: Flow, area: Bitmap) -> tuple[float, int]:
    """Sum of absolute differences to the previous picture along the flow inside ``area``, and their number."""
    moved, inside = follow(before, flow)
    counted = inside & area
    return float(cv2.absdiff(picture, moved)[counted].sum(dtype=np.float64)), 3 * int(counted.sum())
