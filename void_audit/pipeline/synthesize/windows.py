"""Temporal windows and the cross-fade where two of them overlap."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from void_audit.errors import RequestError
from void_audit.model.clip import RGB
from void_audit.model.geometry import FrameRange
from void_audit.model.plan import Windows


def spans(frames: int, windows: Windows) -> list[FrameRange]:
    """Windows that cover ``frames`` frames; the last one is moved back so that it is full, too.

    Raises RequestError (``windows-overlap``) if the overlap is not smaller than the length.
    """
    if windows.overlap >= windows.length:
        raise RequestError(
            "windows-overlap",
            f"Temporal windows of {windows.length} frames cannot overlap by {windows.overlap}.",
            "Choose an overlap smaller than the length.",
        )
    if frames <= windows.length:
        return [FrameRange(start=0, stop=frames)]
    starts = list(range(0, frames - windows.length, windows.length - windows.overlap))
    starts.append(frames - windows.length)
    return [FrameRange(start=s, stop=s + windows.length) for s in starts]


class CrossFade:
    """Joins the pictures of overlapping windows: a linear fade over the frames that both made."""

    def __init__(self) -> None:
        self._tail: list[RGB] = []

    def join(self, pictures: Iterator[RGB], keep: int) -> Iterator[RGB]:
        """Finished pictures of a window. Its last ``keep`` are held back for the next window."""
        tail, self._tail = self._tail, []
        held = len(tail)
        for index, picture in enumerate(pictures):
            done = picture
            if index < held:
                done = fade(tail[index], picture, (index + 1) / (held + 1))
            self._tail.append(done)
            if len(self._tail) > keep:
                yield self._tail.pop(0)


def fade(old: RGB, new: RGB, share: float) -> RGB:
    """``share`` of the new picture, the rest of the old. Equal pixels stay equal."""
    mixed = old.astype(np.float32) * np.float32(1 - share) + new.astype(np.float32) * np.float32(share)
    return np.rint(mixed).astype(np.uint8)
