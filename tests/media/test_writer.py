"""Everything but the pictures stays as it was, and nothing is left half-written."""

import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from clips import cut_off, moving_square, write_clip, write_jumpy_clip

from void_audit.errors import ClipError, StorageError
from void_audit.media.packets import packet_digests
from void_audit.media.probe import probe
from void_audit.media.reader import VideoClip
from void_audit.media.writer import VideoWriter, extension, output_format
from void_audit.model.clip import ClipInfo, PlaneFrame
from void_audit.model.plan import EncoderSettings

H264 = EncoderSettings(crf=0, preset="ultrafast")
FFV1 = EncoderSettings(codec="ffv1")


def rewrite(source: Path, target: Path, encoder: EncoderSettings) -> tuple[VideoClip, VideoClip]:
    clip = VideoClip(source)
    with VideoWriter(target, source, clip.info, encoder) as writer:
        for frame in clip.planes():
            writer.write(frame)
    return clip, VideoClip(target)


def assert_same_planes(one: VideoClip, other: VideoClip) -> None:
    for a, b in zip(one.planes(), other.planes(), strict=True):
        assert a.pixel_format == b.pixel_format
        for p, q in zip(a.planes, b.planes, strict=True):
            np.testing.assert_array_equal(p, q)


def differing(one: ClipInfo, other: ClipInfo) -> set[str]:
    other_facts = other.model_dump()
    return {name for name, value in one.model_dump().items() if other_facts[name] != value}


def sound_times(path: Path) -> list[list[Fraction]]:
    with av.open(str(path)) as container:
        streams = container.streams.audio
        times: dict[int, list[Fraction]] = {s.index: [] for s in streams}
        for packet in container.demux(tuple(streams)):
            if packet.size:
                times[packet.stream_index].append(packet.pts * packet.time_base)
    return list(times.values())


@pytest.mark.parametrize("rotation", [0, 90, 180, 270])
def test_facts_sound_and_kept_samples(tmp_path: Path, rotation: int) -> None:
    """8-bit H.264 with crf 0 is lossless, so every sample must come back."""
    source = write_clip(
        tmp_path / "a.mp4",
        frames=30,
        rate=Fraction(30000, 1001),
        sound="aac",
        tracks=2,
        rotation=rotation,
        timecode="01:02:03:04",
        color=(6, 1, 5, 6),
    )
    one, other = rewrite(source, tmp_path / "b.mp4", H264)
    assert differing(one.info, other.info) == set()
    assert [f.pts for f in one.planes()] == [f.pts for f in other.planes()]
    assert_same_planes(one, other)
    assert len(packet_digests(source).audio) == 2
    assert packet_digests(source).audio == packet_digests(other.path).audio
    assert packet_digests(source).video != packet_digests(other.path).video
    assert sound_times(source) == sound_times(other.path)


def test_the_shape_of_pixels_is_kept(tmp_path: Path) -> None:
    source = tmp_path / "a.mp4"
    with av.open(str(source), "w") as container:
        stream = container.add_stream("libx264", rate=24)
        stream.width, stream.height = 64, 48
        stream.codec_context.sample_aspect_ratio = Fraction(4, 3)
        container.mux(stream.encode(av.VideoFrame.from_ndarray(moving_square((64, 48), 0), "rgb24")))
        container.mux(stream.encode())
    _, other = rewrite(source, tmp_path / "b.mp4", H264)
    with av.open(str(other.path)) as container:
        assert container.streams.video[0].sample_aspect_ratio == Fraction(4, 3)


def test_a_change_arrives(tmp_path: Path) -> None:
    """The check of equal samples above can fail."""
    clip = VideoClip(write_clip(tmp_path / "a.mp4", frames=3))
    with VideoWriter(tmp_path / "b.mp4", clip.path, clip.info, H264) as writer:
        for frame in clip.planes():
            frame.planes[0][10, 20] ^= 1
            writer.write(frame)
    with pytest.raises(AssertionError):
        assert_same_planes(clip, VideoClip(tmp_path / "b.mp4"))


