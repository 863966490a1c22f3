"""What the place looks like while the object is far away: background estimates from sampled frames.

Two of them: ``early`` from the first far samples of a pixel, ``late`` from the last. What an object only
casts (shadow, reflection) differs from both; what it leaves behind differs from ``early`` alone.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from void_audit.model.clip import RGB
from void_audit.model.geometry import Size
from void_audit.model.mask import Bitmap
from void_audit.pipeline.reason.camera import Homography, Segment, project
from void_audit.pipeline.reason.shapes import distance_to

Picture = npt.NDArray[np.float32]
"""``(height, width, 3)``, levels 0 to 255."""

MOST_SAMPLES = 40
_TAKE = 5
_FEWEST_FAR = 2


@dataclass(frozen=True)
class Sample:
    """One frame kept for the background estimate. ``distance`` is to the object, in analysis pixels."""

    frame: int
    picture: RGB
    distance: npt.NDArray[np.float32]


class Sampler:
    """Keeps at most ``MOST_SAMPLES`` evenly spaced frames of a stream of unknown length."""

    def __init__(self) -> None:
        self.samples: list[Sample] = []
        self._every = 1
        self._seen = 0

    def add(self, frame: int, picture: RGB, covered: Bitmap) -> None:
        """Offer one frame; it is kept if its turn has come."""
        if self._seen % self._every == 0:
            self.samples.append(Sample(frame, picture, distance_to(covered)))
        self._seen += 1
        if len(self.samples) > MOST_SAMPLES:
            self.samples = self.samples[::2]
            self._every *= 2


@dataclass(frozen=True)
class View:
    """The background as one frame sees it. ``known``: there is an estimate; ``far``: a clean one."""

    early: Picture
    late: Picture
    known: Bitmap
    far: Bitmap


class Plate:
    """Background estimates of one segment on a canvas that holds all its views."""

    def __init__(self, segment: Segment, samples: list[Sample], size: Size, far: float, guard: float) -> None:
        """``far``: pixels nearer to the object than this may carry its shadow; ``guard``: may be the object."""
        self._segment, self._size = segment, size
        self._to_canvas, self._canvas = _canvas(segment, size)
        stack, distance = self._warped(samples)
        clean = distance >= far
        self.far: Bitmap = np.asarray(clean.sum(0) >= _FEWEST_FAR, bool)
        usable: npt.NDArray[np.bool_] = np.where(self.far[None], clean, distance >= guard)
        self.known: Bitmap = np.asarray(usable.any(0), bool)
        self.early = _median_of(stack, usable)
        self.late = _median_of(stack[::-1], usable[::-1])

    def seen_from(self, frame: int) -> View:
        """The estimates in the coordinates of ``frame``."""
        if self._segment.still:
            return View(self.early, self.late, self.known, self.far)
        back = np.linalg.inv(self._to_canvas @ self._segment.poses[frame - self._segment.start])
        flags = (self.known.astype(np.uint8) + self.far).astype(np.uint8)
        seen = cv2.warpPerspective(flags, back, tuple(self._size), flags=cv2.INTER_NEAREST)
        early, late = (
            np.asarray(_cubic(_continued(p, self.known), back, self._size), np.float32)
            for p in (self.early, self.late)
        )
        return View(early, late, seen > 0, seen > 1)

    def _warped(self, samples: list[Sample]) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.float32]]:
        """Samples on the canvas; outside a sample's view the distance is negative."""
        if self._segment.still:
            return np.stack([s.picture for s in samples]), np.stack([s.distance for s in samples])
        pictures, distances = [], []
        for sample in samples:
            pose = self._to_canvas @ self._segment.poses[sample.frame - self._segment.start]
            pictures.append(np.asarray(_cubic(sample.picture, pose, self._canvas), np.uint8))
            distances.append(
                cv2.warpPerspective(
                    sample.distance, pose, tuple(self._canvas), flags=cv2.INTER_NEAREST, borderValue=-1.0
                )
            )
        return np.stack(pictures), np.stack(distances)


def _canvas(segment: Segment, size: Size) -> tuple[Homography, Size]:
    if segment.still:
        return np.eye(3), size
    w, h = size.width - 1.0, size.height - 1.0
    corners = np.array([[0, 0], [w, 0], [0, h], [w, h]])
    reached = np.concatenate([project(pose, corners) for pose in segment.poses])
    low = np.floor(reached.min(0))
    extent = np.ceil(reached.max(0) - low).astype(int) + 1
    shift = np.array([[1, 0, -low[0]], [0, 1, -low[1]], [0, 0, 1]], np.float64)
    return shift, Size(int(extent[0]), int(extent[1]))


def _cubic(picture: RGB | Picture, pose: npt.NDArray[np.floating], size: Size) -> npt.NDArray[np.generic]:
    """Warped; past its edge a picture goes on as it ends, for black would bleed into it."""
    return cv2.warpPerspective(
        picture, pose, tuple(size), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE
    )


def _continued(picture: Picture, known: Bitmap) -> Picture:
    """The picture, going on smoothly for two pixels into what is unknown (which is black)."""
    weight = cv2.blur(known.astype(np.float32), (5, 5))
    spread = cv2.blur(np.where(known[..., None], picture, 0).astype(np.float32), (5, 5))
    around = spread / np.maximum(weight, 1e-6)[..., None]
    return np.where(known[..., None], picture, around).astype(picture.dtype)


def _median_of(stack: npt.NDArray[np.uint8], usable: npt.NDArray[np.bool_]) -> Picture:
    """Per pixel, the median of its first few usable samples; 0 where there is none."""
    turn = np.argsort(~usable, axis=0, kind="stable")[:_TAKE]
    chosen = np.take_along_axis(stack, turn[..., None], axis=0).astype(np.float32)
    valid = np.asarray(np.take_along_axis(usable, turn, axis=0), bool)
    count = np.maximum(np.count_nonzero(valid, axis=0), 1)
    chosen[~valid] = 1e6
    chosen.sort(axis=0)
    low, high = ((count - 1) // 2)[None, ..., None], (count // 2)[None, ..., None]
    middle = (np.take_along_axis(chosen, low, 0) + np.take_along_axis(chosen, high, 0))[0] / 2
    return np.where((np.count_nonzero(valid, axis=0) > 0)[..., None], middle, 0).astype(np.float32)
