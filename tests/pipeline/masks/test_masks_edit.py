"""An edited mask, read frame by frame, is what the operations give one after the other on the whole mask."""

from __future__ import annotations

import time
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from held_mask import AFFECTED, KEEP, OVERLAP, REMOVE, HeldMask, even, house_schema, noise
from hypothesis import given, settings
from hypothesis import strategies as st
from mask_edits_of import batch, batches, cells, copy, stroke

from void_audit.errors import MaskError
from void_audit.media.maskfile import MaskFile, MaskWriter
from void_audit.model.geometry import Rect, Size
from void_audit.model.grid import cell_rect
from void_audit.model.mask import VALUES, Classes
from void_audit.model.mask_edit import CellsEdit, CopyEdit, MaskEdits, MaskOperation, StrokeEdit
from void_audit.model.mask_schema import MaskSchema
from void_audit.pipeline.masks.brush import brush
from void_audit.pipeline.masks.class_tables import ClassTables
from void_audit.pipeline.masks.edit import edited
from void_audit.pipeline.masks.schema import builtin

QUADMASK = builtin("quadmask")
SCHEMAS = {s.name: s for s in (QUADMASK, builtin("brand-safety"), builtin("localization"), house_schema())}


def stack(mask: object) -> np.ndarray:
    return np.stack([c.copy() for c in mask.classes()])  # type: ignore[attr-defined]


def plainly(mask: HeldMask, edits: MaskEdits, schema: MaskSchema) -> np.ndarray:
    """Every operation on all frames before the next one, pixel by pixel."""
    frames, tables = stack(mask), ClassTables(schema)
    for edit in edits.operations:
        before = frames.copy()
        for number in range(edit.frames.start, edit.frames.stop):
            _operate(frames[number], before, edit, tables, schema)
    return frames


def _operate(
    picture: Classes, before: np.ndarray, edit: MaskOperation, tables: ClassTables, schema: MaskSchema
) -> None:
    if isinstance(edit, CopyEdit):
        _copy(picture, before[edit.from_frame], [schema.index(n) for n in edit.classes], tables)
        return
    index = schema.index(edit.to)
    change = {"set": lambda there, index: index, "add": tables.add, "erase": tables.erase}
    size = Size(picture.shape[1], picture.shape[0])
    if isinstance(edit, StrokeEdit):
        area = brush(edit.points, edit.radius, Rect(x=0, y=0, width=size.width, height=size.height))
        _each(picture, area, change[edit.mode], index)
        return
    for cell in edit.cells:
        rect, area = cell_rect(size, edit.grid, cell), np.zeros(picture.shape, bool)
        area[rect.y : rect.bottom, rect.x : rect.right] = True
        mode = edit.mode
        if mode == "toggle":
            mode = "erase" if any(tables.hold(int(c), index) for c in picture[area]) else "add"
        _each(picture, area, change[mode], index)


def _each(picture: Classes, area: np.ndarray, change: Callable[[int, int], int], index: int) -> None:
    for place in np.argwhere(area):
        picture[tuple(place)] = change(int(picture[tuple(place)]), index)


def _copy(picture: Classes, other: Classes, indices: list[int], tables: ClassTables) -> None:
    if not indices:
        picture[...] = other
    for index in indices:
        _each(picture, np.ones(picture.shape, bool), tables.erase, index)
    for index in indices:
        holding = np.vectorize(lambda c, index=index: tables.hold(int(c), index))(other)
        _each(picture, holding, tables.add, index)


@pytest.mark.parametrize("name", SCHEMAS)
@settings(max_examples=40)
@given(data=st.data(), seed=st.integers(0, 999))
def test_the_same_as_one_operation_after_the_other(name: str, data: st.DataObject, seed: int) -> None:
    schema = SCHEMAS[name]
    mask = noise(seed, classes=len(schema.classes))
    edits = data.draw(batches(schema, len(mask)))
    expected = plainly(mask, edits, schema)
    result = edited(mask, edits, schema)
    np.testing.assert_array_equal(stack(result), expected)
    for frame in data.draw(st.permutations(range(len(mask)))):
        (one,) = result.classes(frame, frame + 1)
        np.testing.assert_array_equal(one, expected[frame])
    fresh = edited(mask, edits, schema)
    np.testing.assert_array_equal(next(fresh.classes(3)), expected[3])
    np.testing.assert_array_equal(stack(fresh), expected)


