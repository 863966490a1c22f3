"""What a finished clip is coded as: the samples fit, and nothing depends on the moment or the machine."""

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from void_audit.errors import ClipError
from void_audit.media.encoding import (
    ENCODER_THREADS,
    KINDS,
    add_picture_track,
    container_options,
    extension,
    output_format,
)
from void_audit.media.ffv1 import intact
from void_audit.media.memory import ArrayClip
from void_audit.media.pixels import layout, planar_name
from void_audit.model.clip import AudioInfo, ClipInfo
from void_audit.model.plan import EncoderSettings

H264, FFV1 = EncoderSettings(crf=0, preset="ultrafast"), EncoderSettings(codec="ffv1")
PLAIN = ArrayClip([np.zeros((48, 64, 3), np.uint8)]).info.model_copy(update={"pixel_format": "yuv420p"})


def of(**changes: object) -> ClipInfo:
    return PLAIN.model_copy(update=changes)


def formats() -> list[str]:
    """Every format that a clip may have."""
    found = []
    for name in sorted(av.video.format.names):
        try:
            found.append(layout(name).name)
        except ClipError:
            continue
    return found


def written(folder: Path, info: ClipInfo, encoder: EncoderSettings, aspect: Fraction | None = None):
    """One grey picture through the track; the file, opened."""
    path = folder / f"a{extension(encoder)}"
    with av.open(str(path), "w", KINDS[encoder.codec], options=container_options(info, encoder)) as container:
        stream = add_picture_track(container, info, encoder, aspect)
        frame = av.VideoFrame(stream.width, stream.height, "gray").reformat(format=stream.pix_fmt)
        frame.pts, frame.time_base = 0, Fraction(info.time_base)
        container.mux([*stream.encode(frame), *stream.encode()])
    return av.open(str(path))


def test_extensions_belong_to_containers() -> None:
    assert [(extension(e), KINDS[e.codec]) for e in (H264, FFV1)] == [(".mp4", "mp4"), (".mkv", "matroska")]


@pytest.mark.parametrize("encoder", [H264, FFV1], ids=lambda e: e.codec)
def test_every_format_is_held_unchanged_or_refused(encoder: EncoderSettings) -> None:
    """Never fewer bits, never less chroma, never colour for grey's sake lost; and the encoder takes it."""
    codec = av.Codec("libx264" if encoder.codec == "h264" else "ffv1", "w")
    taken = {f.name for f in codec.video_formats}
    held, refused = 0, [("clip-encoder", True, True)]
    for name in formats():
        for width, height in ((64, 48), (63, 48), (64, 47)):
            try:
                target = output_format(of(pixel_format=name, width=width, height=height), encoder)
            except ClipError as error:
                refused.append((error.code, name in error.message, bool(error.hint)))
                continue
            held += 1
            source, form = layout(name), layout(planar_name(target))
            assert target in taken
            assert form.depth == source.depth
            assert form.rgb == source.rgb
            assert source.gray or (form.sub_x <= source.sub_x and form.sub_y <= source.sub_y)
            if encoder.codec == "h264":
                assert width % form.factor(1)[0] == height % form.factor(1)[1] == 0
    assert held > 20
    assert set(refused) == {("clip-encoder", True, True)}


def test_the_turned_size_decides() -> None:
    """63 x 48 as displayed is coded as 48 x 63: 4:2:2 fits, 4:2:0 does not."""
    for rotation, name, expected in (
        (0, "yuv422p", "yuv444p"),
        (90, "yuv422p", "yuv422p"),
        (270, "yuv420p", "yuv444p"),
        (180, "yuv422p", "yuv444p"),
    ):
        info = of(width=63, height=48, rotation=rotation, pixel_format=name)
        assert output_format(info, H264) == expected


def test_refusals_say_what_to_do() -> None:
    for name, encoder, hint in (("gbrp", H264, "encoder.codec to ffv1"), ("yuvj444p", FFV1, "Convert")):
        with pytest.raises(ClipError, match=name) as caught:
            output_format(of(pixel_format=name), encoder)
        assert (caught.value.code, hint in caught.value.hint) == ("clip-encoder", True)


