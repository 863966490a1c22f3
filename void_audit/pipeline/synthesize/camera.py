"""Camera motion: where a pixel of one frame lies in another.

Features outside the opened areas are followed from a key frame by pyramidal Lucas-Kanade; the simplest motion
model that explains them is kept (identity, translation, similarity, homography). A tripod shot therefore gets
the identity *exactly*, and its pixels are copied without interpolation. When too few features survive, the
previous frame becomes the key frame; when even that fails the picture has cut to another shot.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from void_audit.model.clip import RGB
from void_audit.model.geometry import Size
from void_audit.model.mask import Bitmap
from void_audit.model.plan import Geometry

Matrix = npt.NDArray[np.float64]
"""A 3 x 3 projective map of pixel centres."""

Gray = npt.NDArray[np.uint8]
"""``(h, w)`` luma."""

Points = npt.NDArray[np.float32]
"""``(n, 2)`` x, y."""

LONG_SIDE = 640
"""Longer side of the view on which motion is estimated, pixels."""

FEATURES = 600
MIN_FEATURES = 12
"""Fewer followed features than this say nothing about the camera."""

WINDOW = 17
"""Side of the square around a feature that is compared, pixels."""

INLIER = 0.4
"""Pixels of the small view within which a feature agrees with a motion."""

SIMPLER = 0.85
"""A richer motion must lower the error to this part of a simpler one's."""

STILL = 0.15
"""A motion that moves no part of the frame by more than this many pixels is none."""


@dataclass(frozen=True)
class Pose:
    """Maps a frame's pixels to those of the first frame of its ``shot``."""

    matrix: Matrix
    shot: int


def relative(source: Pose, target: Pose) -> Matrix | None:
    """Map from pixels of ``source`` to pixels of ``target``; None across a cut."""
    if source.shot != target.shot:
        return None
    if np.array_equal(source.matrix, target.matrix):
        return np.eye(3)
    matrix = np.linalg.solve(target.matrix, source.matrix)
    return np.asarray(matrix / matrix[2, 2], np.float64)


def is_identity(matrix: Matrix) -> bool:
    """True for the exact identity, which needs no interpolation."""
    return bool(np.array_equal(matrix, np.eye(3)))


def project(matrix: Matrix, points: Points) -> Points:
    """Apply a projective map to ``(n, 2)`` points. Points behind the camera become NaN."""
    x, y = points[:, 0].astype(np.float64), points[:, 1].astype(np.float64)
    u, v, w = (row[0] * x + row[1] * y + row[2] for row in matrix)
    with np.errstate(divide="ignore", invalid="ignore"):
        inverse = np.where(w > 1e-6, 1.0 / w, np.nan)
    return np.stack([u * inverse, v * inverse], axis=1).astype(np.float32)


def small_size(size: Size) -> Size:
    """Size of the view on which motion is estimated: never larger than the picture."""
    scale = min(1.0, LONG_SIDE / max(size))
    return Size(max(2, round(size.width * scale)), max(2, round(size.height * scale)))


def small_to_geometry(source: Size, small: Size, geometry: Geometry) -> Matrix:
    """Map from pixels of the small full-frame view to pixels of the plan's geometry."""
    crop = geometry.crop
    kx, ky = source.width / small.width, source.height / small.height
    gx, gy = geometry.width / crop.width, geometry.height / crop.height
    # Pixel centres lie at +0.5 in every grid.
    return np.array(
        [
            [kx * gx, 0, (0.5 * kx - crop.x) * gx - 0.5],
            [0, ky * gy, (0.5 * ky - crop.y) * gy - 0.5],
            [0, 0, 1],
        ]
    )


def rebase(pose: Pose, to_geometry: Matrix) -> Pose:
    """The same pose in another pixel grid."""
    if is_identity(pose.matrix):
        return pose
    return Pose(to_geometry @ pose.matrix @ np.linalg.inv(to_geometry), pose.shot)


class CameraTracker:
    """Follows the camera through a clip, frame by frame. Keeps two pictures, whatever the length."""

    def __init__(self) -> None:
        self._key: _Key | None = None
        self._last: tuple[Gray, Bitmap, Pose] | None = None

    def add(self, picture: RGB, opened: Bitmap) -> Pose:
        """Pose of the next frame. ``picture`` and ``opened`` have the small view's size."""
        gray = np.asarray(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY), np.uint8)
        pose = self._pose(gray, opened)
        self._last = (gray, opened, pose)
        return pose

    def _pose(self, gray: Gray, opened: Bitmap) -> Pose:
        if self._key is None or self._last is None:
            pose = Pose(np.eye(3), 0)
            self._key = _Key(gray, opened, pose)
            return pose
        motion = self._key.follow(gray, opened)
        if motion is None:
            self._key = _Key(*self._last)
            motion = self._key.follow(gray, opened)
        if motion is None:
            return self._without_features(gray, opened)
        if is_identity(motion):
            return self._key.pose
        return Pose(self._key.pose.matrix @ np.linalg.inv(motion), self._key.pose.shot)

    def _without_features(self, gray: Gray, opened: Bitmap) -> Pose:
        """A flat picture is taken for unmoved if it looks the same; anything else is a cut."""
        assert self._last is not None  # noqa: S101 - only called from the second frame on
        last, last_opened, pose = self._last
        common = ~(opened | last_opened)
        change = cv2.absdiff(gray, last)[common]
        if change.size and np.mean(change) > 8.0:
            pose = Pose(np.eye(3), pose.shot + 1)
        self._key = _Key(gray, opened, pose)
        return pose


