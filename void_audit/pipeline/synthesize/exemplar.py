"""Filling what no frame ever shows, by example: PatchMatch, and a smooth fill where there is no example.

Wexler, Shechtman, Irani, "Space-Time Completion of Video" (2007); Barnes et al., "PatchMatch" (2009), as built
by pypatchmatch. The native code trusts its caller, so everything it depends on is checked here first.
"""

from __future__ import annotations

import threading

import cv2
import numpy as np
import numpy.typing as npt
import patchmatch

from void_audit.model.clip import RGB
from void_audit.model.mask import Bitmap

_LOCK = threading.Lock()
"""The random seed is a global of the native library."""

MIN_SIDE = 32
"""Smaller pictures hold no examples worth searching."""

MIN_EXAMPLES = 256
"""Whole patches that must lie on known pixels."""


def fill(picture: RGB, hole: Bitmap, unknown: Bitmap, patch: int, seed: int) -> RGB | None:
    """Fill ``hole`` with patches of the rest of ``picture``.

    Args:
        picture: ``(h, w, 3)`` uint8.
        hole: pixels to fill.
        unknown: further pixels that are no examples; they are left alone.
        patch: side of a patch, pixels.
        seed: equal seeds give equal fills.

    Returns:
        The filled picture, or None if it holds too few examples.
    """
    if not hole.any():
        return picture.copy()
    if not _has_examples(hole | unknown, patch):
        return None
    start = np.ascontiguousarray(smooth(picture, hole | unknown))
    with _LOCK:
        patchmatch.set_random_seed(seed % (1 << 32))
        try:
            filled = patchmatch.inpaint(
                start,
                hole.astype(np.uint8),
                global_mask=(unknown & ~hole).astype(np.uint8),
                patch_size=max(1, patch // 2),
            )
        except RuntimeError:
            # The native code gave up; the report counts what is filled without examples.
            return None
    return np.where(hole[..., None], np.asarray(filled, np.uint8), picture)


def _has_examples(missing: Bitmap, patch: int) -> bool:
    if min(missing.shape) < max(MIN_SIDE, 4 * patch) or not patchmatch.patchmatch_available:
        return False
    kernel = np.ones((patch, patch), np.uint8)
    return int((cv2.dilate(missing.astype(np.uint8), kernel) == 0).sum()) >= MIN_EXAMPLES


def smooth(picture: RGB, missing: Bitmap) -> RGB:
    """Fill ``missing`` with a smooth surface through its surroundings (pull-push over a pyramid)."""
    known = (~missing).astype(np.float32)
    levels = spread(picture.astype(np.float32) * known[..., None], known)
    return np.where(missing[..., None], np.clip(np.rint(levels), 0, 255), picture).astype(np.uint8)


def spread(values: npt.NDArray[np.float32], weight: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Extend weighted values over the whole picture.

    ``values`` is ``(h, w, c)``, already multiplied by ``weight`` ``(h, w)``. Where the weight is missing, ever
    coarser averages step in (Gortler et al., "The Lumigraph", 1996: pull-push). Zero where nothing is known.
    """
    height, width = weight.shape
    if min(height, width) <= 2:
        total = float(weight.sum())
        mean = values.sum(axis=(0, 1)) / total if total > 0 else np.zeros(values.shape[2], np.float32)
        coarse = np.broadcast_to(mean.astype(np.float32), values.shape)
    else:
        half = ((width + 1) // 2, (height + 1) // 2)
        small = np.asarray(cv2.resize(values, half, interpolation=cv2.INTER_AREA), np.float32)
        light = np.asarray(cv2.resize(weight, half, interpolation=cv2.INTER_AREA), np.float32)
        below = spread(4 * small.reshape(half[1], half[0], -1), 4 * light)
        grown = cv2.resize(below, (width, height), interpolation=cv2.INTER_LINEAR)
        coarse = np.asarray(grown, np.float32).reshape(values.shape)
    trust = np.minimum(weight, 1.0)[..., None]
    own = values / np.maximum(weight, 1e-6)[..., None]
    return np.asarray(trust * own + (1 - trust) * coarse, np.float32)
