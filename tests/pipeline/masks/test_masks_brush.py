"""A brush covers exactly the pixels within its radius, however long the line is."""

from __future__ import annotations

import time
from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from void_audit.model.geometry import Rect, Size
from void_audit.model.mask_edit import Point
from void_audit.pipeline.masks.brush import brush, brush_bounds

Pairs = list[tuple[float, float]]


def line(pairs: Pairs) -> tuple[Point, ...]:
    return tuple(Point(x=float(x), y=float(y)) for x, y in pairs)


def drawn(pairs: Pairs, radius: float, size: Size) -> np.ndarray:
    picture = np.zeros((size.height, size.width), bool)
    bounds = brush_bounds(line(pairs), radius, size)
    if bounds is not None:
        picture[bounds.y : bounds.bottom, bounds.x : bounds.right] = brush(line(pairs), radius, bounds)
    return picture


def within(x: int, y: int, a: tuple[int, int], b: tuple[int, int], radius: Fraction) -> bool:
    """Distance from a pixel's middle to a segment, in exact arithmetic."""
    dx, dy, px, py = b[0] - a[0], b[1] - a[1], x - a[0], y - a[1]
    length, along = dx * dx + dy * dy, px * dx + py * dy
    if length == 0 or along <= 0:
        return px * px + py * py <= radius**2
    if along >= length:
        return (x - b[0]) ** 2 + (y - b[1]) ** 2 <= radius**2
    return (px * dy - py * dx) ** 2 <= radius**2 * length


def exactly(pairs: list[tuple[int, int]], radius: Fraction, size: Size) -> np.ndarray:
    segments = list(zip(pairs, pairs[1:] or pairs, strict=False))
    return np.array(
        [
            [any(within(x, y, a, b, radius) for a, b in segments) for x in range(size.width)]
            for y in range(size.height)
        ]
    )


@settings(max_examples=150)
@given(
    pairs=st.lists(st.tuples(st.integers(-12, 30), st.integers(-12, 25)), min_size=1, max_size=4),
    quarters=st.integers(1, 60),
)
def test_exact_for_whole_numbers(pairs: list[tuple[int, int]], quarters: int) -> None:
    size = Size(19, 13)
    np.testing.assert_array_equal(
        drawn(pairs, quarters / 4, size), exactly(pairs, Fraction(quarters, 4), size)
    )


@settings(max_examples=100)
@example(pairs=[(0.0, 0.0), (1.0, 5e-324)], radius=1.0)
@example(pairs=[(0.0, 0.0), (0.0, 5e-324)], radius=1.0)
@example(pairs=[(1.0, 9.0), (20.0, 9.0004)], radius=3.0)
@example(pairs=[(1.0, 9.0), (20.0, 9.001)], radius=3.0)
@example(pairs=[(1.0, 9.0), (20.0, 9.0)], radius=5e-324)
@given(
    pairs=st.lists(st.tuples(st.floats(-20, 40), st.floats(-20, 40)), min_size=1, max_size=5),
    radius=st.floats(0.01, 30),
)
def test_right_to_rounding_for_any_numbers(pairs: Pairs, radius: float) -> None:
    """Places are taken to 1/1024 of a pixel."""
    covered = drawn(pairs, radius, Size(24, 21))
    pairs = [(round(x * 1024) / 1024, round(y * 1024) / 1024) for x, y in pairs]
    y, x = np.mgrid[0:21, 0:24].astype(float)
    distance = np.full(y.shape, np.inf)
    for (ax, ay), (bx, by) in zip(pairs, pairs[1:] or pairs, strict=False):
        length = (bx - ax) ** 2 + (by - ay) ** 2
        t = (
            np.clip(((x - ax) * (bx - ax) + (y - ay) * (by - ay)) / length, 0, 1)
            if length > 1e-200
            else 0 * x
        )
        distance = np.minimum(distance, np.hypot(x - ax - t * (bx - ax), y - ay - t * (by - ay)))
    sure = np.abs(distance - radius) > 1e-6
    np.testing.assert_array_equal(covered[sure], (distance <= radius)[sure])


@pytest.mark.parametrize("radius", [1, 5, 10])
def test_one_point_is_voids_brush(radius: int) -> None:
    """A disc round a pixel, edge included."""
    y, x = np.mgrid[0:30, 0:40]
    np.testing.assert_array_equal(
        drawn([(20, 9)], radius, Size(40, 30)), np.sqrt((x - 20) ** 2 + (y - 9) ** 2) <= radius
    )


def test_the_edge_belongs_to_it() -> None:
    covered = drawn([(5, 5), (5, 15)], 3, Size(20, 20))
    assert covered[10].nonzero()[0].tolist() == [2, 3, 4, 5, 6, 7, 8]
    assert covered[:, 5].nonzero()[0].tolist() == list(range(2, 19))
    # (3, 4) away from a slanted line of length 5: exactly at distance 5.
    slanted = drawn([(10, 10), (14, 13)], 5, Size(30, 30))
    assert slanted[14, 7]
    assert slanted[6, 13]
    assert not drawn([(10, 10), (14, 13)], 4.999, Size(30, 30))[14, 7]


def test_the_bounds_are_tight_and_inside() -> None:
    assert brush_bounds(line([(5, 6)]), 2, Size(50, 50)) == Rect(x=3, y=4, width=5, height=5)
    assert brush_bounds(line([(5.5, 6.5)]), 0.4, Size(50, 50)) is None
    assert brush_bounds(line([(0, 0), (60, 7)]), 3, Size(50, 50)) == Rect(x=0, y=0, width=50, height=11)
    for outside in ((-5, 5), (5, -5), (55, 5), (5, 55)):
        assert brush_bounds(line([outside]), 4, Size(50, 50)) is None
    assert brush_bounds(line([(-4, 5)]), 4, Size(50, 50)) == Rect(x=0, y=1, width=1, height=9)


def test_a_line_that_turns_back_is_drawn_once() -> None:
    there = [(3, 3), (20, 11)]
    np.testing.assert_array_equal(
        drawn([*there, *there[::-1], *there], 2, Size(30, 20)), drawn(there, 2, Size(30, 20))
    )


def test_a_long_line_is_the_union_of_its_segments() -> None:
    """A spiral: every segment has pixels of its own."""
    turns = np.linspace(0, 5 * np.pi, 150)
    size = Size(130, 120)
    pairs = [(float(60 + 3.5 * t * np.cos(t)), float(60 + 3.5 * t * np.sin(t))) for t in turns]
    whole = drawn(pairs, 1, size)
    np.testing.assert_array_equal(whole, drawn(pairs[::-1], 1, size))
    union = np.zeros_like(whole)
    for a, b in pairwise(pairs):
        union |= drawn([a, b], 1, size)
    np.testing.assert_array_equal(whole, union)


def test_many_points_on_a_4k_picture() -> None:
    """A wide brush over a long line costs rows, not areas: every segment alone covers a million pixels and more."""
    rng = np.random.default_rng(1)
    points = line([(float(x), float(y)) for x, y in rng.uniform(0, 2000, (1000, 2))])
    start = time.process_time()
    bounds = brush_bounds(points, 500, Size(3840, 2160))
    assert bounds is not None
    covered = brush(points, 500, bounds)
    assert covered.mean() > 0.5
    assert time.process_time() - start < 5
