"""What is said of a file is true, and files that are not whole are refused."""

from fractions import Fraction
from pathlib import Path

import av
import pytest
from clips import cut_off, moving_square, write_clip, write_jumpy_clip

from void_audit.errors import ClipError
from void_audit.media.probe import probe
from void_audit.media.reader import VideoClip

SAMPLES = Path(__file__).resolve().parents[3] / "shared/samples"


def code_of(path: Path) -> str:
    with pytest.raises(ClipError) as caught:
        list(VideoClip(path).frames())
    assert caught.value.hint
    assert path.name in caught.value.message or caught.value.code == "clip-pixel-format"
    return caught.value.code


def test_facts(tmp_path: Path) -> None:
    path = write_clip(
        tmp_path / "a.mp4", frames=13, rate=Fraction(24000, 1001), sound="aac", timecode="10:11:12:13"
    )
    info = probe(path)
    assert (info.width, info.height, info.frames) == (64, 48, 13)
    assert info.rate == Fraction(24000, 1001)
    assert not info.variable_frame_rate
    assert info.duration_seconds == pytest.approx(13 * 1001 / 24000)
    assert (info.codec, info.pixel_format, info.bit_depth, info.rotation) == ("h264", "yuv420p", 8, 0)
    assert (info.color_space, info.color_range, info.color_primaries, info.color_transfer) == (1, 1, 1, 1)
    assert info.timecode == "10:11:12:13"
    assert [(a.codec, a.sample_rate, a.channels) for a in info.audio] == [("aac", 48000, 2)]


def test_no_sound_no_timecode_no_tags(tmp_path: Path) -> None:
    info = probe(write_clip(tmp_path / "a.mp4", color=(2, 0, 2, 2)))
    assert (info.audio, info.timecode) == ((), None)
    assert (info.color_space, info.color_range, info.color_primaries, info.color_transfer) == (2, 0, 2, 2)


@pytest.mark.parametrize("rotation", [90, 180, 270])
def test_sizes_are_those_displayed(tmp_path: Path, rotation: int) -> None:
    info = probe(write_clip(tmp_path / "a.mp4", rotation=rotation))
    assert info.rotation == rotation
    assert info.size == ((48, 64) if rotation % 180 else (64, 48))


def test_variable_rate_is_noticed(tmp_path: Path) -> None:
    info = probe(write_jumpy_clip(tmp_path / "a.mp4", gaps=(1, 3, 1, 5)))
    assert info.variable_frame_rate
    assert info.rate == Fraction(4) / Fraction(10, 120)


def test_millisecond_rounding_of_matroska_is_not_variable_rate(tmp_path: Path) -> None:
    info = probe(write_clip(tmp_path / "a.mkv", codec="ffv1", rate=Fraction(24000, 1001), frames=40))
    assert not info.variable_frame_rate
    assert info.rate == Fraction(24000, 1001)


def test_one_picture(tmp_path: Path) -> None:
    info = probe(write_clip(tmp_path / "a.mp4", frames=1))
    assert (info.frames, info.variable_frame_rate, info.rate) == (1, False, 24)


def test_full_range_by_old_format_name(tmp_path: Path) -> None:
    info = probe(write_clip(tmp_path / "a.mp4", pixel_format="yuvj420p", color=(1, 2, 1, 1)))
    assert (info.pixel_format, info.color_range) == ("yuv420p", 2)


@pytest.mark.parametrize("suffix", ["mp4", "mov", "mkv", "avi"])
@pytest.mark.parametrize("share", [0.98, 0.9, 0.5, 0.1])
def test_cut_files_are_refused(tmp_path: Path, suffix: str, share: float) -> None:
    kind = {"codec": "mpeg4"} if suffix == "avi" else {}
    assert (
        code_of(cut_off(write_clip(tmp_path / f"a.{suffix}", frames=30, **kind), share)) == "clip-truncated"
    )


def test_a_gap_in_an_avi_is_no_truncation(tmp_path: Path) -> None:
    """AVI stores a picture that is not there as an empty packet, and counts it."""
    path = write_clip(
        tmp_path / "a.avi", codec="mpeg4", frames=4, pts=(0, 2, 3, 4), time_base=Fraction(1, 24)
    )
    assert probe(path).frames == 4


def test_cut_file_with_contents_in_front(tmp_path: Path) -> None:
    whole = tmp_path / "whole.mp4"
    with av.open(str(whole), "w", options={"movflags": "+faststart"}) as container:
        stream = container.add_stream("libx264", rate=24)
        stream.width, stream.height = 64, 48
        for i in range(30):
            frame = av.VideoFrame.from_ndarray(moving_square((64, 48), i), "rgb24")
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    assert probe(whole).frames == 30
    assert code_of(cut_off(whole, 0.97)) == "clip-truncated"


