"""A clip held in memory: for tests, the simulator and short windows of a longer clip."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import cv2
import numpy as np

from void_audit.model.clip import RGB, ClipInfo
from void_audit.model.geometry import Rect, Size


def fit(picture: RGB, crop: Rect | None, size: Size | None) -> RGB:
    """Crop, then scale: area averaging down, bicubic up. A crop is a copy: it does not hold the whole picture."""
    if crop is not None:
        picture = picture[crop.y : crop.bottom, crop.x : crop.right]
    if size is None or (picture.shape[1], picture.shape[0]) == tuple(size):
        return np.ascontiguousarray(picture) if crop is None else picture.copy()
    shrink = size.width <= picture.shape[1] and size.height <= picture.shape[0]
    scaled = cv2.resize(picture, tuple(size), interpolation=cv2.INTER_AREA if shrink else cv2.INTER_CUBIC)
    return np.asarray(scaled, np.uint8)


def check_inside(crop: Rect | None, size: Size) -> None:
    """Raise ValueError unless ``crop`` lies inside a picture of ``size``."""
    if crop is not None and (crop.right > size.width or crop.bottom > size.height):
        raise ValueError(f"crop {crop} is not inside {size.width}x{size.height}")


class ArrayClip:
    """Implements ``model.clip.Clip`` over a list of ``(height, width, 3)`` uint8 pictures."""

    def __init__(self, pictures: Sequence[RGB], frame_rate: str = "24/1") -> None:
        self._pictures = pictures
        height, width = pictures[0].shape[:2]
        rate, per = (int(part) for part in frame_rate.split("/"))
        self.info = ClipInfo(
            width=width, height=height, frames=len(pictures), frame_rate=frame_rate,
            time_base=f"{per}/{rate}", duration_seconds=len(pictures) * per / rate,
            container="memory", codec="rawvideo", pixel_format="rgb24", bit_depth=8, rotation=0,
            variable_frame_rate=False, color_space=2, color_range=0, color_primaries=2,
            color_transfer=2, timecode=None, audio=(),
        )  # fmt: skip

    def frames(self, start: int = 0, stop: int | None = None) -> Iterator[RGB]:
        """Pictures ``start`` to ``stop`` (excluded)."""
        yield from self._pictures[start:stop]

    def frames_backwards(self, stop: int | None = None, start: int = 0) -> Iterator[RGB]:
        """Pictures ``stop - 1`` down to ``start``."""
        yield from reversed(self._pictures[start:stop])

    def view(self, crop: Rect | None = None, size: Size | None = None) -> ArrayClip:
        """The same pictures, cropped and scaled. Raises ValueError if the crop does not lie inside."""
        check_inside(crop, self.info.size)
        return ArrayClip([fit(p, crop, size) for p in self._pictures], self.info.frame_rate)
