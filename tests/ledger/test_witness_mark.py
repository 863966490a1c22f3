from __future__ import annotations

import pytest

from void_audit.canon.checkpoint import Checkpoint
from void_audit.errors import LedgerError, StorageError
from void_audit.ledger.witness_mark import mark_path, read_mark, write_mark

MARK = Checkpoint("log.example/1", 5, bytes(32))


def test_a_mark_comes_back_without_what_a_log_added(tmp_path) -> None:
    assert read_mark(tmp_path / "marks", MARK.origin) is None
    write_mark(tmp_path / "marks", Checkpoint(MARK.origin, 5, bytes(32), ("an extension",)))
    assert read_mark(tmp_path / "marks", MARK.origin) == MARK


@pytest.mark.parametrize("data", [b"", b"\xff", b"log.example/1\n5\n", MARK.text.encode() * 2, b"x" * 5000])
def test_a_damaged_mark_is_no_licence_to_begin_anew(tmp_path, data: bytes) -> None:
    mark_path(tmp_path, MARK.origin).write_bytes(data)
    with pytest.raises(LedgerError) as caught:
        read_mark(tmp_path, MARK.origin)
    assert caught.value.code == "witness-mark-damaged"


def test_the_mark_of_another_log_is_none_of_this_one(tmp_path) -> None:
    write_mark(tmp_path, MARK)
    mark_path(tmp_path, MARK.origin).rename(mark_path(tmp_path, "other"))
    with pytest.raises(LedgerError):
        read_mark(tmp_path, "other")


def test_a_place_that_cannot_be_written(tmp_path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError):
        write_mark(tmp_path / "file" / "marks", MARK)
