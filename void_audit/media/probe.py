"""What a video file is: one pass over its packets, and the first and last pictures decoded."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any, cast

import av
import numpy as np
from av.container import InputContainer
from av.sidedata.sidedata import Type
from av.video.stream import VideoStream

from void_audit.errors import ClipError
from void_audit.media.container import MAX_PIXELS, open_input, picture_stream
from void_audit.media.decoder import Decoder
from void_audit.media.index import FrameIndex, read_index
from void_audit.media.pixels import layout, planar_name
from void_audit.model.clip import AudioInfo, ClipInfo

_UNIT = 1 << 16
_TURNS = {(0, _UNIT): 0, (_UNIT, 0): 90, (0, -_UNIT): 180, (-_UNIT, 0): 270}
"""(b, a) of a display matrix in 16.16 fixed point to clockwise degrees."""


def probe(path: Path) -> ClipInfo:
    """Facts of a video file.

    The number of frames is exact: every packet is read, and every reader holds decoding to that count
    (``media.decoder``). The first and the last picture are decoded here, which finds truncated files.

    Raises:
        ClipError: clip-missing, clip-unreadable, clip-not-video, clip-no-video, clip-too-many-tracks,
            clip-too-large, clip-too-long, clip-empty, clip-truncated, clip-damaged, clip-timestamps,
            clip-pixel-format, clip-interlaced, clip-orientation, clip-codec.
    """
    return describe(Decoder(path, read_index(path)))


def describe(decoder: Decoder) -> ClipInfo:
    """``probe`` for a file whose index is known already."""
    path, index = decoder.path, decoder.index
    first = next(decoder.frames(0, 1))
    for _ in decoder.frames(len(index) - 1, len(index)):
        pass
    rotation = _rotation(first, path)
    form = layout(planar_name(first.format.name))
    width, height = first.width, first.height
    _check_picture(first, form.subsampled and rotation != 0, path)
    with open_input(path) as container:
        stream = picture_stream(container, path)
        rate, variable = _rate(stream, index)
        end = float((int(index.pts[-1]) - int(index.pts[0])) * index.time_base + 1 / rate)
        return ClipInfo(
            width=height if rotation % 180 else width,
            height=width if rotation % 180 else height,
            frames=len(index),
            frame_rate=f"{rate.numerator}/{rate.denominator}",
            time_base=f"{index.time_base.numerator}/{index.time_base.denominator}",
            duration_seconds=end,
            container=container.format.name,
            codec=stream.codec_context.codec.canonical_name,
            pixel_format=form.name,
            bit_depth=form.depth,
            rotation=rotation,
            variable_frame_rate=variable,
            color_space=int(first.colorspace),
            color_range=2 if first.format.name.startswith("yuvj") else int(first.color_range),
            color_primaries=int(first.color_primaries),
            color_transfer=int(first.color_trc),
            timecode=_timecode(container, stream),
            audio=_audio(container),
        )


def _check_picture(frame: av.VideoFrame, turned: bool, path: Path) -> None:
    if frame.width * frame.height > MAX_PIXELS:
        raise ClipError(
            "clip-too-large", f"{path.name} has pictures of {frame.width}x{frame.height}.", "Scale it down."
        )
    if frame.interlaced_frame:
        raise ClipError(
            "clip-interlaced", f"{path.name} is interlaced; pictures must be whole.", "Deinterlace it first."
        )
    if turned and (frame.width % 2 or frame.height % 2):
        raise ClipError(
            "clip-orientation",
            f"{path.name} is rotated, subsampled and of odd size {frame.width}x{frame.height}.",
            "Convert it to an even size first.",
        )


def _rotation(frame: av.VideoFrame, path: Path) -> int:
    """Clockwise degrees to turn the coded picture. Mirrored and oblique matrices are refused."""
    matrix = cast(Any, frame.side_data).get(Type.DISPLAYMATRIX)
    if matrix is None:
        return 0
    a, b, _, c, d = np.frombuffer(bytes(matrix)[:20], "<i4").tolist()
    if (a, b) == (d, -c) and (b, a) in _TURNS:
        return _TURNS[b, a]
    raise ClipError(
        "clip-orientation",
        f"{path.name} asks to be shown mirrored or turned by no multiple of 90 degrees.",
        "Turn its pictures upright first.",
    )


def _rate(stream: VideoStream, index: FrameIndex) -> tuple[Fraction, bool]:
    """Frames per second, and whether the timestamps depart from it by more than their own rounding."""
    ticks = index.pts - index.pts[0]
    measured = None
    if len(index) > 1:
        measured = (len(index) - 1) / (int(ticks[-1]) * index.time_base)
    candidates = [r for r in (stream.average_rate, stream.base_rate, stream.guessed_rate, measured) if r]
    for rate in candidates:
        ideal = np.arange(len(index)) * float(1 / (rate * index.time_base))
        if np.all(np.abs(ticks - ideal) <= 1.0):
            return Fraction(rate), False
    if measured is None:
        return Fraction(candidates[0]) if candidates else Fraction(1), False
    return measured.limit_denominator(1_000_000), True


def _timecode(container: InputContainer, stream: VideoStream) -> str | None:
    """The start timecode, wherever the container keeps it."""
    holders = [stream.metadata, *(s.metadata for s in container.streams.data), container.metadata]
    for holder in holders:
        for key, value in holder.items():
            if key.lower() == "timecode" and 0 < len(value) <= 32:
                return str(value)
    return None


def _audio(container: InputContainer) -> tuple[AudioInfo, ...]:
    return tuple(
        AudioInfo(
            codec=s.codec_context.codec.canonical_name if s.codec_context else "unknown",
            sample_rate=s.codec_context.sample_rate if s.codec_context else 0,
            channels=s.codec_context.channels if s.codec_context else 0,
        )
        for s in container.streams.audio
    )
