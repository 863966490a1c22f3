"""Lossless files of our own: FFV1 version 3 in Matroska, four slices with a checksum each, every frame a key frame.

``LosslessWriter`` stores takes between passes; mask files (``media.maskfile``) are made the same way.
"""

from __future__ import annotations

from contextlib import ExitStack
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Self

import av
import numpy as np

from void_audit.media.atomic import whole_file, writing
from void_audit.model.clip import RGB, Plane
from void_audit.model.geometry import Size

MAX_RATE = Fraction(500)
"""Matroska counts milliseconds: above this rate two frames could share one. The true rate is the source's."""


class Ffv1Writer:
    """Context manager that writes ``path`` whole or not at all; equal pictures give equal bytes.

    Args:
        path: the file to make.
        size: of every picture.
        frame_rate: as a fraction, e.g. ``24/1``; only for players, readers count frames.
        pixel_format: ``gray`` or ``bgr0``.

    Raises:
        StorageError: storage-full, storage-unwritable.
    """

    def __init__(self, path: Path, size: Size, frame_rate: str, pixel_format: str) -> None:
        self._path, self._size, self._format = path, size, pixel_format
        self._rate = min(Fraction(frame_rate), MAX_RATE)
        self._count = 0
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            partial = stack.enter_context(whole_file(self._path))
            self._container = av.open(str(partial), "w", "matroska", options={"fflags": "+bitexact"})
            stack.callback(self._container.close)
            slices = "4" if min(self._size) > 1 else "1"
            options = {"level": "3", "slices": slices, "slicecrc": "1", "g": "1"}
            self._stream = self._container.add_stream("ffv1", rate=self._rate, options=options)
            self._stream.width, self._stream.height = self._size
            self._stream.pix_fmt = self._format
            self._stream.codec_context.thread_count = 1
            self._stack = stack.pop_all()
        return self

    def write_frame(self, frame: av.VideoFrame) -> None:
        """Add the next picture, already in the pixel format of the file."""
        frame.pts, frame.time_base = self._count, 1 / self._rate
        with writing(self._path):
            self._container.mux(self._stream.encode(frame))
        self._count += 1

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._stack:
            if error is not None:
                raise error
            self._container.mux(self._stream.encode())


class LosslessWriter(Ffv1Writer):
    """RGB pictures, bit-exact: ``VideoClip(path).frames()`` gives back what was written."""

    def __init__(self, path: Path, size: Size, frame_rate: str) -> None:
        super().__init__(path, size, frame_rate, "bgr0")

    def write(self, rgb: RGB) -> None:
        """Add one picture, ``(height, width, 3)`` uint8. Raises ValueError if its size is another one."""
        _check(rgb.shape, (self._size.height, self._size.width, 3))
        frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(rgb), "rgb24")
        self.write_frame(frame.reformat(format="bgr0", threads=1))


class GrayWriter(Ffv1Writer):
    """Pictures of one byte per pixel, bit-exact."""

    def __init__(self, path: Path, size: Size, frame_rate: str) -> None:
        super().__init__(path, size, frame_rate, "gray")

    def write_gray(self, plane: Plane) -> None:
        """Add one picture, ``(height, width)`` uint8. Raises ValueError if its size is another one."""
        _check(plane.shape, (self._size.height, self._size.width))
        self.write_frame(av.VideoFrame.from_ndarray(np.ascontiguousarray(plane, np.uint8), "gray"))


def _check(shape: tuple[int, ...], expected: tuple[int, ...]) -> None:
    if shape != expected:
        raise ValueError(f"a picture of shape {shape} in a file of {expected}")
