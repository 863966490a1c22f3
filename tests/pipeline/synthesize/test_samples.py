from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from void_audit.pipeline.synthesize.samples import agree, nearest_first


def stack(*pixels: list[tuple[int, int, int]]) -> tuple[np.ndarray, np.ndarray]:
    """Samples of several pixels as ``agree`` takes them."""
    most = max(len(p) for p in pixels)
    samples = np.zeros((most, 3, len(pixels)), np.uint8)
    for n, pixel in enumerate(pixels):
        for k, colour in enumerate(pixel):
            samples[k, :, n] = colour
    return samples, np.array([len(p) for p in pixels], np.int16)


def test_the_largest_cluster_wins_and_a_passer_by_does_not():
    table, hand = (100, 90, 80), (230, 180, 150)
    samples, count = stack([hand, hand, table, table, table], [table, hand], [])
    colours, seen = agree(samples, count, 12.0, 3)
    assert seen.tolist() == [True, False, False]
    assert tuple(colours[0]) == table


def test_of_equal_clusters_the_nearest_in_time_wins():
    near, far = (10, 10, 10), (200, 200, 200)
    colours, seen = agree(*stack([near, near, near, far, far, far]), 5.0, 3)
    assert seen[0]
    assert tuple(colours[0]) == near


def test_agreement_means_all_three_channels():
    colours, seen = agree(*stack([(100, 0, 0), (100, 60, 0), (100, 0, 60)]), 12.0, 2)
    assert not seen[0]
    assert colours.shape == (1, 3)


@settings(max_examples=60, deadline=None)
@given(
    values=st.lists(st.integers(0, 255), min_size=1, max_size=9),
    consistency=st.integers(1, 40),
    enough=st.integers(1, 5),
)
def test_against_a_plain_implementation(values, consistency, enough):
    votes = [sum(abs(a - b) <= consistency for b in values) for a in values]
    centre = values[votes.index(max(votes))]
    cluster = sorted(v for v in values if abs(v - centre) <= consistency)
    low, high = cluster[(len(cluster) - 1) // 2], cluster[len(cluster) // 2]
    colours, seen = agree(*stack([(v, v, v) for v in values]), float(consistency), enough)
    assert bool(seen[0]) == (max(votes) >= enough)
    assert colours[0].tolist() == [(low + high + 1) // 2] * 3


def test_frames_come_nearest_first():
    assert nearest_first(2, 6) == [1, 3, 0, 4, 5]
    assert nearest_first(2, 6, lag=2) == [0, 4, 5]
