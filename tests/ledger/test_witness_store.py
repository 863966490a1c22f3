from __future__ import annotations

import sqlite3
from contextlib import closing

import pytest
from witnessing import LOG_KEY

from void_audit.canon.checkpoint import Checkpoint
from void_audit.errors import LedgerError, StorageError
from void_audit.ledger.witness_store import DATABASE, WitnessStore

FIVE = Checkpoint(LOG_KEY.name, 5, bytes(32))


def put(store: WitnessStore, checkpoint: Checkpoint) -> None:
    with store.transaction() as change:
        change.put(checkpoint, "note")


def test_what_was_put_is_there_for_whoever_opens_it_next(tmp_path) -> None:
    put(WitnessStore(tmp_path), FIVE)
    assert WitnessStore(tmp_path).latest(FIVE.origin).size == 5
    assert WitnessStore(tmp_path).latest("another") is None


def test_a_log_is_known_once(tmp_path) -> None:
    store = WitnessStore(tmp_path)
    assert [store.add_log(LOG_KEY), store.add_log(LOG_KEY)] == [True, False]
    assert store.logs() == store.logs(LOG_KEY.name) == [LOG_KEY]
    assert store.logs("another") == []


def test_a_transaction_that_raises_leaves_nothing(tmp_path) -> None:
    store = WitnessStore(tmp_path)

    def put_and_raise() -> None:
        with store.transaction() as change:
            change.put(FIVE, "note")
            raise ValueError("in between")

    with pytest.raises(ValueError, match="in between"):
        put_and_raise()
    assert store.latest(FIVE.origin) is None


@pytest.mark.parametrize(
    "back", [Checkpoint(FIVE.origin, 4, bytes(32)), Checkpoint(FIVE.origin, 5, bytes([1]) * 32)]
)
def test_the_database_itself_refuses_to_go_back(tmp_path, back) -> None:
    store = WitnessStore(tmp_path)
    put(store, FIVE)
    with pytest.raises(LedgerError) as caught:
        put(store, back)
    assert caught.value.code == "witness-damaged"
    assert store.latest(FIVE.origin).root == bytes(32)


def test_every_commit_waits_for_the_disk(tmp_path) -> None:
    store = WitnessStore(tmp_path)
    with store.transaction() as change:
        asked = change._connection.execute
        assert asked("PRAGMA journal_mode").fetchone() == ("wal",)
        assert asked("PRAGMA synchronous").fetchone() == (2,)


@pytest.mark.parametrize("content", [b"not a database" * 100, b"SQLite format 3\0" + bytes(200)])
def test_what_is_no_database(tmp_path, content: bytes) -> None:
    (tmp_path / DATABASE).write_bytes(content)
    with pytest.raises((LedgerError, StorageError)):
        WitnessStore(tmp_path)


def test_a_newer_version(tmp_path) -> None:
    WitnessStore(tmp_path)
    with closing(sqlite3.connect(tmp_path / DATABASE)) as connection:
        connection.execute("PRAGMA user_version = 99")
    with pytest.raises(StorageError) as caught:
        WitnessStore(tmp_path)
    assert caught.value.code == "witness-newer"


def test_a_folder_that_is_none(tmp_path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError):
        WitnessStore(tmp_path / "file" / "folder")


def test_somebody_else_holds_it(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr("void_audit.ledger.witness_store.BUSY_SECONDS", 0.05)
    store = WitnessStore(tmp_path)
    with closing(sqlite3.connect(tmp_path / DATABASE, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StorageError) as caught:
            put(store, FIVE)
    assert caught.value.code == "witness-busy"
    with store.lock(), pytest.raises(StorageError) as caught, WitnessStore(tmp_path).lock():
        pass
    assert caught.value.code == "witness-busy"
