from __future__ import annotations

import numpy as np
import pytest

from void_audit.errors import ClipError
from void_audit.media.compare import BLOCK, MARGIN, deviation_outside
from void_audit.model.clip import PlaneFrame
from void_audit.model.mask import MaskClass


def frame(luma: np.ndarray) -> PlaneFrame:
    return PlaneFrame((luma,), "gray", 0)


def luma(value: int = 100, shape: tuple[int, int] = (64, 96), kind: type = np.uint8) -> np.ndarray:
    return np.full(shape, value, kind)


def keep(shape: tuple[int, int] = (64, 96)) -> np.ndarray:
    return np.full(shape, MaskClass.KEEP, np.uint8)


def measure(one, other, mask, depth=8):
    return deviation_outside([frame(p) for p in one], [frame(p) for p in other], mask, depth)


def test_equal_pictures_deviate_by_nothing():
    assert measure([luma()], [luma()], [keep()]).worst == 0


def test_the_worst_block_is_named_with_its_frame():
    changed = luma()
    changed[16:24, 40:48] += 20
    found = measure([luma(), luma()], [luma(), changed], [keep(), keep()])
    assert (found.frames, found.frame, found.x, found.y) == (2, 1, 40, 16)
    assert found.worst == pytest.approx(20)


def test_noise_averages_out_and_a_shift_of_brightness_does_not():
    noise = np.random.default_rng(0).integers(-12, 13, (64, 96))
    noisy = (luma().astype(int) + noise).astype(np.uint8)
    assert measure([luma()], [noisy], [keep()]).worst < 4
    assert measure([luma()], [luma(110)], [keep()]).worst == pytest.approx(10)


def test_what_the_mask_opens_and_its_margin_do_not_count():
    mask, changed = keep(), luma()
    mask[24:32, 40:48] = MaskClass.REMOVE
    changed[24 - MARGIN : 32 + MARGIN, 40 - MARGIN : 48 + MARGIN] = 0
    assert measure([luma()], [changed], [mask]).worst == 0
    changed[24 - MARGIN - BLOCK : 24 - MARGIN, 40:48] = 0
    assert measure([luma()], [changed], [mask]).worst > 50


@pytest.mark.parametrize("opened", [MaskClass.REMOVE, MaskClass.OVERLAP, MaskClass.AFFECTED])
def test_every_class_but_keep_is_open(opened):
    mask = np.full((64, 96), opened, np.uint8)
    assert measure([luma()], [luma(0)], [mask]).worst == 0


def test_levels_do_not_depend_on_bit_depth():
    deep = measure([luma(400, kind=np.uint16)], [luma(440, kind=np.uint16)], [keep()], depth=10)
    assert deep.worst == pytest.approx(40 * 255 / 1023, rel=1e-3)


def test_odd_sizes_are_covered_to_the_edge():
    shape = (61, 93)
    changed = luma(shape=shape)
    changed[60, 92] = 255
    assert measure([luma(shape=shape)], [changed], [keep(shape)]).worst > 0


@pytest.mark.parametrize(("one", "other", "masks"), [(2, 1, 2), (1, 2, 2), (2, 2, 1)])
def test_different_lengths_are_refused(one, other, masks):
    with pytest.raises(ClipError) as caught:
        measure([luma()] * one, [luma()] * other, [keep()] * masks)
    assert caught.value.code == "clip-frames"


def test_different_sizes_are_refused():
    with pytest.raises(ClipError) as caught:
        measure([luma()], [luma(shape=(64, 88))], [keep()])
    assert caught.value.code == "clip-size"
