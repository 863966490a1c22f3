"""Mask files: whole or absent, exact, and strict about what they are."""

import errno
import os
from pathlib import Path

import av
import numpy as np
import pytest
from clips import cut_off

from void_audit.errors import ClipError, MaskError, StorageError
from void_audit.media.lossless import GrayWriter
from void_audit.media.maskfile import BitmapFile, BitmapWriter, MaskFile, MaskWriter, write_masks
from void_audit.media.reader import VideoClip
from void_audit.model.geometry import Size
from void_audit.model.mask import VALUES

SIZE = Size(16, 12)
MASKS = np.random.default_rng(1).integers(0, 4, (6, 12, 16), np.uint8)


def gray_file(path: Path, value: int, at: int = 1, frames: int = 3) -> Path:
    """Frames of 255 in which one sample of frame ``at`` has another value."""
    with GrayWriter(path, SIZE, "24/1") as writer:
        for number in range(frames):
            plane = np.full((12, 16), 255, np.uint8)
            plane[-1, -1] = value if number == at else 255
            writer.write_gray(plane)
    return path


@pytest.mark.parametrize("value", range(0, 256, 3))
def test_classes_are_admitted_by_value_and_nothing_between(tmp_path: Path, value: int) -> None:
    """Every third of the 256 values: among them 0, 63 and 255."""
    mask = MaskFile(gray_file(tmp_path / "m.mkv", value))
    if value in VALUES:
        assert list(mask.classes())[1][-1, -1] == VALUES.index(value)
    else:
        with pytest.raises(MaskError, match=f"value {value} "):
            list(mask.classes())


@pytest.mark.parametrize(("value", "admitted"), [(0, True), (63, False), (127, False), (254, False)])
def test_bitmaps_admit_two_values(tmp_path: Path, value: int, admitted: bool) -> None:
    bitmaps = BitmapFile(gray_file(tmp_path / "m.mkv", value))
    if admitted:
        assert not list(bitmaps.bitmaps())[1][-1, -1]
    else:
        with pytest.raises(MaskError, match="only 0 and 255") as caught:
            list(bitmaps.bitmaps())
        assert caught.value.code == "mask-values"


@pytest.mark.parametrize("start", [-1, 2])
def test_the_frame_is_named_as_counted_from_the_beginning(tmp_path: Path, start: int) -> None:
    mask = MaskFile(gray_file(tmp_path / "m.mkv", 9, at=2))
    with pytest.raises(MaskError, match="value 9 on frame 2;"):
        list(mask.classes(start))


def test_a_part_that_is_sound_is_read(tmp_path: Path) -> None:
    mask = MaskFile(gray_file(tmp_path / "m.mkv", 9, at=1))
    assert len([*mask.classes(0, 1), *mask.classes(2)]) == 2
    assert list(mask.classes(2, 2)) == []


def test_what_was_written_is_stored_as_the_schema_says(tmp_path: Path) -> None:
    clip = VideoClip(write_masks(tmp_path / "m.mkv", SIZE, MASKS, "30000/1001"))
    assert clip.info.frame_rate == "30000/1001"
    for stored, classes in zip(clip.planes(), MASKS, strict=True):
        np.testing.assert_array_equal(stored.planes[0], np.array(VALUES)[classes])


def test_reading_twice_and_two_at_once(tmp_path: Path) -> None:
    mask = MaskFile(write_masks(tmp_path / "m.mkv", SIZE, MASKS))
    one, other = mask.classes(), mask.classes(3)
    for number in range(3):
        np.testing.assert_array_equal(next(one), MASKS[number])
        np.testing.assert_array_equal(next(other), MASKS[3 + number])


@pytest.mark.parametrize("writer", [MaskWriter, BitmapWriter])
def test_a_wrong_size_leaves_no_file(tmp_path: Path, writer: type[GrayWriter]) -> None:
    with pytest.raises(ValueError, match="shape"), writer(tmp_path / "m.mkv", SIZE, "24/1") as file:
        file.write(np.zeros((12, 15), bool if writer is BitmapWriter else np.uint8))
    assert list(tmp_path.iterdir()) == []


