"""The background that no frame shows, made once per shot of a window and carried along the camera motion."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from void_audit.model.clip import RGB
from void_audit.model.mask import Bitmap
from void_audit.model.plan import PropagateSettings
from void_audit.pipeline.synthesize.camera import Matrix, Points, Pose, is_identity, project, relative
from void_audit.pipeline.synthesize.detail import fill_any
from void_audit.pipeline.synthesize.exemplar import smooth
from void_audit.pipeline.synthesize.samples import (
    Colours,
    Flags,
    Footage,
    interpolate,
    look_up,
    nearest_first,
)

MARGIN = 0.5
"""Surroundings used as examples, as a part of the hole's longer side."""

LEAST_MARGIN = 48


@dataclass(frozen=True)
class Plate:
    """A picture in the pixels of ``pose``, moved by ``origin`` (x, y); ``valid`` where it holds background.

    Elsewhere ``picture`` goes on smoothly, for interpolation.
    """

    pose: Pose
    origin: tuple[int, int]
    picture: RGB
    valid: Bitmap

    def look(self, pose: Pose, points: Points) -> tuple[Colours, Flags]:
        """Colours at ``points`` of a frame with ``pose``, and which of them the plate knows."""
        colours, known = np.zeros((len(points), 3), np.uint8), np.zeros(len(points), bool)
        motion = relative(pose, self.pose)
        if motion is None:
            return colours, known
        where = (points if is_identity(motion) else project(motion, points)) - np.array(
            self.origin, np.float32
        )
        height, width = self.valid.shape
        inside = (where >= 0).all(axis=1) & (where[:, 0] <= width - 1) & (where[:, 1] <= height - 1)
        x, y = np.rint(where[inside]).astype(np.intp).T
        known[inside] = self.valid[y, x]
        if is_identity(motion):
            colours[inside] = self.picture[y, x]
        else:
            colours[inside] = interpolate(self.picture, where[inside])
        return colours, known


def build_plates(
    footage: Footage,
    unseen: Sequence[Bitmap],
    settings: PropagateSettings,
    seed: int,
    before: Sequence[Plate] = (),
) -> list[Plate]:
    """One plate for each shot in which something is never seen.

    ``unseen`` marks, per frame, opened pixels without background. ``before`` are the plates of the previous
    window: what they invented is kept, so that nothing jumps where windows meet.
    """
    plates = []
    for shot in sorted({p.shot for p in footage.poses}):
        members = [i for i, p in enumerate(footage.poses) if p.shot == shot]
        lacking = [i for i in members if unseen[i].any()]
        if lacking:
            reference = members[len(members) // 2]
            plates.append(_build(footage, unseen, lacking, reference, settings, seed, before))
    return plates


def _build(
    footage: Footage,
    unseen: Sequence[Bitmap],
    lacking: Sequence[int],
    reference: int,
    settings: PropagateSettings,
    seed: int,
    before: Sequence[Plate],
) -> Plate:
    pose = footage.poses[reference]
    maps = {i: _relative(footage.poses[i], pose) for i in lacking}
    origin, size = _canvas([(unseen[i], maps[i]) for i in lacking])
    needed = _needed(unseen, maps, origin, size, settings.guard * footage.unit + 2)
    points = _grid(origin, size)
    order = [reference, *nearest_first(reference, len(footage))]
    found = look_up(footage, points, reference, order, settings)
    picture = found.colours.reshape(size[1], size[0], 3)
    seen = found.seen.reshape(size[1], size[0])
    for plate in before:
        colours, known = plate.look(pose, points)
        take = known.reshape(seen.shape) & needed & ~seen
        picture[take] = colours.reshape(picture.shape)[take]
        seen = seen | take
    hole = needed & ~seen
    filled = fill_any(picture, hole, ~seen & ~hole, settings.patch, seed)
    if filled is not None:
        picture, seen = filled, seen | hole
    # Interpolation at the rim of what is known looks beyond it, where it would find black.
    return Plate(pose, origin, smooth(picture, ~seen), seen)


def _relative(source: Pose, target: Pose) -> Matrix:
    matrix = relative(source, target)
    assert matrix is not None  # noqa: S101 - both are of one shot
    return matrix


def _canvas(parts: Sequence[tuple[Bitmap, Matrix]]) -> tuple[tuple[int, int], tuple[int, int]]:
    """Origin and size, in reference pixels, of a canvas around all unseen pixels and their surroundings.

    Bounded to the frames themselves and to one frame beyond the reference on every side.
    """
    height, width = parts[0][0].shape
    reach, frame = [], []
    for unseen, motion in parts:
        x, y, w, h = cv2.boundingRect(unseen.astype(np.uint8))
        reach.append(project(motion, _corners(x, y, w, h)))
        frame.append(project(motion, _corners(0, 0, width, height)))
    low, high = _extent(reach)
    frame_low, frame_high = _extent(frame)
    margin = max(LEAST_MARGIN, MARGIN * float((high - low).max()))
    low = np.maximum.reduce([low - margin, frame_low, np.array([-width, -height])])
    high = np.minimum.reduce([high + margin, frame_high, np.array([2 * width, 2 * height])])
    x0, y0 = (int(v) for v in np.floor(low))
    x1, y1 = (int(v) for v in np.ceil(high))
    return (x0, y0), (max(1, x1 - x0), max(1, y1 - y0))


def _corners(x: int, y: int, w: int, h: int) -> Points:
    return np.array([[x, y], [x + w, y], [x, y + h], [x + w, y + h]], np.float32)


def _extent(corners: Sequence[Points]) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    points = np.concatenate(corners)
    points = points[np.isfinite(points).all(axis=1)]
    return points.min(axis=0), points.max(axis=0)


def _needed(
    unseen: Sequence[Bitmap],
    maps: dict[int, Matrix],
    origin: tuple[int, int],
    size: tuple[int, int],
    grow: int,
) -> Bitmap:
    """Pixels of the canvas that some frame lacks, grown a little."""
    shift = np.array([[1, 0, -origin[0]], [0, 1, -origin[1]], [0, 0, 1]], np.float64)
    needed = np.zeros((size[1], size[0]), np.uint8)
    for i, motion in maps.items():
        warped = cv2.warpPerspective(
            unseen[i].astype(np.uint8), shift @ motion, size, flags=cv2.INTER_NEAREST
        )
        needed |= np.asarray(warped, np.uint8)
    kernel = np.ones((2 * grow + 1, 2 * grow + 1), np.uint8)
    return np.asarray(cv2.dilate(needed, kernel).astype(bool), np.bool_)


def _grid(origin: tuple[int, int], size: tuple[int, int]) -> Points:
    x, y = np.meshgrid(
        np.arange(origin[0], origin[0] + size[0], dtype=np.float32),
        np.arange(origin[1], origin[1] + size[1], dtype=np.float32),
    )
    return np.stack([x.ravel(), y.ravel()], axis=1)
