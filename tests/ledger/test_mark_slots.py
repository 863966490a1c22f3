"""The bytes of a mark: whatever was changed in them is never read as another mark."""

from __future__ import annotations

import json
from hashlib import sha256
from typing import Any

import pytest

from void_audit.canon import jcs
from void_audit.errors import InputError
from void_audit.ledger.mark_slots import SLOT, Mark, Slot, newest_slot, version_1

MARK = Mark("newsroom.example/void-audit/1", 7, bytes(range(32)))
NEWER = Mark(MARK.origin, 9, bytes(reversed(range(32))))
OLD, NEW = Slot(4, "12.34", MARK), Slot(5, "12.34", NEWER)


def file_of(*slots: Slot) -> bytes:
    data = bytearray(2 * SLOT)
    for slot in slots:
        data[slot.place : slot.place + SLOT] = slot.encoded()
    return bytes(data)


@pytest.mark.parametrize("mark", [MARK, Mark("é", 0, bytes(32)), Mark("x" * 3000, 2**53 - 1, b"\xff" * 32)])
def test_what_is_written_is_read(mark: Mark) -> None:
    slot = Slot(3, "7.0", mark)
    assert len(slot.encoded()) == SLOT
    assert newest_slot(file_of(slot)) == slot


def test_a_person_can_read_it() -> None:
    line = OLD.encoded().decode()
    assert line.endswith(" \n")
    assert json.loads(line)["size"] == 7
    assert json.loads(line)["origin"] == MARK.origin


def test_the_newer_one_counts() -> None:
    assert newest_slot(file_of(OLD, NEW)) == NEW
    assert newest_slot(file_of(Slot(6, "12.34", NEWER), NEW)) == Slot(6, "12.34", NEWER)
    assert OLD.next(NEWER) == NEW


def test_a_write_that_was_cut_off_anywhere_leaves_the_other_one() -> None:
    """Whole sectors or single bytes, from the front or from the back: never anything else than old or new."""
    before = file_of(OLD, Slot(3, "12.34", Mark(MARK.origin, 6, bytes(32))))
    after = file_of(OLD, NEW)
    cuts = [*range(SLOT, SLOT + 420), *range(SLOT, 2 * SLOT, 256), 2 * SLOT]
    for cut in cuts:
        assert newest_slot(after[:cut] + before[cut:]) in {OLD, NEW}
        assert newest_slot(before[:SLOT] + before[SLOT:cut] + after[cut:]) in {OLD, NEW}
        assert newest_slot(after[:cut] + bytes(2 * SLOT - cut)) in {OLD, NEW}


@pytest.mark.parametrize("place", [0, SLOT])
def test_no_byte_of_a_slot_can_be_changed(place: int) -> None:
    other = NEW if place == 0 else OLD
    whole = file_of(OLD, NEW)
    for at in [*range(place, place + 420), place + SLOT - 2, place + SLOT - 1]:
        data = bytearray(whole)
        data[at] ^= 1
        assert newest_slot(bytes(data)) == other


def forged(**change: Any) -> bytes:
    """A slot whose own digest is right and whose fields are not."""
    fields = {**OLD.fields(), **change}
    fields = {name: value for name, value in fields.items() if value is not ...}
    check = sha256(jcs.canonical(fields)).hexdigest()
    return jcs.canonical({**fields, "check": check}).ljust(SLOT - 1) + b"\n" + bytes(SLOT)


@pytest.mark.parametrize(
    "change",
    [
        {"format": "void-audit-mark/v1"},
        {"format": "void-audit-mark/v3"},
        {"origin": 7},
        {"origin": None},
        {"size": "7"},
        {"size": 7.5},
        {"size": 1e300},
        {"size": -1},
        {"size": True},
        {"root": ""},
        {"root": "00" * 31},
        {"root": "AB" * 32},
        {"root": "00 " * 32},
        {"root": ["00"] * 32},
        {"sequence": -2},
        {"sequence": "4"},
        {"sequence": True},
        {"sequence": 5},
        {"file": 12},
        {"more": 1},
        *({name: ...} for name in ("format", "origin", "size", "root", "sequence", "file")),
    ],
)
def test_a_field_of_another_form_is_no_mark(change: dict[str, Any]) -> None:
    assert newest_slot(forged()) == OLD
    assert newest_slot(forged(**change)) is None


@pytest.mark.parametrize(
    "other",
    [
        Slot(7, "12.34", NEWER),
        Slot(5, "12.35", NEWER),
        Slot(5, "12.34", Mark("another.example", 9, bytes(32))),
        Slot(5, "12.34", Mark(MARK.origin, 6, bytes(32))),
        Slot(3, "12.34", NEWER),
    ],
)
def test_two_slots_that_cannot_follow_one_another_are_no_mark(other: Slot) -> None:
    assert newest_slot(file_of(other)) == other
    assert newest_slot(file_of(OLD, other)) is None


@pytest.mark.parametrize(
    "data", [b"", b"{}", bytes(2 * SLOT), b" " * 2 * SLOT, b"[" * 2 * SLOT, b"\xff" * 2 * SLOT]
)
def test_anything_else_is_no_mark(data: bytes) -> None:
    assert newest_slot(data) is None


@pytest.mark.parametrize("length", [0, 1, SLOT, 2 * SLOT - 1])
def test_a_file_of_another_length_is_no_mark(length: int) -> None:
    assert newest_slot(file_of(OLD, NEW)[:length]) is None
    assert newest_slot(file_of(OLD, NEW) + b" ") is None


def test_a_name_that_does_not_fit_is_refused() -> None:
    with pytest.raises(InputError) as caught:
        Slot(0, "1.0", Mark("x" * SLOT, 0, bytes(32))).encoded()
    assert caught.value.code == "origin-too-long"


FIRST = {"format": "void-audit-mark/v1", "origin": MARK.origin, "size": 7, "root": MARK.root.hex()}


def test_version_1_is_read() -> None:
    assert version_1(jcs.canonical(FIRST)) == MARK


@pytest.mark.parametrize(
    "change",
    [
        {"format": "void-audit-mark/v2"},
        {"size": "7"},
        {"size": 1e300},
        {"size": -1},
        {"root": "AB" * 32},
        {"more": 1},
    ],
)
def test_version_1_is_read_strictly(change: dict[str, Any]) -> None:
    assert version_1(json.dumps({**FIRST, **change}).encode()) is None
    assert version_1(b'{"size":0,' + jcs.canonical(FIRST)[1:]) is None
    assert version_1(jcs.canonical(FIRST)[:-1]) is None
    assert version_1(jcs.canonical(FIRST) + b" " * 2000) is None
