"""What moves together with the clicks, seen in pictures shortly before and after: parts that look unlike each other.

Every pixel is held against two explanations: the motion found at a click (an affine one, grown from there), and the
camera's. Wang, Adelson, "Representing moving images with layers", IEEE Transactions on Image Processing 1994.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from void_audit.model.clip import RGB
from void_audit.model.mask import Bitmap
from void_audit.pipeline.segment.affine import Places, fitted, grown, standing
from void_audit.pipeline.segment.camera import Homography, camera_motion
from void_audit.pipeline.segment.flow import FlowEstimator, Vectors
from void_audit.pipeline.segment.marks import Points
from void_audit.pipeline.segment.window import Colours, Heat, dilated

REACH = 8
"""Pictures before and after the marked one that may be asked for."""

_STEPS = (1, 2, 4, 8)
"""Distances in pictures that are looked at, until the object has moved enough."""

_LEAST, _ENOUGH = 1.0, 6.0
"""Pixels against the camera: below the first nothing is told, from the second on no further picture is needed."""

_GROUND = 0.6
"""What moves along with more than this share of the picture, or of its border, is the ground, not an object."""

_STRANGE = 16.0
"""Median colour difference (0 to 255) that the camera's motion leaves, from which on it is another shot."""

_CLEAR = 6.0, 6.0
"""Difference of two explanations (0 to 255) that counts fully: at least, and in medians of what both leave over."""

Errors = npt.NDArray[np.float32]
"""Colour differences, ``(height, width)``; infinite where a pixel comes from outside the other picture."""


@dataclass(frozen=True)
class _Told:
    """What one other picture says: differences that remain under the object's motion, and under the camera's.

    ``shift`` is how far the object moved against the camera, in pixels.
    """

    object: Errors
    camera: Errors
    shift: float


def moving(picture: RGB, points: Points, *nearby: Iterable[RGB]) -> Heat | None:
    """-1 (stays with the ground) to 1 (moves with the clicks) per pixel; None where the clicks do not move.

    Each of ``nearby`` is a direction of time: pictures after the marked one, or before it, nearest first. A pixel
    that is hidden in one direction is seen in the other, so the better of both counts. At most ``REACH`` pictures
    of each are taken, one at a time.
    """
    mine, still = None, None
    for pictures in nearby if points else ():
        for said in _told(picture, points, pictures):
            mine = said.object if mine is None else np.minimum(mine, said.object)
            still = said.camera if still is None else np.minimum(still, said.camera)
    if mine is None or still is None:
        return None
    return _weighed(mine, still)


@dataclass(frozen=True)
class Beside:
    """Another picture, seen in the same window: its colours, the flow to it, and where the camera takes every pixel."""

    colours: Colours
    vectors: Vectors
    camera: Places


def moving_along(picture: Colours, region: Bitmap, others: Iterable[Beside]) -> Heat | None:
    """As ``moving``, for an object whose ``region`` is roughly known, in a window; None where it does not move."""
    here = standing(region.shape)
    told = []
    for other in others if region.any() else ():
        said = _held(picture, other, fitted(other.vectors, region, here), region)
        if said is not None and said.shift >= _LEAST:
            told.append(said)
    if not told:
        return None
    return _weighed(
        np.minimum.reduce([said.object for said in told]), np.minimum.reduce([said.camera for said in told])
    )


def _held(picture: Colours, other: Beside, there: Places, region: Bitmap) -> _Told | None:
    still = _left_over(picture, other.colours, other.camera)
    if not _same_shot(still[~region]):
        return None
    return _Told(_left_over(picture, other.colours, there), still, _length((there - other.camera)[region]))


def _same_shot(errors: Errors) -> bool:
    known = errors[np.isfinite(errors)]
    return bool(len(known) and np.median(known) <= _STRANGE)