@settings(max_examples=25)
@given(data=st.data(), seed=st.integers(0, 999))
def test_two_batches_are_one_after_the_other(data: st.DataObject, seed: int) -> None:
    mask = noise(seed)
    first, second = data.draw(batches(QUADMASK, 4, 4)), data.draw(batches(QUADMASK, 4, 4))
    both = MaskEdits(operations=first.operations + second.operations)
    np.testing.assert_array_equal(
        stack(edited(edited(mask, first, QUADMASK), second, QUADMASK)), stack(edited(mask, both, QUADMASK))
    )


class VoidsEditor:
    """VOID's editor on stored values, as spec/void 3 tells it."""

    def __init__(self, mask: HeldMask) -> None:
        self.frames = np.array(VALUES, np.uint8)[stack(mask)]

    def region(self, frame: int, row: int, col: int, rows: int = 3, cols: int = 4) -> Classes:
        height, width = self.frames.shape[1:]
        high, wide = height / rows, width / cols
        return self.frames[
            frame, int(row * high) : int((row + 1) * high), int(col * wide) : int((col + 1) * wide)
        ]

    def toggle(self, region: Classes, on: dict[int, int]) -> None:
        off = {new: old for old, new in on.items()}
        self.swap(region, off if np.isin(region, list(off)).any() else on)

    def swap(self, region: Classes, becomes: dict[int, int], where: np.ndarray | bool = True) -> None:
        was = region.copy()
        for old, new in becomes.items():
            region[(was == old) & where] = new


GREY_ON, BLACK_ON = {255: 127, 0: 63}, {255: 0, 127: 63}
GREY_OFF, BLACK_OFF = {127: 255, 63: 0}, {0: 255, 63: 127}


@settings(max_examples=60)
@given(
    seed=st.integers(0, 99),
    row=st.integers(0, 2),
    col=st.integers(0, 3),
    kept=st.sampled_from([(0, 1, 2, 3), (1, 3), (0, 3), (2, 3), (0, 2), (3,), (0,), (1,), (2,)]),
)
def test_voids_editor_to_the_pixel(seed: int, row: int, col: int, kept: tuple[int, ...]) -> None:
    """Both toggles, brush add and erase, copies of black and of grey."""
    mask = HeldMask(list(np.array(kept, np.uint8)[stack(noise(seed, 2, 23, 14, len(kept)))]))
    void = {name: VoidsEditor(mask) for name in ("grey", "black", "add", "erase", "copy black", "copy grey")}
    void["grey"].toggle(void["grey"].region(1, row, col), GREY_ON)
    void["black"].toggle(void["black"].region(1, row, col), BLACK_ON)
    y, x = np.ogrid[0:14, 0:23]
    disc = np.sqrt((x - 5 * col) ** 2 + (y - 5 * row) ** 2) <= 4
    void["add"].swap(void["add"].frames[1], BLACK_ON, disc)
    void["erase"].swap(void["erase"].frames[1], BLACK_OFF, disc)
    for name, held, on, off in (
        ("copy black", (0, 63), BLACK_ON, BLACK_OFF),
        ("copy grey", (127, 63), GREY_ON, GREY_OFF),
    ):
        there = np.isin(void[name].frames[0], held)
        void[name].swap(void[name].frames[1], off, ~there)
        void[name].swap(void[name].frames[1], on, there)
    ours: dict[str, MaskOperation] = {
        "grey": cells(1, [(row, col)], "affected"),
        "black": cells(1, [(row, col)], "remove"),
        "add": stroke(1, [(5 * col, 5 * row)], "remove", "add", 4),
        "erase": stroke(1, [(5 * col, 5 * row)], "remove", "erase", 4),
        "copy black": copy(1, 0, "remove"),
        "copy grey": copy(1, 0, "affected"),
    }
    for name, operation in ours.items():
        result = np.array(VALUES, np.uint8)[stack(edited(mask, batch(operation), QUADMASK))]
        np.testing.assert_array_equal(result, void[name].frames, err_msg=name)


