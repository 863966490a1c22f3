"""Reads the clip and its mask once, window by window, at the plan's geometry."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

import cv2
import numpy as np

from void_audit.errors import ClipError, MaskError
from void_audit.model.clip import RGB, Clip
from void_audit.model.geometry import FrameRange, Rect, Size
from void_audit.model.mask import Bitmap, Classes, ClassSequence, MaskClass
from void_audit.model.plan import EditPlan, PropagateSettings
from void_audit.pipeline.synthesize import samples
from void_audit.pipeline.synthesize.base import settings_of
from void_audit.pipeline.synthesize.camera import (
    CameraTracker,
    Matrix,
    Pose,
    rebase,
    small_size,
    small_to_geometry,
)
from void_audit.pipeline.synthesize.foreground import survey
from void_audit.pipeline.synthesize.samples import Footage


def check_mask(clip: Clip, mask: ClassSequence) -> None:
    """Raises MaskError unless the mask has the clip's size and number of frames."""
    if mask.size != clip.info.size:
        raise MaskError(
            "mask-size",
            f"The mask is {mask.size.width}x{mask.size.height}, the clip {clip.info.width}x{clip.info.height}.",
            "Make the mask again from this clip.",
        )
    if len(mask) != clip.info.frames:
        raise MaskError(
            "mask-frames",
            f"The mask has {len(mask)} frames, the clip {clip.info.frames}.",
            "Make the mask again from this clip.",
        )


def check_take(take: Clip, plan: EditPlan, frames: int) -> None:
    """Raises ClipError ``take-size``, ``take-frames`` unless the take is of this plan and has ``frames`` frames."""
    wanted = Size(plan.geometry.width, plan.geometry.height)
    if take.info.size != wanted:
        raise ClipError(
            "take-size",
            f"The take is {take.info.width}x{take.info.height}, the plan says {wanted.width}x{wanted.height}.",
            "Synthesise again with this plan.",
        )
    if take.info.frames != frames:
        raise ClipError(
            "take-frames",
            f"The take has {take.info.frames} frames, the mask {frames}.",
            "Synthesise again with this plan.",
        )


def opened_at(classes: Classes, crop: Rect | None, size: Size) -> Bitmap:
    """Opened pixels of a part of the mask, scaled: a pixel is open if any that it covers is."""
    part = classes if crop is None else classes[crop.y : crop.bottom, crop.x : crop.right]
    opened = part != MaskClass.KEEP
    if (opened.shape[1], opened.shape[0]) == tuple(size):
        return np.asarray(opened, np.bool_)
    share = cv2.resize(opened.astype(np.float32), tuple(size), interpolation=cv2.INTER_AREA)
    return np.asarray(share > 0, np.bool_)


@dataclass(frozen=True)
class _Shot:
    """One frame in both sizes."""

    frame: RGB
    opened: Bitmap
    small: RGB
    small_opened: Bitmap
    pose: Pose


class FootageReader:
    """Hands out the footage of one window after the other; holds the frames of one window."""

    def __init__(self, clip: Clip, mask: ClassSequence, plan: EditPlan) -> None:
        geometry = plan.geometry
        self._settings = settings_of(plan.pass1, PropagateSettings)
        self._size = Size(geometry.width, geometry.height)
        small = small_size(clip.info.size)
        lines = min(clip.info.size) * geometry.height / geometry.crop.height
        self._unit = max(1, round(lines / samples.LINES))
        self._to_geometry = small_to_geometry(clip.info.size, small, geometry)
        self._coming = _read(clip, mask, geometry.crop, self._size, small)
        self._held: list[_Shot] = []
        self._start = 0

    def window(self, span: FrameRange) -> Footage:
        """Footage of ``span``; spans must be asked for in order."""
        self._held = self._held[span.start - self._start :]
        self._start = span.start
        self._held.extend(islice(self._coming, span.stop - span.start - len(self._held)))
        held = self._held
        scenery = survey(
            [s.small for s in held], [s.small_opened for s in held], [s.pose for s in held],
            self._settings.consistency,
        )  # fmt: skip
        poses = [rebase(s.pose, self._to_geometry) for s in held]
        still = all(np.array_equal(p.matrix, poses[0].matrix) for p in poses)
        # Interpolation looks two pixels further.
        guard = self._settings.guard * self._unit + (0 if still else 2)
        trusted = [
            _trusted(s.opened, p, self._to_geometry, guard)
            for s, p in zip(held, scenery.passing, strict=True)
        ]
        return Footage(
            [s.frame for s in held], [s.opened for s in held], trusted, poses, scenery.light, self._unit
        )


def _trusted(opened: Bitmap, passers: Bitmap, to_geometry: Matrix, guard: int) -> Bitmap:
    kernel = np.ones((2 * guard + 1, 2 * guard + 1), np.uint8)
    near = np.asarray(cv2.dilate(opened.astype(np.uint8), kernel), np.bool_)
    if passers.any():
        size = (opened.shape[1], opened.shape[0])
        flags = cv2.INTER_NEAREST
        warped = cv2.warpAffine(passers.astype(np.uint8), to_geometry[:2], size, flags=flags)
        near |= np.asarray(warped, np.bool_)
    return ~near


def _read(clip: Clip, mask: ClassSequence, crop: Rect, size: Size, small: Size) -> Iterator[_Shot]:
    tracker = CameraTracker()
    frames = clip.view(crop, size).frames()
    smalls = clip.view(None, small).frames()
    for frame, little, classes in zip(frames, smalls, mask.classes(), strict=True):
        little_opened = opened_at(classes, None, small)
        pose = tracker.add(little, little_opened)
        yield _Shot(frame, opened_at(classes, crop, size), little, little_opened, pose)
