"""The finished clip: new pictures, everything else as in the source."""

from __future__ import annotations

from contextlib import ExitStack
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Self

import av
from av.container import OutputContainer
from av.video.stream import VideoStream

from void_audit.errors import StorageError
from void_audit.media.atomic import whole_file, writing
from void_audit.media.container import open_input, picture_stream
from void_audit.media.encoding import KINDS, add_picture_track, container_options, extension, output_format
from void_audit.media.index import read_index
from void_audit.media.pixels import planar_name, turn, turned_name
from void_audit.media.planes import adapt, pack
from void_audit.media.sound import SoundCopy
from void_audit.model.clip import ClipInfo, PlaneFrame
from void_audit.model.plan import EncoderSettings

__all__ = ["VideoWriter", "extension", "output_format"]


class VideoWriter:
    """Context manager that writes ``path`` whole or not at all.

    H.264 goes into MP4, FFV1 into Matroska. Kept from the source: timestamps (exact in MP4, also of
    variable rate; Matroska rounds them to milliseconds), rate, colour tags, shape of pixels (in MP4),
    timecode, rotation (as a display matrix) and every sound track, packet for packet. Not kept: subtitles
    and other data tracks, tags such as a title, HDR mastering data; in Matroska also the shape of pixels, for
    which PyAV has no setting. Equal pictures and settings give equal bytes.

    Args:
        path: the file to make; an older one is replaced.
        source: the clip whose sound is copied.
        info: facts of the source.
        encoder: codec and quality.

    Raises:
        StorageError: storage-full, storage-unwritable.
        ClipError: clip-encoder, clip-sound; errors of reading the source.
    """

    def __init__(self, path: Path, source: Path, info: ClipInfo, encoder: EncoderSettings) -> None:
        self._path, self._source, self._info, self._encoder = path, source, info, encoder
        self._format = output_format(info, encoder)
        self._name = turned_name(info.pixel_format, info.rotation)
        self._time_base = Fraction(info.time_base)
        self._written = 0
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            source = stack.enter_context(open_input(self._source))
            aspect = picture_stream(source, self._source).sample_aspect_ratio
            self._partial = stack.enter_context(whole_file(self._path))
            self._container: OutputContainer = av.open(
                str(self._partial),
                "w",
                KINDS[self._encoder.codec],
                options=container_options(self._info, self._encoder),
            )
            stack.callback(self._container.close)
            self._stream: VideoStream = add_picture_track(self._container, self._info, self._encoder, aspect)
            self._sound = SoundCopy(source, self._container, self._source.name)
            self._stack = stack.pop_all()
        return self

    def write(self, frame: PlaneFrame) -> None:
        """Add the next picture, in display orientation, with its timestamp in the source's time base.

        Raises ValueError if it is not in the source's pixel format.
        """
        if frame.pixel_format != self._name:
            raise ValueError(f"a {frame.pixel_format} picture in a {self._name} clip")
        planes = tuple(turn(plane, -self._info.rotation) for plane in frame.planes)
        target = planar_name(self._format)
        picture = pack(adapt(planes, self._info.pixel_format, target), target)
        if target != self._format:
            picture = picture.reformat(format=self._format)
        picture.pts, picture.time_base = frame.pts, self._time_base
        with writing(self._path):
            self._sound.until(frame.pts * self._time_base)
            self._container.mux(self._stream.encode(picture))
        self._written += 1

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._stack:
            if error is not None:
                raise error
            self._container.mux(self._stream.encode())
            self._sound.until(None)
            self._container.close()
            if len(read_index(self._partial)) != self._written:
                raise StorageError("storage-unwritable", f"{self._path} was not written whole.", "Try again.")
