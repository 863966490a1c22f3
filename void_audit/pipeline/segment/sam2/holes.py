"""Small holes in a predicted mask, filled as the ``sam2`` package does where its CUDA extension was compiled."""

from __future__ import annotations

import cv2
import numpy as np
import torch

MAX_AREA = 8
"""Pixels of a hole, in the mask as the network predicts it (a quarter of the network's picture size)."""

FILLED = 0.1
"""Score of a pixel that was a hole: just above the threshold."""


def fill_holes(scores: torch.Tensor, max_area: int = MAX_AREA) -> torch.Tensor:
    """Scores with holes of up to ``max_area`` pixels filled.

    Args:
        scores: ``(n, 1, height, width)``; above 0 is object. It is left as it is.
        max_area: connected pixels (8 neighbours) that are not object.
    """
    holes = torch.stack([torch.from_numpy(_holes(mask[0], max_area))[None] for mask in (scores <= 0).cpu()])
    return torch.where(holes.to(scores.device), FILLED, scores)


def _holes(background: torch.Tensor, max_area: int) -> np.ndarray[tuple[int, ...], np.dtype[np.bool_]]:
    _, labels, stats, _ = cv2.connectedComponentsWithStats(
        background.numpy().astype(np.uint8), connectivity=8
    )
    small = stats[:, cv2.CC_STAT_AREA] <= max_area
    small[0] = False  # label 0 is the object
    return np.asarray(small[labels])
