"""Grey pictures from videos and PNG folders: values as coded, hostile files refused with a reason."""

import struct
import zlib
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import pytest
from clips import write_clip

from void_audit.errors import ClipError, MaskError, VoidAuditError
from void_audit.media import graysource
from void_audit.media.graysource import GrayPngs, GrayVideo, open_gray
from void_audit.media.lossless import GrayWriter
from void_audit.model.geometry import Size

RAMP = np.arange(48 * 64, dtype=np.uint32).reshape(48, 64).astype(np.uint8)


def save(folder: Path, *names: str, picture: npt.NDArray[np.generic] = RAMP) -> Path:
    for name in names:
        cv2.imwrite(str(folder / name), picture)
    return folder


def head(width: int, height: int) -> bytes:
    """A PNG that claims a size and holds nothing."""
    body = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n\x00\x00\x00\r" + body + struct.pack(">I", zlib.crc32(body))


def write_in(path: Path, pixel_format: str, **changes: object) -> Path:
    kinds = {
        "gbrp": {"codec": "libx264rgb", "pixel_format": "bgr24", "color": (0, 2, 1, 1)},
        "gray10le": {"codec": "ffv1"},
    }
    return write_clip(path, **{"pixel_format": pixel_format} | kinds.get(pixel_format, {}) | changes)


def refused(folder: Path) -> VoidAuditError:
    with pytest.raises(VoidAuditError) as caught:
        list(GrayPngs(folder).pictures())
    assert caught.value.hint
    return caught.value


def test_a_video_as_coded(tmp_path: Path) -> None:
    with GrayWriter(tmp_path / "m.mkv", Size(64, 48), "25/1") as writer:
        for i in range(4):
            writer.write_gray(RAMP + np.uint8(i))
    source = open_gray(tmp_path / "m.mkv")
    assert isinstance(source, GrayVideo)
    assert (source.name, source.size, source.rate, len(source)) == ("m.mkv", (64, 48), Fraction(25), 4)
    np.testing.assert_array_equal(
        np.stack(list(source.pictures(1, 3))), [RAMP + np.uint8(1), RAMP + np.uint8(2)]
    )


@pytest.mark.parametrize("pixel_format", ["yuv420p", "yuv444p10le", "gray10le", "gbrp"])
def test_grey_in_any_format(tmp_path: Path, pixel_format: str) -> None:
    gray = np.repeat((RAMP // 2 + 60)[..., None], 3, -1)
    path = write_in(tmp_path / "m.mkv", pixel_format, pictures=[gray] * 2, frames=2)
    source = open_gray(path)
    (first, _) = source.pictures()
    assert source.video_range == (pixel_format != "gbrp")
    assert first.dtype == np.uint8
    assert first.shape == (48, 64)
    assert 60 < first.mean() < 180


@pytest.mark.parametrize("pixel_format", ["yuv420p", "yuv444p10le", "gbrp"])
def test_colour_in_a_video(tmp_path: Path, pixel_format: str) -> None:
    source = open_gray(write_in(tmp_path / "m.mkv", pixel_format))
    with pytest.raises(MaskError, match="colour"):
        list(source.pictures())


def test_numbers_order_the_pictures(tmp_path: Path) -> None:
    for number in (9, 10, 11):
        save(tmp_path, f"shot2_{number}_.png", picture=RAMP + np.uint8(number))
    (tmp_path / "first_frame.jpg").write_bytes(b"")
    (tmp_path / "preview.png").write_bytes(b"")  # no number: no part of a sequence
    source = GrayPngs(tmp_path)
    assert (len(source), source.rate, source.video_range, source.size) == (3, None, False, (64, 48))
    assert [int(p[0, 0]) for p in source.pictures()] == [9, 10, 11]
    assert [int(p[0, 0]) for p in source.pictures(1)] == [10, 11]


@pytest.mark.parametrize(
    ("names", "code", "words"),
    [
        ((), "mask-missing", "no mask"),
        (("a1.png", "a3.png"), "mask-sequence", "number 2"),
        (("a1.png", "a01.png", "a2.png", "a4.png"), "mask-sequence", "number 3"),
        (("a1.png", "b2.png"), "mask-sequence", "a*.png, b*.png"),
    ],
)
def test_what_is_no_sequence(tmp_path: Path, names: tuple[str, ...], code: str, words: str) -> None:
    error = refused(save(tmp_path, *names))
    assert error.code == code
    assert words in error.message


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "no PNG"),
        (b"GIF89a" + b"\x00" * 90, "no PNG"),
        (head(64, 48), "cannot be decoded"),
        (head(100_000, 100_000), "100000x100000"),
        (head(0, 48), "0x48"),
        (head(1 << 31, 1 << 31), "claims"),
        (head(65, 48), "not 64x48"),
    ],
)
def test_a_file_that_is_none(tmp_path: Path, data: bytes, words: str) -> None:
    save(tmp_path, "a1.png")
    (tmp_path / "a2.png").write_bytes(data)
    error = refused(tmp_path)
    assert error.code == "mask-format"
    assert words in error.message
    assert "a2.png" in error.message


def test_one_of_another_size(tmp_path: Path) -> None:
    save(save(tmp_path, "a1.png"), "a2.png", picture=RAMP.T.copy())
    assert "is not 64x48" in refused(tmp_path).message


def test_transparency_and_colour(tmp_path: Path) -> None:
    clear = np.dstack([RAMP, RAMP, RAMP, np.full_like(RAMP, 254)])
    assert "transparent" in refused(save(tmp_path, "a1.png", picture=clear)).message
    tinted = np.dstack([RAMP, RAMP, 255 - RAMP])
    assert refused(save(tmp_path, "a1.png", picture=tinted)).code == "mask-values"
    blue = np.dstack([255 - RAMP, RAMP, RAMP])
    assert refused(save(tmp_path, "a1.png", picture=blue)).code == "mask-values"


def test_bounds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    save(tmp_path, "a1.png", "a2.png", "a3.png")
    with monkeypatch.context() as patch:
        patch.setattr(graysource, "MAX_PNG_BYTES", 100)
        assert "larger" in refused(tmp_path).message
    monkeypatch.setattr(graysource, "MAX_FRAMES", 2)
    assert refused(tmp_path).code == "mask-sequence"


def test_a_file_that_cannot_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    save(tmp_path, "a1.png")

    def refuse(path: Path, *args: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", refuse)
    error = refused(tmp_path)
    assert isinstance(error, ClipError)
    assert "Permission denied" in error.message


def test_links_bring_nothing_in(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    save(tmp_path, "a2.png")
    save(tmp_path / "in", "a1.png")
    (tmp_path / "in/a2.png").symlink_to(tmp_path / "a2.png")
    assert len(GrayPngs(tmp_path / "in")) == 1
