"""Frames by number, decoded and checked against the index: never a silent shift, never a concealed error."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from pathlib import Path

import av
from av.container import InputContainer
from av.video.stream import VideoStream

from void_audit.media.container import damaged, open_input, picture_stream
from void_audit.media.index import FrameIndex


def decode(path: Path, index: FrameIndex, start: int, stop: int) -> Iterator[av.VideoFrame]:
    """Frames ``start`` to ``stop`` (excluded), as coded.

    Raises:
        ClipError: clip-damaged if a frame is missing, corrupt, or of another size or format than the first.
    """
    if start >= stop:
        return
    with open_input(path) as container:
        stream = picture_stream(container, path)
        seen = None
        frames = _from(container, stream, index, start)
        for number in range(start, stop):
            frame = next(frames, None)
            if frame is None or frame.pts != index.pts[number] or frame.is_corrupt:
                raise damaged(path, f"picture {number} cannot be decoded")
            shape = (frame.width, frame.height, frame.format.name)
            if seen is not None and shape != seen:
                raise damaged(path, f"picture {number} is {shape}, those before are {seen}")
            seen = shape
            yield frame


def _from(
    container: InputContainer, stream: VideoStream, index: FrameIndex, start: int
) -> Iterator[av.VideoFrame]:
    """Frames from number ``start`` on: from its entry point, or from the beginning where that misses it."""
    target = int(index.pts[start])
    if start:
        container.seek(int(index.seek_dts[start]), stream=stream, backward=True)
    frames = container.decode(stream)
    first = next((f for f in frames if f.pts is not None and f.pts >= target), None)
    if first is not None and first.pts != target:
        container.seek(int(min(index.seek_dts[0], index.pts[0])), stream=stream, backward=True)
        frames = container.decode(stream)
        first = next((f for f in frames if f.pts is not None and f.pts >= target), None)
    return chain([first], frames) if first is not None else iter(())
