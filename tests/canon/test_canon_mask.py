"""What a checker relies on, beside the definition that ``tests/pipeline/masks`` holds."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

import numpy as np
import pytest

from void_audit.canon.mask import frame_hash, mask_identity, mask_root
from void_audit.errors import MaskError
from void_audit.model.geometry import Size
from void_audit.model.mask import VALUES, Classes

SIZE = Size(5, 3)
PICTURES = np.random.default_rng(4).integers(0, 4, (6, 3, 5)).astype(np.uint8)


class OneBuffer:
    """A mask read as decoders do: every picture in the same memory."""

    def __init__(self, pictures: np.ndarray, said: int, size: Size = SIZE) -> None:
        self.size, self._pictures, self._said = size, pictures, said

    def __len__(self) -> int:
        return self._said

    def classes(self, start: int = 0, stop: int | None = None) -> Iterator[Classes]:
        buffer = np.empty_like(self._pictures[0])
        for picture in self._pictures[start:stop]:
            buffer[:] = picture
            yield buffer
        buffer[:] = 255


def test_pictures_are_hashed_as_they_come() -> None:
    identity, hashes = mask_identity(OneBuffer(PICTURES, 6))
    assert hashes == [frame_hash(picture) for picture in PICTURES]
    assert (identity.width, identity.height, identity.frames) == (5, 3, 6)


@pytest.mark.parametrize("said", [0, 5, 7])
def test_a_mask_that_is_longer_or_shorter_than_it_says(said: int) -> None:
    with pytest.raises(MaskError) as caught:
        mask_identity(OneBuffer(PICTURES, said))
    assert caught.value.code == "mask-frames"


def test_a_picture_turned_by_ninety_degrees_is_refused_though_it_has_as_many_pixels() -> None:
    with pytest.raises(MaskError) as caught:
        mask_identity(OneBuffer(PICTURES.transpose(0, 2, 1), 6))
    assert caught.value.code == "mask-size"


@pytest.mark.parametrize("value", [8, 255])
def test_one_wrong_pixel_in_the_last_frame_is_enough(value: int) -> None:
    pictures = PICTURES.copy()
    pictures[-1, -1, -1] = value
    with pytest.raises(MaskError) as caught:
        mask_identity(OneBuffer(pictures, 6))
    assert caught.value.code == "mask-values"


@pytest.mark.parametrize("value", [-1, -256, 256, 263, 2**40])
def test_a_wider_integer_does_not_wrap_into_a_class(value: int) -> None:
    with pytest.raises(MaskError) as caught:
        frame_hash(np.array([[0, value]], np.int64))
    assert caught.value.code == "mask-values"


def test_stored_values_are_not_taken_for_classes() -> None:
    with pytest.raises(MaskError) as caught:
        frame_hash(np.array([VALUES], np.uint8))
    assert caught.value.code == "mask-values"


def test_a_view_hashes_as_what_it_shows() -> None:
    wide = np.arange(24, dtype=np.uint8).reshape(4, 6) % 4
    assert frame_hash(wide[::2, ::-1]) == frame_hash(wide[::2, ::-1].copy())


def test_the_leaves_are_the_digests_themselves() -> None:
    digest = frame_hash(PICTURES[0])
    assert mask_root([digest]) == hashlib.sha256(b"\0" + bytes.fromhex(digest)).hexdigest()


def test_no_list_of_other_hashes_has_the_same_root() -> None:
    hashes = [frame_hash(picture) for picture in PICTURES]
    root = mask_root(hashes)
    inner = [mask_root(hashes[i : i + 2]) for i in (0, 2, 4)]  # what a tree of half the frames would hold
    others = [inner, hashes[::-1], hashes[:-1], [*hashes, hashes[-1]], [root], []]
    assert all(mask_root(other) != root for other in others)
