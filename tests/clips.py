"""Small synthetic clips written with PyAV: everything a test may want to vary about a video file."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import lru_cache
from pathlib import Path

import av
import cv2
import numpy as np
import numpy.typing as npt

RGB = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class ClipSpec:
    """What to write. ``rotation`` is clockwise degrees asked of the player; sizes are those of the coded picture."""

    width: int = 64
    height: int = 48
    frames: int = 12
    rate: Fraction = Fraction(24)
    time_base: Fraction | None = None
    pts: tuple[int, ...] | None = None
    """Timestamps in ``time_base``, for variable frame rates; default constant ``rate`` from 0."""
    codec: str = "libx264"
    pixel_format: str = "yuv420p"
    options: tuple[tuple[str, str], ...] = (("crf", "12"), ("preset", "ultrafast"))
    gop: int = 12
    color: tuple[int, int, int, int] = (1, 1, 1, 1)
    """Matrix, range, primaries, transfer (ITU-T H.273)."""
    rotation: int = 0
    timecode: str | None = None
    sound: str | None = None
    """Encoder of a sound track: ``aac``, ``pcm_s16le``, ``libopus``, ``flac``."""
    tracks: int = 1
    """Number of sound tracks, if ``sound``."""


def moving_square(size: tuple[int, int], frame: int) -> RGB:
    """A bright square moving over a static textured gradient, ``(height, width, 3)``; every frame differs."""
    width, height = size
    picture = _background(width, height).copy()
    side = max(4, min(width, height) // 4)
    left = (frame * 3) % max(1, width - side)
    top = (height - side) // 2
    picture[top : top + side, left : left + side] = (230, 40 + 7 * (frame % 20), 30)
    return picture


@lru_cache(maxsize=8)
def _background(width: int, height: int) -> RGB:
    y, x = np.mgrid[0:height, 0:width]
    texture = 18 * np.sin(x / 3.1) * np.cos(y / 4.3)
    picture = np.stack([60 + 120 * x / width + texture, 90 + 80 * y / height - texture, 110 + 0 * x], axis=-1)
    return np.clip(picture, 0, 255).astype(np.uint8)


def write_clip(
    path: Path, spec: ClipSpec | None = None, pictures: Iterable[RGB] | None = None, **changes: object
) -> Path:
    """Write ``path`` as ``spec`` (with ``changes``) says, from ``pictures`` or of a moving square."""
    spec = replace(spec or ClipSpec(), **changes)  # type: ignore[arg-type]
    shown = pictures if pictures is not None else _default_pictures(spec)
    with av.open(str(path), "w", options={"fflags": "+bitexact"}) as container:
        video = _video_stream(container, spec)
        sounds = [_sound_stream(container, spec, i) for i in range(spec.tracks if spec.sound else 0)]
        for number, picture in enumerate(shown):
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(picture), "rgb24")
            frame = frame.reformat(
                format=spec.pixel_format, dst_colorspace=_matrix(spec), dst_color_range=spec.color[1] or 1
            )
            frame.time_base = video.codec_context.time_base
            frame.pts = spec.pts[number] if spec.pts else round(number / spec.rate / frame.time_base)
            container.mux(video.encode(frame))
        container.mux(video.encode())
        for track, stream in enumerate(sounds):
            _write_tone(container, stream, float(spec.frames / spec.rate), track)
    return path


def _matrix(spec: ClipSpec) -> str:
    return "ITU709" if spec.color[0] == 1 else "ITU601"


def _default_pictures(spec: ClipSpec) -> Iterator[RGB]:
    return (moving_square((spec.width, spec.height), i) for i in range(spec.frames))


def _video_stream(container: av.container.OutputContainer, spec: ClipSpec) -> av.VideoStream:
    stream = container.add_stream(
        spec.codec, rate=spec.rate, options=dict(spec.options) if "x26" in spec.codec else {}
    )
    stream.width, stream.height, stream.pix_fmt = spec.width, spec.height, spec.pixel_format
    context = stream.codec_context
    context.time_base = stream.time_base = spec.time_base or 1 / spec.rate
    context.gop_size = spec.gop
    context.thread_count = 1
    context.colorspace, context.color_range, context.color_primaries, context.color_trc = spec.color
    if spec.timecode:
        stream.metadata["timecode"] = spec.timecode
    if spec.rotation:
        stream.set_display_rotation(-spec.rotation)
    return stream


def _sound_stream(container: av.container.OutputContainer, spec: ClipSpec, track: int) -> av.AudioStream:
    stream = container.add_stream(str(spec.sound), rate=48000)
    stream.layout = "stereo"
    stream.codec_context.thread_count = 1
    return stream


def _write_tone(
    container: av.container.OutputContainer, stream: av.AudioStream, seconds: float, track: int
) -> None:
    time = np.arange(round(seconds * 48000)) / 48000
    wave = 0.2 * np.sin(2 * np.pi * (330 + 110 * track) * time) + 0.02 * np.sin(2 * np.pi * 1231 * time)
    samples = np.stack([wave, wave]).astype(np.float32)
    resampler = av.AudioResampler(
        stream.format, "stereo", 48000, frame_size=stream.codec_context.frame_size or 1024
    )
    frame = av.AudioFrame.from_ndarray(samples, "fltp", "stereo")
    frame.sample_rate, frame.pts, frame.time_base = 48000, 0, Fraction(1, 48000)
    for part in [*resampler.resample(frame), *resampler.resample(None)]:
        container.mux(stream.encode(part))
    container.mux(stream.encode(None))


def write_jumpy_clip(path: Path, gaps: Sequence[int] = (1, 3, 1, 2, 5, 1, 1, 4), **changes: object) -> Path:
    """A clip of variable frame rate: ``gaps`` in units of 1/120 s between frames."""
    times = tuple(int(t) for t in np.cumsum((0, *gaps)) * 100)
    return write_clip(path, pts=times, time_base=Fraction(1, 12000), frames=len(times), **changes)


def cut_off(path: Path, share: float = 0.6) -> Path:
    """Keep only the first ``share`` of the file, as a broken transfer does."""
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * share)])
    return path


def write_gray_lossy(
    path: Path, values: Iterable[npt.NDArray[np.uint8]], crf: int, **changes: object
) -> Path:
    """Grey pictures as an ordinary lossy yuv420p H.264 file."""
    pictures = (cv2.cvtColor(v, cv2.COLOR_GRAY2RGB) for v in values)
    return write_clip(path, pictures=pictures, options=(("crf", str(crf)), ("preset", "medium")), **changes)
