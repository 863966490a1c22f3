"""Windows stay inside the picture; yes/no pictures are cleaned as promised."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from void_audit.model.geometry import Size
from void_audit.pipeline.segment.window import (
    Window,
    around,
    dilated,
    eroded,
    extent,
    overlap,
    signed_distance,
    tidied,
    touching,
)

numbers = st.floats(-300, 600, allow_nan=False)


@settings(max_examples=60, deadline=None)
@given(st.tuples(numbers, numbers), st.floats(1, 900), st.floats(1, 900))
def test_a_window_lies_in_the_picture_and_is_never_empty(centre, width, height):
    window = around(centre, width, height, Size(200, 100))
    assert 0 <= window.left < window.right <= 200
    assert 0 <= window.top < window.bottom <= 100


def test_extent_is_the_tightest_window():
    mask = np.zeros((30, 40), bool)
    assert extent(mask) is None
    mask[5, 7] = mask[9, 20] = True
    assert extent(mask) == Window(7, 5, 21, 10)


def test_overlap_is_intersection_over_union():
    one, other = np.zeros((4, 4), bool), np.zeros((4, 4), bool)
    assert overlap(one, other) == 1
    one[:2], other[1:3] = True, True
    assert overlap(one, other) == 4 / 12


def test_the_edge_of_the_picture_does_not_erode():
    mask = np.zeros((20, 20), bool)
    mask[:, :10] = True
    assert eroded(mask, 2)[0, 0]
    assert not eroded(mask, 2)[10, 9]
    assert dilated(mask, 2)[10, 11]


def test_distance_is_positive_inside_and_negative_outside():
    mask = np.zeros((21, 21), bool)
    mask[5:16, 5:16] = True
    assert signed_distance(mask)[10, 10] > 5
    assert signed_distance(mask)[0, 10] < -4


def test_only_parts_under_the_points_stay():
    mask = np.zeros((20, 20), bool)
    mask[2:5, 2:5] = mask[10:14, 10:14] = True
    assert touching(mask, [(11, 11)]).sum() == 16
    assert not touching(mask, [(0, 0)]).any()


def test_tidying_drops_strangers_and_specks_and_fills_holes():
    mask = np.zeros((60, 60), bool)
    mask[10:40, 10:40] = True
    mask[20, 20] = False
    mask[50:55, 50:55] = True
    mask[10:12, 50:52] = True
    prior = np.zeros_like(mask)
    prior[8:42, 8:53] = True
    found = tidied(mask, prior)
    assert found[20, 20]
    assert not found[50:55, 50:55].any()
    assert not found[10:12, 50:52].any()
    assert found.sum() == 900