def test_exact_times_of_variable_rate(tmp_path: Path) -> None:
    one, other = rewrite(write_jumpy_clip(tmp_path / "a.mp4"), tmp_path / "b.mp4", H264)
    assert one.info.variable_frame_rate
    assert differing(one.info, other.info) == set()
    np.testing.assert_array_equal(one.index.pts, other.index.pts)


@pytest.mark.parametrize("sound", ["mp2", "aac"])
def test_a_late_start_is_kept(tmp_path: Path, sound: str) -> None:
    """Transport streams begin at any time; sound and pictures keep their distance."""
    source = write_clip(tmp_path / "a.ts", frames=12, sound=sound, rate=Fraction(25))
    one, other = rewrite(source, tmp_path / "b.mp4", H264)
    assert differing(one.info, other.info) <= {"container", "audio"}
    assert one.index.pts[0] > 0
    np.testing.assert_array_equal(one.index.pts, other.index.pts)
    assert sound_times(source) == sound_times(other.path)
    assert packet_digests(source).audio == packet_digests(other.path).audio


@pytest.mark.parametrize("pixel_format", ["yuv420p10le", "yuv422p10le", "yuv444p10le"])
def test_ten_bits_stay_ten_bits(tmp_path: Path, pixel_format: str) -> None:
    source = write_clip(tmp_path / "a.mkv", codec="ffv1", pixel_format=pixel_format, color=(9, 1, 9, 16))
    one, other = rewrite(source, tmp_path / "b.mp4", EncoderSettings(crf=5, preset="veryfast"))
    assert other.info.pixel_format == pixel_format
    assert (other.info.color_space, other.info.color_primaries, other.info.color_transfer) == (9, 9, 16)
    for a, b in zip(one.planes(), other.planes(), strict=True):
        assert np.abs(a.planes[0].astype(int) - b.planes[0]).max() <= 24
    one, other = rewrite(source, tmp_path / "b.mkv", FFV1)
    assert_same_planes(one, other)


@pytest.mark.parametrize(
    ("pixel_format", "rotation", "sound"),
    [
        ("yuv420p", 0, "flac"),
        ("yuv422p", 90, "pcm_s16le"),
        ("yuv422p10le", 270, None),
        ("yuv444p16le", 0, "libopus"),
        ("bgr0", 90, None),
        ("gbrp10le", 0, None),
        ("gray", 0, None),
    ],
)
def test_ffv1_keeps_every_sample(tmp_path: Path, pixel_format: str, rotation: int, sound: str | None) -> None:
    rgb = pixel_format[0] in "bg" and pixel_format != "gray"
    color = (0, 2, 1, 1) if rgb else (1, 1, 1, 1)
    source = write_clip(
        tmp_path / "a.mkv",
        codec="ffv1",
        pixel_format=pixel_format,
        rotation=rotation,
        sound=sound,
        color=color,
    )
    one, other = rewrite(source, tmp_path / "b.mkv", FFV1)
    assert differing(one.info, other.info) == set()
    assert_same_planes(one, other)
    assert packet_digests(source).audio == packet_digests(other.path).audio


def test_matroska_rounds_times_to_milliseconds(tmp_path: Path) -> None:
    one, other = rewrite(write_jumpy_clip(tmp_path / "a.mp4"), tmp_path / "b.mkv", FFV1)
    exact = [int(t) * one.index.time_base for t in one.index.pts]
    rounded = [int(t) * other.index.time_base for t in other.index.pts]
    assert max(abs(a - b) for a, b in zip(exact, rounded, strict=True)) <= Fraction(1, 2000)