def test_missing_packets_are_noticed_even_if_the_outline_is_mended(tmp_path: Path) -> None:
    """The last quarter of the picture data is zeros: sizes are right, content is not."""
    path = write_clip(tmp_path / "a.mkv", codec="ffv1", frames=30)
    data = path.read_bytes()
    keep = len(data) * 3 // 4
    path.write_bytes(data[:keep] + bytes(len(data) - keep))
    assert code_of(path) in {"clip-truncated", "clip-damaged"}


def test_damage_in_the_middle_is_found_when_read(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "a.mp4", frames=60, gop=60)
    data = bytearray(path.read_bytes())
    for i in range(len(data) // 3, len(data) // 2):
        data[i] ^= 0xFF
    path.write_bytes(data)
    assert code_of(path) == "clip-damaged"


@pytest.mark.parametrize(
    "content",
    [b"", b"hello" * 99, b"#EXTM3U\n#EXTINF:1,\nother.mp4\n", b"ffconcat version 1.0\nfile other.mp4\n"],
    ids=["empty", "text", "playlist", "concatenation"],
)
def test_not_a_video(tmp_path: Path, content: bytes) -> None:
    write_clip(tmp_path / "other.mp4")
    path = tmp_path / "a.mp4"
    path.write_bytes(content)
    assert code_of(path) == "clip-not-video"


def test_missing(tmp_path: Path) -> None:
    assert code_of(tmp_path / "none.mp4") == "clip-missing"


def test_a_name_is_never_a_protocol(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write_clip(tmp_path / "other.mp4")
    with pytest.raises(ClipError) as caught:
        probe(Path("concat:other.mp4"))
    assert caught.value.code == "clip-missing"


def test_sound_only(tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("aac", rate=48000)
        stream.layout = "mono"
        frame = av.AudioFrame(format="fltp", layout="mono", samples=1024)
        frame.sample_rate = 48000
        for plane in frame.planes:
            plane.update(bytes(plane.buffer_size))
        container.mux(stream.encode(frame))
        container.mux(stream.encode())
    assert code_of(path) == "clip-no-video"


def test_two_picture_tracks(tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    with av.open(str(path), "w") as container:
        streams = [container.add_stream("libx264", rate=24) for _ in range(2)]
        for stream in streams:
            stream.width, stream.height = 64, 48
        for stream in streams:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(moving_square((64, 48), 0), "rgb24")))
            container.mux(stream.encode())
    assert code_of(path) == "clip-too-many-tracks"


def test_limits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_clip(tmp_path / "a.mp4", frames=12)
    with monkeypatch.context() as patch:
        patch.setattr("void_audit.media.index.MAX_FRAMES", 11)
        assert code_of(path) == "clip-too-long"
    monkeypatch.setattr("void_audit.media.container.MAX_PIXELS", 64 * 48 - 1)
    assert code_of(path) == "clip-too-large"


def test_huge_claimed_size_costs_no_memory(tmp_path: Path) -> None:
    """A header may claim any size: here the width and height fields of a Matroska track."""
    path = write_clip(tmp_path / "a.mkv", codec="ffv1", width=320, height=260, frames=1)
    data = path.read_bytes()
    size = b"\xb0\x82\x01\x40\xba\x82\x01\x04"
    assert data.count(size) == 1
    path.write_bytes(data.replace(size, b"\xb0\x82\xff\xff\xba\x82\xff\xff"))
    assert code_of(path) in {"clip-too-large", "clip-damaged"}


def test_mirrored_pictures_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=24)
        stream.width, stream.height = 64, 48
        stream.set_display_rotation(0, hflip=True)
        container.mux(stream.encode(av.VideoFrame.from_ndarray(moving_square((64, 48), 0), "rgb24")))
        container.mux(stream.encode())
    assert code_of(path) == "clip-orientation"


def test_interlaced_is_refused(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "a.mp4", options=(("x264-params", "tff=1"), ("preset", "ultrafast")))
    assert code_of(path) == "clip-interlaced"


def test_transparent_pictures_are_refused(tmp_path: Path) -> None:
    assert (
        code_of(write_clip(tmp_path / "a.mkv", codec="ffv1", pixel_format="yuva420p")) == "clip-pixel-format"
    )


@pytest.mark.samples
@pytest.mark.parametrize(
    ("name", "size", "frames", "sound"),
    [
        ("lime", (3840, 2160), 46, 0),
        ("moving_ball", (3840, 2160), 62, 0),
        ("ducky-float", (1296, 720), 62, 1),
    ],
)
def test_real_clips(name: str, size: tuple[int, int], frames: int, sound: int) -> None:
    path = SAMPLES / name / "input_video.mp4"
    if not path.exists():
        pytest.skip("the real clips are not beside the checkout")
    info = probe(path)
    assert (info.size, info.frames, info.rate, len(info.audio)) == (size, frames, 12, sound)