class _Key:
    """A key frame and its features, followed into later frames."""

    def __init__(self, gray: Gray, opened: Bitmap, pose: Pose) -> None:
        self.pose = pose
        self._gray = gray
        closed = np.where(_near(opened), 0, 255).astype(np.uint8)
        found = cv2.goodFeaturesToTrack(gray, FEATURES, 0.005, 7, mask=closed, blockSize=5)
        self._points = np.zeros((0, 2), np.float32) if found is None else found[:, 0].astype(np.float32)
        self._guess = self._points.copy()

    def follow(self, gray: Gray, opened: Bitmap) -> Matrix | None:
        """Motion of the picture from the key frame to ``gray``; None if it cannot be told."""
        if len(self._points) < MIN_FEATURES:
            return None
        moved, good = _track(self._gray, gray, self._points, self._guess)
        x = np.clip(np.rint(moved[:, 0]), 0, gray.shape[1] - 1).astype(int)
        y = np.clip(np.rint(moved[:, 1]), 0, gray.shape[0] - 1).astype(int)
        good &= ~_near(opened)[y, x]
        if good.sum() < max(MIN_FEATURES, 0.3 * len(self._points)):
            return None
        motion, inliers = fit_motion(self._points[good], moved[good], Size(gray.shape[1], gray.shape[0]))
        if inliers < max(MIN_FEATURES, 0.2 * len(self._points)):
            return None
        self._guess = project(motion, self._points)
        return motion


def _near(opened: Bitmap) -> Bitmap:
    """Where the window around a feature would touch something opened."""
    return np.asarray(cv2.dilate(opened.astype(np.uint8), np.ones((WINDOW, WINDOW), np.uint8)), np.bool_)


def _track(key: Gray, gray: Gray, points: Points, guess: Points) -> tuple[Points, npt.NDArray[np.bool_]]:
    """Forward and backward Lucas-Kanade; a feature counts if it comes home within half a pixel."""
    moved, ok = _lucas_kanade(key, gray, points, guess)
    home, ok_back = _lucas_kanade(gray, key, moved, points)
    return moved, ok & ok_back & (np.linalg.norm(home - points, axis=1) < 0.5)


def _lucas_kanade(
    one: Gray, other: Gray, points: Points, guess: Points
) -> tuple[Points, npt.NDArray[np.bool_]]:
    criteria = (cv2.TERM_CRITERIA_EPS | cv2.TERM_CRITERIA_COUNT, 30, 0.005)
    moved, ok, _ = cv2.calcOpticalFlowPyrLK(
        one, other, points, guess.copy(), winSize=(WINDOW, WINDOW), maxLevel=4, criteria=criteria,
        flags=cv2.OPTFLOW_USE_INITIAL_FLOW,
    )  # fmt: skip
    return np.asarray(moved, np.float32), np.asarray(ok[:, 0] == 1, np.bool_)


def fit_motion(before: Points, after: Points, size: Size) -> tuple[Matrix, int]:
    """The simplest motion that explains the features nearly as well as any, and how many it explains.

    A richer motion is taken only if it lowers the truncated squared error (Torr and Zisserman, "MLESAC", 2000)
    by a good part, because water and crowds move, too.
    """
    best, cost = np.eye(3), _cost(np.eye(3), before, after)
    if not _stands_still(before, after):
        cost = np.inf
    for fit in (_translation, _similarity, _homography):
        matrix = fit(before, after)
        error = _cost(matrix, before, after)
        if error < SIMPLER * cost:
            best, cost = matrix, error
    inliers = int((_residuals(best, before, after) < INLIER).sum())
    return (np.eye(3) if _largest_move(best, size) < STILL else best), inliers


def _residuals(matrix: Matrix, before: Points, after: Points) -> npt.NDArray[np.float32]:
    distance = np.linalg.norm(project(matrix, before) - after, axis=1)
    return np.asarray(np.nan_to_num(distance, nan=np.inf), np.float32)


def _cost(matrix: Matrix, before: Points, after: Points) -> float:
    # The floor is what the tracker's own noise costs.
    return float(np.square(np.minimum(_residuals(matrix, before, after), INLIER)).sum() + 0.003 * len(before))


def _stands_still(before: Points, after: Points) -> bool:
    """Whether the features that moved little moved on average not at all (a slow pan is a common shift)."""
    shift = after - before
    near = shift[np.linalg.norm(shift, axis=1) < INLIER]
    return bool(len(near) and np.linalg.norm(np.median(near, axis=0)) < STILL)


def _translation(before: Points, after: Points) -> Matrix:
    shift = after - before
    centre = np.median(shift, axis=0)
    for _ in range(3):
        near = np.linalg.norm(shift - centre, axis=1) < INLIER
        if near.any():
            centre = shift[near].mean(axis=0)
    return np.array([[1, 0, centre[0]], [0, 1, centre[1]], [0, 0, 1]], np.float64)


def _similarity(before: Points, after: Points) -> Matrix:
    found, _ = cv2.estimateAffinePartial2D(before, after, ransacReprojThreshold=INLIER, refineIters=20)
    return np.eye(3) if found is None else np.vstack([found, [0.0, 0.0, 1.0]])


def _homography(before: Points, after: Points) -> Matrix:
    found, _ = cv2.findHomography(before, after, cv2.USAC_MAGSAC, INLIER, maxIters=5000, confidence=0.999)
    if found is None or not np.isfinite(found).all() or abs(found[2, 2]) < 1e-9:
        return np.eye(3)
    return np.asarray(found / found[2, 2], np.float64)


def _largest_move(matrix: Matrix, size: Size) -> float:
    x, y = np.meshgrid([0, size.width / 2, size.width], [0, size.height / 2, size.height])
    points = np.stack([x.ravel(), y.ravel()], axis=1).astype(np.float32)
    return float(np.nan_to_num(np.linalg.norm(project(matrix, points) - points, axis=1), nan=np.inf).max())
