"""Keeps a tlog-tiles directory up to date with the log (ADR 0012): resources first, the checkpoint last.

What is there already is compared, never overwritten. An export that is interrupted, wherever, goes on with the
next one: until the checkpoint is written, the directory is that of the checkpoint before.
"""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import sqlalchemy as sa
from filelock import FileLock, Timeout

from void_audit.canon import merkle
from void_audit.canon.checkpoint import Checkpoint, open_checkpoint
from void_audit.canon.note import VerifierKey
from void_audit.canon.tiles import CHECKPOINT, WIDTH, parse_path
from void_audit.errors import LedgerError, StorageError
from void_audit.ledger import attestations, store
from void_audit.ledger.database import Database
from void_audit.ledger.durable import make_folder, storage_error, storage_errors
from void_audit.ledger.tile_attestations import Attestations
from void_audit.ledger.tile_reader import TileReader
from void_audit.ledger.tile_store import TileStore
from void_audit.ledger.tiles import TileBuilder

LOCK_SECONDS = 60.0
_CLOSED = {errno.EACCES, errno.EPERM, errno.EROFS}


@dataclass(frozen=True)
class Exported:
    """What an export did."""

    place: str
    size: int
    """Entries under the checkpoint that lies there now."""
    written: int
    """Files that were not there before, or are new versions of a checkpoint."""


class Exporter:
    """One log, one directory. Exporters of one directory exclude each other by a lock file."""

    def __init__(self, database: Database, key: VerifierKey, target: TileStore, lock: Path) -> None:
        """Nothing is read yet.

        Args:
            database: of the log; only read.
            key: the log's verifier key, from outside the database.
            target: where the tiles lie.
            lock: a file, made if missing, that is the same for every process that exports to ``target``.
        """
        self._database, self._key, self._target, self._lock_file = database, key, target, lock
        self._attestations = Attestations(target)

    def catch_up(self, whole: bool = False) -> Exported:
        """Bring the directory to the newest checkpoint.

        Args:
            whole: look at every tile again, not only at those after the checkpoint there: what is gone is
                written, what is other than the log says is an error.

        Raises:
            LedgerError: ``evidence-fork``: the directory is of another history than the database;
                ``evidence-ahead``: it holds more entries; ``evidence-contradicted``: a file there has other
                bytes; ``ledger-root``: the database's entries do not have its signed root.
            NoteError: the checkpoint there is not signed by the log's key.
            StorageError: ``storage-*``, ``evidence-unreachable``, ``evidence-busy``; ``database-*``.
        """
        with self._locked():
            there = TileReader(self._target, self._key).checkpoint()
            old_note, old = there or ("", Checkpoint(self._key.name, 0, merkle.EMPTY_ROOT))
            with self._database.read() as connection:
                note = store.newest_note(connection)
                if note is None:
                    return Exported(self._target.name, old.size, 0)
                new = open_checkpoint(note, self._key)
                note += "".join(attestations.cosignatures(connection, new.size))
                self._refuse_other_history(connection, old, new)
            start = 0 if whole else old.size
            written = self._tiles(start, old, new) if whole or old.size < new.size else 0
            self._attestations.look(whole)
            with self._database.read() as connection:
                said = self._attestations.missing(connection, new.size, whole)
            written += self._attestations.write(said)
            if note != old_note and not self._overtaken(new):
                self._target.replace(CHECKPOINT, note.encode())
                written += 1
            self._forget_partials(0 if whole else old.size, new.size)
            return Exported(self._target.name, new.size, written)

    def close(self) -> None:
        """Release the database's files."""
        self._database.close()

    @contextmanager
    def _locked(self) -> Iterator[None]:
        lock = FileLock(self._lock_file, timeout=LOCK_SECONDS)
        with storage_errors(self._lock_file):
            make_folder(self._lock_file.parent)
        try:
            lock.acquire()
        except Timeout as error:
            raise StorageError(
                "evidence-busy", f"Another process exports ({lock.lock_file}).", "Try again."
            ) from error
        except OSError as error:
            if error.errno not in _CLOSED:
                raise storage_error(self._lock_file, error) from error
        try:
            yield  # without the lock, whoever may only read the log: as if from another machine
        finally:
            with storage_errors(self._lock_file):
                lock.release()

    def _overtaken(self, new: Checkpoint) -> bool:
        """Whether an exporter on another machine, which no lock file holds off, was further meanwhile."""
        there = TileReader(self._target, self._key).checkpoint()
        return there is not None and there[1].size > new.size

    def _refuse_other_history(self, connection: sa.Connection, old: Checkpoint, new: Checkpoint) -> None:
        if old.size > new.size:
            raise LedgerError(
                "evidence-ahead",
                f"{self._target.name} holds {old.size} entries, the database {new.size}.",
                "The database is older: `void-audit ledger rebuild --from` makes it again from there.",
            )
        if merkle.root_of(store.node_reader(connection), old.size) != old.root:
            raise LedgerError(
                "evidence-fork",
                f"{self._target.name} holds another history of {old.size} entries than the database.",
                "Nothing was written. The key has signed both: keep both, and find out how that came about.",
            )

    def _tiles(self, start: int, old: Checkpoint, new: Checkpoint) -> int:
        """Two passes: nothing is written before the entries were seen to have both signed roots."""
        self._walk(start, old, new, write=False)
        return self._walk(start, old, new, write=True)

    def _walk(self, start: int, old: Checkpoint, new: Checkpoint, write: bool) -> int:
        with self._database.read() as connection:
            builder = TileBuilder.load(store.node_reader(connection), start)
        written = 0
        for body in self._bodies(builder.size, new.size):
            _insist(builder, old)
            for tile in builder.append(body):
                written += write and self._target.put(tile.name.path, tile.data)
        _insist(builder, old)
        _insist(builder, new)
        for tile in builder.rest():
            written += write and self._target.put(tile.name.path, tile.data)
        return written

    def _bodies(self, start: int, stop: int) -> Iterator[bytes]:
        """Entry by entry, in short transactions: a slow bucket must not hold one open."""
        for first in range(start, stop, store.PAGE):
            with self._database.read() as connection:
                rows = list(store.bodies(connection, first, min(first + store.PAGE, stop)))
            if [row[0] for row in rows] != list(range(first, min(first + store.PAGE, stop))):
                raise _contradiction(stop)
            yield from (body for _, body, _ in rows)

    def _forget_partials(self, old: int, new: int) -> None:
        """Partial tiles of tiles that are full now (C2SP tlog-tiles: "MAY delete")."""
        if old // WIDTH == new // WIDTH:
            return
        partial = {n for path in self._target.paths("tile") if (n := parse_path(path)) and n.width < WIDTH}
        full = {n.full for n in partial if (n.number + 1) * WIDTH <= new >> n.tree_level}
        for name in full:
            self._target.delete(f"{name.path}.p")


def _insist(builder: TileBuilder, signed: Checkpoint) -> None:
    """Where the signed size is reached, the root must be the signed one."""
    if builder.size == signed.size and builder.root() != signed.root:
        raise _contradiction(signed.size)


def _contradiction(size: int) -> LedgerError:
    return LedgerError(
        "ledger-root",
        f"The database's entries do not have the signed root of {size}.",
        "Nothing was exported from there on. `void-audit ledger fsck` says what is damaged.",
    )
