"""Letting evidence follow the picture's edges: the guided filter.

He, Sun, Tang, "Guided image filtering", ECCV 2010; the guide is the colour picture.
"""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from void_audit.pipeline.segment.window import Colours, Heat

Floats = npt.NDArray[np.float32]


def follow_edges(guide: Colours, values: Heat, radius: int, epsilon: float) -> Heat:
    """``values`` smoothed within squares of ``radius``, but not across the colour edges of ``guide``.

    ``epsilon`` is the colour variance (of a picture from 0 to 1) that counts as flat.
    """
    picture = guide.astype(np.float32) / np.float32(255)
    mean, level = _box(picture, radius), _box(values, radius)
    covariance = _box(picture * values[..., None], radius) - mean * level[..., None]
    slope = _slopes(picture, mean, covariance, radius, epsilon)
    offset = level - (slope * mean).sum(axis=-1)
    return np.asarray((_box(slope, radius) * picture).sum(axis=-1) + _box(offset, radius), np.float32)


def _slopes(picture: Floats, mean: Floats, covariance: Floats, radius: int, epsilon: float) -> Floats:
    """Solves the 3 x 3 colour regression of every pixel, by cofactors of the symmetric matrix."""
    products = np.stack([picture[..., i] * picture[..., j] for i, j in _PAIRS[:3]], axis=-1)
    others = np.stack([picture[..., i] * picture[..., j] for i, j in _PAIRS[3:]], axis=-1)
    means = [mean[..., i] * mean[..., j] for i, j in _PAIRS]
    rr, rg, rb = (_box(products, radius)[..., k] - means[k] for k in range(3))
    gg, gb, bb = (_box(others, radius)[..., k] - means[3 + k] for k in range(3))
    rr, gg, bb = rr + epsilon, gg + epsilon, bb + epsilon
    c_rr, c_rg, c_rb = gg * bb - gb * gb, rb * gb - rg * bb, rg * gb - rb * gg
    c_gg, c_gb, c_bb = rr * bb - rb * rb, rg * rb - rr * gb, rr * gg - rg * rg
    r, g, b = (covariance[..., k] for k in range(3))
    scale = rr * c_rr + rg * c_rg + rb * c_rb
    solved = (c_rr * r + c_rg * g + c_rb * b, c_rg * r + c_gg * g + c_gb * b, c_rb * r + c_gb * g + c_bb * b)
    return np.asarray(np.stack(solved, axis=-1) / scale[..., None], np.float32)


_PAIRS = ((0, 0), (0, 1), (0, 2), (1, 1), (1, 2), (2, 2))


def _box(values: Floats, radius: int) -> Floats:
    side = (2 * radius + 1, 2 * radius + 1)
    return np.asarray(cv2.blur(values, side, borderType=cv2.BORDER_REFLECT), np.float32)
