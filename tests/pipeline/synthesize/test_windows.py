from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from void_audit.errors import RequestError
from void_audit.model.plan import Windows
from void_audit.pipeline.synthesize.windows import CrossFade, fade, spans


@given(frames=st.integers(1, 500), length=st.integers(2, 60), overlap=st.integers(0, 58))
def test_windows_cover_every_frame_overlap_enough_and_are_full(frames, length, overlap):
    if overlap >= length:
        with pytest.raises(RequestError):
            spans(frames, Windows(length=length, overlap=overlap))
        return
    found = spans(frames, Windows(length=length, overlap=overlap))
    assert found[0].start == 0
    assert found[-1].stop == frames
    for one, following in pairwise(found):
        assert one.start < following.start
        assert one.stop - following.start >= overlap
    assert all(f.stop - f.start == min(frames, length) for f in found)


@given(frames=st.integers(1, 120), length=st.integers(2, 30), overlap=st.integers(0, 28))
def test_every_frame_comes_out_once_and_in_order(frames, length, overlap):
    windows = spans(frames, Windows(length=length, overlap=min(overlap, length - 1)))
    joined, out = CrossFade(), []
    for number, span in enumerate(windows):
        pictures = iter([np.full((1, 1, 3), i, np.uint8) for i in range(span.start, span.stop)])
        following = windows[number + 1].start if number + 1 < len(windows) else span.stop
        out += [int(p[0, 0, 0]) for p in joined.join(pictures, span.stop - following)]
    assert out == list(range(frames))


def test_the_fade_is_gradual_and_exact_where_both_agree():
    old, new = np.full((2, 2, 3), 10, np.uint8), np.full((2, 2, 3), 110, np.uint8)
    assert [int(fade(old, new, s)[0, 0, 0]) for s in (0.0, 0.25, 0.5, 1.0)] == [10, 35, 60, 110]
    np.testing.assert_array_equal(fade(new, new, 0.3), new)
