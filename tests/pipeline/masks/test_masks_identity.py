"""A mask is its classes: any change of one pixel is seen, any change of the file is not."""

import hashlib
import struct
from collections.abc import Iterator
from pathlib import Path

import av
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from void_audit.errors import MaskError
from void_audit.media.maskfile import MaskFile, import_mask, write_masks
from void_audit.media.probe import probe
from void_audit.model.geometry import Size
from void_audit.model.mask import VALUES, Classes
from void_audit.pipeline.masks.identity import frame_hash, mask_identity, mask_root
from void_audit.pipeline.masks.schema import builtin
from void_audit.pipeline.masks.statistics import mask_statistics


class Masks:
    """Masks in memory."""

    def __init__(self, pictures: np.ndarray, size: Size | None = None, length: int | None = None) -> None:
        self.pictures = pictures
        self.size = size or Size(pictures.shape[2], pictures.shape[1])
        self._length = len(pictures) if length is None else length

    def __len__(self) -> int:
        return self._length

    def classes(self, start: int = 0, stop: int | None = None) -> Iterator[Classes]:
        yield from self.pictures[start:stop]


def reference_root(pictures: np.ndarray) -> str:
    """The definition in ``model.mask``, written down a second time with RFC 6962's recursion."""

    def tree(leaves: list[bytes]) -> bytes:
        if len(leaves) == 1:
            return hashlib.sha256(b"\0" + leaves[0]).digest()
        split = 1
        while split * 2 < len(leaves):
            split *= 2
        return hashlib.sha256(b"\1" + tree(leaves[:split]) + tree(leaves[split:])).digest()

    height, width = pictures.shape[1:]
    head = struct.pack(">II", width, height)
    return tree([hashlib.sha256(head + p.tobytes()).digest() for p in pictures]).hex()


def random_masks(seed: int, frames: int = 5, size: Size = Size(9, 7)) -> np.ndarray:  # noqa: B008
    return np.random.default_rng(seed).integers(0, 4, (frames, size.height, size.width), np.uint8)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32), st.integers(1, 20))
def test_the_definition(seed: int, frames: int) -> None:
    pictures = random_masks(seed, frames)
    identity, hashes = mask_identity(Masks(pictures))
    assert identity.root == reference_root(pictures) == mask_root(hashes)
    assert hashes == [frame_hash(p) for p in pictures]
    assert (identity.width, identity.height, identity.frames) == (9, 7, frames)


def test_a_known_value() -> None:
    """Stays the same for ever: 2 x 1 pixels, remove and keep."""
    data = b"\0\0\0\2\0\0\0\1" + b"\0\3"
    assert frame_hash(np.array([[0, 3]], np.uint8)) == hashlib.sha256(data).hexdigest()
    assert (
        hashlib.sha256(data).hexdigest() == "cf4bac4fb27e467681caefd5501ad4f74a2e3006cfaa25b02fc3d7c27c50ecc1"
    )


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32), st.integers(0, 4), st.integers(0, 6), st.integers(0, 8), st.integers(1, 3))
def test_one_pixel_changes_it(seed: int, frame: int, row: int, column: int, step: int) -> None:
    pictures = random_masks(seed)
    before, hashes = mask_identity(Masks(pictures))
    pictures[frame, row, column] = (pictures[frame, row, column] + step) % 4
    after, changed = mask_identity(Masks(pictures))
    assert before.root != after.root
    assert [i for i in range(5) if hashes[i] != changed[i]] == [frame]


def test_order_and_shape_matter() -> None:
    pictures = random_masks(1, size=Size(6, 6))
    swapped = pictures[[1, 0, 2, 3, 4]]
    assert mask_identity(Masks(swapped))[0].root != mask_identity(Masks(pictures))[0].root
    flat = np.zeros((2, 4, 9), np.uint8), np.zeros((2, 6, 6), np.uint8)
    assert mask_identity(Masks(flat[0]))[0].root != mask_identity(Masks(flat[1]))[0].root


def test_independent_of_file(tmp_path: Path) -> None:
    """The same classes as FFV1 of ours, and as lossless H.264 of limited range."""
    pictures = random_masks(3, 4, Size(64, 48))
    pictures[0][pictures[0] == 2] = 3
    ours = write_masks(tmp_path / "a.mkv", Size(64, 48), pictures)
    foreign = tmp_path / "b.mp4"
    with av.open(str(foreign), "w") as container:
        stream = container.add_stream("libx264", rate=24, options={"qp": "0"})
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv444p"
        for picture in pictures:
            gray = np.array(VALUES, np.uint8)[picture]
            planes = np.stack(
                [np.round(16 + gray * (219 / 255)).astype(np.uint8), *[np.full_like(gray, 128)] * 2]
            )
            container.mux(stream.encode(av.VideoFrame.from_ndarray(planes, "yuv444p", channel_last=False)))
        container.mux(stream.encode())
    imported = import_mask(foreign, probe(ours))
    expected = mask_identity(Masks(pictures))
    assert mask_identity(MaskFile(ours)) == expected
    assert mask_identity(imported) == expected


def test_layout_in_memory_does_not_matter() -> None:
    picture = random_masks(5, 1)[0]
    assert frame_hash(picture) == frame_hash(np.asfortranarray(picture))
    assert frame_hash(picture.astype(np.int64)) == frame_hash(picture)


def test_a_class_that_does_not_exist() -> None:
    with pytest.raises(MaskError) as caught:
        frame_hash(np.full((2, 2), 8, np.uint8))
    assert caught.value.code == "mask-values"


@pytest.mark.parametrize(
    ("length", "size", "code"),
    [(6, None, "mask-frames"), (0, None, "mask-frames"), (None, Size(7, 9), "mask-size")],
)
def test_a_sequence_that_lies(length: int | None, size: Size | None, code: str) -> None:
    pictures = random_masks(1)[: 0 if length == 0 else None]
    with pytest.raises(MaskError) as caught:
        mask_identity(Masks(pictures, size, length))
    assert caught.value.code == code


def test_statistics() -> None:
    pictures = np.full((4, 10, 10), 3, np.uint8)
    pictures[0, :5] = 0
    pictures[1, 0] = 1
    pictures[1, 1:3] = 2
    statistics = mask_statistics(Masks(pictures), builtin("quadmask"))
    assert statistics.frames == 4
    assert statistics.mean_share == pytest.approx((0.125, 0.025, 0.05, 0.8))
    assert statistics.max_share == pytest.approx((0.5, 0.1, 0.2, 1.0))
    assert statistics.max_opened_share == pytest.approx(0.5)
    with pytest.raises(MaskError):
        mask_statistics(Masks(pictures[:0]), builtin("quadmask"))