@pytest.mark.parametrize(
    ("to", "table"),
    [
        ("affected", {KEEP: AFFECTED, REMOVE: OVERLAP, AFFECTED: KEEP, OVERLAP: REMOVE}),
        ("remove", {KEEP: REMOVE, AFFECTED: OVERLAP, REMOVE: KEEP, OVERLAP: AFFECTED}),
    ],
)
def test_toggles_of_even_cells_undo_themselves(to: str, table: dict[int, int]) -> None:
    for index, becomes in table.items():
        mask = even(1, 8, 6, index)
        toggle = cells(0, [(1, 1), (2, 3)], to)
        (once,) = edited(mask, batch(toggle), QUADMASK).classes()
        assert set(np.unique(once)) == {index, becomes}
        np.testing.assert_array_equal(
            once == becomes, np.kron([[0] * 4, [0, 1, 0, 0], [0, 0, 0, 1]], np.ones((2, 2))) == 1
        )
        (twice,) = edited(mask, batch(toggle, toggle), QUADMASK).classes()
        np.testing.assert_array_equal(twice, mask.pictures[0])


@settings(max_examples=30)
@given(seed=st.integers(0, 99), to=st.sampled_from(["remove", "affected"]), radius=st.floats(0.5, 9))
def test_what_is_erased_after_it_was_added_is_as_if_erased_at_once(seed: int, to: str, radius: float) -> None:
    mask = noise(seed)
    add, erase = (stroke((0, 4), [(3, 3), (12, 8)], to, mode, radius) for mode in ("add", "erase"))
    free = stack(edited(mask, batch(erase), QUADMASK))
    np.testing.assert_array_equal(stack(edited(mask, batch(add, erase), QUADMASK)), free)


def test_a_frame_copied_onto_itself_is_the_same() -> None:
    mask = noise(5)
    itself = batch(*(copy(n, n, *c) for n in range(4) for c in ((), ("remove",), ("affected", "remove"))))
    np.testing.assert_array_equal(stack(edited(mask, itself, QUADMASK)), stack(mask))


def test_a_copy_of_the_old_picture_undoes_everything() -> None:
    mask = noise(1)
    work = [stroke((1, 3), [(2, 2)], "remove"), cells((1, 3), [(2, 2)], "affected")]
    save, restore = copy(0, 1), copy(1, 0)
    result = stack(edited(mask, batch(save, *work, restore), QUADMASK))
    np.testing.assert_array_equal(result[1], mask.pictures[1])
    assert (result[2] != mask.pictures[2]).any()


def test_order_matters() -> None:
    mask = even(1, 20, 20)
    one, other = stroke(0, [(8, 8)], "remove"), stroke(0, [(8, 8)], "affected", radius=1)
    first, second = (stack(edited(mask, batch(*o), QUADMASK)) for o in ((one, other), (other, one)))
    assert first[0, 8, 8] == AFFECTED
    assert second[0, 8, 8] == REMOVE


def test_copies_read_the_mask_at_that_moment() -> None:
    mask = even(4, 10, 8)
    edits = batch(
        copy(0, 3, "remove"),  # nothing there yet
        stroke(3, [(5, 4)], "remove"),
        copy(1, 3, "remove"),  # from a later frame
        stroke(3, [(5, 4)], "remove", "erase"),
        copy(2, 3),
        copy((0, 4), 1, "affected"),
    )
    counts = [(p == REMOVE).sum() for p in edited(mask, edits, QUADMASK).classes()]
    assert counts == [0, 13, 0, 0]


def test_several_pictures_of_one_frame() -> None:
    """The same frame copied before and after it changes; twice without a change in between."""
    edits = batch(
        copy(1, 0),
        stroke(0, [(5, 4)], "remove"),
        copy(2, 0),
        copy(3, 0),
        stroke(0, [(5, 4)], "keep"),
        copy(4, 0),
    )
    mask = even(5, 10, 8, AFFECTED)
    counts = [[int((p == c).sum()) for c in (REMOVE, KEEP)] for p in edited(mask, edits, QUADMASK).classes()]
    assert counts == [[0, 13], [0, 0], [13, 0], [13, 0], [0, 13]]


def test_a_range_copied_from_within_itself_takes_one_picture() -> None:
    mask = noise(4)
    result = stack(edited(mask, batch(copy((0, 4), 2)), QUADMASK))
    assert all((p == mask.pictures[2]).all() for p in result)


def test_what_no_operation_is_for_is_handed_on() -> None:
    mask = noise(2)
    result = edited(mask, batch(stroke(1, [(3, 3)], "remove"), stroke(2, [(-50, 3)], "remove")), QUADMASK)
    assert (len(result), result.size) == (4, mask.size)
    pictures = list(result.classes())
    assert pictures[0] is mask.pictures[0]
    np.testing.assert_array_equal(pictures[2], mask.pictures[2])
    assert pictures[1][3, 3] == REMOVE


