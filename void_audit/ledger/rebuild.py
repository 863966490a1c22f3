"""The database again, from the tiles alone; and its projections, from its entries.

What comes from the tiles is checked against their checkpoint on the way. The damaged database is set aside,
not deleted, and nothing takes its place before the whole log has the signed root.
"""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import sqlalchemy as sa

from void_audit.canon.checkpoint import Checkpoint
from void_audit.canon.note import VerifierKey
from void_audit.canon.statement import read_entry
from void_audit.errors import LedgerError, StorageError, WorkspaceError
from void_audit.ledger import attestations, store
from void_audit.ledger.database import DATABASE, Database, Place
from void_audit.ledger.durable import make_folder, storage_errors, sync_folder
from void_audit.ledger.mark import Mark, read_mark
from void_audit.ledger.opening import open_database
from void_audit.ledger.tables import log, record
from void_audit.ledger.tile_reader import Inspected, TileReader, require
from void_audit.ledger.tile_store import TileStore
from void_audit.ledger.upgrading import upgrade
from void_audit.model.proof import StoredEntry

_SIDECARS = ("", "-wal", "-shm")


@dataclass(frozen=True)
class Rebuilt:
    """A database that was made again."""

    entries: int
    behind: int
    """Entries that the key has signed and the tiles do not hold: with any, the key signs nothing more."""
    aside: str | None
    """Folder with the database that was there before."""
    problems: tuple[str, ...]
    """What is wrong with the tiles, though every entry is right."""


def rebuild(
    tiles: TileStore, place: Place, key: VerifierKey, mark: Path | None, accept_behind: bool = False
) -> Rebuilt:
    """Make the database at ``place`` again.

    Args:
        tiles: a tlog-tiles directory of this log.
        place: the ledger's folder; or the URL of a PostgreSQL database that was prepared and is empty.
        key: the log's verifier key, from outside both.
        mark: the high-water mark; None or a missing file only if ``accept_behind``.
        accept_behind: also from tiles that hold less than the key has signed.

    Raises:
        LedgerError: ``evidence-missing``, ``evidence-root``, ``evidence-behind``, ``evidence-fork``;
            ``ledger-mark-*``.
        NoteError: the checkpoint is not signed by ``key``.
        WorkspaceError: ``ledger-exists``: the PostgreSQL database is not empty.
        EnvelopeError: an entry cannot be read by this version.
        StorageError: as ``TileStore`` and ``Database``.
    """
    reader = TileReader(tiles, key)
    _, head = require(reader)
    high = _high_water(mark, key, head, accept_behind)
    behind = max(0, (high.size if high else 0) - head.size)
    wanted = {high.size} if high and not behind else set()
    if isinstance(place, Path):
        with _staged(place) as staging:
            problems = _fill(open_database(staging, writable=True), reader, key, high, wanted)
            aside = _swap(staging, place, lambda: _insist_unmoved(mark, high))
        return Rebuilt(head.size, behind, aside, problems)
    problems = _fill(open_database(place, writable=True), reader, key, high, wanted)
    return Rebuilt(head.size, behind, None, problems)


def rebuild_projections(database: Database) -> int:
    """Make what only repeats the entries again: which edit and kind they belong to.

    Returns:
        The number of entries.

    Raises:
        EnvelopeError: an entry cannot be read.
        StorageError: as ``Database``; on PostgreSQL only the tables' owner may do this.
    """
    with database.lock(), database.write() as connection:
        connection.execute(sa.delete(record))
        count = store.entry_count(connection)
        for first in range(0, count, store.PAGE):
            page = store.bodies(connection, first, min(first + store.PAGE, count))
            connection.execute(
                sa.insert(record), [store.projection(read_entry(index, body)) for index, body, _ in page]
            )
    return count


def _high_water(mark: Path | None, key: VerifierKey, head: Checkpoint, accept_behind: bool) -> Mark | None:
    """The mark, once it is clear that the tiles are not older, or that this is accepted."""
    high = read_mark(mark) if mark else None
    if high is not None and high.origin != key.name:
        raise LedgerError(
            "ledger-mark-other", f"{mark} is the mark of {high.origin}.", "Give that of this log."
        )
    if accept_behind or (high is not None and high.size <= head.size):
        return high
    known = f"The key has signed {high.size} entries" if high else f"The mark {mark} is missing"
    raise LedgerError(
        "evidence-behind",
        f"{known}; the tiles hold {head.size}.",
        "Look for newer tiles. With --accept-behind the database is made from these: the key then signs no more.",
    )


