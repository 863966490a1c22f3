"""One SQLite database, opened so that a commit is on the disk when it returns (spec/ledger 4)."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any
from urllib.parse import quote

import sqlalchemy as sa
from filelock import FileLock, Timeout
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from void_audit.errors import InputError, LedgerError, StorageError, VoidAuditError
from void_audit.ledger.durable import storage_error, storage_errors
from void_audit.ledger.place import refuse_network
from void_audit.ledger.tables import HEAD

DATABASE = "ledger.sqlite"
"""File name inside the ledger's folder."""

BUSY_MILLISECONDS = 10_000
LOCK = "ledger.lock"
LOCK_SECONDS = 60.0
LOCK_POLL = 0.002
"""Seconds between two tries: about as long as another process holds the log for one group of entries."""


class Database:
    """Connections to ``<folder>/ledger.sqlite``. Every error that leaves is one of ``errors``."""

    def __init__(self, path: Path, *, writable: bool) -> None:
        """Open; nothing is touched before the first transaction.

        Args:
            path: the database file. A missing one is made only if ``writable``.
            writable: whether ``write`` may be used.

        Raises:
            StorageError: ``database-not-durable`` for writing on a network share.
        """
        if writable:
            refuse_network(path.parent)
        self.path = path
        self._engine = _engine(path, writable)
        self._file: tuple[int, int] | None = None

    def close(self) -> None:
        """Release the files."""
        self._engine.dispose()

    @contextmanager
    def read(self) -> Iterator[sa.Connection]:
        """One consistent view of the database.

        Raises:
            StorageError: ``storage-*``, ``database-busy``.
            LedgerError: ``ledger-damaged``.
            InputError: ``value-unusable``: asked for a text that is not UTF-8, or a number over 64 bits.
        """
        with _translated(self.path), self._engine.connect() as connection, connection.begin():
            yield connection

    @contextmanager
    def write(self, *, durable: bool = True) -> Iterator[sa.Connection]:
        """A transaction that holds the database's write lock from its start; durable when it leaves.

        Args:
            durable: False leaves when the transaction is committed, before it is on the disk: a power cut may
                undo it, but never it without everything committed after it. For what can be made again.

        Raises:
            StorageError: as ``read``; ``storage-full``, ``storage-unwritable``, ``database-not-durable``.
            LedgerError: ``ledger-append-only``, ``ledger-damaged``.
        """
        with _translated(self.path), self._engine.connect() as connection:
            immediate = connection.execution_options(immediate=True)
            with nullcontext() if durable else _relaxed(connection, self.path), immediate.begin():
                yield immediate

    def replaced(self) -> bool:
        """Whether another file lies at the path since the last call (a restore); it is then opened anew.

        A connection would go on writing to the file that was taken away.

        Raises:
            StorageError: ``storage-*`` if there is none.
        """
        with storage_errors(self.path):
            found = self.path.stat()
        file, self._file = self._file, (found.st_dev, found.st_ino)
        if file in {None, self._file}:
            return False
        self._engine.dispose()
        return True

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Hold the log against other writers, threads and processes alike, over several transactions.

        Raises:
            StorageError: ``ledger-busy``, ``storage-*``.
        """
        folder = self.path.parent
        lock = FileLock(folder / LOCK, timeout=LOCK_SECONDS, poll_interval=LOCK_POLL)
        try:
            lock.acquire()
        except Timeout as error:
            raise StorageError("ledger-busy", f"Another process writes to {folder}.", "Try again.") from error
        except OSError as error:
            raise storage_error(folder, error) from error
        try:
            yield
        finally:
            with storage_errors(folder):
                lock.release()

    def check_version(self) -> None:
        """Refuse a database whose schema is not exactly the one this code knows.

        Raises:
            StorageError: ``database-newer`` or ``database-older``.
        """
        with self.read() as connection:
            version = schema_version(connection)
        if version != HEAD:
            raise _other_version(self.path, version)


def schema_version(connection: sa.Connection) -> str | None:
    """Version of the schema; None for an empty database."""
    if not sa.inspect(connection).has_table("alembic_version"):
        return None
    return connection.execute(sa.text("SELECT version_num FROM alembic_version")).scalar()


def migrate(connection: sa.Connection, path: Path) -> None:
    """Bring the schema to ``HEAD`` inside the caller's transaction.

    Raises:
        StorageError: ``database-newer``.
    """
    version = schema_version(connection)
    if version == HEAD:
        return
    # Alembic takes a while to load, and only this needs it.
    from alembic import command  # noqa: PLC0415
    from alembic.config import Config  # noqa: PLC0415
    from alembic.script import ScriptDirectory  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", "void_audit:migrations")
    config.attributes["connection"] = connection
    known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
    if version is not None and version not in known:
        raise _other_version(path, version)
    command.upgrade(config, HEAD)


def _other_version(path: Path, version: str | None) -> StorageError:
    if version is not None and version > HEAD:
        return StorageError(
            "database-newer",
            f"{path} has schema {version}; this version knows {HEAD}.",
            "Update void-audit; nothing was changed.",
        )
    return StorageError(
        "database-older",
        f"{path} has schema {version or 'none'}; {HEAD} is needed.",
        "Open it once with its key: that upgrades it.",
    )


def _engine(path: Path, writable: bool) -> sa.Engine:
    url = sa.URL.create("sqlite", database=_uri(path, writable), query={"uri": "true"})
    engine = sa.create_engine(url, connect_args={"timeout": BUSY_MILLISECONDS / 1000})

    @sa.event.listens_for(engine, "connect")
    def _connect(connection: sqlite3.Connection, _record: object) -> None:
        connection.isolation_level = None  # the driver must not begin or commit by itself
        _settings(connection, path, writable)

    @sa.event.listens_for(engine, "begin")
    def _begin(connection: sa.Connection) -> None:
        immediate = connection.get_execution_options().get("immediate", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if immediate else "BEGIN")

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
        raise StorageError(
            "database-not-durable",
            f"{path} cannot be opened so that commits are durable (journal {journal}).",
            "Put the ledger on a local disk, not a network share.",
        )


@contextmanager
def _relaxed(connection: sa.Connection, path: Path) -> Iterator[None]:
    """Commits do not wait for the disk inside, and do again afterwards: SQLite takes no change in a transaction."""
    raw = connection.connection.driver_connection
    assert isinstance(raw, sqlite3.Connection)  # noqa: S101 - for the type checker: the engine is SQLite's
    raw.execute("PRAGMA synchronous = NORMAL")
    try:
        yield
    finally:
        raw.execute("PRAGMA synchronous = FULL")
        if raw.execute("PRAGMA synchronous").fetchone() != (2,):
            connection.invalidate()
            raise StorageError(
                "database-not-durable", f"{path} no longer waits for the disk.", "Start void-audit again."
            )


@contextmanager
def _translated(path: Path) -> Iterator[None]:
    try:
        yield
    except VoidAuditError:
        raise
    except DBAPIError as error:
        raise _meaning(path, error.orig or error) from error
    except sqlite3.Error as error:
        raise _meaning(path, error) from error
    except (UnicodeEncodeError, OverflowError) as error:  # raised by binding, never by what is stored
        raise InputError(
            "value-unusable",
            f"{path} can hold no such value: {error}.",
            "Texts are UTF-8, whole numbers have 64 bits.",
        ) from error
    except (SQLAlchemyError, TypeError) as error:  # a stored value is of another type than the schema's
        raise LedgerError("ledger-damaged", f"{path}: {str(error)[:200]}.", "Run fsck.") from error


def _meaning(path: Path, error: BaseException) -> VoidAuditError:
    """What an error of SQLite means; the low byte of the code is its primary class."""
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
