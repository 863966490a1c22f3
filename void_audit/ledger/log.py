"""A log: the one class through which everybody writes it, and most read it. How it is written: ``sequencer``."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Self

import sqlalchemy as sa

from void_audit.canon import merkle
from void_audit.canon.note import VerifierKey
from void_audit.canon.statement import read_entry
from void_audit.errors import LedgerError, WorkspaceError
from void_audit.ledger import attestations
from void_audit.ledger.database import Database, Place
from void_audit.ledger.mark import Mark, begin_mark, read_mark
from void_audit.ledger.opening import open_database
from void_audit.ledger.reader import LogReader
from void_audit.ledger.sequencer import Sequencer, Submitted, other_mark, rollback
from void_audit.ledger.tables import log
from void_audit.ledger.upgrading import upgrade
from void_audit.model.signing import LogSigner


class Ledger(LogReader):
    """A log that can be read and, with its key, appended to. Safe for several threads and processes."""

    def __init__(self, database: Database, signer: LogSigner | None = None, mark: Path | None = None) -> None:
        """Use ``create`` or ``open``."""
        super().__init__(database)
        self.on_publish: Callable[[], None] = lambda: None
        """Called without any lock after something new was published; must return at once and never fail."""
        self._sequencer: Sequencer | None = None
        if signer is not None and mark is not None:
            self._sequencer = Sequencer(database, self._key, signer, mark)

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
        ledger.settle()
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
            raise WorkspaceError(
                "ledger-missing",
                f"There is no ledger in {place}.",
                "Create one; one that was lost: ledger rebuild.",
            )
        if signer is None:
            database.check_version()
            return cls(database)
        with database.lock():
            upgrade(database)
        ledger = cls(database, signer, mark)
        if str(VerifierKey.of(ledger.origin, signer)) != ledger.vkey:
            raise LedgerError("log-key-other", f"This is not the key of {ledger.origin}.", "Use its own key.")
        ledger.settle()
        return ledger

    def settle(self) -> None:
        """Sign whatever a failed append left unsigned, so that readers see it. Raises as ``append``."""
        self._writer().submit([])
        self.on_publish()

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
        return list(self.submit(envelopes, at).indices) if envelopes else []

    def submit(self, envelopes: Sequence[bytes], at: int | None = None) -> Submitted:
        """As ``append``; the answer holds the signed checkpoint too, and an inclusion proof for every entry.

        Threads that submit at once share one commit, one mark and one checkpoint.

        Raises:
            StorageError: ``ledger-interrupted`` if the thread that wrote for this one was stopped.
            VoidAuditError: as ``append``.
        """
        writer = self._writer()
        entries = [read_entry(place, envelope) for place, envelope in enumerate(envelopes)]
        submitted = writer.submit(entries, at)
        self.on_publish()
        return submitted

    def add_cosignatures(self, size: int, lines: Sequence[str]) -> None:
        """Keep what witnesses signed, one line each with its line feed; the caller has checked them."""
        with self._database.lock(), self._database.write() as connection:  # looking and adding are one
            attestations.add_cosignatures(connection, size, lines)
        self.on_publish()

    def add_token(self, digest: bytes, authority: str, token: bytes) -> None:
        """Keep an RFC 3161 token (DER) for ``digest``; the caller has checked it."""
        with self._database.lock(), self._database.write() as connection:
            attestations.add_token(connection, digest, authority, token)
        self.on_publish()

    def _writer(self) -> Sequencer:
        if self._sequencer is None:
            raise LedgerError(
                "ledger-read-only", "The ledger was opened without its key.", "Open it with key and mark."
            )
        return self._sequencer


def _begin_mark(path: Path, origin: str) -> None:
    mark = read_mark(path)
    if mark is not None and mark.origin != origin:
        raise other_mark(path, mark)
    if mark is not None and mark.size:
        raise rollback(mark, 0)
    begin_mark(path, Mark(origin, 0, merkle.EMPTY_ROOT))


def _begin_log(connection: sa.Connection, place: str, key: VerifierKey) -> None:
    if connection.execute(sa.select(log.c.id)).first() is not None:
        raise WorkspaceError("ledger-exists", f"There is a ledger in {place} already.", "Open that one.")
    connection.execute(sa.insert(log).values(id=1, origin=key.name, vkey=str(key)))
