"""A mark that was changed must never be read as another mark: it alone stops a second history."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from void_audit.errors import LedgerError, StorageError
from void_audit.ledger.mark import Mark, read_mark, write_mark

MARK = Mark("newsroom.example/void-audit/1", 7, bytes(range(32)))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "keys" / "log.mark"


def refused(path: Path) -> str:
    with pytest.raises(LedgerError) as caught:
        read_mark(path)
    return caught.value.code


@pytest.mark.parametrize("mark", [MARK, Mark("é", 0, bytes(32)), Mark("x", 2**53 - 1, b"\xff" * 32)])
def test_what_is_written_is_read(path: Path, mark: Mark) -> None:
    write_mark(path, mark)
    assert read_mark(path) == mark


def test_none_is_none_and_its_folder_is_not_made(path: Path) -> None:
    assert read_mark(path) is None
    assert not path.parent.exists()


def test_a_mark_is_replaced_whole(path: Path) -> None:
    write_mark(path, Mark("another.example" * 20, 123_456_789, bytes(32)))
    write_mark(path, MARK)
    assert read_mark(path) == MARK
    assert [p.name for p in path.parent.iterdir()] == ["log.mark"]


@pytest.mark.parametrize(
    "change",
    [
        {"format": "void-audit-mark/v2"},
        {"format": None},
        {"origin": 7},
        {"origin": None},
        {"size": "7"},
        {"size": 7.5},
        {"size": 1e300},
        {"size": -1},
        {"size": True},
        {"size": None},
        {"root": ""},
        {"root": "00" * 31},
        {"root": "00" * 33},
        {"root": "AB" * 32},
        {"root": "00 " * 32},
        {"root": "zz" * 32},
        {"root": ["00"] * 32},
        {"more": 1},
    ],
)
def test_a_field_of_another_form_is_damage(path: Path, change: dict[str, Any]) -> None:
    write_mark(path, MARK)
    path.write_text(json.dumps({**json.loads(path.read_bytes()), **change}))
    assert refused(path) == "ledger-mark-damaged"


@pytest.mark.parametrize("field", ["format", "origin", "size", "root"])
def test_a_field_that_is_missing_is_damage(path: Path, field: str) -> None:
    write_mark(path, MARK)
    fields = json.loads(path.read_bytes())
    del fields[field]
    path.write_text(json.dumps(fields))
    assert refused(path) == "ledger-mark-damaged"


def test_a_mark_that_was_cut_off_is_never_another_mark(path: Path) -> None:
    write_mark(path, MARK)
    whole = path.read_bytes()
    for length in range(len(whole)):
        path.write_bytes(whole[:length])
        assert refused(path) == "json-invalid"


def test_two_answers_to_one_question_are_refused(path: Path) -> None:
    write_mark(path, MARK)
    path.write_bytes(path.read_bytes().replace(b'"size":7', b'"size":7,"size":0'))
    assert refused(path) == "json-duplicate-key"


def test_a_file_of_any_size_costs_little(path: Path) -> None:
    path.parent.mkdir()
    with path.open("wb") as stream:
        stream.truncate(2**40)  # a hole: reading it whole would end the process
    assert refused(path) == "json-too-large"


def test_what_cannot_be_read_or_written_is_a_storage_error(path: Path) -> None:
    path.mkdir(parents=True)
    for use in (lambda: read_mark(path), lambda: write_mark(path, MARK)):
        with pytest.raises(StorageError) as caught:
            use()
        assert caught.value.code == "storage-failed"
    (path.parent / "file").touch()
    with pytest.raises(StorageError):
        write_mark(path.parent / "file" / "log.mark", MARK)