@contextmanager
def _staged(folder: Path) -> Iterator[Path]:
    staging = folder.with_name(f".{folder.name}.{secrets.token_hex(8)}.rebuild")
    try:
        yield staging
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def _fill(
    database: Database, reader: TileReader, key: VerifierKey, high: Mark | None, wanted: set[int]
) -> tuple[str, ...]:
    """One transaction: the entries are the log's, all of them, or none is there."""
    database.prepare()
    problems: list[str] = []
    with closing(database), database.lock():
        upgrade(database)
        with database.write() as connection:
            if connection.execute(sa.select(log.c.id)).first() is not None:
                raise WorkspaceError(
                    "ledger-exists",
                    f"{database.place} holds a log already.",
                    "Prepare an empty database for it.",
                )
            connection.execute(sa.insert(log).values(id=1, origin=key.name, vkey=str(key)))
            pages = _Pages(connection)
            seen = reader.inspect(
                lambda code, where, detail: problems.append(f"{code} at {where}: {detail}"),
                pages.take,
                wanted,
            )
            if not seen.complete:
                raise LedgerError(
                    "evidence-root",
                    f"The entries in {reader.store.name} are not those that its checkpoint signs: {problems[:3]}.",
                    "Nothing was changed. Get these files from another copy of the tiles.",
                )
            if high is not None and high.size in wanted and seen.roots.get(high.size) != high.root:
                raise LedgerError(
                    "evidence-fork",
                    f"{reader.store.name} holds another history than the {high.size} entries that the key signed.",
                    "Nothing was changed. Keep both, and find out how that came about.",
                )
            pages.flush()
            _attest(connection, seen)
    return tuple(problems)


class _Pages:
    """Entries on their way into the database, a page at a time."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection
        self._page: list[StoredEntry] = []

    def take(self, index: int, envelope: bytes) -> None:
        self._page.append(read_entry(index, envelope))
        if len(self._page) >= store.PAGE:
            self.flush()

    def flush(self) -> None:
        if self._page:
            store.add_entries(self._connection, self._page)
        self._page = []


def _attest(connection: sa.Connection, seen: Inspected) -> None:
    """Checkpoints that are there, with what others said."""
    for size in sorted(seen.signed):
        root = seen.roots[size]
        store.add_checkpoint(connection, Checkpoint("", size, root), seen.signed[size])
        attestations.add_cosignatures(connection, size, sorted(seen.lines[size]))
    for (digest, authority), token in seen.tokens.items():
        attestations.add_token(connection, digest, authority, token)


def _insist_unmoved(mark: Path | None, high: Mark | None) -> None:
    """Nobody has written meanwhile: the database that is put aside must not hold what the new one lacks."""
    if mark is not None and read_mark(mark) != high:
        raise LedgerError(
            "evidence-behind",
            f"While the tiles were read the key has signed more ({mark}).",
            "Nothing was changed. Let what is running finish, then run it again.",
        )


def _swap(staging: Path, folder: Path, insist: Callable[[], None]) -> str | None:
    """Put the new database in the place of the old one, which is linked aside first.

    ``insist`` is called once nobody else can write.
    """
    fresh, old, aside = staging / DATABASE, folder / DATABASE, None
    if fresh.with_name(f"{DATABASE}-wal").exists():
        raise StorageError("storage-failed", f"{fresh} could not be closed whole.", "Try again.")
    with storage_errors(folder):
        make_folder(folder)
    with closing(open_database(folder, writable=True)) as database, database.lock(), storage_errors(folder):
        insist()
        if old.exists():
            aside = _set_aside(folder)
        for sidecar in _SIDECARS[1:]:  # a write-ahead log must not meet another database
            (folder / f"{DATABASE}{sidecar}").unlink(missing_ok=True)
        sync_folder(folder)
        fresh.rename(old)
        sync_folder(folder)
    return None if aside is None else str(aside)


def _set_aside(folder: Path) -> Path:
    number = 1
    while (aside := folder / f"damaged-{number}").exists():
        number += 1
    make_folder(aside)
    for sidecar in _SIDECARS:
        with suppress(FileNotFoundError):
            _link(folder / f"{DATABASE}{sidecar}", aside / f"{DATABASE}{sidecar}")
    sync_folder(aside)
    return aside


def _link(source: Path, target: Path) -> None:
    try:
        os.link(source, target)
    except FileNotFoundError:
        raise
    except OSError:  # not every file system has links
        shutil.copy2(source, target)
