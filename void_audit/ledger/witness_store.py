"""What a witness remembers: logs that it knows, and the newest checkpoint that it cosigned of each.

SQLite, WAL and synchronous FULL: a commit is on the disk when it returns. It is no log, so it needs none of
the log's tables; one connection a transaction, because requests come in threads.
"""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock, Timeout

from void_audit.canon.checkpoint import Checkpoint
from void_audit.canon.note import VerifierKey
from void_audit.errors import LedgerError, StorageError
from void_audit.ledger.durable import storage_error

DATABASE = "witness.sqlite"
LOCK = "witness.lock"
BUSY_SECONDS = 5.0
FORMAT = 1
"""``PRAGMA user_version``."""

_TABLES = """
CREATE TABLE IF NOT EXISTS log (origin TEXT NOT NULL, vkey TEXT NOT NULL, PRIMARY KEY (origin, vkey)) STRICT;
CREATE TABLE IF NOT EXISTS latest (
    origin TEXT NOT NULL PRIMARY KEY, hashed TEXT NOT NULL UNIQUE, size INTEGER NOT NULL CHECK (size >= 0),
    root BLOB NOT NULL CHECK (length(root) = 32), note TEXT NOT NULL) STRICT;
CREATE TRIGGER IF NOT EXISTS latest_grows BEFORE UPDATE ON latest WHEN NEW.size < OLD.size
    OR (NEW.size = OLD.size AND NEW.root <> OLD.root)
    BEGIN SELECT RAISE(ABORT, 'a checkpoint only grows'); END;
"""


@dataclass(frozen=True)
class Cosigned:
    """The newest checkpoint cosigned of a log."""

    size: int
    root: bytes
    note: str


class Change:
    """A transaction that holds the write lock."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def latest(self, origin: str) -> Cosigned | None:
        """The newest checkpoint of a log; None if there is none yet."""
        return _latest(self._connection, origin)

    def put(self, checkpoint: Checkpoint, note: str) -> None:
        """The newest checkpoint of its log."""
        hashed = hashlib.sha256(checkpoint.origin.encode()).hexdigest()
        self._connection.execute(
            "INSERT INTO latest (origin, hashed, size, root, note) VALUES (?, ?, ?, ?, ?) "
            "ON CONFLICT (origin) DO UPDATE SET size = excluded.size, root = excluded.root, note = excluded.note",
            (checkpoint.origin, hashed, checkpoint.size, checkpoint.root, note),
        )


class WitnessStore:
    """``witness.sqlite`` in a folder.

    Every method raises StorageError (``storage-*``, ``witness-busy``, ``witness-newer``) or LedgerError
    ``witness-damaged``.
    """

    def __init__(self, folder: Path) -> None:
        """Open, and make what is missing."""
        self._folder = folder
        with self.lock(), self._connected() as connection:
            (version,) = connection.execute("PRAGMA user_version").fetchone()
            if version > FORMAT:
                raise StorageError("witness-newer", f"{folder} is of a newer version.", "Update void-audit.")
            if version < FORMAT:
                connection.executescript(_TABLES + f"PRAGMA user_version = {FORMAT};")

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Hold the witness against other threads and processes, over several durable steps."""
        lock = FileLock(self._folder / LOCK, timeout=BUSY_SECONDS)
        try:
            lock.acquire()
        except Timeout as error:
            raise StorageError("witness-busy", f"{self._folder} is in use.", "Try again.") from error
        except OSError as error:
            raise storage_error(self._folder, error) from error
        try:
            yield
        finally:
            lock.release()

    @contextmanager
    def transaction(self) -> Iterator[Change]:
        """Check and persist in one: durable when it leaves, undone if it raises or nothing is put."""
        with self._connected() as connection:
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield Change(connection)
                connection.execute("COMMIT")
            finally:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")

    def add_log(self, key: VerifierKey) -> bool:
        """Know a log by this key; false if it was known already."""
        with self._connected() as connection:
            cursor = connection.execute(
                "INSERT OR IGNORE INTO log (origin, vkey) VALUES (?, ?)", (key.name, str(key))
            )
            return cursor.rowcount > 0

    def logs(self, origin: str | None = None) -> list[VerifierKey]:
        """Keys of all logs, or of one."""
        with self._connected() as connection:
            where, values = ("", ()) if origin is None else (" WHERE origin = ?", (origin,))
            rows = connection.execute(f"SELECT vkey FROM log{where} ORDER BY origin, vkey", values)  # noqa: S608
            return [VerifierKey.parse(vkey) for (vkey,) in rows]

    def latest(self, origin: str) -> Cosigned | None:
        """The newest checkpoint of a log; None if there is none yet."""
        with self._connected() as connection:
            return _latest(connection, origin)

    def note(self, hashed_origin: str) -> str | None:
        """The newest checkpoint, as it was cosigned, by the SHA-256 of the log's origin."""
        with self._connected() as connection:
            row = connection.execute("SELECT note FROM latest WHERE hashed = ?", (hashed_origin,)).fetchone()
            return None if row is None else str(row[0])

    @contextmanager
    def _connected(self) -> Iterator[sqlite3.Connection]:
        path = self._folder / DATABASE
        try:
            with closing(sqlite3.connect(path, timeout=BUSY_SECONDS, isolation_level=None)) as connection:
                _durable(connection, path)
                yield connection
        except sqlite3.Error as error:
            raise _meaning(path, error) from error


def _latest(connection: sqlite3.Connection, origin: str) -> Cosigned | None:
    query = "SELECT size, root, note FROM latest WHERE origin = ?"
    row = connection.execute(query, (origin,)).fetchone()
    return None if row is None else Cosigned(*row)


def _durable(connection: sqlite3.Connection, path: Path) -> None:
    """Durable settings, and proof that they took."""
    (mode,) = connection.execute("PRAGMA journal_mode = WAL").fetchone()
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA fullfsync = ON")
    (level,) = connection.execute("PRAGMA synchronous").fetchone()
    if mode != "wal" or level < 2:
        raise StorageError("database-not-durable", f"{path} cannot be made durable.", "Use a local disk.")


def _meaning(path: Path, error: sqlite3.Error) -> StorageError | LedgerError:
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if code in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}:
        return StorageError("witness-busy", f"{path} is in use.", "Try again.")
    if code == sqlite3.SQLITE_FULL:
        return StorageError("storage-full", f"No room is left for {path}.", "Free space, then run it again.")
    if code in {sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM}:
        return StorageError(
            "storage-unwritable", f"{path} cannot be accessed: {error}.", "Check its permissions."
        )
    return LedgerError("witness-damaged", f"{path}: {error}.", "Restore the newest backup of the witness.")
