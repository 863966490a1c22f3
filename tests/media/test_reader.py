"""Every frame is exactly the one that was asked for, whichever way it is asked for."""

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from clips import ClipSpec, moving_square, write_clip, write_jumpy_clip
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from void_audit.errors import ClipError
from void_audit.media.decoder import Decoder
from void_audit.media.memory import ArrayClip, fit
from void_audit.media.reader import VideoClip, pictures_at
from void_audit.model.clip import RGB
from void_audit.model.geometry import Rect, Size

FRAMES = 40


@pytest.fixture(scope="module")
def open_gop(tmp_path_factory: pytest.TempPathFactory) -> VideoClip:
    """Open groups of pictures with B-frames: the hardest case for random access."""
    options = (
        ("preset", "medium"),
        ("crf", "20"),
        ("x264-params", "open-gop=1:keyint=9:min-keyint=3:bframes=3"),
    )
    path = tmp_path_factory.mktemp("clip") / "a.mp4"
    return VideoClip(write_clip(path, frames=FRAMES, options=options, gop=9))


@pytest.fixture(scope="module")
def pictures(open_gop: VideoClip) -> list[RGB]:
    return list(open_gop.frames())


def same(one: Iterator[RGB], other: list[RGB]) -> None:
    got = list(one)
    assert len(got) == len(other)
    for a, b in zip(got, other, strict=True):
        np.testing.assert_array_equal(a, b)


def test_plain_decoding_agrees(open_gop: VideoClip, pictures: list[RGB]) -> None:
    with av.open(str(open_gop.path)) as container:
        assert [f.pts for f in container.decode(video=0)] == open_gop.index.pts.tolist()
    assert len(pictures) == FRAMES
    assert all(p.shape == (48, 64, 3) and p.dtype == np.uint8 for p in pictures)
    assert len({p.tobytes() for p in pictures}) == FRAMES


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(-5, FRAMES + 5), st.none() | st.integers(-5, FRAMES + 5))
def test_any_range_is_a_slice(open_gop: VideoClip, pictures: list[RGB], start: int, stop: int | None) -> None:
    same(open_gop.frames(start, stop), pictures[start:stop])
    same(open_gop.frames_backwards(stop, start), pictures[start:stop][::-1])


@pytest.mark.parametrize("suffix", ["mkv", "ts", "mov"])
def test_every_single_frame(tmp_path: Path, suffix: str) -> None:
    options = (
        ("preset", "medium"),
        ("crf", "20"),
        ("x264-params", "open-gop=1:keyint=7:min-keyint=3:bframes=2"),
    )
    clip = VideoClip(write_clip(tmp_path / f"a.{suffix}", frames=20, options=options, gop=7))
    whole = list(clip.frames())
    for i in range(20):
        same(clip.frames(i, i + 1), whole[i : i + 1])


@pytest.mark.parametrize(
    ("name", "changes"),
    [
        ("a.mp4", {"codec": "libx265", "options": (("x265-params", "keyint=7:open-gop=1:log-level=none"),)}),
        ("a.webm", {"codec": "libvpx-vp9"}),  # has packets that are never shown
        ("a.mxf", {"codec": "mpeg2video", "gop": 6, "rate": Fraction(25)}),
        ("a.mov", {"codec": "prores_ks", "pixel_format": "yuv422p10le"}),
        ("a.avi", {"codec": "mpeg4"}),
    ],
)
def test_other_codecs(tmp_path: Path, name: str, changes: dict[str, object]) -> None:
    clip = VideoClip(write_clip(tmp_path / name, frames=20, **changes))
    whole = list(clip.frames())
    assert len(whole) == clip.info.frames == 20
    for i in range(0, 20, 3):
        same(clip.frames(i, i + 1), whole[i : i + 1])


