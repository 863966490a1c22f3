"""Each kind of finding: found where it is, and only there."""

from __future__ import annotations

import numpy as np
import pytest
from held_mask import AFFECTED, KEEP, OVERLAP, REMOVE, HeldMask, house_schema
from hypothesis import given
from hypothesis import strategies as st

from void_audit.model.mask_schema import MaskSchema
from void_audit.pipeline.masks.class_tables import counted
from void_audit.pipeline.masks.mask_findings import (
    Apart,
    Content,
    Finding,
    FrameZero,
    Jumps,
    Specks,
    Watcher,
    roles,
)
from void_audit.pipeline.masks.schema import builtin

QUADMASK = builtin("quadmask")
SIZE = HeldMask([np.zeros((50, 100), np.uint8)]).size


def frame(*areas: tuple[slice, slice, int], ground: int = KEEP) -> np.ndarray:
    picture = np.full((50, 100), ground, np.uint8)
    for rows, columns, index in areas:
        picture[rows, columns] = index
    return picture


def box(area: int, index: int = REMOVE, left: int = 0) -> np.ndarray:
    """So many pixels of a class, in rows of ten."""
    assert area % 10 == 0
    return frame((slice(0, area // 10), slice(left, left + 10), index))


def watched(watcher: Watcher, pictures: list[np.ndarray], schema: MaskSchema = QUADMASK) -> list[Finding]:
    for number, picture in enumerate(pictures):
        watcher.see(number, picture, counted(picture)[: len(schema.classes)])
    return watcher.findings()


def told(found: list[Finding]) -> list[tuple[str, str, int | None, int]]:
    return [(f.code, f.severity, f.frame, f.frames) for f in found]


def test_roles_of_schemas() -> None:
    assert roles(QUADMASK) == ([REMOVE, OVERLAP], [AFFECTED], [OVERLAP])
    assert roles(builtin("brand-safety")) == ([0, 1], [], [])
    assert roles(builtin("localization")) == ([0], [], [])
    assert roles(house_schema()) == ([0, 1, 4, 5], [2], [1, 5])


def test_empty_masks_and_masks_without_an_object() -> None:
    assert told(watched(Content(QUADMASK, SIZE), [frame()] * 3)) == [("mask-empty", "error", None, 0)]
    affected = [frame(), box(100, AFFECTED)]
    assert told(watched(Content(QUADMASK, SIZE), affected)) == [("mask-no-object", "error", None, 0)]
    for index in (REMOVE, OVERLAP):
        assert told(watched(Content(QUADMASK, SIZE), [box(10, index)] * 2)) == []
    found = watched(Content(QUADMASK, SIZE), [box(10), frame(), box(10, AFFECTED), box(10)])
    assert told(found) == [("mask-object-absent", "warning", 1, 2)]
    protected = [np.full((50, 100), 6, np.uint8)]
    assert told(watched(Content(house_schema(), SIZE), protected, house_schema()))[0][0] == "mask-empty"


def test_a_fifth_of_the_picture_is_not_yet_much() -> None:
    fifth = frame((slice(0, 10), slice(None), REMOVE))
    more = frame((slice(0, 10), slice(None), REMOVE), (slice(20, 21), slice(0, 1), AFFECTED))
    most = frame((slice(0, 30), slice(None), OVERLAP))
    assert told(watched(Content(QUADMASK, SIZE), [fifth] * 2)) == []
    found = watched(Content(QUADMASK, SIZE), [fifth, more, most, more])
    assert told(found) == [("mask-opened-large", "warning", 1, 3)]
    assert "20 %" in found[0].message
    assert found[0].message.endswith("On 3 frames, first on 1.")
    alone = watched(Content(QUADMASK, SIZE), [fifth, most])
    assert alone[0].message.endswith("On frame 1.")
    assert "frame 2: 60.0 %" in found[0].message


def test_nothing_is_affected_on_frame_zero() -> None:
    assert told(watched(FrameZero(QUADMASK), [box(10, OVERLAP), box(10, AFFECTED)])) == []
    found = watched(FrameZero(QUADMASK), [box(30, AFFECTED), box(10, AFFECTED)])
    assert told(found) == [("mask-frame-zero", "error", 0, 1)]
    assert "30 pixels of affected" in found[0].message
    brand = builtin("brand-safety")
    assert told(watched(FrameZero(brand), [np.ones((50, 100), np.uint8)], brand)) == []


def test_specks_and_holes() -> None:
    clean = frame((slice(5, 25), slice(5, 25), REMOVE), (slice(5, 25), slice(25, 30), AFFECTED))
    assert told(watched(Specks(QUADMASK, 4), [frame(), clean])) == []
    speck = clean.copy()
    speck[40, 60:63] = AFFECTED
    hole = clean.copy()
    hole[10, 10:13] = hole[20, 20] = KEEP
    found = watched(Specks(QUADMASK, 4), [clean, speck, hole, hole, speck])
    assert told(found) == [("mask-specks", "warning", 1, 2), ("mask-holes", "warning", 2, 2)]
    assert "frame 1: 1" in found[0].message
    assert "frame 2: 2" in found[1].message
    assert "fewer than 4 pixels" in found[0].message
    assert told(watched(Specks(QUADMASK, 3), [speck])) == []
    assert told(watched(Specks(QUADMASK, 3), [hole])) == [("mask-holes", "warning", 0, 1)]


def test_a_speck_of_one_class_inside_another_is_no_speck() -> None:
    inside = frame((slice(5, 25), slice(5, 25), REMOVE), (slice(9, 10), slice(9, 10), AFFECTED))
    assert told(watched(Specks(QUADMASK, 4), [inside])) == []


def test_specks_that_touch_by_a_corner_are_one_and_holes_are_not() -> None:
    diagonal = frame()
    diagonal[range(4), range(4)] = REMOVE
    assert told(watched(Specks(QUADMASK, 4), [diagonal])) == []
    assert told(watched(Specks(QUADMASK, 5), [diagonal])) == [("mask-specks", "warning", 0, 1)]
    gaps = frame((slice(5, 25), slice(5, 25), REMOVE))
    gaps[range(10, 14), range(10, 14)] = KEEP
    assert told(watched(Specks(QUADMASK, 4), [gaps]))[0][0] == "mask-holes"


def test_what_is_kept_at_the_border_is_no_hole() -> None:
    notch = frame((slice(0, 20), slice(0, 20), REMOVE), (slice(0, 1), slice(10, 11), KEEP))
    corner = frame(ground=REMOVE)
    corner[0, 0] = KEEP
    assert told(watched(Specks(QUADMASK, 4), [notch])) == []
    assert told(watched(Specks(QUADMASK, 4), [corner])) == []


@pytest.mark.parametrize(
    ("areas", "jumps"),
    [
        ([100, 100, 100], []),
        ([100, 200, 100], []),  # half of the larger
        ([100, 210, 200], [1]),
        ([210, 100], [1]),
        ([0, 100, 0], [1, 2]),
        ([0, 0, 0], []),
        ([10, 0, 10], [1, 2]),
        ([100, 0, 0, 100], [1, 3]),
    ],
)
def test_the_objects_area_jumps(areas: list[int], jumps: list[int]) -> None:
    found = [f for f in watched(Jumps(QUADMASK, SIZE), [box(a) for a in areas]) if f.code == "mask-jump"]
    assert [(f.frame, f.frames) for f in found] == ([(jumps[0], len(jumps))] if jumps else [])


def test_small_changes_of_area_are_not_told() -> None:
    """A thousandth of the picture is five pixels."""
    few, more = frame((slice(0, 1), slice(0, 1), REMOVE)), frame((slice(0, 1), slice(0, 6), REMOVE))
    assert told(watched(Jumps(QUADMASK, SIZE), [few, more, few])) == []
    more[0, 6] = REMOVE
    assert told(watched(Jumps(QUADMASK, SIZE), [few, more])) == [("mask-jump", "warning", 1, 1)]


def test_small_flickers_are_not_told() -> None:
    few, more = (frame((slice(0, 1), slice(0, n), AFFECTED)) for n in (5, 6))
    assert told(watched(Jumps(QUADMASK, SIZE), [frame(), few, frame()])) == []
    assert told(watched(Jumps(QUADMASK, SIZE), [frame(), more, frame()])) == [
        ("mask-flicker", "warning", 1, 1)
    ]


def test_object_and_overlap_are_one_area() -> None:
    assert told(watched(Jumps(QUADMASK, SIZE), [box(100), box(100, OVERLAP), box(100)])) == []


def test_the_shadow_that_frame_0_counts_with_the_object_is_no_jump_of_it() -> None:
    """Composed masks have it there as overlap, from frame 1 on as affected (ADR 3)."""
    first = frame((slice(0, 10), slice(0, 10), REMOVE), (slice(0, 20), slice(10, 30), OVERLAP))
    later = frame((slice(0, 10), slice(0, 10), REMOVE), (slice(0, 20), slice(10, 30), AFFECTED))
    assert [f for f in watched(Jumps(QUADMASK, SIZE), [first, later, later]) if f.code == "mask-jump"] == []
    found = [f for f in watched(Jumps(QUADMASK, SIZE), [later, first, later]) if f.code == "mask-jump"]
    assert [(f.frame, f.frames) for f in found] == [(2, 1)]


@pytest.mark.parametrize(
    ("areas", "flickers"),
    [
        ([0, 300, 300, 300], []),
        ([300, 300, 0, 0], []),
        ([100, 0, 100, 100, 0, 100], [1, 4]),
        ([0, 100, 0], [1]),
        ([100, 50, 100], []),  # half of it is left
        ([100, 40, 100], [1]),
        ([100, 40, 60], []),
        ([100, 200, 100], []),
        ([100, 210, 100], [1]),
        ([0, 100, 200, 300], []),
        ([100, 0, 0, 100], []),
        ([0, 100], []),
    ],
)
def test_a_consequence_flickers(areas: list[int], flickers: list[int]) -> None:
    found = watched(Jumps(QUADMASK, SIZE), [box(a, AFFECTED) for a in areas])
    assert told(found) == ([("mask-flicker", "warning", flickers[0], len(flickers))] if flickers else [])
    assert all("affected" in f.message for f in found)


def test_what_is_kept_may_come_and_go() -> None:
    schema = house_schema()
    pictures = [np.full((50, 100), index, np.uint8) for index in (6, 7, 6, 7)]
    assert told(watched(Jumps(schema, SIZE), pictures, schema)) == []


def near(left: int, top: int = 0) -> np.ndarray:
    return frame(
        (slice(10, 20), slice(10, 20), REMOVE), (slice(top, top + 10), slice(left, left + 10), AFFECTED)
    )


@pytest.mark.parametrize(
    ("pictures", "touching", "findings"),
    [
        ([near(20, 10)], 0, []),
        ([near(21, 10)], None, [(0, 1)]),
        ([near(20, 20)], 0, []),  # by a corner
        ([near(0, 0)], 0, []),
        ([frame(), near(40, 10), near(21, 10), near(20, 10)], 3, []),
        ([frame(), near(40, 10), near(21, 10), box(100)], None, [(1, 2)]),
        ([box(10, AFFECTED), box(10, OVERLAP)], 1, []),
        ([box(10, OVERLAP), box(10)], None, [(0, 1)]),  # on frame 0 that may be a shadow
        ([np.where(near(20, 10) == AFFECTED, np.uint8(OVERLAP), near(20, 10))], 0, []),
        ([np.where(near(40, 10) == AFFECTED, np.uint8(OVERLAP), near(40, 10))], None, [(0, 1)]),
        ([box(10, AFFECTED)], None, []),
        ([box(10, AFFECTED), box(10)], None, [(0, 1)]),
        ([box(10)], None, []),
        ([frame()], None, []),
    ],
)
def test_what_was_caused_touches_the_object(
    pictures: list[np.ndarray], touching: int | None, findings: list[tuple[int, int]]
) -> None:
    apart = Apart(QUADMASK)
    found = watched(apart, pictures)
    assert apart.touching == touching
    assert [(f.code, f.frame, f.frames) for f in found] == [("mask-apart", *f) for f in findings]


@given(st.integers(1, 60), st.integers(1, 60), st.integers(0, 999))
def test_counting(width: int, height: int, seed: int) -> None:
    picture = np.random.default_rng(seed).integers(0, 256, (height, width), np.uint8)
    np.testing.assert_array_equal(counted(picture), np.bincount(picture.ravel(), minlength=256))


def test_counting_is_exact_for_pictures_that_floats_cannot_count() -> None:
    picture = np.zeros((4097, 4099), np.uint8)
    picture[-1, -2:] = 3
    counts = counted(picture)
    assert (int(counts[0]), int(counts[3])) == (4097 * 4099 - 2, 2)  # odd, beyond 2**24