def test_a_wrong_class_late_leaves_the_older_file(tmp_path: Path) -> None:
    path = write_masks(tmp_path / "m.mkv", SIZE, MASKS)
    before = path.read_bytes()
    wrong = MASKS.copy()
    wrong[-1, 0, 0] = 4
    with pytest.raises(MaskError, match="class 4") as caught:
        write_masks(path, SIZE, wrong)
    assert caught.value.code == "mask-values"
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_a_full_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StorageError) as caught:
        write_masks(tmp_path / "m.mkv", SIZE, MASKS)
    assert caught.value.code == "storage-full"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("share", [0.0, 0.3, 0.99])
@pytest.mark.parametrize("kind", [MaskFile, BitmapFile])
def test_a_cut_file(tmp_path: Path, share: float, kind: type[MaskFile | BitmapFile]) -> None:
    with pytest.raises(ClipError) as caught:
        kind(cut_off(write_masks(tmp_path / "m.mkv", SIZE, MASKS), share))
    assert caught.value.code in {"clip-truncated", "clip-not-video"}


def test_a_flipped_bit_is_no_other_mask(tmp_path: Path) -> None:
    """The checksum of FFV1 notices what would otherwise still be four values."""
    path = write_masks(tmp_path / "m.mkv", SIZE, MASKS)
    data = bytearray(path.read_bytes())
    with av.open(str(path)) as container:
        last = [p for p in container.demux(video=0) if p.size][-1]
        data[last.pos + last.size - 20] ^= 1
    path.write_bytes(data)
    with pytest.raises(ClipError) as caught:
        list(MaskFile(path).classes())
    assert caught.value.code == "clip-damaged"


EIGHT = (3, 9, 31, 77, 128, 200, 254, 255)


@pytest.mark.parametrize("values", [(7, 200), (0, 127, 255), EIGHT])
def test_values_of_another_schema_are_stored_and_read(tmp_path: Path, values: tuple[int, ...]) -> None:
    masks = MASKS % len(values) if len(values) < 4 else (MASKS + 4 * (MASKS[::-1] % 2)).astype(np.uint8)
    path = write_masks(tmp_path / "m.mkv", SIZE, masks, values=values)
    for stored, classes in zip(VideoClip(path).planes(), masks, strict=True):
        np.testing.assert_array_equal(stored.planes[0], np.array(values)[classes])
    np.testing.assert_array_equal(list(MaskFile(path, values).classes()), masks)


@pytest.mark.parametrize("value", range(0, 256, 5))
def test_only_the_schemas_values_are_admitted(tmp_path: Path, value: int) -> None:
    mask = MaskFile(gray_file(tmp_path / "m.mkv", value), (0, 85, 255))
    if value in {0, 85, 255}:
        assert list(mask.classes())[1][-1, -1] == (0, 85, 255).index(value)
    else:
        with pytest.raises(MaskError, match="only 0, 85 and 255 may be") as caught:
            list(mask.classes())
        assert caught.value.code == "mask-values"


def test_a_mask_of_one_schema_is_not_read_as_one_of_another(tmp_path: Path) -> None:
    path = write_masks(tmp_path / "m.mkv", SIZE, MASKS)
    with pytest.raises(MaskError) as caught:
        list(MaskFile(path, (0, 127, 255)).classes())
    assert caught.value.code == "mask-values"


@pytest.mark.parametrize("values", [(0, 255), (0, 127, 255), VALUES])
def test_a_class_that_has_no_value_is_not_written(tmp_path: Path, values: tuple[int, ...]) -> None:
    wrong = np.zeros((1, 12, 16), np.uint8)
    wrong[0, 3, 3] = len(values)
    with pytest.raises(MaskError, match=f"class {len(values)}.*0 to {len(values) - 1}"):
        write_masks(tmp_path / "m.mkv", SIZE, wrong, values=values)
    assert list(tmp_path.iterdir()) == []
