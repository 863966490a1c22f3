"""The passes over a small clip: sizes, per-frame facts, and cells that last."""

from functools import cache

import numpy as np
import pytest
from reason_scenes import SIZE as WIDE
from reason_scenes import World, disc, floor, pressed

from void_audit.model.engine import no_progress
from void_audit.model.geometry import Size
from void_audit.model.grid import cell_counts, cells_touched, grid_for
from void_audit.pipeline.reason.observe import KINDS, analysis_size, cells_over_time, observe

SIZE = Size(128, 72)
GRID = grid_for(SIZE, 9)
FRAMES = 14


@pytest.mark.parametrize(
    ("size", "small"),
    [
        ((1920, 1080), (341, 192)),
        ((1080, 1920), (192, 341)),
        ((192, 192), (192, 192)),
        ((100, 50), (100, 50)),
        ((1, 1), (1, 1)),
        ((5000, 1), (5000, 1)),
    ],
)
def test_analysis_size_shrinks_to_a_short_side_of_192_and_never_enlarges(size, small):
    assert analysis_size(Size(*size)) == small


def sliding(shadow=0.4, step=6):
    """A ball slides to the right; its shadow lies below."""
    world, base, rng = World(), floor(SIZE), np.random.default_rng(0)
    for i in range(FRAMES):
        x = 24 + step * i
        cover = disc((x, 24), 8, SIZE)[..., None]
        dark = disc((x, 37), (9, 5), SIZE, soft=0.3)[..., None] * shadow
        picture = (base * (1 - dark)) * (1 - cover) + np.array([200.0, 60.0, 40.0]) * cover
        world.add(picture, base, cover[..., 0], rng)
    return world


@cache
def seen(shadow=0.4, step=6):
    world = sliding(shadow, step)
    return world, observe(world.clip, world.track, GRID, no_progress)


def test_a_shadow_is_found_in_its_cells_and_nothing_else_is():
    world, found = seen()
    assert found.travelled
    assert [(s.start, s.stop, s.still) for s in found.segments] == [(0, FRAMES, True)]
    caused = np.stack([cell_counts(world.caused(i, 12), GRID) for i in range(FRAMES)])
    shadow = cells_over_time(found.pixels["shadow"])
    assert shadow[caused >= 8].mean() > 0.95
    assert (shadow & (caused == 0)).mean() < 0.06
    assert not any(cells_over_time(found.pixels[kind]).any() for kind in ("affected", "deflected", "guess"))


def test_without_a_shadow_nothing_is_found():
    _, found = seen(shadow=0)
    assert not any(cells_over_time(found.pixels[kind]).any() for kind in KINDS)


def test_per_frame_facts_are_those_of_each_frame():
    _, found = seen()
    assert found.size == SIZE
    for i, centre in enumerate(found.centres):
        assert centre == pytest.approx((24 + 6 * i, 24), abs=0.5)
    assert all(found.pixels[kind].shape == (FRAMES, GRID.rows, GRID.cols) for kind in KINDS)
    assert found.clean.shape == (FRAMES,)
    assert found.clean[2:-2].min() > 0.9


def test_a_resting_object_has_no_clean_surroundings():
    _, found = seen(step=0)
    assert not found.travelled
    assert found.clean.max() < 0.1
    assert found.pixels["guess"].any()
    assert not any(found.pixels[kind].any() for kind in KINDS if kind != "guess")


def test_a_frame_without_the_object_has_no_centre_and_is_clean():
    world = sliding(shadow=0)
    world.masks[5] = np.zeros_like(world.masks[5])
    world.pictures[5] = world.truths[5]
    found = observe(world.clip, world.track, GRID, no_progress)
    assert [i for i, centre in enumerate(found.centres) if centre is None] == [5]
    assert found.clean[5] == 1


def test_progress_counts_every_pass_to_its_end():
    told = []
    world = sliding()
    observe(world.clip, world.track, GRID, lambda what, done, total: told.append((what, done, total)))
    for what in ("follow the camera", "background", "compare"):
        counts = [done for name, done, _ in told if name == what]
        assert counts[:FRAMES] == list(range(1, FRAMES + 1))
    assert {total for _, _, total in told} == {FRAMES}


def counts(*frames):
    """One row of cells per frame: pixels in each."""
    return np.array(frames, np.uint16)[:, None, :]


def test_a_cell_needs_two_pixels():
    assert cells_over_time(counts([1, 2, 0], [1, 2, 0])).tolist() == [[[False, True, False]]] * 2


def test_what_lasts_one_frame_does_not_matter():
    assert not cells_over_time(counts([0, 0], [9, 0], [0, 0])).any()


def test_what_moves_on_by_a_cell_lasts_what_jumps_does_not():
    assert cells_over_time(counts([9, 0, 0, 0], [0, 9, 0, 0])).sum() == 2
    assert not cells_over_time(counts([9, 0, 0, 0], [0, 0, 9, 0])).any()


def test_gaps_of_one_frame_are_closed_and_no_longer_ones():
    frames = cells_over_time(counts([9], [9], [0], [9], [9], [0], [0], [9], [9]))[:, 0, 0]
    assert frames.tolist() == [True] * 5 + [False] * 2 + [True] * 2


def test_first_frame_and_last_are_no_neighbours():
    assert not cells_over_time(counts([9], [0], [0], [9])).any()


def test_a_single_frame_is_all_there_is():
    assert cells_over_time(counts([9, 1])).tolist() == [[[True, False]]]


def test_what_was_set_off_stays_so_where_the_object_hides_it():
    """A press squashes a block: where the block was seen to give way is named though the press covers it by now."""
    world, grid = pressed(), grid_for(WIDE, 24)
    affected = cells_over_time(observe(world.clip, world.track, grid, no_progress).pixels["affected"])
    top = np.zeros((WIDE.height, WIDE.width), bool)
    top[88:104, 152:188] = True
    top = cells_touched(top, grid, at_least=48)
    assert not affected[:12].any()
    for index in range(28, 34):
        covered = world.masks[index]
        filled = cells_touched(covered, grid, at_least=64)
        assert affected[index][top & filled].mean() > 0.4
        assert not affected[index][:7].any()
