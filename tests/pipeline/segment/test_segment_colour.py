"""Colour evidence tells object from surroundings, within bounds, and the anchor never drifts."""

import numpy as np
import pytest

from void_audit.pipeline.segment.colour import ColourModel, bins_of, histogram, likeness


@pytest.fixture
def scene(scenes):
    return scenes(1, lambda i: (120, 80))


def model(scene):
    bins = bins_of(next(scene.clip.frames()))
    inside, outside = histogram(bins, scene.masks[0]), histogram(bins, ~scene.masks[0])
    return bins, ColourModel(inside, inside.copy(), outside)


def test_a_histogram_sums_to_one_or_is_empty(scene):
    bins = bins_of(next(scene.clip.frames()))
    assert histogram(bins, scene.masks[0]).sum() == pytest.approx(1)
    assert histogram(bins, np.zeros_like(scene.masks[0])).sum() == 0


def test_likeness_is_one_for_the_same_and_low_for_others(scene):
    _, colours = model(scene)
    assert likeness(colours.anchor, colours.anchor) == pytest.approx(1)
    assert likeness(colours.anchor, colours.around) < 0.1


def test_evidence_is_positive_inside_negative_outside_and_bounded(scene):
    bins, colours = model(scene)
    evidence = colours.evidence(bins)
    assert evidence[scene.masks[0]].mean() > 0.8
    assert evidence[~scene.masks[0]].mean() < -0.8
    assert np.abs(evidence).max() <= 1


def test_learning_from_wrong_masks_moves_everything_but_the_anchor(scene):
    bins, colours = model(scene)
    anchor = colours.anchor.copy()
    for _ in range(50):
        colours.learn(bins, ~scene.masks[0], scene.masks[0])
    assert np.array_equal(colours.anchor, anchor)
    assert likeness(colours.inside, anchor) < 0.5


def test_learning_from_nothing_changes_nothing(scene):
    bins, colours = model(scene)
    before = colours.inside.copy()
    empty = np.zeros_like(scene.masks[0])
    colours.learn(bins, empty, empty)
    assert np.array_equal(colours.inside, before)