@pytest.mark.parametrize("numbers", [[], [0], [3, 4, 7], [11], [0, 2, 5, 9], list(range(6))])
def test_some_pictures(open_gop: VideoClip, pictures: list[RGB], numbers: list[int]) -> None:
    for clip in (open_gop, open_gop.view(size=Size(16, 12))):
        every = list(clip.frames())
        some = list(pictures_at(clip, numbers))
        assert len(some) == len(numbers)
        assert all(np.array_equal(picture, every[n]) for picture, n in zip(some, numbers, strict=True))
    held = ArrayClip(pictures)
    assert all(
        np.array_equal(a, pictures[n]) for a, n in zip(pictures_at(held, numbers), numbers, strict=True)
    )


def test_a_group_of_pictures_is_decoded_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clip = VideoClip(write_clip(tmp_path / "one.mp4", frames=12, gop=250))
    asked: list[tuple[int, int]] = []
    decode = Decoder.frames
    monkeypatch.setattr(
        Decoder, "frames", lambda self, start, stop: asked.append((start, stop)) or decode(self, start, stop)
    )
    assert len(list(clip.frames_at([0, 3, 11]))) == 3
    assert asked == [(0, 12)]


def test_backwards_in_chunks(
    open_gop: VideoClip, pictures: list[RGB], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("void_audit.media.views.BACKWARD_BYTES", 3 * pictures[0].nbytes)
    same(open_gop.frames_backwards(), pictures[::-1])
    same(open_gop.frames_backwards(31, 5), pictures[5:31][::-1])


def test_a_crop_is_a_crop(open_gop: VideoClip, pictures: list[RGB]) -> None:
    crop = Rect(x=5, y=3, width=31, height=17)
    view = open_gop.view(crop)
    assert view.info.size == (31, 17)
    same(view.frames(4, 9), [p[3:20, 5:36] for p in pictures[4:9]])
    same(view.frames_backwards(9, 4), [p[3:20, 5:36] for p in pictures[4:9]][::-1])
    inner = view.view(Rect(x=1, y=2, width=4, height=5), Size(8, 10))
    expected = fit(pictures[0][5:10, 6:10], None, Size(8, 10))
    same(inner.frames(0, 1), [expected])


def test_a_crop_must_lie_inside(open_gop: VideoClip) -> None:
    with pytest.raises(ValueError, match="not inside"):
        open_gop.view(Rect(x=40, y=0, width=25, height=10))


def test_scaling_averages_areas(open_gop: VideoClip, pictures: list[RGB]) -> None:
    view = open_gop.view(size=Size(16, 12))
    assert view.info.size == (16, 12)
    for small, large in zip(view.frames(0, 3), pictures, strict=False):
        means = large.reshape(12, 4, 16, 4, 3).mean(axis=(1, 3))
        assert np.abs(small - means).mean() < 2.5
        assert np.abs(small - means).max() < 30


def test_the_same_interface_as_a_clip_in_memory(open_gop: VideoClip, pictures: list[RGB]) -> None:
    memory = ArrayClip(pictures)
    for clip in (open_gop, memory):
        same(clip.frames(3, 6), pictures[3:6])
        same(clip.frames_backwards(6, 3), pictures[3:6][::-1])
        same(clip.frames_backwards(), pictures[::-1])
        assert clip.view(size=Size(10, 8)).info.size == (10, 8)


@pytest.mark.parametrize("rotation", [90, 180, 270])
def test_rotation_is_applied(tmp_path: Path, rotation: int) -> None:
    upright = VideoClip(write_clip(tmp_path / "a.mp4", frames=3))
    turned = VideoClip(write_clip(tmp_path / "b.mp4", frames=3, rotation=rotation))
    for a, b in zip(upright.frames(), turned.frames(), strict=True):
        np.testing.assert_array_equal(np.rot90(a, -rotation // 90), b)
    for one, other in zip(upright.planes(), turned.planes(), strict=True):
        for p, q in zip(one.planes, other.planes, strict=True):
            np.testing.assert_array_equal(np.rot90(p, -rotation // 90), q)
    size = Size(12, 16) if rotation % 180 else Size(16, 12)
    assert next(turned.view(size=size).frames()).shape[:2] == (size.height, size.width)


def test_a_quarter_turn_of_422_is_440(tmp_path: Path) -> None:
    frame = next(VideoClip(write_clip(tmp_path / "a.mp4", rotation=90, pixel_format="yuv422p10le")).planes())
    assert frame.pixel_format == "yuv440p10le"
    assert [p.shape for p in frame.planes] == [(64, 48), (32, 48), (32, 48)]
    assert frame.planes[0].dtype == np.uint16


def test_planes_are_as_coded(tmp_path: Path) -> None:
    clip = VideoClip(write_clip(tmp_path / "a.mkv", codec="ffv1", width=65, height=47, frames=4))
    with av.open(str(clip.path)) as container:
        for frame, picture in zip(container.decode(video=0), clip.planes(), strict=True):
            assert picture.pixel_format == "yuv420p"
            assert [p.shape for p in picture.planes] == [(47, 65), (24, 33), (24, 33)]
            coded = np.frombuffer(memoryview(frame.planes[0]), np.uint8).reshape(47, -1)[:, :65]
            np.testing.assert_array_equal(coded, picture.planes[0])


def test_timestamps_of_variable_rate(tmp_path: Path) -> None:
    clip = VideoClip(write_jumpy_clip(tmp_path / "a.mp4", gaps=(1, 3, 1, 5)))
    assert [f.pts for f in clip.planes()] == [0, 100, 400, 500, 1000]
    assert [f.pts for f in clip.planes(2, 4)] == [400, 500]


@pytest.mark.parametrize(("height", "matrix"), [(48, "601"), (720, "709")])
def test_untagged_colours_follow_the_height(tmp_path: Path, height: int, matrix: str) -> None:
    """Pure blue in limited-range YUV differs between the two matrices."""
    luma = {"601": 41, "709": 32}[matrix]
    blue = [np.full((height, 64, 3), (0, 0, 255), np.uint8)]
    space = 1 if matrix == "709" else 6
    tagged = (space, 1, 2, 2)
    path = write_clip(tmp_path / "a.mkv", ClipSpec(height=height, frames=1, codec="ffv1", color=tagged), blue)
    clip = VideoClip(path)
    assert int(next(clip.planes()).planes[0][0, 0]) == luma
    untagged = VideoClip(path, clip.info.model_copy(update={"color_space": 2}))
    np.testing.assert_allclose(next(untagged.frames())[5, 5], (0, 0, 255), atol=3)
    wrong = VideoClip(path, clip.info.model_copy(update={"color_space": 7 - space}))
    assert np.abs(next(wrong.frames())[5, 5].astype(int) - (0, 0, 255)).max() > 3


def test_another_file_than_recorded(tmp_path: Path) -> None:
    info = VideoClip(write_clip(tmp_path / "a.mp4", frames=9)).info
    with pytest.raises(ClipError) as caught:
        VideoClip(write_clip(tmp_path / "b.mp4", frames=8), info)
    assert caught.value.code == "clip-changed"


def test_pictures_of_changing_size(tmp_path: Path) -> None:
    one = write_clip(tmp_path / "a.ts", frames=5, gop=5).read_bytes()
    two = write_clip(
        tmp_path / "b.ts", frames=5, gop=5, width=96, height=64, pts=tuple(range(5, 10))
    ).read_bytes()
    path = tmp_path / "c.ts"
    path.write_bytes(one + two)
    with pytest.raises(ClipError) as caught:
        list(VideoClip(path).frames())
    assert caught.value.code in {"clip-damaged", "clip-timestamps", "clip-truncated"}


def test_synthetic_pictures_differ() -> None:
    assert (moving_square((64, 48), 0) != moving_square((64, 48), 1)).any()
