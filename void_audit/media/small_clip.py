"""The clip as it is sent along: small, without sound, at a bounded rate, in memory."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from io import BytesIO
from itertools import islice
from math import ceil

import av
from av.codec.context import Flags
from av.container import OutputContainer
from av.video.stream import VideoStream

from void_audit.model.clip import RGB, Clip, ClipInfo
from void_audit.model.engine import Progress, no_progress
from void_audit.model.geometry import Size

SHORT_SIDE = 360
LONG_SIDE = 1280
MOST_PICTURES_PER_SECOND = 12
"""VOID's own rate (spec/void 1.1). Pictures are left out evenly; the others keep their times."""

MOST_KILOBITS = 800
LEAST_KILOBITS = 48
"""Per second: with less there is nothing left to see at this size."""


def small_clip(clip: Clip, most_bytes: int, progress: Progress = no_progress) -> bytes | None:
    """``clip`` as H.264 in MP4, of at most ``most_bytes``; None where it does not fit.

    Short side at most 360 pixels, never enlarged; at most 12 pictures per second, frame ``i`` at ``i / rate``
    seconds; BT.709; no sound. Pictures are streamed: only the coded bytes are held, which the encoder's buffer
    model keeps in bounds. Equal pictures give equal bytes with the same encoder.
    """
    kilobits = min(MOST_KILOBITS, int(0.9 * most_bytes * 8 / 1000 / _seconds(clip.info)))
    if kilobits < LEAST_KILOBITS:
        return None
    size, step = _size(clip.info.size), ceil(clip.info.rate / MOST_PICTURES_PER_SECOND)
    pictures = islice(clip.view(size=size).frames(), 0, None, step)
    target = BytesIO()
    with av.open(target, "w", "mp4", options={"fflags": "+bitexact"}) as container:
        stream = _stream(container, size, clip.info.rate / step, kilobits)
        for number, frame in enumerate(_frames(pictures, clip.info.rate / step)):
            progress("preparing the clip", number * step, clip.info.frames)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    progress("preparing the clip", clip.info.frames, clip.info.frames)
    return target.getvalue() if target.getbuffer().nbytes <= most_bytes else None


def _seconds(info: ClipInfo) -> float:
    """With the second that the encoder may be ahead of its rate."""
    return 1 + float(info.frames / info.rate)


def _size(size: Size) -> Size:
    """Even on both sides, as 4:2:0 needs."""
    scale = min(1.0, SHORT_SIDE / min(size), LONG_SIDE / max(size))
    return Size(*(max(16, 2 * round(side * scale / 2)) for side in size))


def _stream(container: OutputContainer, size: Size, rate: Fraction, kilobits: int) -> VideoStream:
    own = f"threads=1:cpu-independent=1:vbv-maxrate={kilobits}:vbv-bufsize={kilobits}"
    stream = container.add_stream(
        "libx264", rate=rate, options={"crf": "26", "preset": "fast", "x264-params": own}
    )
    stream.width, stream.height, stream.pix_fmt = size.width, size.height, "yuv420p"
    context = stream.codec_context
    context.time_base = stream.time_base = 1 / rate
    context.thread_count = 1  # the output depends on it
    context.flags |= Flags.bitexact
    context.colorspace = context.color_range = context.color_primaries = context.color_trc = 1
    return stream


def _frames(pictures: Iterator[RGB], rate: Fraction) -> Iterator[av.VideoFrame]:
    for number, picture in enumerate(pictures):
        frame = av.VideoFrame.from_ndarray(picture, "rgb24")
        frame = frame.reformat(format="yuv420p", dst_colorspace="ITU709", dst_color_range=1, threads=1)
        frame.pts, frame.time_base = number, 1 / rate
        yield frame
