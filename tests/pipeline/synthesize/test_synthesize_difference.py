"""The difference of a take from its source, counted as one would by hand."""

from __future__ import annotations

import numpy as np
import pytest

from void_audit.pipeline.synthesize.difference import DifferenceMeter, interior

SHAPE = (40, 60)


def area(rows: slice, columns: slice) -> np.ndarray:
    made = np.zeros(SHAPE, bool)
    made[rows, columns] = True
    return made


def test_inside_and_along_the_border_over_all_frames() -> None:
    random = np.random.default_rng(1)
    meter = DifferenceMeter()
    inside, seam = [], []
    for box in (area(slice(5, 20), slice(30, 50)), area(slice(10, 13), slice(2, 9))):
        source, picture = random.integers(0, 256, (2, *SHAPE, 3), np.uint8)
        meter.add(source, picture, box)
        difference = np.abs(picture.astype(int) - source).mean(axis=2)
        rows, columns = (np.flatnonzero(box.any(axis=axis)) for axis in (1, 0))
        inner = np.zeros(SHAPE, bool)
        inner[rows[1] : rows[-1], columns[1] : columns[-1]] = True
        inside.append(difference[box])
        seam.append(difference[box & ~inner])
    assert meter.inside == pytest.approx(np.concatenate(inside).mean())
    assert meter.seam == pytest.approx(np.concatenate(seam).mean())
    assert meter.seam != pytest.approx(meter.inside)


def test_outside_the_area_nothing_counts() -> None:
    meter, box = DifferenceMeter(), area(slice(5, 20), slice(30, 50))
    source = np.zeros((*SHAPE, 3), np.uint8)
    meter.add(source, np.where(box[..., None], source, np.uint8(255)), box)
    assert (meter.inside, meter.seam) == (0, 0)


def test_an_area_that_is_empty_everywhere() -> None:
    meter = DifferenceMeter()
    meter.add(np.zeros((*SHAPE, 3), np.uint8), np.full((*SHAPE, 3), 255, np.uint8), np.zeros(SHAPE, bool))
    assert (meter.inside, meter.seam) == (0, 0)


def test_levels_do_not_wrap() -> None:
    meter, black, white = (
        DifferenceMeter(),
        np.zeros((*SHAPE, 3), np.uint8),
        np.full((*SHAPE, 3), 255, np.uint8),
    )
    meter.add(black, white, np.ones(SHAPE, bool))
    meter.add(white, black, np.ones(SHAPE, bool))
    assert meter.inside == 255


def test_the_pictures_edge_is_no_seam() -> None:
    assert interior(np.ones(SHAPE, bool)).all()
    at_the_edge = area(slice(0, 10), slice(0, 10))
    np.testing.assert_array_equal(interior(at_the_edge), area(slice(0, 9), slice(0, 9)))
