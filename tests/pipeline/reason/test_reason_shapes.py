"""Measures of yes/no pictures, against the slow definitions and on empty, full and border cases."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from void_audit.pipeline.reason.shapes import (
    FAR,
    at_edge,
    centre_of,
    diagonal_of,
    distance_to,
    grown,
    regions,
)

NOTHING = np.zeros((12, 20), bool)
BITMAPS = arrays(bool, st.tuples(st.integers(1, 14), st.integers(1, 14)))


def dots(*places, shape=(12, 20)):
    bitmap = np.zeros(shape, bool)
    for x, y in places:
        bitmap[y, x] = True
    return bitmap


@settings(max_examples=40, deadline=None)
@given(BITMAPS)
def test_distance_is_the_distance_to_the_nearest_set_pixel(bitmap):
    distance, places = distance_to(bitmap), np.argwhere(bitmap)
    assert (distance[bitmap] == 0).all()
    for at in np.argwhere(~bitmap):
        exact = np.hypot(*(places - at).T).min() if len(places) else FAR
        assert distance[tuple(at)] == pytest.approx(exact, rel=0.03)


def test_nothing_is_far_from_everything():
    assert (distance_to(NOTHING) == FAR).all()
    assert not grown(NOTHING, 1000).any()
    assert (distance_to(~NOTHING) == 0).all()


def test_grown_includes_its_rim_and_nothing_more():
    bitmap = grown(dots((10, 6)), 3)
    assert bitmap[6, 7]
    assert bitmap[6, 13]
    assert not bitmap[6, 14]
    assert not bitmap[3, 13]
    assert (grown(dots((10, 6)), 0) == dots((10, 6))).all()


@settings(max_examples=40, deadline=None)
@given(BITMAPS, st.integers(1, 6))
def test_regions_share_out_the_set_pixels_and_only_those(bitmap, smallest):
    found = list(regions(bitmap, smallest))
    assert all(region.sum() >= smallest for region in found)
    assert (sum(region.astype(int) for region in found) <= bitmap).all()
    assert (sum(region.astype(int) for region in regions(bitmap, 1)) == bitmap).all()


@pytest.mark.parametrize(("gap", "parts"), [(0, 1), (4, 1), (6, 2)])
def test_small_gaps_do_not_part_a_region(gap, parts):
    bitmap = NOTHING.copy()
    bitmap[3:9, 2:7] = bitmap[3:9, 7 + gap : 11 + gap] = True
    assert len(list(regions(bitmap, 1))) == parts


def test_the_bridge_over_a_gap_does_not_count_as_size():
    assert not list(regions(dots((4, 5), (6, 5)), 3))
    assert len(list(regions(dots((4, 5), (6, 5)), 2))) == 1


@pytest.mark.parametrize("place", [(0, 5), (19, 5), (7, 0), (7, 11)])
def test_every_edge_is_an_edge(place):
    assert at_edge(dots(place))


def test_what_stays_a_pixel_away_is_not_at_the_edge():
    inner = NOTHING.copy()
    inner[1:-1, 1:-1] = True
    assert not at_edge(inner)
    assert not at_edge(NOTHING)


def test_centre_and_diagonal():
    bitmap = dots((2, 3), (4, 7))
    assert centre_of(bitmap) == (3.0, 5.0)
    assert diagonal_of(bitmap) == pytest.approx(np.hypot(3, 5))
    assert diagonal_of(dots((6, 6))) == pytest.approx(np.sqrt(2))
    assert centre_of(NOTHING) is None
    assert diagonal_of(NOTHING) == 0
