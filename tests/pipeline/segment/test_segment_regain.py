"""A lost object is found again by its colours; anything else new in the picture is not taken for it."""

import numpy as np
import pytest

from void_audit.pipeline.segment.colour import ColourModel, bins_of, histogram
from void_audit.pipeline.segment.regain import regained


@pytest.fixture
def scene(scenes):
    return scenes(1, lambda i: (120, 80))


def parts(scene):
    picture = next(scene.clip.frames())
    bins = bins_of(picture)
    inside = histogram(bins, scene.masks[0])
    colours = ColourModel(inside, inside, histogram(bins, ~scene.masks[0]))
    return picture, colours, np.ones(scene.masks[0].shape, bool)


def test_the_object_is_found_where_it_came_back(scene):
    picture, colours, known = parts(scene)
    area = int(scene.masks[0].sum())
    found = regained(picture, scene.masks[0].astype(np.float32), known, colours, area)
    assert found is not None
    assert (found & scene.masks[0]).sum() > 0.9 * area
    assert not (found & ~scene.masks[0]).any()


def test_a_change_of_other_colours_or_of_another_size_is_not_the_object(scene):
    picture, colours, known = parts(scene)
    area = int(scene.masks[0].sum())
    elsewhere = np.zeros(known.shape, np.float32)
    elsewhere[10:50, 10:50] = 1
    assert regained(picture, elsewhere, known, colours, area) is None
    assert regained(picture, scene.masks[0].astype(np.float32), known, colours, area * 20) is None
    assert regained(picture, scene.masks[0].astype(np.float32), known, colours, area // 20) is None


def test_nothing_is_found_where_the_plate_knows_nothing(scene):
    picture, colours, known = parts(scene)
    assert regained(picture, np.ones(known.shape, np.float32), ~known, colours, 1200) is None
