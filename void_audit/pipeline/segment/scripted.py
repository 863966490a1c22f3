"""A segmenter that does what it is told: a moving shape or given masks. For the simulator and for tests."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np

from void_audit.errors import MaskError
from void_audit.model.clip import Clip
from void_audit.model.engine import EngineInfo, Progress, no_progress
from void_audit.model.geometry import Size
from void_audit.model.mask import Bitmap, PackedBitmaps
from void_audit.model.track import Mark, Track
from void_audit.pipeline.segment.marks import check_marks, marked_frames


@dataclass(frozen=True)
class MovingShape:
    """A disc or a square: where its middle is on frame 0, and how far it moves per frame, in pixels."""

    x: float
    y: float
    radius: float
    dx: float = 0.0
    dy: float = 0.0
    kind: Literal["disc", "square"] = "disc"

    def at(self, frame: int, size: Size) -> Bitmap:
        """Its mask on one frame; parts outside the picture are cut off."""
        centre = round(self.x + frame * self.dx), round(self.y + frame * self.dy)
        radius = round(self.radius)
        mask = np.zeros((size.height, size.width), np.uint8)
        if self.kind == "disc":
            cv2.circle(mask, centre, radius, 1, -1)
        else:
            first, last = (tuple(c + sign * radius for c in centre) for sign in (-1, 1))
            cv2.rectangle(mask, first, last, 1, -1)
        return mask > 0


class ScriptedSegmenter:
    """Implements ``Segmenter`` without looking at the pictures.

    Args:
        script: a ``MovingShape``, or the masks themselves, one per frame in the clip's size.
        confidence: of every frame, 0 to 1.
    """

    def __init__(self, script: MovingShape | Sequence[Bitmap], confidence: float = 1.0) -> None:
        self._script = script
        self._confidence = confidence
        self.info = EngineInfo(
            name="scripted-segmenter", version="1", kind="scripted", description="Masks given in advance"
        )

    def segment(self, clip: Clip, marks: Sequence[Mark], progress: Progress = no_progress) -> Track:
        """See ``Segmenter``. Raises MaskError ``mask-frames`` or ``mask-size`` where the given masks do not fit."""
        check_marks(marks, clip.info)
        size, frames = clip.info.size, clip.info.frames
        mask = self._masks(size, frames)
        masks = PackedBitmaps(size)
        for frame in range(frames):
            progress("scripted masks", frame, frames)
            masks.append(mask(frame))
        return Track(masks, (self._confidence,) * frames, marked_frames(marks), self.info)

    def _masks(self, size: Size, frames: int) -> Callable[[int], Bitmap]:
        script = self._script
        if isinstance(script, MovingShape):
            return lambda frame: script.at(frame, size)
        if len(script) != frames:
            raise MaskError(
                "mask-frames", f"{len(script)} masks were given for {frames} frames.", "Give one per frame."
            )
        for frame, mask in enumerate(script):
            if mask.shape != (size.height, size.width):
                raise MaskError(
                    "mask-size",
                    f"The mask of frame {frame} is {mask.shape[1]} x {mask.shape[0]}, the clip "
                    f"{size.width} x {size.height}.",
                    "Give masks in the clip's size.",
                )
        return lambda frame: script[frame]
