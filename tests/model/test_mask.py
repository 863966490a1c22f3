from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from void_audit.model.geometry import Size
from void_audit.model.mask import VALUES, MaskClass, PackedBitmaps

SHAPES = st.tuples(st.integers(1, 33), st.integers(1, 17))


@settings(max_examples=30, deadline=None)
@given(
    st.tuples(st.integers(1, 33), st.integers(1, 17)).flatmap(
        lambda s: st.lists(arrays(bool, s), min_size=1, max_size=4)
    )
)
def test_bitmaps_come_back_as_they_went_in(bitmaps):
    height, width = bitmaps[0].shape
    packed = PackedBitmaps(Size(width, height), bitmaps)
    assert len(packed) == len(bitmaps)
    for number, (one, other) in enumerate(zip(packed, bitmaps, strict=True)):
        assert np.array_equal(one, other)
        assert np.array_equal(packed[number], other)


def test_another_size_is_refused():
    with pytest.raises(ValueError, match="size"):
        PackedBitmaps(Size(4, 3)).append(np.zeros((4, 3), bool))


def test_one_can_be_replaced():
    packed = PackedBitmaps.empty(Size(5, 4), 3)
    packed[1] = np.ones((4, 5), bool)
    assert [bool(b.all()) for b in packed] == [False, True, False]


def test_an_object_on_a_frame_takes_little_memory():
    bitmap = np.zeros((480, 854), bool)
    bitmap[100:200, 300:420] = True
    packed = PackedBitmaps(Size(854, 480), [bitmap])
    assert sum(map(len, packed._packed)) < 1000


def test_values_follow_void():
    assert [VALUES[c] for c in MaskClass] == [0, 63, 127, 255]
