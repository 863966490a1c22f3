"""A video file as a ``Clip``: frame-exact, streaming, in display orientation."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path

import av
import numpy as np

from void_audit.errors import ClipError
from void_audit.media.decoder import Decoder
from void_audit.media.index import FrameIndex, read_index
from void_audit.media.pixels import turn, turned_name
from void_audit.media.planes import frame_to_rgb, pack, unpack
from void_audit.media.probe import describe
from void_audit.media.views import FittedClip, backwards, whole
from void_audit.model.clip import RGB, Clip, ClipInfo, PlaneFrame
from void_audit.model.geometry import Rect, Size


def pictures_at(clip: Clip, numbers: Sequence[int]) -> Iterator[RGB]:
    """Some pictures of any clip; ``numbers`` rise. Far apart or close together, none is decoded twice."""
    if isinstance(clip, VideoClip):
        yield from clip.frames_at(numbers)
        return
    for number in numbers:
        yield from clip.frames(number, number + 1)


class VideoClip:
    """Implements ``model.clip.Clip`` over a file. Every iterator opens the file anew and keeps no picture.

    Args:
        path: the file.
        info: its facts, where they are known already; otherwise it is probed.

    Raises:
        ClipError: as ``probe``; clip-changed where ``info`` has another number of frames than the file.
    """

    def __init__(self, path: Path, info: ClipInfo | None = None) -> None:
        self.path = path
        self._decoder = Decoder(path, read_index(path))
        self.source = info or describe(self._decoder)
        if self.source.frames != len(self.index):
            raise ClipError(
                "clip-changed",
                f"{path.name} has {len(self.index)} pictures, not {self.source.frames} as recorded.",
                "Use the file that was recorded.",
            )
        self.info = self.source

    def frames(self, start: int = 0, stop: int | None = None) -> Iterator[RGB]:
        """Pictures ``start`` to ``stop`` (excluded), ``(height, width, 3)`` uint8. Raises clip-damaged."""
        for frame in self._decoder.frames(*self.index.span(start, stop)):
            yield self._shown(frame)

    def frames_at(self, numbers: Sequence[int]) -> Iterator[RGB]:
        """The pictures ``numbers``, which rise. Decoded once per group of pictures, however many of it are wanted.

        ``frames(n, n + 1)`` for each would decode a group again from its beginning for every picture of it.
        """
        for _, group in groupby(numbers, lambda number: int(self.index.seek_dts[number])):
            wanted = list(group)
            chosen = frozenset(wanted)
            decoded = enumerate(self._decoder.frames(wanted[0], wanted[-1] + 1), wanted[0])
            yield from (self._shown(frame) for number, frame in decoded if number in chosen)

    def _shown(self, frame: av.VideoFrame) -> RGB:
        size = None if self.info.size == self.source.size else self.info.size
        coded = Size(size.height, size.width) if size and self.source.rotation % 180 else size
        rgb = frame_to_rgb(pack(unpack(frame), self.source.pixel_format), self.source, coded)
        return np.ascontiguousarray(np.rot90(rgb, -(self.source.rotation // 90) % 4))

    def frames_backwards(self, stop: int | None = None, start: int = 0) -> Iterator[RGB]:
        """Pictures ``stop - 1`` down to ``start``, decoded in bounded chunks."""
        return backwards(self, stop, start)

    def view(self, crop: Rect | None = None, size: Size | None = None) -> Clip:
        """The clip cropped, then scaled. Without a crop the scaling happens while colours are converted."""
        if whole(self.info, crop) and self.info is self.source and size is not None:
            scaled = object.__new__(VideoClip)
            scaled.path, scaled._decoder, scaled.source = self.path, self._decoder, self.source
            scaled.info = self.source.model_copy(update={"width": size.width, "height": size.height})
            return scaled
        return FittedClip(self, crop, size)

    def planes(self, start: int = 0, stop: int | None = None) -> Iterator[PlaneFrame]:
        """Pictures as coded, turned losslessly to display orientation; a view's scaling does not apply."""
        rotation = self.source.rotation
        name = turned_name(self.source.pixel_format, rotation)
        for frame in self._decoder.frames(*self.index.span(start, stop)):
            planes = tuple(turn(p, rotation) for p in unpack(frame))
            yield PlaneFrame(planes, name, int(frame.pts or 0))

    @property
    def index(self) -> FrameIndex:
        """Times of all frames."""
        return self._decoder.index
