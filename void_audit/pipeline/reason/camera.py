"""How the camera moved: one homography per frame into the coordinates of its segment's first frame.

Corners outside the object are followed with pyramidal Lucas-Kanade from a key picture; RANSAC keeps the
background's motion and drops what moves on its own. A cut, or a picture that cannot be followed, ends a
segment; so does a camera that has wandered too far for one background picture to hold.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import cv2
import numpy as np
import numpy.typing as npt

from void_audit.model.geometry import Size
from void_audit.model.mask import Bitmap

Homography = npt.NDArray[np.float64]
"""3 x 3, maps pixel centres ``(x, y, 1)``."""

Gray = npt.NDArray[np.uint8]

STILL = 0.35
"""Displacement in analysis pixels that tracking noise can feign: below it the camera stands still."""

_FEWEST_POINTS = 12
_FEWEST_INLIERS = 0.5
_RENEW_KEY = 0.5
_LARGEST_CANVAS = 6.0
_DIMMEST = 1.0
"""Contrast (standard deviation) in levels: what texture a dimmer picture has is rounding, and cannot be followed."""


@dataclass
class Segment:
    """Frames ``start`` to ``stop`` seen by one continuous camera; ``poses[i]`` belongs to ``start + i``."""

    start: int
    poses: list[Homography] = field(default_factory=list)
    still: bool = False

    @property
    def stop(self) -> int:
        """First frame after the segment."""
        return self.start + len(self.poses)


class CameraFollower:
    """Takes pictures one by one, gives the segments at the end."""

    def __init__(self, size: Size) -> None:
        self.segments: list[Segment] = []
        self.poor_frames = 0
        """Frames with too little texture to follow: taken as not having moved."""
        self._size = size
        self._corners = _corners(size)
        self._box = self._corners
        self._previous: tuple[Gray, Bitmap] | None = None
        self._key: tuple[Gray, npt.NDArray[np.float32], Homography] | None = None

    def add(self, picture: Gray, covered: Bitmap) -> bool:
        """Follow one more picture; ``covered`` is where the object is. True if it opens a new segment."""
        pose = self._pose(picture) if self._previous is not None else None
        new = pose is None or not self._fits(pose)
        if new or pose is None:
            pose = np.eye(3)
            self.segments.append(Segment(len(self)))
            self._box, self._key = self._corners, None
        self.segments[-1].poses.append(pose)
        if self._key is None:
            self._key = (picture, _points(picture, covered), pose)
        self._previous = (picture, covered)
        return new

    def __len__(self) -> int:
        return sum(len(segment.poses) for segment in self.segments)

    def finish(self) -> list[Segment]:
        """All segments; those whose camera never really moved get exact identity poses."""
        for segment in self.segments:
            moved = max(_displacement(pose, self._corners) for pose in segment.poses)
            if moved < STILL:
                segment.still = True
                segment.poses = [np.eye(3) for _ in segment.poses]
        return self.segments

    def _pose(self, picture: Gray) -> Homography | None:
        if self._key is None or self._previous is None:
            return None
        key, points, key_pose = self._key
        if len(points) < _FEWEST_POINTS:
            return self._featureless(picture)
        found = _match(key, picture, points)
        if found is None:
            return self._renewed(picture)
        back, share = found
        pose: Homography = key_pose @ back
        if share < _RENEW_KEY:
            self._key = None
        return pose

    def _featureless(self, picture: Gray) -> Homography | None:
        """Nothing to follow: no motion, unless it is a cut. This picture, which may show more, is the next key."""
        self._key = None
        if self._previous is None or not _alike(self._previous[0], picture):
            return None
        self.poor_frames += 1
        return self.segments[-1].poses[-1]

    def _renewed(self, picture: Gray) -> Homography | None:
        """Try again from the previous picture: the key picture may be too long ago, or the light has changed."""
        if self._previous is None:
            return None
        self._key = None
        previous, covered = self._previous
        points = _points(previous, covered)
        if len(points) < _FEWEST_POINTS:
            return None
        found = _match(previous, picture, points)
        if found is None:
            found = _match(previous, _exposed_like(previous, picture), points)
        return None if found is None else self.segments[-1].poses[-1] @ found[0]

    def _fits(self, pose: Homography) -> bool:
        """Whether a background picture that holds this view too stays of bounded size."""
        box = np.concatenate([self._box, project(pose, self._corners)])
        if not np.isfinite(box).all():
            return False
        extent = np.prod(np.ptp(box, axis=0)) / (self._size.width * self._size.height)
        if extent > _LARGEST_CANVAS:
            return False
        self._box = np.stack([box.min(0), box.max(0)])
        return True


def project(pose: Homography, points: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """``points`` (n, 2) mapped by ``pose``."""
    homogeneous = np.c_[points, np.ones(len(points))] @ pose.T
    return np.asarray(homogeneous[:, :2] / homogeneous[:, 2:], np.float64)


def _corners(size: Size) -> npt.NDArray[np.float64]:
    w, h = size.width - 1.0, size.height - 1.0
    return np.array([[0, 0], [w, 0], [0, h], [w, h]])


def _displacement(pose: Homography, corners: npt.NDArray[np.float64]) -> float:
    return float(np.abs(project(pose, corners) - corners).max())


def _points(picture: Gray, covered: Bitmap) -> npt.NDArray[np.float32]:
    if picture.std() < _DIMMEST:
        return np.zeros((0, 1, 2), np.float32)
    allowed = np.where(cv2.dilate(covered.astype(np.uint8), np.ones((7, 7), np.uint8)) > 0, 0, 255)
    found = cv2.goodFeaturesToTrack(picture, 300, 0.01, 6, mask=allowed.astype(np.uint8))
    return np.zeros((0, 1, 2), np.float32) if found is None else np.asarray(found, np.float32)


def _match(key: Gray, picture: Gray, points: npt.NDArray[np.float32]) -> tuple[Homography, float] | None:
    """Homography from ``picture`` back to ``key`` and the share of points that agree with it."""
    moved, ok = _followed(key, picture, points)
    back, ok_back = _followed(picture, key, moved)
    round_trip = np.linalg.norm((back - points).reshape(-1, 2), axis=1)
    good = ok & ok_back & (round_trip < 1.0)
    if good.sum() < _FEWEST_POINTS:
        return None
    cv2.setRNGSeed(7)
    pose, inliers = cv2.findHomography(moved[good], points[good], cv2.RANSAC, 1.0)
    if pose is None or inliers.mean() < _FEWEST_INLIERS:
        return None
    share = float(inliers.sum() / len(points))
    shift = np.linalg.norm((moved - points).reshape(-1, 2)[good], axis=1)
    if np.median(shift) < STILL and (shift < 2 * STILL).sum() >= 0.9 * inliers.sum():
        return np.eye(3), share
    return np.asarray(pose, np.float64), share


def _followed(
    one: Gray, other: Gray, points: npt.NDArray[np.float32]
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.bool_]]:
    guess = np.empty_like(points)
    moved, ok, _ = cv2.calcOpticalFlowPyrLK(one, other, points, guess, winSize=(15, 15), maxLevel=4)
    return np.asarray(moved, np.float32), np.asarray(ok).ravel() > 0


def _exposed_like(key: Gray, picture: Gray) -> Gray:
    """``picture`` as bright as ``key``: Lucas-Kanade loses what fades."""
    gain = (float(np.median(key)) + 1) / (float(np.median(picture)) + 1)
    return np.asarray(cv2.convertScaleAbs(picture, alpha=gain), np.uint8)


def _alike(one: Gray, other: Gray) -> bool:
    """Whether two pictures without texture may show the same scene: no cut between them."""
    return float(np.abs(one.astype(np.int16) - other).mean()) < 24.0