@pytest.mark.parametrize("name", ["nonsense", "yuva420p"])
def test_formats_that_no_clip_has(name: str) -> None:
    with pytest.raises(ClipError) as caught:
        output_format(of(pixel_format=name), FFV1)
    assert caught.value.code == "clip-pixel-format"


def test_one_movie_clock_counts_pictures_and_sound_exactly() -> None:
    tracks = tuple(AudioInfo(codec="aac", sample_rate=rate, channels=2) for rate in (48000, 44100))
    options = container_options(of(time_base="1001/24000", audio=tracks), H264)
    assert options["video_track_timescale"] == "24000"
    movie = int(options["movie_timescale"])
    assert not [rate for rate in (24000, 48000, 44100) if movie % rate]


def test_a_clock_that_is_too_fast_counts_pictures_only() -> None:
    """The field has 31 bits; sound of a rate that is not known does not count."""
    track = AudioInfo(codec="aac", sample_rate=44100, channels=2)
    options = container_options(of(time_base="1/1000003", audio=(track,)), H264)
    assert options["movie_timescale"] == options["video_track_timescale"] == "1000003"
    unknown = track.model_copy(update={"sample_rate": 0})
    assert container_options(of(audio=(unknown,)), H264) == container_options(of(), H264)


def test_matroska_has_no_options_of_mp4() -> None:
    assert container_options(of(), FFV1) == {"fflags": "+bitexact"}


@pytest.mark.parametrize("encoder", [H264, FFV1], ids=lambda e: e.codec)
def test_a_track_carries_the_sources_facts(tmp_path: Path, encoder: EncoderSettings) -> None:
    facts = {"color_space": 9, "color_range": 1, "color_primaries": 9, "color_transfer": 16}
    info = of(rotation=90, timecode="01:02:03:04", frame_rate="25/1", time_base="1/25", **facts)
    with written(tmp_path, info, encoder, Fraction(4, 3)) as container:
        stream = container.streams.video[0]
        assert (stream.width, stream.height) == (48, 64)
        assert stream.average_rate == 25
        first = next(container.decode(video=0))
        assert first.rotation % 360 == 270  # counterclockwise
        assert (first.colorspace, first.color_range, first.color_primaries, first.color_trc) == (9, 1, 9, 16)
        holders = [container.metadata, *(s.metadata for s in container.streams)]
        assert "01:02:03:04" in {v for h in holders for k, v in h.items() if k.lower() == "timecode"}


def test_the_shape_of_pixels_in_mp4(tmp_path: Path) -> None:
    with written(tmp_path, of(), H264, Fraction(4, 3)) as container:
        assert container.streams.video[0].sample_aspect_ratio == Fraction(4, 3)


def test_what_the_source_does_not_say_is_not_said(tmp_path: Path) -> None:
    with written(tmp_path, of(), H264) as container:
        first = next(container.decode(video=0))
        assert (first.rotation, int(first.colorspace), int(first.color_primaries)) == (0, 2, 2)
        assert container.streams.video[0].sample_aspect_ratio in (None, 0, 1)
        assert not [s for s in container.streams if "timecode" in s.metadata]


@pytest.mark.parametrize("encoder", [H264, FFV1], ids=lambda e: e.codec)
def test_the_encoder_does_not_follow_the_machine(tmp_path: Path, encoder: EncoderSettings) -> None:
    with av.open(str(tmp_path / "a.mkv"), "w") as container:
        stream = add_picture_track(container, of(), encoder, None)
        assert stream.codec_context.thread_count == ENCODER_THREADS
        stream.encode(av.VideoFrame(64, 48, "yuv420p"))
        stream.encode()


def test_ffv1_frames_stand_alone_and_are_checked(tmp_path: Path) -> None:
    """Every packet is a key and carries checksums: one changed byte is seen."""
    with written(tmp_path, of(), FFV1) as container:
        packets = [p for p in container.demux(video=0) if p.size]
        header = container.streams.video[0].codec_context.extradata
        for packet in packets:
            data = bytearray(bytes(packet))
            assert packet.is_keyframe
            assert intact(bytes(data), header)
            data[len(data) // 2] ^= 1
            assert not intact(bytes(data), header)
        assert packets