def test_odd_sizes_get_replicated_chroma(tmp_path: Path) -> None:
    source = write_clip(tmp_path / "a.mkv", codec="ffv1", width=65, height=47, frames=4)
    one, other = rewrite(source, tmp_path / "b.mp4", H264)
    assert output_format(one.info, H264) == other.info.pixel_format == "yuv444p"
    for a, b in zip(one.planes(), other.planes(), strict=True):
        np.testing.assert_array_equal(a.planes[0], b.planes[0])
        for p, q in zip(a.planes[1:], b.planes[1:], strict=True):
            np.testing.assert_array_equal(p[np.arange(47)[:, None] // 2, np.arange(65) // 2], q)
    one, other = rewrite(source, tmp_path / "b.mkv", FFV1)
    assert_same_planes(one, other)


@pytest.mark.parametrize(
    ("pixel_format", "width", "rotation", "expected"),
    [
        ("yuv420p", 64, 0, "yuv420p"),
        ("yuv420p", 63, 0, "yuv444p"),
        ("yuv422p10le", 64, 0, "yuv422p10le"),
        ("yuv422p", 48, 90, "yuv422p"),
        ("yuv440p", 64, 0, "yuv444p"),
        ("yuv444p", 63, 0, "yuv444p"),
        ("gray", 64, 0, "yuv420p"),
        ("gray10le", 63, 0, "yuv444p10le"),
    ],
)
def test_formats_of_h264(tmp_path: Path, pixel_format: str, width: int, rotation: int, expected: str) -> None:
    info = VideoClip(write_clip(tmp_path / "a.mp4", frames=1)).info
    changed = info.model_copy(update={"pixel_format": pixel_format, "width": width, "rotation": rotation})
    assert output_format(changed, H264) == expected


@pytest.mark.parametrize("pixel_format", ["gbrp", "yuv420p12le", "yuv422p9le"])
def test_h264_refuses_what_it_would_change(tmp_path: Path, pixel_format: str) -> None:
    info = VideoClip(write_clip(tmp_path / "a.mp4", frames=1)).info
    with pytest.raises(ClipError) as caught:
        output_format(info.model_copy(update={"pixel_format": pixel_format}), H264)
    assert caught.value.code == "clip-encoder"
    assert "ffv1" in caught.value.hint


def test_sound_that_mp4_cannot_hold(tmp_path: Path) -> None:
    source = write_clip(tmp_path / "a.mkv", codec="ffv1", sound="tta")
    clip = VideoClip(source)
    with pytest.raises(ClipError) as caught, VideoWriter(tmp_path / "b.mp4", source, clip.info, H264):
        pass
    assert caught.value.code == "clip-sound"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.mkv"]
    one, other = rewrite(source, tmp_path / "b.mkv", FFV1)
    assert packet_digests(one.path).audio == packet_digests(other.path).audio


@pytest.mark.parametrize("encoder", [EncoderSettings(crf=18), FFV1])
def test_equal_input_gives_equal_bytes(tmp_path: Path, encoder: EncoderSettings) -> None:
    source = write_clip(
        tmp_path / "a.mp4", width=160, height=96, frames=40, sound="aac", timecode="00:00:00:00"
    )
    files = [rewrite(source, tmp_path / f"{n}{extension(encoder)}", encoder)[1].path for n in "bc"]
    assert files[0].read_bytes() == files[1].read_bytes()


def test_no_temporary_file_is_left(tmp_path: Path) -> None:
    source = write_clip(tmp_path / "a.mp4")
    target = tmp_path / "b.mp4"
    target.write_bytes(b"older")
    clip = VideoClip(source)

    def interrupted() -> None:
        with VideoWriter(target, source, clip.info, H264) as writer:
            writer.write(next(clip.planes()))
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert target.read_bytes() == b"older"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.mp4", "b.mp4"]


def test_an_older_file_is_replaced_whole(tmp_path: Path) -> None:
    target = tmp_path / "b.mp4"
    target.write_bytes(b"older")
    _, other = rewrite(write_clip(tmp_path / "a.mp4"), target, H264)
    assert other.info.frames == 12


def test_unwritable(tmp_path: Path) -> None:
    source = write_clip(tmp_path / "a.mp4")
    with (
        pytest.raises(StorageError) as caught,
        VideoWriter(tmp_path / "none" / "b.mp4", source, probe(source), H264),
    ):
        pass
    assert caught.value.code == "storage-unwritable"


def test_wrong_pixel_format_is_a_programming_error(tmp_path: Path) -> None:
    source = write_clip(tmp_path / "a.mp4")
    gray = PlaneFrame((np.zeros((48, 64), np.uint8),), "gray", 0)
    with (
        pytest.raises(ValueError, match="gray picture in a yuv420p clip"),
        VideoWriter(tmp_path / "b.mp4", source, probe(source), H264) as writer,
    ):
        writer.write(gray)


def test_a_source_that_breaks_meanwhile(tmp_path: Path) -> None:
    source = write_clip(tmp_path / "a.mp4", frames=60, sound="pcm_s16le")
    clip = VideoClip(source)
    frames = list(clip.planes())
    cut_off(source, 0.5)

    def broken() -> None:
        with VideoWriter(tmp_path / "b.mp4", source, clip.info, H264) as writer:
            for frame in frames:
                writer.write(frame)

    with pytest.raises(ClipError):
        broken()
    assert not (tmp_path / "b.mp4").exists()


FILL_DISK = """
import resource, sys
from pathlib import Path
from void_audit.errors import StorageError
from void_audit.media.reader import VideoClip
from void_audit.media.writer import VideoWriter
from void_audit.model.plan import EncoderSettings
source, target, limit = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
clip = VideoClip(source)
resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
try:
    with VideoWriter(target, source, clip.info, EncoderSettings(crf=0, preset="ultrafast")) as writer:
        for frame in clip.planes():
            writer.write(frame)
except StorageError as error:
    print(error.code)
"""


@pytest.mark.parametrize("share", [0.0, 0.5, 0.995])
def test_full_disk(tmp_path: Path, share: float) -> None:
    """The operating system refuses to let the file grow: at once, in the middle, in the very last bytes."""
    source = write_clip(tmp_path / "a.mp4", frames=30, width=160, height=120)
    _, whole = rewrite(source, tmp_path / "b.mp4", H264)
    limit = int(whole.path.stat().st_size * share)
    whole.path.unlink()
    command = [sys.executable, "-c", FILL_DISK, str(source), str(whole.path), str(limit)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "storage-full"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.mp4"]


MEASURE = """
import sys
from pathlib import Path
from void_audit.media import views
from void_audit.media.reader import VideoClip
from void_audit.media.writer import VideoWriter
from void_audit.model.plan import EncoderSettings
source = Path(sys.argv[1])
clip = VideoClip(source)
views.BACKWARD_BYTES = 16 * 1024 * 1024
with VideoWriter(source.with_suffix(".out.mp4"), source, clip.info, EncoderSettings(preset="ultrafast")) as writer:
    for frame in clip.planes():
        writer.write(frame)
for picture in clip.frames():
    pass
for picture in clip.frames_backwards():
    pass
for line in open("/proc/self/status"):  # ru_maxrss would count the parent's memory before exec
    if line.startswith("VmHWM"):
        print(line.split()[1])
"""


@pytest.mark.slow
def test_memory_does_not_grow_with_length(tmp_path: Path) -> None:
    """One picture is 0.5 MB as RGB: holding 600 of them would take 300 MB."""
    peaks = []
    for frames in (60, 600):
        source = write_clip(
            tmp_path / f"{frames}.mp4", frames=frames, width=480, height=352, sound="aac", gop=60
        )
        done = subprocess.run(
            [sys.executable, "-c", MEASURE, str(source)], capture_output=True, text=True, check=True
        )
        peaks.append(int(done.stdout) * 1024)
    assert peaks[1] < peaks[0] * 1.1, peaks
