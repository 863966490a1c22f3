"""Track and consequences become VOID's classes, cell by cell and frame by frame."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from void_audit.errors import MaskError
from void_audit.media.maskfile import MaskFile, write_masks
from void_audit.model.engine import EngineInfo
from void_audit.model.geometry import FrameRange, Size
from void_audit.model.grid import fill_cells
from void_audit.model.mask import Bitmap, MaskClass, PackedBitmaps
from void_audit.model.reasoning import AffectedObject, Cell, Consequences, Grid, GridLocalization
from void_audit.model.track import Track
from void_audit.pipeline.masks.compose import Roles, combine, compose, enlarge, grow
from void_audit.pipeline.masks.grid import FindingsArea, FindingCells
from void_audit.pipeline.masks.identity import mask_identity
from void_audit.pipeline.masks.schema import builtin

KEEP, REMOVE, OVERLAP, AFFECTED = MaskClass.KEEP, MaskClass.REMOVE, MaskClass.OVERLAP, MaskClass.AFFECTED
SIZE = Size(80, 40)
GRID = Grid(rows=4, cols=8)
ENGINE = EngineInfo(name="test", version="1", kind="scripted", description="a test")


def track(bitmaps: list[Bitmap]) -> Track:
    height, width = bitmaps[0].shape
    return Track(PackedBitmaps(Size(width, height), bitmaps), (1.0,) * len(bitmaps), (0,), ENGINE)


def thing(
    cells: dict[int, list[tuple[int, int]]], frames: tuple[int, int] = (0, 99), category: str = "physical"
) -> AffectedObject:
    return AffectedObject(
        noun="ball",
        category=category,  # type: ignore[arg-type]
        why="it was hit",
        will_move=True,
        frames=FrameRange(start=frames[0], stop=frames[1]),
        localizations=tuple(
            GridLocalization(frame=f, cells=tuple(Cell(row=r, col=c) for r, c in cs))
            for f, cs in cells.items()
        ),
    )


def consequences(*things: AffectedObject) -> Consequences:
    return Consequences(grid=GRID, instruction="remove", affected=things, summary="test", confidence=1.0)


def square(top: int, left: int, side: int, size: Size = SIZE) -> Bitmap:
    bitmap = np.zeros((size.height, size.width), bool)
    bitmap[top : top + side, left : left + side] = True
    return bitmap


def test_the_four_classes() -> None:
    remove = np.array([[True, True, False, False]])
    affected = np.array([[False, True, True, False]])
    roles = Roles.of(builtin("quadmask"), "remove")
    assert combine(remove, affected, roles).tolist() == [[REMOVE, OVERLAP, AFFECTED, KEEP]]


def test_cells_and_object_meet() -> None:
    masks = list(compose(track([square(12, 12, 12)] * 3), consequences(thing({1: [(1, 1)]})), SIZE, 0))
    assert [m.shape for m in masks] == [(40, 80)] * 3
    first, second = masks[0], masks[1]
    np.testing.assert_array_equal(first == REMOVE, square(12, 12, 12))
    assert set(np.unique(first)) == {REMOVE, KEEP}
    cell = fill_cells(_cells([(1, 1)]), SIZE)
    np.testing.assert_array_equal(second == OVERLAP, cell & square(12, 12, 12))
    np.testing.assert_array_equal(second == AFFECTED, cell & ~square(12, 12, 12))
    np.testing.assert_array_equal(masks[2], second)


def _cells(chosen: list[tuple[int, int]]) -> Bitmap:
    cells = np.zeros((GRID.rows, GRID.cols), bool)
    for row, col in chosen:
        cells[row, col] = True
    return cells


@pytest.mark.parametrize(
    ("categories", "free", "covered"),
    [
        (["physical"], KEEP, OVERLAP),
        (["visual_artifact"], OVERLAP, OVERLAP),
        (["physical", "visual_artifact"], OVERLAP, OVERLAP),
    ],
)
def test_frame_zero(categories: list[str], free: MaskClass, covered: MaskClass) -> None:
    """ADR 0003. From frame 1 on the same cells are AFFECTED."""
    things = [thing({0: [(1, 1)]}, category=c) for c in categories]
    first, second = compose(track([square(12, 12, 4)] * 2), consequences(*things), SIZE, 0)
    assert (first[11, 11], first[13, 13]) == (free, covered)
    assert (second[11, 11], second[13, 13]) == (AFFECTED, OVERLAP)
    assert AFFECTED not in first


def test_cells_hold_until_the_next_and_only_inside_their_frames() -> None:
    held = FindingCells(thing({2: [(0, 0)], 5: [(0, 1)], 7: []}, frames=(2, 9)), GRID)
    seen = [[tuple(c) for c in np.argwhere(held.at(f))] for f in range(11)]
    a, b = [(0, 0)], [(0, 1)]
    assert seen == [[], [], a, a, a, b, b, [], [], [], []]


def test_frames_limit_what_is_held() -> None:
    held = FindingCells(thing({0: [(3, 7)]}, frames=(4, 6)), GRID)
    assert [bool(held.at(f).any()) for f in range(8)] == [False] * 4 + [True] * 2 + [False] * 2


def test_order_of_localizations_does_not_matter() -> None:
    one, other = thing({1: [(0, 0)], 5: [(1, 1)]}), thing({5: [(1, 1)], 1: [(0, 0)]})
    for frame in range(8):
        np.testing.assert_array_equal(FindingCells(one, GRID).at(frame), FindingCells(other, GRID).at(frame))


def test_cells_outside_the_grid() -> None:
    for cell in ((4, 0), (0, 8)):
        with pytest.raises(MaskError) as caught:
            list(compose(track([square(0, 0, 4)]), consequences(thing({0: [cell]})), SIZE, 0))
        assert caught.value.code == "mask-cell"


def test_no_consequences_and_no_object() -> None:
    empty = np.zeros((40, 80), bool)
    masks = list(compose(track([empty, empty]), consequences(), SIZE, 3))
    assert all((m == KEEP).all() for m in masks)


def test_a_changed_area_is_drawn_again() -> None:
    area = FindingsArea((thing({0: [(0, 0)], 2: [(3, 7)]}), thing({1: [(2, 2)]})), GRID, SIZE)
    for frame, cells in enumerate([[(0, 0)], [(0, 0), (2, 2)], [(3, 7), (2, 2)], [(3, 7), (2, 2)]]):
        np.testing.assert_array_equal(area.at(frame), fill_cells(_cells(cells), SIZE))


@pytest.mark.parametrize("pixels", [1, 3, 9])
def test_growth_is_round_and_exact(pixels: int) -> None:
    bitmap = square(18, 30, 1)
    y, x = np.mgrid[0:40, 0:80]
    np.testing.assert_array_equal(grow(bitmap, pixels), (y - 18) ** 2 + (x - 30) ** 2 <= pixels**2)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32), st.integers(0, 7))
def test_growth_agrees_with_a_plain_search(seed: int, pixels: int) -> None:
    bitmap = np.random.default_rng(seed).random((15, 23)) < 0.03
    expected = bitmap.copy()
    for top, left in np.argwhere(bitmap):
        y, x = np.mgrid[0:15, 0:23]
        expected |= (y - top) ** 2 + (x - left) ** 2 <= pixels**2
    before = bitmap.copy()
    np.testing.assert_array_equal(grow(bitmap, pixels), expected)
    np.testing.assert_array_equal(bitmap, before)


def test_enlarging_is_smooth_and_in_place() -> None:
    y, x = np.mgrid[0:48, 0:64]
    disc = (y - 20) ** 2 + (x - 30) ** 2 <= 14**2
    large = enlarge(disc, Size(640, 480))
    y, x = np.mgrid[0:480, 0:640]
    ideal = (y - 204.5) ** 2 + (x - 304.5) ** 2 <= 100 * disc.sum() / np.pi
    stairs = disc.repeat(10, axis=0).repeat(10, axis=1)
    assert (large != ideal).sum() < 0.9 * (stairs != ideal).sum()
    assert abs(int(large.sum()) - 100 * int(disc.sum())) < 0.01 * large.sum()


def test_the_working_size_does_not_shift_the_object() -> None:
    small = square(10, 20, 8, Size(40, 20))
    mask = next(compose(track([small]), consequences(), Size(400, 200), 0))
    rows, columns = np.nonzero(mask == REMOVE)
    assert (rows.min(), rows.max() + 1, columns.min(), columns.max() + 1) == (100, 180, 200, 280)


def test_nothing_is_composed_before_it_is_asked_for() -> None:
    class Counting(PackedBitmaps):
        unpacked = 0

        def __getitem__(self, index: int) -> Bitmap:
            Counting.unpacked += 1
            return super().__getitem__(index)

    masks = Counting(SIZE, [square(0, 0, 4)] * 50)
    frames = compose(Track(masks, (1.0,) * 50, (0,), ENGINE), consequences(), SIZE, 0)
    next(frames)
    next(frames)
    assert Counting.unpacked == 2


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 2**32), dilate=st.integers(0, 4))
def test_stored_and_read_back_is_the_same_mask(
    tmp_path_factory: pytest.TempPathFactory, seed: int, dilate: int
) -> None:
    rng = np.random.default_rng(seed)
    bitmaps = [rng.random((20, 40)) < 0.1 for _ in range(4)]
    cells = {int(f): [(int(r), int(c))] for f, r, c in rng.integers(0, 4, (3, 3))}
    category = ["physical", "visual_artifact"][seed % 2]
    told = consequences(thing(cells, category=category))
    composed = list(compose(track(bitmaps), told, SIZE, dilate))
    folder: Path = tmp_path_factory.mktemp("m")
    one = MaskFile(write_masks(folder / "a.mkv", SIZE, composed, "24/1"))
    other = MaskFile(write_masks(folder / "b.mkv", SIZE, composed, "12/1"))
    np.testing.assert_array_equal(np.stack(list(one.classes())), np.stack(composed))
    assert (folder / "a.mkv").read_bytes() != (folder / "b.mkv").read_bytes()
    assert mask_identity(one) == mask_identity(other)
