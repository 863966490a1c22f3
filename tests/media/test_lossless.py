"""Takes and masks come back bit for bit; mask files admit nothing but their values."""

from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from clips import cut_off, write_clip
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from void_audit.errors import ClipError, MaskError, StorageError
from void_audit.media.lossless import GrayWriter, LosslessWriter
from void_audit.media.maskfile import BitmapFile, BitmapWriter, MaskFile, MaskWriter, write_masks
from void_audit.media.reader import VideoClip
from void_audit.model.geometry import Size
from void_audit.model.mask import VALUES

RNG = np.random.default_rng(7)


@pytest.mark.parametrize("size", [(64, 48), (33, 17), (1, 1), (672, 384)])
def test_a_take_comes_back(tmp_path: Path, size: tuple[int, int]) -> None:
    pictures = [RNG.integers(0, 256, (size[1], size[0], 3), np.uint8) for _ in range(5)]
    path = tmp_path / "take.mkv"
    with LosslessWriter(path, Size(*size), "24000/1001") as writer:
        for picture in pictures:
            writer.write(picture)
    clip = VideoClip(path)
    assert (clip.info.frames, clip.info.size, clip.info.frame_rate) == (5, size, "24000/1001")
    np.testing.assert_array_equal(np.stack(list(clip.frames())), np.stack(pictures))
    np.testing.assert_array_equal(np.stack(list(clip.frames_backwards())), np.stack(pictures[::-1]))
    np.testing.assert_array_equal(next(clip.frames(3, 4)), pictures[3])


@pytest.mark.parametrize("rate", ["24/1", "1000/1", "240000/1001", "1/2", "5000/8179"])
def test_any_rate(tmp_path: Path, rate: str) -> None:
    with LosslessWriter(tmp_path / "take.mkv", Size(8, 8), rate) as writer:
        for level in range(9):
            writer.write(np.full((8, 8, 3), level * 20, np.uint8))
    assert [p[0, 0, 0] for p in VideoClip(tmp_path / "take.mkv").frames()] == [
        level * 20 for level in range(9)
    ]


def test_equal_takes_are_equal_files(tmp_path: Path) -> None:
    for name in "ab":
        with LosslessWriter(tmp_path / name, Size(64, 48), "24/1") as writer:
            writer.write(np.arange(64 * 48 * 3, dtype=np.uint32).astype(np.uint8).reshape(48, 64, 3))
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


@pytest.mark.parametrize("share", [0.2, 0.4, 0.5, 0.6, 0.8])
def test_a_flipped_bit_is_noticed(tmp_path: Path, share: float) -> None:
    """Every slice carries a checksum; FFmpeg alone would paint over it with the picture before."""
    path = tmp_path / "take.mkv"
    with LosslessWriter(path, Size(64, 48), "24/1") as writer:
        for _ in range(4):
            writer.write(RNG.integers(0, 256, (48, 64, 3), np.uint8))
    data = bytearray(path.read_bytes())
    data[int(len(data) * share)] ^= 4
    path.write_bytes(data)
    with pytest.raises(ClipError) as caught:
        list(VideoClip(path).frames())
    assert caught.value.code in {"clip-damaged", "clip-truncated"}


def test_wrong_size(tmp_path: Path) -> None:
    with (
        pytest.raises(ValueError, match="shape"),
        LosslessWriter(tmp_path / "take.mkv", Size(8, 8), "24/1") as writer,
    ):
        writer.write(np.zeros((8, 9, 3), np.uint8))
    assert list(tmp_path.iterdir()) == []


def test_unwritable(tmp_path: Path) -> None:
    with pytest.raises(StorageError), MaskWriter(tmp_path / "none" / "m.mkv", Size(8, 8), "24/1"):
        pass


