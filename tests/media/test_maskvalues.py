"""Ranges are found by the values, noise is put up with, another value never is."""

from collections.abc import Iterator
from fractions import Fraction

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from void_audit.errors import MaskError
from void_audit.media.maskvalues import FOREGROUND, QUADMASK, Levels, histogram, read_exactly, read_values
from void_audit.model.geometry import Size

Gray = npt.NDArray[np.uint8]


class Shown:
    """Pictures held in memory."""

    name = "m.mp4"
    rate: Fraction | None = None

    def __init__(self, *pictures: Gray, video_range: bool = True) -> None:
        self.shown, self.video_range = pictures, video_range
        self.size = Size(pictures[0].shape[1], pictures[0].shape[0])

    def __len__(self) -> int:
        return len(self.shown)

    def pictures(self, start: int = 0, stop: int | None = None) -> Iterator[Gray]:
        return iter(self.shown[start:stop])


def stripes(*values: int, side: int = 60) -> Gray:
    """Upright stripes of even values."""
    return np.repeat(np.array(values, np.uint8), side)[None].repeat(side, 0)


def read(source: Shown, levels: Levels = QUADMASK) -> list[int]:
    """The values that the first row is read as."""
    return read_values(source, levels).table[source.shown[0][0]][:: source.size.height].tolist()


@pytest.mark.parametrize("video", [True, False])
@pytest.mark.parametrize(
    ("coded", "said"),
    [
        ((0, 63, 127, 255), None),
        ((16, 70, 125, 235), "limited range"),
        ((0, 54, 129, 255), "once too often"),
        ((0, 55, 129, 255), "once too often"),
        ((0, 255), None),
        ((16, 235), "limited range"),
        ((127,), None),
        ((125, 235), "limited range"),
    ],
)
def test_ranges(coded: tuple[int, ...], said: str | None, video: bool) -> None:
    source = Shown(stripes(*coded), video_range=video)
    classes = QUADMASK.classes[read(source)]
    expected = {16: 0, 70: 1, 125: 2, 235: 3, 0: 0, 63: 1, 54: 1, 55: 1, 127: 2, 129: 2, 255: 3}
    assert classes.tolist() == [expected[value] for value in coded]
    changes = read_values(source, QUADMASK).changes
    assert (said is None) == (not any("range" in change for change in changes))
    assert said is None or said in changes[0]


def test_thresholds_are_voids() -> None:
    assert [np.flatnonzero(QUADMASK.classes == i).tolist()[-1] for i in range(4)] == [31, 95, 191, 255]
    assert np.flatnonzero(FOREGROUND.classes).tolist()[0] == 240


def test_noise_is_counted_and_said() -> None:
    picture = stripes(0, 63, 127, 255)
    noisy = picture.astype(int) + np.random.default_rng(1).integers(-6, 7, picture.shape)
    source = Shown(np.clip(noisy, 0, 255).astype(np.uint8))
    reading = read_values(source, QUADMASK)
    count = int((~np.isin(source.shown[0], (0, 63, 127, 255))).sum())
    assert any(f"{count} pixels" in said and "31, 95, 191" in said for said in reading.changes)
    np.testing.assert_array_equal(
        QUADMASK.classes[reading.table[source.shown[0]]], np.searchsorted((0, 63, 127, 255), picture)
    )


@pytest.mark.parametrize(
    ("values", "levels"), [((0, 95), QUADMASK), ((200, 255), QUADMASK), ((0, 127), FOREGROUND)]
)
def test_an_even_area_of_another_value(values: tuple[int, ...], levels: Levels) -> None:
    with pytest.raises(MaskError) as caught:
        read_values(Shown(stripes(*values)), levels)
    assert caught.value.code == "mask-values"
    assert str(levels) in caught.value.message


def test_the_frame_is_told_among_noise() -> None:
    noise = np.random.default_rng(1).integers(0, 5, (60, 60), np.uint8)
    bad = noise.copy()
    bad[10:30, 10:30] = 200
    blurred = noise.copy()
    blurred[:, 30] = np.linspace(0, 255, 60)  # many values: not coded without loss
    with pytest.raises(MaskError, match="frame 2"):
        read_values(Shown(blurred, noise, bad), QUADMASK)


def test_edges_blurred_by_compression_are_no_area() -> None:
    ramp = np.concatenate([np.zeros(50), np.linspace(0, 255, 9)[1:-1], np.full(50, 255)]).astype(np.uint8)
    assert read_values(Shown(ramp[None].repeat(40, 0)), QUADMASK).changes


def test_a_simple_lossy_mask_may_have_few_values() -> None:
    picture = stripes(0, 255)
    picture[5, ::3] = np.where(picture[5, ::3] == 0, 3, 252)
    (said,) = read_values(Shown(picture), QUADMASK).changes
    assert "40 pixels" in said


def test_counts() -> None:
    counted = histogram(Shown(stripes(0, 7, side=3), stripes(7, 7, side=3)))
    assert (counted[0], counted[7], counted.sum()) == (9, 27, 36)


@given(st.lists(st.integers(0, 255), min_size=2, max_size=8, unique=True), st.booleans(), st.data())
def test_exact_values_of_any_schema(values: list[int], video: bool, data: st.DataObject) -> None:
    values = sorted(values)
    present = data.draw(st.lists(st.sampled_from(values), min_size=1, max_size=8, unique=True))
    source = Shown(stripes(*present, side=2), video_range=video)
    table = read_exactly(source, values).table
    assert table[list(present)].tolist() == [values.index(value) for value in present]
    other = data.draw(st.integers(0, 255).filter(lambda v: v not in values))
    with pytest.raises(MaskError) as caught:
        read_exactly(Shown(stripes(*values, other, side=2), video_range=False), values)
    assert f"{other}" in caught.value.message


def test_exact_values_of_limited_luma() -> None:
    reading = read_exactly(Shown(stripes(16, 125, 235)), (0, 127, 255))
    table, said = reading.table, reading.changes
    assert ["limited range" in change for change in said] == [True]
    assert table[[16, 125, 235]].tolist() == [0, 1, 2]
    with pytest.raises(MaskError, match="16, 125, 235"):
        read_exactly(Shown(stripes(16, 125, 235), video_range=False), (0, 127, 255))


@pytest.mark.parametrize("values", [(0, 1, 2, 255), (3, 9, 15), (0, 8), (236, 240, 255), (10, 16, 250)])
def test_low_and_high_values_are_not_taken_for_the_ends_of_limited_range(values: tuple[int, ...]) -> None:
    reading = read_exactly(Shown(stripes(*values)), values)
    table, said = reading.table, reading.changes
    assert table[list(values)].tolist() == list(range(len(values)))
    assert said == ()


def test_values_that_are_the_schemas_in_either_range_are_taken_as_coded_and_that_is_said() -> None:
    reading = read_exactly(Shown(stripes(16, 235)), (0, 16, 235, 255))
    table, (said,) = reading.table, reading.changes
    assert table[[16, 235]].tolist() == [1, 2]
    assert "as they are coded" in said


def test_many_values_are_not_all_listed() -> None:
    with pytest.raises(MaskError) as caught:
        read_exactly(Shown(np.arange(256, dtype=np.uint8)[None]), (0, 255))
    assert "10, 11, ..." in caught.value.message
    assert len(caught.value.message) < 200
