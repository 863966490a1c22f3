"""Which codec, container and pixel format a finished clip gets, and the encoder set up for it."""

from __future__ import annotations

from fractions import Fraction
from math import lcm

from av.codec.context import Flags
from av.container import OutputContainer
from av.video.stream import VideoStream

from void_audit.errors import ClipError
from void_audit.media.pixels import Layout, layout
from void_audit.model.clip import ClipInfo
from void_audit.model.plan import EncoderSettings

ENCODER_THREADS = 4
"""Fixed, whatever the machine has: x264's output depends on the number of threads."""

KINDS = {"h264": "mp4", "ffv1": "matroska"}
"""Codec to container. C2PA can be embedded in MP4 only."""

_FFV1 = {
    "gray", "gray9le", "gray10le", "gray12le", "gray14le", "gray16le", "gbrp9le", "gbrp10le", "gbrp12le",
    "gbrp14le", "gbrp16le", "yuv420p", "yuv422p", "yuv440p", "yuv444p", "yuv411p", "yuv410p",
    "yuv440p10le", "yuv440p12le",
    *(f"yuv{chroma}p{depth}le" for chroma in (420, 422, 444) for depth in (9, 10, 12, 14, 16)),
}  # fmt: skip


def extension(encoder: EncoderSettings) -> str:
    """``.mp4`` for H.264, ``.mkv`` for FFV1."""
    return ".mp4" if encoder.codec == "h264" else ".mkv"


def output_format(info: ClipInfo, encoder: EncoderSettings) -> str:
    """FFmpeg's name of the pixel format in which the finished clip is coded.

    It is the source's own where the encoder can. H.264 cannot hold subsampled chroma of an odd size, nor
    4:4:0 or 4:1:1: these get 4:4:4 with replicated chroma; nor grey: it gets neutral chroma.

    Raises:
        ClipError: clip-encoder where no format can hold the source's samples unchanged.
    """
    form = layout(info.pixel_format)
    if encoder.codec == "ffv1":
        if form.name == "gbrp":
            return "bgr0"
        if form.name in _FFV1:
            return form.name
        raise _unheld(form, "FFV1", "Convert the clip first.")
    if form.rgb or form.depth not in (8, 10):
        raise _unheld(form, "H.264", "Set encoder.codec to ffv1.")
    return f"yuv{_h264_chroma(form, info)}p{'' if form.depth == 8 else '10le'}"


def _h264_chroma(form: Layout, info: ClipInfo) -> int:
    sideways = info.rotation % 180 != 0
    width, height = (info.height, info.width) if sideways else (info.width, info.height)
    if (form.sub_x, form.sub_y) == (1, 0) and width % 2 == 0:
        return 422
    if (form.gray or (form.sub_x, form.sub_y) == (1, 1)) and width % 2 == 0 and height % 2 == 0:
        return 420
    return 444


def _unheld(form: Layout, codec: str, hint: str) -> ClipError:
    return ClipError("clip-encoder", f"{codec} cannot hold {form.name} pictures unchanged.", hint)


def container_options(info: ClipInfo, encoder: EncoderSettings) -> dict[str, str]:
    """Options of the muxer: nothing that depends on the moment or the machine.

    In MP4 the track counts in the source's time base, and the whole file in one in which the tracks'
    offsets against each other are exact.
    """
    options = {"fflags": "+bitexact"}
    if encoder.codec == "h264":
        ticks = Fraction(info.time_base).denominator
        together = lcm(ticks, *(track.sample_rate for track in info.audio if track.sample_rate))
        movie = together if together < 1 << 31 else ticks
        options |= {
            "movflags": "+faststart",
            "video_track_timescale": str(ticks),
            "movie_timescale": str(movie),
        }
    return options


def add_picture_track(
    container: OutputContainer, info: ClipInfo, encoder: EncoderSettings, pixel_aspect: Fraction | None
) -> VideoStream:
    """A picture track with the source's rate, time base, shape of pixels, colour tags, timecode and rotation.

    Matroska does not take the shape of pixels from here.
    """
    stream = container.add_stream(
        "libx264" if encoder.codec == "h264" else "ffv1", rate=info.rate, options=_codec_options(encoder)
    )
    sideways = info.rotation % 180 != 0
    stream.width, stream.height = (info.height, info.width) if sideways else (info.width, info.height)
    stream.pix_fmt = output_format(info, encoder)
    context = stream.codec_context
    context.time_base = stream.time_base = Fraction(info.time_base)
    context.framerate = info.rate
    context.thread_count = ENCODER_THREADS
    context.flags |= Flags.bitexact
    context.colorspace, context.color_range = info.color_space, info.color_range
    context.color_primaries, context.color_trc = info.color_primaries, info.color_transfer
    if pixel_aspect:
        context.sample_aspect_ratio = pixel_aspect
    if info.timecode:
        stream.metadata["timecode"] = info.timecode
    if info.rotation:
        stream.set_display_rotation(-info.rotation)
    return stream


def _codec_options(encoder: EncoderSettings) -> dict[str, str]:
    if encoder.codec == "h264":
        return {"crf": str(encoder.crf), "preset": encoder.preset, "x264-params": "cpu-independent=1"}
    return {"level": "3", "slicecrc": "1", "g": "1"}
