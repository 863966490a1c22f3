"""Where a frame differs from its background, with thresholds taken from the frame's own noise."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from void_audit.model.clip import RGB
from void_audit.model.mask import Bitmap
from void_audit.pipeline.reason.plate import Picture, View

Plane = npt.NDArray[np.float32]

_FINE, _SOFT = 1.0, 3.0
"""Gaussian radii in analysis pixels: edges and small things; the weak slope of a penumbra."""

_EDGE = 2.0
"""Levels per pixel by which a difference changes at a thing's edge. Light that drifted by itself on real, blurred
backgrounds had at most 1.4, the edge of a shadow that was moved along 2.1, moved things 8 and more."""

_EVERY = 4
"""Every so many pixels are enough for a median."""


@dataclass(frozen=True)
class Change:
    """What differs on one frame.

    ``changed``: from the early background. ``transient``: from both, where they were seen without the object
    nearby. ``shadowed``: darker than the early one with the same hue. ``edged``: differs from the early one with
    an edge, as a thing does that came, went or moved; light that only grows or fades has none.
    """

    changed: Bitmap
    transient: Bitmap
    shadowed: Bitmap
    edged: Bitmap


def change_on(picture: RGB, view: View, hidden: Bitmap, near: Bitmap, still: bool) -> Change:
    """Compare ``picture`` with its background.

    ``hidden``, the object itself with its edge, is no evidence of anything around it; ``near``, a wider
    neighbourhood, is left out of the noise. Brightness that changed everywhere at once (exposure) is taken
    out first, per channel.
    """
    frame = picture.astype(np.float32)
    trusted, usable = view.known & ~near, view.known & ~hidden
    first, last = (plate * _gain(frame, plate, trusted) for plate in (view.early, view.late))
    early = _difference(frame, first, trusted, usable, still)
    late = _difference(frame, last, trusted, usable, still)
    edged = early & _edges(frame - first, _slope(first) * (0.1 if still else 0.6), usable)
    return Change(early, early & late & view.far, early & _shadow_like(frame, first), edged)


def _difference(frame: Picture, plate: Picture, trusted: Bitmap, usable: Bitmap, still: bool) -> Bitmap:
    delta = frame - plate
    slope = _slope(plate) * (0.1 if still else 0.6)
    fine = _largest(np.abs(_blur_within(delta, usable, _FINE))) - slope
    soft = np.abs(_blur_within(_light(delta), usable, _SOFT)) - 0.3 * slope
    return (_above(fine, trusted, 5.0) | _above(soft, trusted, 1.5)) & usable


def _gain(frame: Picture, plate: Picture, trusted: Bitmap) -> npt.NDArray[np.float32]:
    """Exposure of this frame against the background, one factor a channel."""
    chosen = np.flatnonzero(trusted)[::_EVERY]
    if len(chosen) < 100:
        return np.ones(3, np.float32)
    ratio = (frame.reshape(-1, 3)[chosen] + 4.0) / (plate.reshape(-1, 3)[chosen] + 4.0)
    return np.asarray(np.clip(np.median(ratio, axis=0), 0.5, 2.0), np.float32)


def _above(strength: Plane, trusted: Bitmap, least: float) -> Bitmap:
    """Hysteresis: connected pixels above a low threshold that somewhere exceed twice that."""
    sample = strength[trusted][::_EVERY]
    noise = float(np.median(np.abs(sample))) if len(sample) else 0.0
    low = max(least, 4.0 * noise)
    weak = (strength > low).astype(np.uint8)
    count, labels = cv2.connectedComponents(weak, connectivity=8)
    strong = np.zeros(count, bool)
    strong[np.unique(labels[strength > 2.0 * low])] = True
    strong[0] = False
    return np.asarray(strong[labels], bool)


def _shadow_like(frame: Picture, plate: Picture) -> Bitmap:
    """Darker with about the same hue: less light on the same surface."""
    frame, plate = _blur(frame, _FINE) + 4.0, _blur(plate, _FINE) + 4.0
    light, before = _light(frame), _light(plate)
    ratio = light / before
    hue = _largest(np.abs(frame / light[..., None] - plate / before[..., None]))
    return np.asarray((ratio < 0.99) & (ratio > 0.2) & (hue < 0.1), bool)


def _blur(picture: npt.NDArray[np.float32], radius: float) -> npt.NDArray[np.float32]:
    return np.asarray(cv2.GaussianBlur(picture, (0, 0), radius), np.float32)


def _blur_within(picture: npt.NDArray[np.float32], usable: Bitmap, radius: float) -> npt.NDArray[np.float32]:
    """Blur that takes nothing from pixels outside ``usable``."""
    weight = usable.astype(np.float32)
    total = np.maximum(_blur(weight, radius), np.float32(1e-3))
    if picture.ndim == 3:
        weight, total = weight[..., None], total[..., None]
    return np.asarray(_blur(picture * weight, radius) / total, np.float32)


def _light(picture: Picture) -> Plane:
    """Mean of the channels (much faster than ``mean`` along the last axis)."""
    return np.asarray(cv2.transform(picture, np.full((1, 3), 1 / 3, np.float32)), np.float32)


def _largest(picture: Picture) -> Plane:
    """Largest of the channels."""
    return np.asarray(np.maximum(np.maximum(picture[..., 0], picture[..., 1]), picture[..., 2]), np.float32)


def _edges(delta: Picture, allowed: Plane, usable: Bitmap) -> Bitmap:
    """Where the difference has an edge; ``allowed`` is what an inexact camera estimate makes of the background's."""
    return np.asarray(_steepness(_light(_blur_within(delta, usable, _FINE))) - allowed > _EDGE, bool)


def _slope(plate: Picture) -> Plane:
    return _steepness(_blur(_light(plate), _FINE))


def _steepness(plane: Plane) -> Plane:
    """Levels per pixel."""
    across, down = cv2.Sobel(plane, cv2.CV_32F, 1, 0), cv2.Sobel(plane, cv2.CV_32F, 0, 1)
    return np.asarray(np.hypot(across, down) / 8, np.float32)
