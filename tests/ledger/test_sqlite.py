# ruff: noqa: S608
"""SQLite: the schema, its guards, its versions, and storage that fails."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from alembic import command, op
from alembic.config import Config
from conftest_ledger import Home, envelope

from void_audit.errors import LedgerError, StorageError, VoidAuditError
from void_audit.ledger import sqlite as databases
from void_audit.ledger import tables
from void_audit.ledger.database import DATABASE
from void_audit.ledger.log import Ledger
from void_audit.ledger.sqlite import SqliteDatabase

ZERO = "zeroblob(32)"


@pytest.mark.parametrize("table", ["log", "entry", "node", "checkpoint"])
def test_rows_can_be_neither_changed_nor_removed(copy: Home, table: str) -> None:
    columns = {
        "log": "vkey = 'x'",
        "entry": "body = X'00'",
        "node": f"hash = {ZERO}",
        "checkpoint": "note = 'x'",
    }
    for statement in (
        f"UPDATE {table} SET {columns[table]}",
        f"DELETE FROM {table}",
    ):
        with pytest.raises(sqlite3.IntegrityError, match="append-only"):
            copy.sql(statement)
    assert copy.fsck().ok


@pytest.mark.parametrize(
    "statement",
    [
        f"INSERT OR REPLACE INTO entry VALUES (3, {ZERO}, X'00')",
        f"REPLACE INTO entry VALUES (6, {ZERO}, X'00')",
        f"INSERT INTO entry VALUES (3, {ZERO}, X'00') ON CONFLICT (idx) DO UPDATE SET body = excluded.body",
        f"INSERT INTO entry VALUES (8, {ZERO}, X'00')",
        f"INSERT INTO entry VALUES (-1, {ZERO}, X'00')",
        f"INSERT INTO entry (leaf_hash, body) VALUES ({ZERO}, X'00')",
        "INSERT INTO entry VALUES (7, X'00', X'00')",
        f"INSERT INTO entry VALUES (7, {ZERO}, zeroblob(65536))",
        f"INSERT INTO entry VALUES (7, {ZERO}, X'')",
        f"INSERT OR REPLACE INTO node VALUES (1, 0, {ZERO})",
        f"INSERT INTO node VALUES (0, 9, {ZERO})",
        f"INSERT OR REPLACE INTO checkpoint VALUES (3, {ZERO}, 'x')",
        f"INSERT INTO checkpoint VALUES (5, {ZERO}, 'x')",
        "INSERT OR REPLACE INTO log VALUES (1, 'x', 'x')",
        "INSERT INTO log VALUES (2, 'x', 'x')",
    ],
)
def test_rows_can_be_neither_replaced_nor_skipped(copy: Home, statement: str) -> None:
    with pytest.raises(sqlite3.IntegrityError):
        copy.sql(statement)
    assert copy.fsck().ok


def test_there_is_no_way_back(copy: Home) -> None:
    config, engine = _config(), sa.create_engine(f"sqlite:///{copy.database}")
    with engine.connect() as connection:
        config.attributes["connection"] = connection
        with pytest.raises(NotImplementedError):
            command.downgrade(config, "base")
    engine.dispose()
    assert copy.fsck().ok


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", "void_audit:migrations")
    return config


def test_a_migration_that_fails_leaves_nothing(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    real, calls = op.create_index, []

    def second_fails(*args: Any, **kwargs: Any) -> None:
        calls.append(args)
        if len(calls) == 2:
            raise sqlite3.OperationalError("injected")
        real(*args, **kwargs)

    monkeypatch.setattr(op, "create_index", second_fails)
    with pytest.raises(VoidAuditError):
        home.create()
    with closing(sqlite3.connect(home.database)) as connection:
        assert connection.execute("SELECT name FROM sqlite_master").fetchall() == []
    monkeypatch.undo()
    assert home.create().append([envelope(0)]) == [0]
    assert home.fsck().ok


def test_a_database_of_a_newer_version_is_not_touched(copy: Home) -> None:
    copy.sql("UPDATE alembic_version SET version_num = '9999'")
    before = copy.database.read_bytes()
    for use in (copy.open, lambda: Ledger.open(copy.folder), copy.create):
        with pytest.raises(VoidAuditError) as caught:
            use()
        assert caught.value.code in {"database-newer", "ledger-rollback"}  # create meets the mark first
    with pytest.raises(StorageError) as caught_open:
        copy.open()
    assert caught_open.value.code == "database-newer"
    assert copy.database.read_bytes() == before
    assert copy.codes() == {"schema-version"}


def test_a_reader_does_not_upgrade(copy: Home) -> None:
    copy.sql("UPDATE alembic_version SET version_num = '0000'")
    with pytest.raises(StorageError) as caught:
        Ledger.open(copy.folder)
    assert caught.value.code == "database-older"


def test_commits_are_durable(copy: Home) -> None:
    database = SqliteDatabase(copy.database, writable=True)
    with database.read() as connection:
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
        assert connection.exec_driver_sql("PRAGMA synchronous").scalar() == 2
    database.close()


def test_a_database_that_cannot_be_durable_is_refused(tmp_path: Path) -> None:
    with closing(sqlite3.connect(":memory:")) as connection, pytest.raises(StorageError) as caught:
        databases._settings(connection, tmp_path / "x", writable=True)
    assert caught.value.code == "database-not-durable"


def test_a_full_disk_refuses_the_append_and_keeps_the_log(
    home: Home, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger.append([envelope(0)])
    ledger.close()
    settings = databases._settings

    def small_disk(connection: sqlite3.Connection, path: Path, writable: bool) -> None:
        settings(connection, path, writable)
        pages = connection.execute("PRAGMA page_count").fetchone()[0]
        connection.execute(f"PRAGMA max_page_count = {pages}")

    with monkeypatch.context() as patch:
        patch.setattr(databases, "_settings", small_disk)
        full = home.open()
        with pytest.raises(StorageError) as caught:
            full.append([envelope(n) for n in range(1, 200)])
        full.close()
    assert caught.value.code == "storage-full"
    reopened = home.open()
    assert reopened.size == 1
    assert reopened.append([envelope(1)]) == [1]
    assert home.fsck().ok


def test_a_database_that_may_only_be_read_is_an_error_of_ours(copy: Home) -> None:
    database = SqliteDatabase(copy.database, writable=False)
    with pytest.raises(StorageError) as caught, database.write() as connection:
        connection.execute(sa.insert(tables.record).values(idx=99, edit=None, kind="seal"))
    assert caught.value.code == "storage-unwritable"


def test_a_locked_database_is_an_error_of_ours(copy: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(databases, "BUSY_MILLISECONDS", 50)
    ledger = copy.open()
    with closing(sqlite3.connect(copy.database, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StorageError) as caught:
            ledger.append([envelope(7)])
    assert caught.value.code == "database-busy"
    assert ledger.append([envelope(7)]) == [7]


@pytest.mark.parametrize("content", [b"\xa5" * 5000, b"not a database at all"])
def test_a_damaged_database_is_an_error_of_ours(copy: Home, content: bytes) -> None:
    copy.database.write_bytes(content)
    for use in (copy.open, lambda: Ledger.open(copy.folder)):
        with pytest.raises((LedgerError, StorageError)):
            use()


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE entry SET body = 'text' WHERE idx = 1",
        "UPDATE entry SET leaf_hash = 'text' WHERE idx = 1",
        "UPDATE log SET vkey = X'FF'",
        "UPDATE log SET vkey = 'nonsense'",
        "DELETE FROM log",
        "DROP TABLE entry",
        "DROP TABLE checkpoint",
        "UPDATE node SET hash = 'text'",
        "UPDATE checkpoint SET note = X'FFFF'",
    ],
)
def test_no_foreign_exception_leaves_a_tampered_log(copy: Home, damage: str) -> None:
    change = copy.sql if damage.startswith("DROP") else copy.tamper
    change(damage)
    for use in (lambda: _read_all(copy.folder), lambda: copy.open().append([envelope(7)])):
        try:
            use()
        except VoidAuditError as error:
            assert error.code  # noqa: PT017 - some damage does not concern a reader


def _read_all(folder: Path) -> None:
    ledger = Ledger.open(folder)
    ledger.checkpoint()
    assert all(ledger.prove(entry.index) for entry in ledger.entries())
    ledger.consistency(3)


def test_a_path_with_odd_characters_is_opened(tmp_path: Path) -> None:
    home = Home(tmp_path / "50% off? #1 &mode=ro ü")
    assert home.create().append([envelope(0)]) == [0]
    assert (home.folder / DATABASE).is_file()
    assert Ledger.open(home.folder).size == 1


def test_a_log_on_a_medium_that_cannot_be_written_is_read(
    copy: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = sorted(p.name for p in copy.folder.iterdir())
    monkeypatch.setattr(databases.os, "access", lambda *_: False)
    assert "immutable=1" in databases._uri(copy.database, writable=False)
    _read_all(copy.folder)
    assert sorted(p.name for p in copy.folder.iterdir()) == before


def test_a_log_with_unfinished_writes_is_never_taken_for_frozen(
    copy: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    (copy.folder / f"{DATABASE}-wal").write_bytes(b"pending")
    monkeypatch.setattr(databases.os, "access", lambda *_: False)
    assert "immutable" not in databases._uri(copy.database, writable=False)


def test_only_a_commit_that_need_not_wait_does_not(copy: Home) -> None:
    database = SqliteDatabase(copy.database, writable=True)
    for durable, level in ((True, 2), (False, 1), (True, 2)):
        with database.write(durable=durable) as connection:
            assert connection.exec_driver_sql("PRAGMA synchronous").scalar() == level
    database.close()
