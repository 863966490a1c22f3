"""One SQLite database, opened so that a commit is on the disk when it returns (spec/ledger 4)."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import quote

import sqlalchemy as sa

from void_audit.errors import LedgerError, StorageError, VoidAuditError
from void_audit.ledger import database as databases
from void_audit.ledger.database import Database, Fault
from void_audit.ledger.durable import make_folder, storage_errors, sync_folder
from void_audit.ledger.exclusive import exclusive
from void_audit.ledger.place import refuse_network
from void_audit.ledger.schema import migrate

BUSY_MILLISECONDS = 10_000
LOCK = "ledger.lock"


class SqliteDatabase(Database):
    """Connections to ``<folder>/ledger.sqlite``."""

    def __init__(self, path: Path, *, writable: bool) -> None:
        """Open; nothing is touched before the first transaction.

        Args:
            path: the database file. A missing one is made only if ``writable``.
            writable: whether ``write`` may be used.

        Raises:
            StorageError: ``database-not-durable`` for writing on a network share.
        """
        self.place = str(path)
        path = path.resolve()  # lock and log must lie beside the file itself, whatever leads there
        if writable:
            refuse_network(path.parent)
        self.path = path
        self.writable = self.owner = writable
        self._engine = _engine(path, writable)
        self._file: tuple[int, int] | None = None

    def exists(self) -> bool:
        """Whether the file is there."""
        return self.path.is_file()

    def prepare(self) -> None:
        """Make folder and file; SQLite itself sees to the names of the files that it adds later."""
        folder = self.path.parent
        with storage_errors(folder):
            make_folder(folder)
        with self.read():
            pass
        with storage_errors(folder):
            sync_folder(folder)

    def close(self) -> None:
        """Release the files."""
        self._engine.dispose()

    @contextmanager
    def read(self) -> Iterator[sa.Connection]:
        """See ``Database.read``."""
        with self.translated(), self._engine.connect() as connection, connection.begin():
            yield connection

    @contextmanager
    def write(self, *, durable: bool = True) -> Iterator[sa.Connection]:
        """See ``Database.write``: it holds the file's write lock from its start."""
        with self.translated(), self._engine.connect() as connection:
            immediate = connection.execution_options(immediate=True, durable=durable)
            with immediate.begin():
                yield immediate

    @contextmanager
    def lock(self) -> Iterator[None]:
        """See ``Database.lock``: a lock on a file beside the database."""
        with exclusive(self.path.with_name(LOCK), databases.LOCK_SECONDS):
            yield

    def replaced(self) -> bool:
        """See ``Database.replaced``: a file is what its inode is."""
        with storage_errors(self.path):
            found = self.path.stat()
        file, self._file = self._file, (found.st_dev, found.st_ino)
        if file in {None, self._file}:
            return False
        self._engine.dispose()
        return True

    def faults(self, connection: sa.Connection) -> Iterator[Fault]:
        """See ``Database.faults``: SQLite's own check, then the schema beside that of a new database."""
        for line in connection.execute(sa.text("PRAGMA integrity_check(20)")).scalars():
            if line != "ok":
                yield "database-corrupt", self.path.name, str(line)[:300]
        stored, fresh = _objects(connection), _fresh_objects()
        for name in sorted(stored.keys() | fresh.keys()):
            if stored.get(name) != fresh.get(name):
                state = "missing" if name not in stored else "unknown" if name not in fresh else "changed"
                yield "schema-changed", name, f"{name} is {state}"

    def meaning(self, error: BaseException) -> VoidAuditError:
        """What an error of SQLite means; the low byte of the code is its primary class."""
        return _meaning(self.path, error)

    @contextmanager
    def translated(self) -> Iterator[None]:
        """As ``Database.translated``; opening a connection raises the driver's errors as they are."""
        try:
            with super().translated():
                yield
        except sqlite3.Error as error:
            raise self.meaning(error) from error


