"""The sequencer: the only writer of a log (spec/ledger 4, ADR 0002).

The order of durable steps is what makes a fork impossible, whatever crashes in between:

    commit the entries -> raise the high-water mark -> sign -> store the checkpoint

Before it signs, the log recomputes the root from the stored bytes. Whatever a crash leaves unsigned is
signed when the log is next opened or appended to.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Self

import sqlalchemy as sa

from void_audit.canon import merkle
from void_audit.canon.checkpoint import Checkpoint, open_checkpoint, sign_checkpoint
from void_audit.canon.note import VerifierKey
from void_audit.canon.statement import read_entry
from void_audit.errors import LedgerError, OrderError, WorkspaceError
from void_audit.ledger import attestations, store
from void_audit.ledger.database import Database, Place
from void_audit.ledger.mark import Mark, read_mark, write_mark
from void_audit.ledger.opening import open_database
from void_audit.ledger.reader import LogReader
from void_audit.ledger.tables import log
from void_audit.ledger.upgrading import upgrade
from void_audit.model.proof import StoredEntry
from void_audit.model.signing import LogSigner


class Ledger(LogReader):
    """A log that can be read and, with its key, appended to. Safe for several threads and processes."""

    def __init__(self, database: Database, signer: LogSigner | None = None, mark: Path | None = None) -> None:
        """Use ``create`` or ``open``."""
        super().__init__(database)
        self._signer = signer
        self._mark = mark

    @classmethod
    def create(cls, place: Place, origin: str, signer: LogSigner, mark: Path) -> Self:
        """Start a log at ``place``. A start that was interrupted may be repeated.

        Args:
            place: a folder for the SQLite database, made if missing; or the URL of a PostgreSQL database that
                ``void-audit ledger prepare`` has prepared.
            origin: name of the log for ever, like ``newsroom.example/void-audit/1``: no spaces, no plus.
            signer: the log's Ed25519 key.
            mark: file of the high-water mark, beside the key and not at ``place``.

        Raises:
            WorkspaceError: ``ledger-exists``.
            LedgerError: ``ledger-rollback`` if this mark says that the key has signed entries before;
                ``ledger-mark-other`` if it belongs to another log.
            NoteError: ``key-name``, ``vkey-type``.
            StorageError: ``storage-*``, ``database-*``.
        """
        key = VerifierKey.of(origin, signer)
        database = open_database(place, writable=True)
        database.prepare()
        with database.lock():
            _begin_mark(mark, origin)
            upgrade(database)
            with database.write() as connection:
                _begin_log(connection, database.place, key)
            ledger = cls(database, signer, mark)
            ledger._publish()
        return ledger

    @classmethod
    def open(cls, place: Place, signer: LogSigner | None = None, mark: Path | None = None) -> Self:
        """Open a log: read-only without ``signer``; with it (and ``mark``), heal whatever a crash left.

        Raises:
            WorkspaceError: ``ledger-missing``.
            LedgerError: ``log-key-other``, or as ``append``.
            StorageError: ``database-newer``, ``database-older`` (read-only), ``storage-*``.
        """
        database = open_database(place, writable=signer is not None)
        if not database.exists():
            raise WorkspaceError("ledger-missing", f"There is no ledger in {place}.", "Create one first.")
        if signer is None:
            database.check_version()
            return cls(database)
        with database.lock():
            upgrade(database)
            ledger = cls(database, signer, mark)
            if str(VerifierKey.of(ledger.origin, signer)) != ledger.vkey:
                raise LedgerError(
                    "log-key-other", f"This is not the key of {ledger.origin}.", "Use its own key."
                )
            ledger._publish()
        return ledger

    def settle(self) -> None:
        """Sign whatever a failed append left unsigned, so that readers see it. Raises as ``append``."""
        with self._database.lock():
            self._publish()

    def append(self, envelopes: Sequence[bytes], at: int | None = None) -> list[int]:
        """Append entries, all or none; they are durable and under a signed checkpoint when this returns.

        If it raises after the entries were committed, they stay: the next ``append`` or ``open`` signs them,
        so look with ``find`` before appending the same envelope again.

        Args:
            envelopes: DSSE envelope bytes, each at most 65,535. Their signatures are the caller's concern.
            at: the index that the first one must get, where its content depends on what is there already.

        Returns:
            The index of each, in order.

        Raises:
            EnvelopeError: an envelope or its statement is malformed; nothing was appended.
            OrderError: ``ledger-moved`` if another entry has taken index ``at``; nothing was appended.
            LedgerError: ``ledger-read-only``; ``ledger-rollback`` if the database is older than what the key
                has signed; ``ledger-root`` if stored bytes contradict the tree; ``ledger-mark-*``.
            StorageError: ``storage-full``, ``storage-unwritable``, ``ledger-busy``.
        """
        self._need_signer()
        entries = [read_entry(place, envelope) for place, envelope in enumerate(envelopes)]
        if not entries:
            return []
        with self._database.lock():
            self._publish()
            start = self._commit(entries, at)
            self._publish()
        return list(range(start, start + len(entries)))

    def add_cosignatures(self, size: int, lines: Sequence[str]) -> None:
        """Keep what witnesses signed, one line each with its line feed; the caller has checked them."""
        with self._database.write() as connection:
            attestations.add_cosignatures(connection, size, lines)

    def add_token(self, digest: bytes, authority: str, token: bytes) -> None:
        """Keep an RFC 3161 token (DER) for ``digest``; the caller has checked it."""
        with self._database.write() as connection:
            attestations.add_token(connection, digest, authority, token)

    def _commit(self, entries: Sequence[StoredEntry], at: int | None) -> int:
        """Step 1: the entries, durably. Returns the index of the first."""
        with self._database.write() as connection:
            start = store.entry_count(connection)
            if at is not None and start != at:
                raise OrderError(
                    "ledger-moved", f"The log has {start} entries, not {at}.", "Read it again, then append."
                )
            store.add_entries(connection, [replace(e, index=start + e.index) for e in entries])
        return start

    def _publish(self) -> None:
        """Steps 2 to 4 for whatever is not under a checkpoint yet. The caller holds the lock."""
        signer, path = self._need_signer()
        with self._database.read() as connection:
            mark = self._trusted_mark(connection, path)
            signed = self._signed(connection)
            head = Checkpoint(self.origin, *_recomputed(connection, signed))
        if mark.size < head.size:
            write_mark(path, Mark(head.origin, head.size, head.root))
        if signed is None or signed.size < head.size:
            note = sign_checkpoint(head, signer)
            with self._database.write() as connection:
                store.add_checkpoint(connection, head, note)

    def _signed(self, connection: sa.Connection) -> Checkpoint | None:
        """What the newest stored note says, its signature checked."""
        note = store.newest_note(connection)
        return None if note is None else open_checkpoint(note, self._key)

    def _trusted_mark(self, connection: sa.Connection, path: Path) -> Mark:
        """The mark, once the stored tree is shown to extend it."""
        mark = read_mark(path)
        if mark is None:
            raise LedgerError(
                "ledger-mark-missing",
                f"The mark {path} of what this key has signed is missing.",
                "Restore it from the newest backup of the key, or close this log and begin another.",
            )
        if mark.origin != self.origin:
            raise _other_mark(path, mark)
        size = store.entry_count(connection)
        if mark.size > size or merkle.root_of(store.node_reader(connection), mark.size) != mark.root:
            raise _rollback(mark, size)
        return mark

    def _need_signer(self) -> tuple[LogSigner, Path]:
        if self._signer is None or self._mark is None:
            raise LedgerError(
                "ledger-read-only", "The ledger was opened without its key.", "Open it with key and mark."
            )
        return self._signer, self._mark


def _recomputed(connection: sa.Connection, signed: Checkpoint | None) -> tuple[int, bytes]:
    """Size and root, from the last signed root and the bytes stored after it; the stored tree must agree.

    A bit that flips before it is signed would otherwise be signed for ever (spec/ledger 2).
    """
    read, size = store.node_reader(connection), store.entry_count(connection)
    frontier = merkle.Frontier()
    if signed is not None:
        frontier = merkle.Frontier.load(read, signed.size)
        if signed.size > size or frontier.root() != signed.root:
            raise _contradiction(f"the signed root of {signed.size} entries is not that of the stored tree")
    for index, body, _ in store.bodies(connection, frontier.size, size):
        if index != frontier.size:
            raise _contradiction(f"entry {frontier.size} is missing")
        frontier.append(merkle.leaf_hash(body))
    if frontier.size != size or frontier.root() != merkle.root_of(read, size):
        raise _contradiction(f"the stored tree is not that of the stored bytes up to entry {size}")
    return size, frontier.root()


def _begin_mark(path: Path, origin: str) -> None:
    mark = read_mark(path)
    if mark is not None and mark.origin != origin:
        raise _other_mark(path, mark)
    if mark is not None and mark.size:
        raise _rollback(mark, 0)
    write_mark(path, Mark(origin, 0, merkle.EMPTY_ROOT))


def _begin_log(connection: sa.Connection, place: str, key: VerifierKey) -> None:
    if connection.execute(sa.select(log.c.id)).first() is not None:
        raise WorkspaceError("ledger-exists", f"There is a ledger in {place} already.", "Open that one.")
    connection.execute(sa.insert(log).values(id=1, origin=key.name, vkey=str(key)))


def _rollback(mark: Mark, size: int) -> LedgerError:
    return LedgerError(
        "ledger-rollback",
        f"The key has signed {mark.size} entries that the stored log of {size} does not extend.",
        "The database is older than the log, or was changed: restore the newest copy. Nothing was signed.",
    )


def _other_mark(path: Path, mark: Mark) -> LedgerError:
    return LedgerError(
        "ledger-mark-other", f"{path} is the mark of {mark.origin}.", "Give the mark of this log."
    )


def _contradiction(why: str) -> LedgerError:
    return LedgerError(
        "ledger-root", f"Nothing was signed: {why}.", "Run fsck to see what is damaged; restore a backup."
    )