@settings(max_examples=12, deadline=None)
@given(
    arrays.arrays(
        np.uint8,
        st.tuples(st.integers(1, 4), st.integers(1, 40), st.integers(1, 40)),
        elements=st.integers(0, 3),
    )
)
def test_any_mask_comes_back(tmp_path_factory: pytest.TempPathFactory, masks: np.ndarray) -> None:
    size = Size(masks.shape[2], masks.shape[1])
    mask = MaskFile(write_masks(tmp_path_factory.mktemp("m") / "mask.mkv", size, masks))
    assert (mask.size, len(mask)) == (size, len(masks))
    np.testing.assert_array_equal(np.stack(list(mask.classes())), masks)


def test_other_readers_see_the_same_values(tmp_path: Path) -> None:
    classes = RNG.integers(0, 4, (48, 64), np.uint8)
    path = write_masks(tmp_path / "mask.mkv", Size(64, 48), [classes])
    expected = np.array(VALUES, np.uint8)[classes]
    np.testing.assert_array_equal(cv2.VideoCapture(str(path)).read()[1][:, :, 0], expected)
    with av.open(str(path)) as container:
        frame = next(container.decode(video=0))
        np.testing.assert_array_equal(frame.to_ndarray(format="gray"), expected)
        np.testing.assert_array_equal(frame.to_ndarray(format="rgb24")[:, :, 0], expected)


def test_a_part_of_a_mask(tmp_path: Path) -> None:
    masks = RNG.integers(0, 4, (9, 8, 8), np.uint8)
    mask = MaskFile(write_masks(tmp_path / "mask.mkv", Size(8, 8), masks))
    np.testing.assert_array_equal(np.stack(list(mask.classes(3, 7))), masks[3:7])
    np.testing.assert_array_equal(np.stack(list(mask.classes(-2))), masks[-2:])


@pytest.mark.parametrize("value", [1, 62, 64, 128, 200, 254])
def test_any_other_value_is_refused(tmp_path: Path, value: int) -> None:
    path = tmp_path / "mask.mkv"
    with GrayWriter(path, Size(8, 8), "24/1") as writer:
        for number in range(3):
            plane = np.full((8, 8), 127, np.uint8)
            plane[4, 4] = value if number == 1 else 255
            writer.write_gray(plane)
    mask = MaskFile(path)
    assert len(list(mask.classes(0, 1))) == 1
    for start in (0, 1):
        with pytest.raises(MaskError, match=f"value {value} on frame 1") as caught:
            list(mask.classes(start))
        assert caught.value.code == "mask-values"


def test_a_class_that_does_not_exist(tmp_path: Path) -> None:
    with pytest.raises(MaskError) as caught, MaskWriter(tmp_path / "m.mkv", Size(8, 8), "24/1") as writer:
        writer.write(np.full((8, 8), 4, np.uint8))
    assert caught.value.code == "mask-values"


def test_a_colour_file_is_no_mask_file(tmp_path: Path) -> None:
    with pytest.raises(MaskError) as caught:
        MaskFile(write_clip(tmp_path / "a.mp4"))
    assert caught.value.code == "mask-format"


def test_a_cut_mask(tmp_path: Path) -> None:
    path = write_masks(tmp_path / "mask.mkv", Size(64, 48), RNG.integers(0, 4, (20, 48, 64), np.uint8))
    with pytest.raises(ClipError) as caught:
        MaskFile(cut_off(path, 0.7))
    assert caught.value.code == "clip-truncated"


def test_bitmaps(tmp_path: Path) -> None:
    bitmaps = RNG.integers(0, 2, (5, 17, 33)).astype(bool)
    with BitmapWriter(tmp_path / "track.mkv", Size(33, 17), "24/1") as writer:
        for bitmap in bitmaps:
            writer.write(bitmap)
    track = BitmapFile(tmp_path / "track.mkv")
    assert (track.size, len(track)) == ((33, 17), 5)
    np.testing.assert_array_equal(np.stack(list(track.bitmaps())), bitmaps)
    with pytest.raises(MaskError):
        list(
            BitmapFile(write_masks(tmp_path / "m.mkv", Size(8, 8), [np.full((8, 8), 2, np.uint8)])).bitmaps()
        )
