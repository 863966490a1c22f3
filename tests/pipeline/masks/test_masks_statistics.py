"""Shares of classes against NumPy over the whole mask, in one pass that keeps nothing."""

from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from void_audit.errors import MaskError
from void_audit.model.geometry import Size
from void_audit.model.mask import Classes, MaskClass
from void_audit.pipeline.masks.schema import builtin
from void_audit.pipeline.masks.statistics import mask_statistics

QUADMASK = builtin("quadmask")


class Mask:
    """Pictures handed out one by one."""

    def __init__(self, pictures: np.ndarray) -> None:
        self.pictures, self.passes = pictures, 0
        self.size = Size(pictures.shape[2], pictures.shape[1])

    def __len__(self) -> int:
        return len(self.pictures)

    def classes(self, start: int = 0, stop: int | None = None) -> Iterator[Classes]:
        self.passes += 1
        buffer = np.empty(self.pictures.shape[1:], np.uint8)
        for picture in self.pictures[start:stop]:
            buffer[:] = picture  # who keeps a picture has another one later
            yield buffer


@settings(max_examples=40, deadline=None)
@given(
    arrays.arrays(
        np.uint8,
        st.tuples(st.integers(1, 6), st.integers(1, 9), st.integers(1, 9)),
        elements=st.integers(0, 3),
    )
)
def test_any_mask(pictures: np.ndarray) -> None:
    mask = Mask(pictures)
    found = mask_statistics(mask, QUADMASK)
    shares = np.stack([(pictures == c).mean(axis=(1, 2)) for c in MaskClass])
    assert found.frames == len(pictures)
    assert found.mean_share == pytest.approx(shares.mean(axis=1))
    assert found.max_share == pytest.approx(shares.max(axis=1))
    assert found.max_opened_share == pytest.approx((pictures != MaskClass.KEEP).mean(axis=(1, 2)).max())
    assert sum(found.mean_share) == pytest.approx(1)
    assert mask.passes == 1


@pytest.mark.parametrize(
    ("filled", "opened"),
    [(MaskClass.KEEP, 0.0), (MaskClass.REMOVE, 1.0), (MaskClass.OVERLAP, 1.0), (MaskClass.AFFECTED, 1.0)],
)
def test_one_class_only_is_exactly_all_or_nothing(filled: MaskClass, opened: float) -> None:
    """A hundred frames of 7 x 7 pixels: rounding must not lead out of 0 to 1."""
    found = mask_statistics(Mask(np.full((100, 7, 7), filled, np.uint8)), QUADMASK)
    expected = tuple(float(c == filled) for c in MaskClass)
    assert (found.mean_share, found.max_share, found.max_opened_share) == (expected, expected, opened)


def test_the_frame_that_opens_most_counts_even_if_no_class_is_largest_there() -> None:
    pictures = np.full((3, 10, 10), MaskClass.KEEP, np.uint8)
    pictures[0, :4] = MaskClass.REMOVE
    pictures[1, :3], pictures[1, 3:6] = MaskClass.REMOVE, MaskClass.AFFECTED
    pictures[2, :4] = MaskClass.AFFECTED
    found = mask_statistics(Mask(pictures), QUADMASK)
    assert found.max_share[:3] == pytest.approx((0.4, 0, 0.4))
    assert found.max_opened_share == pytest.approx(0.6)


@pytest.mark.parametrize("frame", [0, 2])
@pytest.mark.parametrize("value", [4, 255])
def test_a_class_that_does_not_exist(frame: int, value: int) -> None:
    pictures = np.zeros((3, 4, 4), np.uint8)
    pictures[frame, 1, 1] = value
    with pytest.raises(MaskError, match=f"class {value}") as caught:
        mask_statistics(Mask(pictures), QUADMASK)
    assert caught.value.code == "mask-values"


def test_no_frames() -> None:
    with pytest.raises(MaskError) as caught:
        mask_statistics(Mask(np.zeros((0, 4, 4), np.uint8)), QUADMASK)
    assert caught.value.code == "mask-frames"
    assert caught.value.hint