def test_nothing_is_read_before_it_is_asked_for() -> None:
    mask = noise(2, frames=50)
    result = edited(mask, batch(stroke((0, 50), [(3, 3)], "remove")), QUADMASK)
    assert mask.reads == 0
    pictures = result.classes(10, 40)
    next(pictures)
    assert mask.reads == 1


@pytest.mark.parametrize(("start", "stop"), [(0, None), (2, 4), (0, 99), (-2, None), (3, 1), (7, 9)])
def test_slices_are_those_of_lists(start: int, stop: int | None) -> None:
    result = edited(noise(2, frames=5), batch(stroke((0, 5), [(3, 3)], "remove")), QUADMASK)
    whole = list(result.classes())[start:stop]
    part = list(result.classes(start, stop))
    assert len(part) == len(whole)
    assert all((a == b).all() for a, b in zip(part, whole, strict=True))


@settings(max_examples=10)
@given(data=st.data(), seed=st.integers(0, 999), name=st.sampled_from(sorted(SCHEMAS)))
def test_written_and_read_back(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject, seed: int, name: str
) -> None:
    schema = SCHEMAS[name]
    folder: Path = tmp_path_factory.mktemp("m")
    start = noise(seed, width=18, height=12, classes=len(schema.classes))
    edits = data.draw(batches(schema, 4))
    expected = stack(edited(start, edits, schema))
    with MaskWriter(folder / "before.mkv", start.size, "24/1", schema.values) as writer:
        for picture in start.classes():
            writer.write(picture)
    stored = MaskFile(folder / "before.mkv", schema.values)
    with MaskWriter(folder / "after.mkv", start.size, "24/1", schema.values) as writer:
        for picture in edited(stored, edits, schema).classes():
            writer.write(picture)
    np.testing.assert_array_equal(stack(MaskFile(folder / "after.mkv", schema.values)), expected)


REFUSED: list[tuple[str, MaskOperation, str]] = [
    ("mask-edit-class", stroke(0, [(1, 1)], "logo"), "logo.*quadmask"),
    ("mask-edit-class", cells(0, [(1, 1)], "logo"), "Operation 1"),
    ("mask-edit-class", copy(0, 1, "remove", "logo"), "logo"),
    ("mask-edit-class", stroke(0, [(1, 1)], "keep", "erase"), "keep.*erased"),
    ("mask-edit-class", cells(0, [(1, 1)], "keep"), "keep.*toggled"),
    ("mask-edit-class", copy(0, 1, "keep"), "keep.*copied"),
    ("mask-edit-frames", stroke((3, 5), [(1, 1)], "remove"), "frames 3 to 4.*4 frames"),
    ("mask-edit-frames", copy(0, 4), "frame 4"),
    ("mask-edit-frames", copy((3, 9), 0), "3 to 8"),
    ("mask-edit-grid", cells(0, [(1, 1)], "remove", grid=(12, 4)), "12 rows.*17x11"),
    ("mask-edit-grid", cells(0, [(1, 1)], "remove", grid=(4, 18)), "18 columns"),
    ("mask-edit-cell", cells(0, [(0, 0), (3, 1)], "remove"), "cell 3,1"),
    ("mask-edit-cell", cells(0, [(2, 4)], "remove"), "3 rows and 4 columns"),
]


@pytest.mark.parametrize(("code", "operation", "says"), REFUSED)
def test_what_does_not_fit_the_mask_is_refused_at_once(
    code: str, operation: MaskOperation, says: str
) -> None:
    with pytest.raises(MaskError, match=says) as caught:
        edited(noise(1), batch(stroke(0, [(1, 1)], "remove"), operation), QUADMASK)
    assert caught.value.code == code
    assert "Operation 1" in caught.value.message
    assert caught.value.hint


def test_the_last_frame_row_and_column_are_inside() -> None:
    last = [
        copy(3, 3),
        cells((0, 4), [(10, 16)], "keep", "set", (11, 17)),
        stroke((3, 4), [(16, 10)], "keep", "add"),
    ]
    assert stack(edited(noise(1), batch(*last), QUADMASK))[0, 10, 16] == KEEP


