"""Track and consequences become VOID's classes, cell by cell and frame by frame."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mask_answers import (
    ANSWERS,
    FRAMES,
    affected,
    affected_objects,
    answer,
    cells,
    found_in,
    keyframes,
    localizations,
    plainly,
    schemas,
)
from mask_answers import GRID as SMALL_GRID
from mask_answers import SIZE as SMALL

from void_audit.errors import MaskError
from void_audit.media.maskfile import MaskFile, write_masks
from void_audit.media.memory import ArrayClip
from void_audit.model.engine import EngineInfo
from void_audit.model.geometry import FrameRange, Size
from void_audit.model.grid import fill_cells
from void_audit.model.mask import Bitmap, MaskClass, PackedBitmaps
from void_audit.model.mask_schema import MaskSchema
from void_audit.model.reasoning import (
    AffectedObject,
    Belonging,
    Cell,
    CellSize,
    Consequences,
    Grid,
    GridLocalization,
)
from void_audit.model.track import Track
from void_audit.pipeline.masks.compose import Roles, combine, compose, enlarge, grow
from void_audit.pipeline.masks.grid import FindingCells
from void_audit.pipeline.masks.identity import mask_identity
from void_audit.pipeline.masks.schema import builtin
from void_audit.pipeline.reason.check import check_consequences

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


INFO = ArrayClip([np.zeros((SMALL.height, SMALL.width, 3), np.uint8)] * FRAMES).info
SEEDS = st.integers(0, 2**32)


def objects(seed: int) -> list[Bitmap]:
    """An object that is there, not there, or anywhere."""
    rng = np.random.default_rng(seed)
    return [rng.random((SMALL.height, SMALL.width)) < rng.choice([0, 0.05, 0.5]) for _ in range(FRAMES)]


def filled(found: list, frame: int) -> Bitmap:
    """Pixels of all cells of these findings, by the plain reading."""
    union = np.zeros((SMALL_GRID.rows, SMALL_GRID.cols), bool)
    for one in found:
        for place in plainly(one, frame, SMALL_GRID):
            union[place] = True
    return fill_cells(union, SMALL)


def of_category(told: Consequences, category: str) -> list[AffectedObject]:
    return [one for one in told.affected if one.category == category]


@settings(max_examples=60, deadline=None)
@given(ANSWERS, SEEDS, st.integers(0, 3))
def test_any_answer_is_what_its_words_say(told: Consequences, seed: int, dilate: int) -> None:
    assert check_consequences(told, INFO) == told
    bitmaps = objects(seed)
    for frame, classes in enumerate(compose(track(bitmaps), told, SMALL, dilate)):
        remove = grow(bitmaps[frame], dilate) | filled(list(told.belongings), frame)
        physical = filled(of_category(told, "physical"), frame)
        visual = filled(of_category(told, "visual_artifact"), frame)
        expected = np.full(remove.shape, KEEP, np.uint8)
        expected[physical | visual] = AFFECTED
        if frame == 0:
            expected[physical] = KEEP
            expected[visual] = OVERLAP
        expected[remove] = REMOVE
        expected[remove & (physical | visual)] = OVERLAP
        np.testing.assert_array_equal(classes, expected)


@settings(max_examples=40, deadline=None)
@given(ANSWERS, SEEDS)
def test_findings_together_open_what_each_of_them_opens(told: Consequences, seed: int) -> None:
    bitmaps = objects(seed)
    together = list(compose(track(bitmaps), told, SMALL, 1))
    singles = [answer(one) for one in found_in(told)]
    alone = [list(compose(track(bitmaps), one, SMALL, 1)) for one in (answer(), *singles)]
    for frame, classes in enumerate(together):
        each = [masks[frame] for masks in alone]
        np.testing.assert_array_equal(classes != KEEP, np.any([one != KEEP for one in each], axis=0))
        solid = [np.isin(one, (REMOVE, OVERLAP)) for one in each]
        np.testing.assert_array_equal(np.isin(classes, (REMOVE, OVERLAP)), np.any(solid, axis=0))


@settings(max_examples=60, deadline=None)
@given(ANSWERS, SEEDS, schemas())
def test_any_schema_says_the_same_in_its_own_classes(
    told: Consequences, seed: int, schema: MaskSchema
) -> None:
    parts = schema.compose["remove"]
    bitmaps = objects(seed)
    void = compose(track(bitmaps), told, SMALL, 0)
    for frame, classes in enumerate(compose(track(bitmaps), told, SMALL, 0, schema, "remove")):
        quad = next(void)
        if parts.consequence is None:
            remove = bitmaps[frame] | filled(list(told.belongings), frame)
            table = np.where(remove, schema.index("object"), schema.background)
        else:
            if frame == 0 and schema.named(parts.consequence).conditioning != "affected":
                remove = bitmaps[0] | filled(list(told.belongings), 0)
                quad = combine(
                    remove, filled(list(told.affected), 0), Roles.of(builtin("quadmask"), "remove")
                )
            roles = {REMOVE: "object", OVERLAP: "both", AFFECTED: "consequence", KEEP: "background"}
            table = np.array([schema.index(roles[MaskClass(i)]) for i in range(4)])[quad]
        np.testing.assert_array_equal(classes, table)
        assert classes.dtype == np.uint8


@settings(max_examples=25, deadline=None)
@given(told=ANSWERS, seed=SEEDS, schema=schemas())
def test_any_schema_survives_its_file(
    tmp_path_factory: pytest.TempPathFactory, told: Consequences, seed: int, schema: MaskSchema
) -> None:
    composed = list(compose(track(objects(seed)), told, SMALL, 1, schema))
    path = tmp_path_factory.mktemp("m") / "mask.mkv"
    read = MaskFile(write_masks(path, SMALL, composed, "12/1", schema.values), schema.values)
    np.testing.assert_array_equal(np.stack(list(read.classes())), np.stack(composed))


@pytest.mark.parametrize(
    ("schema", "operation", "there"),
    [("brand-safety", "remove", "remove"), ("brand-safety", "de-emphasize", "de-emphasize"),
     ("localization", "replace", "dubbed-mouth")],
)  # fmt: skip
def test_without_a_class_for_consequences_they_are_left_out(schema: str, operation: str, there: str) -> None:
    held = builtin(schema)
    told = answer(
        affected(category="visual_artifact", original_position=cells((3, 4))),
        Belonging(noun="hat", localizations=localizations({1: [(0, 0)]})),
    )
    empty = np.zeros((SMALL.height, SMALL.width), bool)
    bitmap = empty.copy()
    bitmap[8, 10] = True
    first, second = compose(track([bitmap, bitmap]), told, SMALL, 0, held, operation)  # type: ignore[arg-type]
    hat = fill_cells(np.pad([[True]], ((0, 3), (0, 4))), SMALL)
    np.testing.assert_array_equal(first, np.where(bitmap, held.index(there), held.background))
    np.testing.assert_array_equal(second, np.where(bitmap | hat, held.index(there), held.background))


@pytest.mark.parametrize("operation", ["replace", "de-emphasize", "anything"])
def test_a_schema_that_is_not_for_the_operation_is_refused_at_once(operation: str) -> None:
    with pytest.raises(MaskError, match=f"quadmask does not say how to {operation}") as caught:
        compose(track([square(0, 0, 4)]), consequences(), SIZE, 0, operation=operation)  # type: ignore[arg-type]
    assert caught.value.code == "schema-operation"
    assert "It is for: remove." in caught.value.hint


def test_a_belonging_is_removed_with_the_object_also_on_frame_zero_and_does_not_grow() -> None:
    hat = Belonging(noun="hat", localizations=localizations({0: [(1, 1)]}))
    told = answer(hat, thing({0: [(1, 1), (1, 2)]}, (0, 2)), grid=GRID)
    first, second = compose(track([square(0, 0, 0)] * 2), told, SIZE, 3)
    one, other = fill_cells(_cells([(1, 1)]), SIZE), fill_cells(_cells([(1, 2)]), SIZE)
    np.testing.assert_array_equal(first, np.where(one, OVERLAP, KEEP))
    np.testing.assert_array_equal(second, np.where(one, OVERLAP, np.where(other, AFFECTED, KEEP)))


def test_what_will_move_is_affected_along_its_way_and_not_before_anything_has_happened() -> None:
    falls = affected((0, 3), trajectory=keyframes({0: (0, 2), 2: (3, 2)}), size=CellSize(rows=1, cols=1))
    masks = list(compose(track([square(0, 0, 0)] * 4), answer(falls, grid=GRID), SIZE, 0))
    ways: list[list[tuple[int, int]]] = [[], [(1, 2), (2, 2)], [(3, 2)], []]
    for mask, way in zip(masks, ways, strict=True):
        np.testing.assert_array_equal(mask, np.where(fill_cells(_cells(way), SIZE), AFFECTED, KEEP))


@settings(max_examples=30, deadline=None)
@given(st.lists(affected_objects(), max_size=4), SEEDS)
def test_nothing_is_affected_on_frame_zero(found: list[AffectedObject], seed: int) -> None:
    bitmaps = objects(seed)
    first = next(compose(track(bitmaps), answer(*found), SMALL, 0))
    assert AFFECTED not in first
    shadow = filled([one for one in found if one.category == "visual_artifact"], 0)
    np.testing.assert_array_equal(first == KEEP, ~bitmaps[0] & ~shadow)
