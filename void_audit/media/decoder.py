"""Frames by number, decoded and checked against the index: never a silent shift, never a concealed error."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import closing
from itertools import chain
from pathlib import Path
from typing import cast

import av
from av.container import InputContainer
from av.packet import Packet
from av.video.stream import VideoStream

from void_audit.errors import ClipError
from void_audit.media.container import damaged, open_input, picture_stream
from void_audit.media.ffv1 import intact
from void_audit.media.index import FrameIndex


class Decoder:
    """Decodes any range of a file's frames.

    Decoding is strict: FFmpeg reports errors instead of painting over them, and checksums of FFV1 are
    verified. (H.264 carries none: damage that still decodes is told by the file's digest only.)

    H.264 with open groups of pictures cannot be entered strictly, except at its beginning. Such a file is
    decoded once from end to end strictly; if it is sound, it may be entered anywhere without strictness, for
    there is nothing to paint over.
    """

    def __init__(self, path: Path, index: FrameIndex) -> None:
        self.path, self.index = path, index
        self._strict = True

    def frames(self, start: int, stop: int) -> Iterator[av.VideoFrame]:
        """Frames ``start`` to ``stop`` (excluded), as coded.

        Raises:
            ClipError: clip-damaged if a frame is missing, corrupt, or of another size or format than the others.
        """
        number = start
        try:
            for frame in self._checked(start, stop):
                yield frame
                number += 1
        except ClipError:
            if not self._strict or not start:
                raise
            self._prove_sound()
            self._strict = False
            yield from self._checked(number, stop)

    def _prove_sound(self) -> None:
        for _ in self._checked(0, len(self.index)):
            pass

    def _checked(self, start: int, stop: int) -> Iterator[av.VideoFrame]:
        """Frames of which every one is the right one."""
        if start >= stop:
            return
        with open_input(self.path) as container:
            stream = picture_stream(container, self.path, strict=self._strict or not start)
            shape = None
            with closing(_from(container, stream, self.index, start)) as frames:
                for number in range(start, stop):
                    frame = next(frames, None)
                    if frame is None or frame.pts != self.index.pts[number] or frame.is_corrupt:
                        raise damaged(self.path, f"picture {number} cannot be decoded")
                    seen, shape = shape, (frame.width, frame.height, frame.format.name)
                    if seen not in (None, shape):
                        raise damaged(self.path, f"picture {number} is {shape}, those before are {seen}")
                    yield frame


def _from(
    container: InputContainer, stream: VideoStream, index: FrameIndex, start: int
) -> Generator[av.VideoFrame, None, None]:
    """Frames from number ``start`` on: from its entry point, or from the beginning where that misses it."""
    target = int(index.pts[start])
    for entry in dict.fromkeys((int(index.seek_dts[start]), int(index.seek_dts[0]))):
        container.seek(entry, stream=stream, backward=True)
        frames = (frame for packet in _packets(container, stream) for frame in packet.decode())
        first = next((f for f in frames if f.pts is not None and f.pts >= target), None)
        if first is not None and first.pts == target:
            yield from chain([first], frames)
            return


def _packets(container: InputContainer, stream: VideoStream) -> Iterator[Packet[VideoStream]]:
    """Packets from here on, without those shown before the picture at which decoding begins.

    Such leading pictures lean on the group before (open groups of pictures), which was not decoded.
    Ends at a packet whose own checksum does not hold; the pictures before it are still handed out.
    """
    context = stream.codec_context
    header = context.extradata if context.name == "ffv1" else None
    begin: int | None = None
    for packet in container.demux(stream):
        if packet.pts is not None:
            begin = packet.pts if begin is None else begin
            if packet.pts < begin:
                continue
            if header and not intact(bytes(packet), header):
                yield _flush(stream)
                return
        yield packet


def _flush(stream: VideoStream) -> Packet[VideoStream]:
    """An empty packet: decoding it gives the pictures that the decoder's threads still hold."""
    packet = cast("Packet[VideoStream]", Packet())
    packet.stream = stream
    return packet
