import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from void_audit.model.geometry import Size
from void_audit.seal.regions import edited_regions


class Mask:
    def __init__(self, pictures):
        self._pictures = pictures
        self.size = Size(pictures[0].shape[1], pictures[0].shape[0])

    def __len__(self):
        return len(self._pictures)

    def classes(self, start=0, stop=None):
        yield from self._pictures[start:stop]


def keep(frames, height=8, width=10):
    return np.full((frames, height, width), 3, np.uint8)


def test_nothing_opened_no_region():
    assert edited_regions(Mask(keep(5))) == ()


def test_one_pixel():
    pictures = keep(50)
    pictures[7, 2, 9] = 0
    (region,) = edited_regions(Mask(pictures))
    assert (region.frames.start, region.frames.stop) == (7, 8)
    assert (region.rect.x, region.rect.y, region.rect.width, region.rect.height) == (9, 2, 1, 1)


@pytest.mark.parametrize("value", [0, 1, 2])
def test_every_class_but_keep_is_opened(value):
    pictures = keep(1)
    pictures[0, 1:3, 4:6] = value
    assert len(edited_regions(Mask(pictures))) == 1


@settings(max_examples=40)
@given(st.integers(1, 60), st.integers(1, 24), st.integers(0, 2**32 - 1))
def test_every_opened_pixel_lies_in_a_region_and_there_are_not_too_many(frames, most, seed):
    random = np.random.default_rng(seed)
    pictures = np.where(random.random((frames, 8, 10)) < 0.01, random.integers(0, 3, (frames, 8, 10)), 3)
    regions = edited_regions(Mask(pictures.astype(np.uint8)), most)
    assert len(regions) <= most
    covered = np.zeros((frames, 8, 10), bool)
    for region in regions:
        rect, span = region.rect, region.frames
        covered[span.start : span.stop, rect.y : rect.bottom, rect.x : rect.right] = True
    assert not ((pictures != 3) & ~covered).any()
