"""Lossless H.264 in MP4 that every reader gives back exactly: what VOID's own tools write and read.

Two ways survive PyAV, OpenCV and FFmpeg alike (measured; spec/media 4.3 has the one that does not): luma of limited
range in 4:4:4 with neutral chroma for grey, as VOID writes it (spec/void 3), and RGB coded as such for pictures,
which leaves no reader a colour matrix to guess. Either is the High 4:4:4 Predictive profile: browsers play neither.
"""

from __future__ import annotations

from contextlib import ExitStack
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Self, cast

import av
import numpy as np
from av.codec.context import Flags
from av.video.stream import VideoStream

from void_audit.media.atomic import writing
from void_audit.media.encoding import ENCODER_THREADS
from void_audit.media.planes import pack
from void_audit.model.clip import RGB, Plane
from void_audit.model.geometry import Size

_LIMITED = np.round(16 + np.arange(256) * (219 / 255)).astype(np.uint8)
"""From grey 0 to 255 to luma 16 to 235 (ITU-R BT.601)."""


class _H264Writer:
    """Context manager that writes ``path`` in place: callers write into a folder that is not there yet.

    Raises:
        StorageError: storage-full, storage-unwritable.
    """

    encoder = "libx264"
    pixel_format = "yuv444p"

    def __init__(self, path: Path, size: Size, rate: Fraction) -> None:
        self._path, self._size, self._rate = path, size, rate
        self._count = 0
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            stack.enter_context(writing(self._path))
            options = {"fflags": "+bitexact", "movflags": "+faststart"}
            self._container = av.open(str(self._path), "w", "mp4", options=options)
            stack.callback(self._container.close)
            settings = {"qp": "0", "preset": "veryfast", "x264-params": "cpu-independent=1"}
            stream = self._container.add_stream(self.encoder, rate=self._rate, options=settings)
            self._stream = cast(VideoStream, stream)
            self._stream.width, self._stream.height = self._size
            self._stream.pix_fmt = self.pixel_format
            self._stream.codec_context.thread_count = ENCODER_THREADS
            self._stream.codec_context.flags |= Flags.bitexact
            self._stack = stack.pop_all()
        return self

    def _add(self, frame: av.VideoFrame) -> None:
        frame.pts, frame.time_base = self._count, 1 / self._rate
        self._container.mux(self._stream.encode(frame))
        self._count += 1

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._stack:
            if error is not None:
                raise error
            self._container.mux(self._stream.encode())


class GrayH264Writer(_H264Writer):
    """Grey pictures. Values come back exactly where limited range holds them: 0, 63, 127 and 255 among others."""

    def write(self, gray: Plane) -> None:
        """Add one picture, ``(height, width)`` uint8."""
        neutral = np.full(gray.shape, 128, np.uint8)
        self._add(pack((_LIMITED[gray], neutral, neutral), self.pixel_format))


class RgbH264Writer(_H264Writer):
    """RGB pictures, bit-exact."""

    encoder = "libx264rgb"
    pixel_format = "bgr24"

    def write(self, rgb: RGB) -> None:
        """Add one picture, ``(height, width, 3)`` uint8."""
        self._add(av.VideoFrame.from_ndarray(np.ascontiguousarray(rgb[..., ::-1]), "bgr24"))