def _engine(path: Path, writable: bool) -> sa.Engine:
    url = sa.URL.create("sqlite", database=_uri(path, writable), query={"uri": "true"})
    engine = sa.create_engine(
        url, connect_args={"timeout": BUSY_MILLISECONDS / 1000}, pool_size=8, max_overflow=56, pool_timeout=60
    )

    @sa.event.listens_for(engine, "connect")
    def _connect(connection: sqlite3.Connection, _record: object) -> None:
        connection.isolation_level = None  # the driver must not begin or commit by itself
        _settings(connection, path, writable)

    @sa.event.listens_for(engine, "begin")
    def _begin(connection: sa.Connection) -> None:
        options = connection.get_execution_options()
        raw = connection.connection.driver_connection  # SQLAlchemy would take longer than SQLite
        assert isinstance(raw, sqlite3.Connection)  # noqa: S101 - for the type checker
        if not options.get("immediate", False):
            raw.execute("BEGIN")
            return
        # In a transaction it could no longer be changed. NORMAL in WAL mode: not waited for, never torn.
        durable = options.get("durable", True)
        raw.execute(f"PRAGMA synchronous = {'FULL' if durable else 'NORMAL'}")
        if raw.execute("PRAGMA synchronous").fetchone() != (2 if durable else 1,):
            raise _not_durable(path, "it does not take the setting")
        raw.execute("BEGIN IMMEDIATE")

    return engine


def _uri(path: Path, writable: bool) -> str:
    mode = "rwc" if writable else "ro"
    # Without the shared-memory file a WAL database opens read-only just where that file can be made.
    frozen = not writable and not os.access(path.parent, os.W_OK) and not _pending(path)
    return f"file:{quote(str(path.absolute()))}?mode={mode}" + ("&immutable=1" if frozen else "")


def _pending(path: Path) -> bool:
    wal = path.with_name(path.name + "-wal")
    return wal.exists() and wal.stat().st_size > 0


def _settings(connection: sqlite3.Connection, path: Path, writable: bool) -> None:
    """Durable settings, and proof that they took: wrappers and builds differ."""

    def ask(pragma: str) -> Any:  # noqa: ANN401 - SQLite answers with text or numbers
        row = connection.execute(f"PRAGMA {pragma}").fetchone()
        return row[0] if row else None

    if not writable:
        connection.execute("PRAGMA query_only = ON")
        return
    journal = ask("journal_mode = WAL")
    for pragma in ("synchronous = FULL", "fullfsync = ON", "checkpoint_fullfsync = ON"):
        connection.execute(f"PRAGMA {pragma}")
    if journal != "wal" or ask("synchronous") != 2:
        raise _not_durable(path, f"journal {journal}")


def _not_durable(path: Path, why: str) -> StorageError:
    return StorageError(
        "database-not-durable",
        f"{path} cannot be opened so that commits are durable ({why}).",
        "Put the ledger on a local disk, not a network share.",
    )


def _meaning(path: Path, error: BaseException) -> VoidAuditError:
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if code == sqlite3.SQLITE_FULL:
        return StorageError("storage-full", f"No room is left for {path}.", "Free space, then run it again.")
    if code in {sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM}:
        return StorageError(
            "storage-unwritable",
            f"{path} cannot be accessed: {error}.",
            "Check that it exists and its permissions.",
        )
    if code in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}:
        return StorageError("database-busy", f"{path} is in use by another process.", "Try again.")
    if code == sqlite3.SQLITE_IOERR:
        return StorageError("storage-failed", f"{path}: {error}.", "Check the disk before going on.")
    if code == sqlite3.SQLITE_CONSTRAINT:
        return LedgerError(
            "ledger-append-only", f"{path} refused a change: {error}.", "Entries are never changed."
        )
    return LedgerError("ledger-damaged", f"{path} is damaged: {error}.", "Run fsck, and restore a backup.")


def _objects(connection: sa.Connection) -> dict[str, str]:
    """Tables, indices and triggers by name, as they were written."""
    rows = connection.execute(
        sa.text("SELECT type || ' ' || name, sql FROM sqlite_master WHERE sql IS NOT NULL")
    )
    return {row[0]: row[1] for row in rows}


@cache
def _fresh_objects() -> dict[str, str]:
    """The same of a database that has just been made: what no one has tampered with."""
    engine = sa.create_engine("sqlite://")
    with engine.begin() as connection:
        migrate(connection, ":memory:")
        objects = _objects(connection)
    engine.dispose()
    return objects