class Endless(HeldMask):
    """A mask that says it is long and large."""

    def __init__(self, frames: int, size: Size) -> None:
        super().__init__([np.zeros((1, 1), np.uint8)])
        self.size, self._frames = size, frames

    def __len__(self) -> int:
        return self._frames


def test_a_batch_that_would_take_days_is_refused() -> None:
    mask = Endless(14400, Size(3840, 2160))
    sweep = stroke((0, 14400), [(0, 1000), (3840, 1000)], "remove", "add", 100)
    edited(mask, batch(*[sweep] * 20, copy((0, 14400), 0)), QUADMASK)
    for costly in (copy((0, 14400), 0, "remove"), stroke((0, 14400), [(0, 0), (3840, 2160)], "remove")):
        with pytest.raises(MaskError) as caught:
            edited(mask, batch(*[costly] * 100), QUADMASK)
        assert caught.value.code == "mask-edit-work"
    everywhere = cells((0, 14400), [(0, 0), (2, 3)], "remove", "add")
    with pytest.raises(MaskError):
        edited(mask, batch(*[everywhere] * 100), QUADMASK)


def test_a_mask_of_another_schema_is_refused() -> None:
    mask = noise(1, classes=4)
    result = edited(mask, batch(stroke(2, [(1, 1)], "remove")), builtin("brand-safety"))
    next(result.classes())
    with pytest.raises(MaskError, match="Frame 2") as caught:
        list(result.classes())
    assert caught.value.code == "mask-values"


def timed(edits: MaskEdits, mask: HeldMask, schema: MaskSchema = QUADMASK) -> float:
    start = time.process_time()
    result = edited(mask, edits, schema)
    for _ in result.classes(len(mask) - 1):
        pass
    for _ in result.classes():
        pass
    return time.process_time() - start


def test_a_chain_of_ten_thousand_copies() -> None:
    """Every frame from the one before it, the last frame read first: no recursion, every picture made once."""
    mask = even(2001, 8, 6)
    chain = [copy(n + 1, n, "remove") for n in range(2000)] * 4
    seen = edited(mask, batch(stroke(0, [(4, 3)], "remove"), *chain), QUADMASK)
    assert (next(seen.classes(2000)) == REMOVE).sum() == 13
    assert mask.reads <= 2 * 2001
    backwards = [copy(n, n + 1) for n in range(1999, -1, -1)]
    assert timed(batch(*chain, *backwards), mask) < 8


@pytest.mark.parametrize("classes", [(), ("remove",), ("affected", "remove")])
def test_everything_copied_from_everywhere(classes: tuple[str, ...]) -> None:
    """Without sources made once this would be 2 ** 1000 pictures."""
    mask = noise(3, frames=12, width=8, height=6)
    edits = batch(*(copy((0, 12), (7 * n) % 12, *classes) for n in range(1000)))
    assert timed(edits, mask) < 8


def test_ten_thousand_operations_on_every_frame() -> None:
    mask = noise(3, frames=4, width=8, height=6)
    many = [stroke((0, 4), [(1, 1), (5, 3)], "remove", "add"), cells((0, 4), [(1, 1)], "affected")]
    many += [copy((0, 4), 3, "remove"), copy((0, 4), 1, "affected")]
    assert timed(batch(*many * 2500), mask) < 20


def test_memory_does_not_grow_with_the_clip() -> None:
    """Half a megabyte a picture: 400 of them would be 200 MB."""
    frame = np.full((512, 1024), KEEP, np.uint8)
    chain = [copy(n + 1, n, "remove") for n in range(399)]
    edits = batch(stroke(0, [(100, 100), (900, 400)], "remove", "add", 50), *chain)
    result = edited(HeldMask([frame] * 400), edits, QUADMASK)
    tracemalloc.start()
    total = sum(int((c == REMOVE).sum()) for c in result.classes())
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert total == 400 * int((next(result.classes()) == REMOVE).sum())
    assert peak < 16 * 2**20


def test_cells_edit_is_what_voids_grid_is() -> None:
    """Borders at floor(i * length / cells), on sizes that the cells do not divide."""
    operation = cells(0, [(1, 1)], "remove", "set", (8, 14))
    assert isinstance(operation, CellsEdit)
    (picture,) = edited(even(1, 854, 480), batch(operation), QUADMASK).classes()
    rows, columns = np.nonzero(picture == REMOVE)
    assert (rows.min(), rows.max(), columns.min(), columns.max()) == (60, 119, 61, 121)
