"""Pictures set aside come back as they were, from memory and from a file."""

from __future__ import annotations

import gc
import tracemalloc

import numpy as np
import pytest

from void_audit.model.geometry import Size
from void_audit.pipeline.masks import picture_store
from void_audit.pipeline.masks.picture_store import AT_HAND, PictureStore


def picture(number: int) -> np.ndarray:
    return np.random.default_rng(number).integers(0, 8, (9, 14), np.uint8)


@pytest.mark.parametrize("in_memory", [None, 100])
def test_every_picture_comes_back(monkeypatch: pytest.MonkeyPatch, in_memory: int | None) -> None:
    if in_memory:
        monkeypatch.setattr(picture_store, "IN_MEMORY", in_memory)
    store = PictureStore(Size(14, 9))
    for number in range(40):
        store.put(number * 3, picture(number))
        np.testing.assert_array_equal(store.get(0), picture(0))
    for number in np.random.default_rng(1).permutation(40):
        np.testing.assert_array_equal(store.get(int(number) * 3), picture(number))
    store.put(1000, picture(1000))
    np.testing.assert_array_equal(store.get(1000), picture(1000))
    assert 1000 in store
    assert 1 not in store
    with pytest.raises(KeyError):
        store.get(1)
    del store
    gc.collect()


def test_a_transposed_picture_is_stored_as_it_is_seen() -> None:
    store = PictureStore(Size(14, 9))
    store.put(0, np.asfortranarray(picture(0)))
    for number in range(1, AT_HAND + 2):
        store.put(number, picture(number))
    np.testing.assert_array_equal(store.get(0), picture(0))


def test_few_pictures_are_held_uncompressed() -> None:
    store = PictureStore(Size(1000, 1000))
    tracemalloc.start()
    for number in range(60):
        store.put(number, np.full((1000, 1000), number, np.uint8))
    for number in range(60):
        assert store.get(number)[0, 0] == number
    held, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert held < (AT_HAND + 2) * 1_000_000
