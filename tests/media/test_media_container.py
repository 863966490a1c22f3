"""What may be opened, with which bounds, and that every failure has our name."""

import errno
import os
from collections.abc import Callable
from pathlib import Path

import av
import cv2
import pytest
from clips import moving_square, write_clip

from void_audit.errors import ClipError
from void_audit.media.container import (
    DECODER_THREADS,
    check_readable,
    damaged,
    open_input,
    picture_stream,
    storage_error,
    truncated,
)
from void_audit.media.index import read_index


def refusal(path: Path, strict: bool = True) -> ClipError:
    with pytest.raises(ClipError) as caught, open_input(path) as container:
        picture_stream(container, path, strict)
    assert caught.value.hint
    return caught.value


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    return write_clip(tmp_path / "a.mp4", frames=3)


def test_the_file_is_closed_afterwards(clip: Path) -> None:
    with open_input(clip) as container:
        assert next(container.demux(picture_stream(container, clip))).size
    with pytest.raises(AssertionError, match="not open"):
        next(container.demux())


@pytest.mark.parametrize("name", ["none.mp4", ".", "a.mp4/b.mp4", "nul\0.mp4"])
def test_no_such_file(clip: Path, name: str) -> None:
    assert refusal(clip.parent / name).code == "clip-missing"


@pytest.mark.parametrize("use", [check_readable, read_index, refusal])
def test_a_name_that_no_file_can_have(clip: Path, use: Callable[[Path], object]) -> None:
    assert code_of(use, clip.with_name("a" * 300)) == "clip-unreadable"


@pytest.mark.parametrize("use", [check_readable, read_index, refusal])
def test_a_file_that_may_not_be_read(
    clip: Path, monkeypatch: pytest.MonkeyPatch, use: Callable[[Path], object]
) -> None:
    def forbidden(*args: object, **kwargs: object) -> None:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    monkeypatch.setattr(Path, "open", forbidden)
    assert code_of(use, clip) == "clip-unreadable"


@pytest.mark.skipif(os.geteuid() != 0, reason="only the administrator can become somebody else")
def test_a_file_of_somebody_else(clip: Path) -> None:
    clip.chmod(0)
    os.seteuid(65534)
    try:
        assert refusal(clip).code == "clip-unreadable"
    finally:
        os.seteuid(0)


def code_of(use: Callable[[Path], object], path: Path) -> str:
    try:
        found = use(path)
    except ClipError as error:
        found = error
    assert isinstance(found, ClipError)
    return found.code


def test_a_picture_alone_is_no_clip(tmp_path: Path) -> None:
    """FFmpeg opens still pictures, and a name with a number pattern as a whole folder of them."""
    for name in ("a.png", "a%d.png"):
        cv2.imwrite(str(tmp_path / name), moving_square((64, 48), 0))
        assert refusal(tmp_path / name).code == "clip-not-video"


@pytest.mark.parametrize("content", [b"v=0\nm=video 5004 RTP/AVP 96\n", b"<MPD></MPD>", b"\0" * 4096])
def test_scripts_that_name_other_places_are_not_run(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.mp4").write_bytes(content)
    assert refusal(tmp_path / "a.mp4").code == "clip-not-video"


def test_errors_of_the_decoder_in_use_become_damage(clip: Path) -> None:
    def use() -> None:
        with open_input(clip):
            raise av.error.InvalidDataError(errno.EINVAL, "broken", "x")

    with pytest.raises(ClipError, match=r"a\.mp4 is damaged") as caught:
        use()
    assert caught.value.code == "clip-damaged"
    assert isinstance(caught.value.__cause__, av.error.InvalidDataError)


def test_errors_of_others_pass(clip: Path) -> None:
    with pytest.raises(ZeroDivisionError), open_input(clip):
        1 / 0  # noqa: B018


def test_tags_that_are_no_text_do_not_stop_it(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "a.mp4", frames=1, timecode="01:02:03:04")
    data = path.read_bytes()
    assert b"VideoHandler" in data
    path.write_bytes(data.replace(b"VideoHandler", b"Video\xff\xfe\xffdler"))
    with open_input(path) as container:
        assert picture_stream(container, path).width == 64


def test_cover_art_is_no_picture_track(tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    with av.open(str(path), "w") as container:
        streams = [container.add_stream(codec, rate=24) for codec in ("png", "libx264")]
        for stream, pixels in zip(streams, ("rgb24", "yuv420p"), strict=True):
            stream.width, stream.height, stream.pix_fmt = 64, 48, pixels
        streams[0].disposition = streams[0].disposition.attached_pic
        for stream in streams:
            picture = av.VideoFrame.from_ndarray(moving_square((64, 48), 0), "rgb24")
            container.mux([*stream.encode(picture), *stream.encode()])
    with open_input(path) as container:
        assert len(container.streams.video) == 2
        assert picture_stream(container, path).codec_context.name == "h264"


def test_a_codec_that_is_not_known(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "a.mkv", codec="ffv1", frames=2)
    data = path.read_bytes()
    assert data.count(b"V_FFV1") == 1
    path.write_bytes(data.replace(b"V_FFV1", b"V_NONE"))
    assert refusal(path).code == "clip-codec"


@pytest.mark.parametrize(("most", "accepted"), [(64 * 48, True), (64 * 48 - 1, False)])
def test_the_largest_picture(clip: Path, monkeypatch: pytest.MonkeyPatch, most: int, accepted: bool) -> None:
    monkeypatch.setattr("void_audit.media.container.MAX_PIXELS", most)
    with open_input(clip) as container:
        if accepted:
            assert picture_stream(container, clip).width == 64
        else:
            with pytest.raises(ClipError, match="64x48") as caught:
                picture_stream(container, clip)
            assert caught.value.code == "clip-too-large"


@pytest.mark.parametrize("strict", [True, False])
def test_a_strict_decoder_paints_nothing_over(tmp_path: Path, strict: bool) -> None:
    path = write_clip(tmp_path / "a.mp4", frames=24, gop=24)
    data = bytearray(path.read_bytes())
    with av.open(str(path)) as container:
        for packet in list(container.demux(video=0))[8:12]:
            for place in range(packet.pos + 8, packet.pos + packet.size):
                data[place] ^= 0xFF
    path.write_bytes(data)

    def pictures() -> int:
        with open_input(path) as container:
            return sum(1 for _ in container.decode(picture_stream(container, path, strict)))

    if strict:
        with pytest.raises(ClipError) as caught:
            pictures()
        assert caught.value.code == "clip-damaged"
    else:
        assert pictures() >= 20


def test_threads_are_bounded(clip: Path) -> None:
    with open_input(clip) as container:
        assert picture_stream(container, clip).codec_context.thread_count == DECODER_THREADS


def test_errors_name_the_file_and_not_its_folder(tmp_path: Path) -> None:
    for error, code in ((damaged, "clip-damaged"), (truncated, "clip-truncated")):
        made = error(tmp_path / "a.mp4", "why")
        assert made.code == code
        assert "a.mp4" in made.message
        assert "why" in made.message
        assert str(tmp_path) not in made.message


@pytest.mark.parametrize("error", [OSError("no number"), ValueError("x"), OSError(errno.EACCES, "no")])
def test_only_a_full_disk_is_called_full(tmp_path: Path, error: BaseException) -> None:
    assert storage_error(tmp_path, error).code == "storage-unwritable"
    assert storage_error(tmp_path, OSError(errno.ENOSPC, "x")).code == "storage-full"
