"""Clips seen through a crop and a scale, and clips read backwards."""

from __future__ import annotations

from collections.abc import Iterator

from void_audit.media.memory import check_inside, fit
from void_audit.model.clip import RGB, Clip, ClipInfo
from void_audit.model.geometry import Rect, Size

BACKWARD_BYTES = 128 * 1024 * 1024
"""Pictures held at once while reading backwards."""


def whole(info: ClipInfo, crop: Rect | None) -> bool:
    """Whether ``crop`` leaves the whole picture."""
    return crop is None or (crop.x, crop.y, crop.width, crop.height) == (0, 0, info.width, info.height)


def backwards(clip: Clip, stop: int | None, start: int) -> Iterator[RGB]:
    """Pictures ``stop - 1`` down to ``start`` of ``clip``, in chunks of at most ``BACKWARD_BYTES``."""
    first, last, _ = slice(start, stop).indices(clip.info.frames)
    step = max(1, BACKWARD_BYTES // (clip.info.width * clip.info.height * 3))
    while last > first:
        begin = max(first, last - step)
        yield from reversed(list(clip.frames(begin, last)))
        last = begin


class FittedClip:
    """Implements ``model.clip.Clip``: another clip, cropped, then scaled.

    Raises ValueError if the crop does not lie inside the clip.
    """

    def __init__(self, clip: Clip, crop: Rect | None, size: Size | None) -> None:
        check_inside(crop, clip.info.size)
        self._clip, self._crop, self._size = clip, crop, size
        width, height = size or ((crop.width, crop.height) if crop else clip.info.size)
        self.info = clip.info.model_copy(update={"width": width, "height": height})

    def frames(self, start: int = 0, stop: int | None = None) -> Iterator[RGB]:
        """Pictures ``start`` to ``stop`` (excluded)."""
        return (fit(picture, self._crop, self._size) for picture in self._clip.frames(start, stop))

    def frames_backwards(self, stop: int | None = None, start: int = 0) -> Iterator[RGB]:
        """Pictures ``stop - 1`` down to ``start``."""
        return backwards(self, stop, start)

    def view(self, crop: Rect | None = None, size: Size | None = None) -> Clip:
        """What is seen here, cropped and scaled again."""
        return FittedClip(self, crop, size)