def moving_part(moved: Heat, points: Points) -> Bitmap:
    """The connected parts that move with a click; a click may miss them by a few pixels."""
    clicks = np.zeros(moved.shape, np.uint8)
    for point in points:
        cv2.circle(clicks, point, 6, 1, -1)
    _, labels = cv2.connectedComponents((moved > 0.2).astype(np.uint8))
    return np.isin(labels, np.setdiff1d(labels[clicks > 0], 0))


def _weighed(mine: Errors, still: Errors) -> Heat | None:
    both = np.isfinite(mine) & np.isfinite(still)
    if not both.any():
        return None
    ours, ground = (cv2.blur(np.where(both, errors, 0), (5, 5)) for errors in (mine, still))
    clear = max(_CLEAR[0], _CLEAR[1] * float(np.median(np.minimum(ours, ground)[both])))
    return np.asarray(np.clip((ground - ours) / clear, -1, 1) * both, np.float32)


def _told(picture: RGB, points: Points, pictures: Iterable[RGB]) -> Iterator[_Told]:
    """One direction of time, until the object has moved enough."""
    flow = FlowEstimator(fine=True)
    for distance, other in zip(range(1, REACH + 1), pictures, strict=False):
        said = _compared(picture, other, points, flow) if distance in _STEPS else None
        if said is not None and said.shift >= _LEAST:
            yield said
            if said.shift >= _ENOUGH:
                return


def _compared(picture: RGB, other: RGB, points: Points, flow: FlowEstimator) -> _Told | None:
    vectors = flow.vectors(picture, other)
    here = standing(vectors.shape[:2])
    motions = list(_motions(vectors, points, here))
    ground = ~dilated(np.logical_or.reduce([region for region, _ in motions]), 7) if motions else None
    if ground is None or _is_ground(~ground):
        return None
    camera = carried_by(camera_motion(picture, other, ground), here)
    still = _left_over(picture, other, camera)
    if not _same_shot(still[ground]):
        return None
    shift = max(_length((to - camera)[region]) for region, to in motions)
    mine = np.minimum.reduce([_left_over(picture, other, to) for _, to in motions])
    return _Told(mine, still, shift)


def _motions(vectors: Vectors, points: Points, here: Places) -> Iterator[tuple[Bitmap, Places]]:
    """One motion for each group of clicks that move as one."""
    covered = np.zeros(vectors.shape[:2], bool)
    for point in points:
        if not covered[point[::-1]]:
            region, there = grown(vectors, point, here)
            covered |= region
            if region.any():
                yield region, there


def _length(shifts: Vectors) -> float:
    return float(np.linalg.norm(np.median(shifts, axis=0)))


def _is_ground(region: Bitmap) -> bool:
    border = np.concatenate([region[0], region[-1], region[:, 0], region[:, -1]])
    return bool(max(region.mean(), border.mean()) > _GROUND)


def carried_by(camera: Homography | None, here: Places, offset: tuple[int, int] = (0, 0)) -> Places:
    """Where the camera's motion takes every pixel of a window whose left top is at ``offset``; None is no motion."""
    if camera is None:
        return here
    moved = np.asarray(offset, np.float32)
    places = cv2.perspectiveTransform((here + moved).reshape(-1, 1, 2).astype(np.float64), camera)
    return np.asarray(places.reshape(here.shape) - moved, np.float32)


def _left_over(picture: RGB, other: RGB, there: Places) -> Errors:
    """Colour differences between the picture and the other one fetched from ``there``."""
    one, two = (cv2.GaussianBlur(p, (0, 0), 0.8).astype(np.float32) for p in (picture, other))
    fetched = cv2.remap(two, there[..., 0], there[..., 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    rows, columns = picture.shape[:2]
    within = (there >= 0).all(axis=-1) & (there[..., 0] <= columns - 1) & (there[..., 1] <= rows - 1)
    return np.where(within, np.abs(one - fetched).max(axis=-1), np.inf).astype(np.float32)
