"""What a checker relies on, beside the definition that ``tests/pipeline/masks`` holds."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator

import numpy as np
import pytest

from void_audit.canon.mask import (
    frame_hash,
    mask_facts,
    mask_identity,
    mask_root,
    mask_statistics,
    schema_digest,
)
from void_audit.errors import MaskError
from void_audit.model.geometry import Size
from void_audit.model.mask import VALUES, Classes
from void_audit.pipeline.masks.schema import builtin, builtin_names

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


def test_both_at_once_are_the_same_as_one_after_the_other() -> None:
    mask, schema = OneBuffer(PICTURES, 6), builtin("quadmask")
    assert mask_facts(mask, schema) == (*mask_identity(mask), mask_statistics(mask, schema))


@pytest.mark.parametrize(
    ("mask", "schema", "code"),
    [
        (OneBuffer(PICTURES, 5), "quadmask", "mask-frames"),
        (OneBuffer(PICTURES.transpose(0, 2, 1), 6), "quadmask", "mask-size"),
        (OneBuffer(PICTURES, 6), "localization", "mask-values"),
    ],
)
def test_both_at_once_refuse_what_either_refuses(mask: OneBuffer, schema: str, code: str) -> None:
    with pytest.raises(MaskError) as caught:
        mask_facts(mask, builtin(schema))
    assert caught.value.code == code


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


@pytest.mark.parametrize("index", [4, 5, 6, 7])
def test_classes_beyond_the_quadmasks_are_hashed_too(index: int) -> None:
    """The identity is of indices: it needs no schema, and two classes never share a hash."""
    picture = np.full((3, 5), index, np.uint8)
    hashes = {frame_hash(np.full((3, 5), other, np.uint8)) for other in range(8)}
    assert len(hashes) == 8
    assert frame_hash(picture) in hashes


def test_shares_are_counted_by_the_schemas_classes() -> None:
    """In ``localization`` index 1 is no opened class, though it is VOID's overlap."""
    schema = builtin("localization")
    pictures = PICTURES % 3
    found = mask_statistics(OneBuffer(pictures, 6), schema)
    assert found.mean_share == pytest.approx([(pictures == index).mean() for index in range(3)])
    assert found.max_share == pytest.approx([(pictures == i).mean(axis=(1, 2)).max() for i in range(3)])
    assert found.max_opened_share == pytest.approx((pictures == 0).mean(axis=(1, 2)).max())


def test_an_index_that_the_schema_has_not() -> None:
    with pytest.raises(MaskError, match=r"class 3.* 0 to 2") as caught:
        mask_statistics(OneBuffer(PICTURES, 6), builtin("brand-safety"))
    assert caught.value.code == "mask-values"


def test_a_schema_is_known_by_its_content() -> None:
    schema = builtin("quadmask")
    text = json.dumps(schema.model_dump(mode="json"), sort_keys=True, separators=(",", ":"))
    assert schema_digest(schema) == hashlib.sha256(text.encode()).hexdigest()
    digests = {schema_digest(builtin(name)) for name in builtin_names()}
    assert len(digests) == len(builtin_names())
