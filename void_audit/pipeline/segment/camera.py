"""How the camera moved between two pictures: one homography, from points outside the object."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from void_audit.model.mask import Bitmap
from void_audit.pipeline.segment.window import Colours

Homography = npt.NDArray[np.float64]
"""3 x 3, from pixels of the old picture to pixels of the new one."""

_ENOUGH = 12
_STILL = 0.35
"""Median shift in pixels below which the camera counts as still."""


def camera_motion(old: Colours, new: Colours, background: Bitmap) -> Homography | None:
    """The camera's motion, None where it stands still or cannot be told.

    Corners of the ``background`` are followed from ``old`` to ``new`` (Lucas-Kanade) and a homography is
    fitted by RANSAC; it must explain 40 % of them.
    """
    grey_old, grey_new = (cv2.cvtColor(p, cv2.COLOR_RGB2GRAY) for p in (old, new))
    corners = cv2.goodFeaturesToTrack(grey_old, 300, 0.01, 8, mask=background.astype(np.uint8))
    if corners is None or len(corners) < _ENOUGH:
        return None
    start = np.asarray(corners, np.float32)
    moved, found, _ = cv2.calcOpticalFlowPyrLK(grey_old, grey_new, start, start.copy(), winSize=(15, 15))
    good = found[:, 0] > 0
    if good.sum() < _ENOUGH or np.median(np.linalg.norm((moved - start)[good], axis=-1)) < _STILL:
        return None
    cv2.setRNGSeed(1)
    matrix, inliers = cv2.findHomography(start[good], moved[good], cv2.RANSAC, 1.5)
    if matrix is None or inliers.sum() < 0.4 * good.sum():
        return None
    return np.asarray(matrix, np.float64)
