"""Reading a log: everything that is visible is covered by a signed checkpoint."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any

import sqlalchemy as sa

from void_audit.canon import merkle, proof
from void_audit.canon.note import VerifierKey
from void_audit.canon.statement import read_entry
from void_audit.errors import LedgerError
from void_audit.ledger import attestations, store
from void_audit.ledger.database import Database
from void_audit.ledger.tables import entry, log, record
from void_audit.model.proof import LoggedEntry, StoredEntry
from void_audit.model.records import Kind


class LogReader:
    """The log in one database. Entries that no checkpoint covers yet do not exist for a reader.

    Every method raises StorageError (``storage-*``, ``database-*``) if the database cannot be read and
    LedgerError ``ledger-damaged`` if it is none; InputError ``value-unusable`` if it is asked for what no
    database could hold.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        with database.read() as connection:
            vkey = connection.execute(sa.select(log.c.vkey)).scalar()
            if vkey is None:
                raise LedgerError("ledger-damaged", f"{database.place} does not name its log.", "Run fsck.")
            self._key = VerifierKey.parse(vkey)

    @property
    def origin(self) -> str:
        """Name of the log: first line of its checkpoints and name of its key."""
        return self._key.name

    @property
    def vkey(self) -> str:
        """The log's public key as a C2SP verifier key. A checker must get it elsewhere."""
        return str(self._key)

    @property
    def size(self) -> int:
        """Number of entries under the newest checkpoint; the next entry has this index."""
        with self._database.read() as connection:
            return store.published_size(connection)

    def checkpoint(self) -> str:
        """The newest signed checkpoint, verbatim.

        Raises:
            LedgerError: ``checkpoint-missing``.
        """
        with self._database.read() as connection:
            return _found(store.newest_note(connection), "any size")

    def checkpoint_at(self, size: int) -> str:
        """The signed checkpoint of exactly ``size`` entries; appending in batches leaves sizes out.

        Raises:
            LedgerError: ``checkpoint-missing``.
        """
        with self._database.read() as connection:
            return _found(store.note_at(connection, size), f"size {size}")

    def cosigned(self, size: int) -> str:
        """The checkpoint of exactly ``size`` entries with every cosignature that witnesses gave it.

        Raises:
            LedgerError: ``checkpoint-missing``.
        """
        with self._database.read() as connection:
            note = _found(store.note_at(connection, size), f"size {size}")
            return note + "".join(attestations.cosignatures(connection, size))

    def tokens(self, digest: bytes) -> list[tuple[str, bytes]]:
        """Authority and RFC 3161 token (DER) of everything that covers ``digest`` (SHA-256)."""
        with self._database.read() as connection:
            return attestations.tokens(connection, digest)

    def newest_stamped(self) -> tuple[int, bytes] | None:
        """Size of the newest checkpoint that has an RFC 3161 token, and the token; None if none has."""
        with self._database.read() as connection:
            return attestations.newest_stamped(connection)

    def entry(self, index: int) -> StoredEntry:
        """Entry ``index``.

        Raises:
            LedgerError: ``entry-missing`` or ``entry-corrupt``.
        """
        with self._database.read() as connection:
            return self._entry(connection, index)

    def entries(
        self, edit: str | None = None, kinds: Collection[Kind] | None = None
    ) -> Iterator[StoredEntry]:
        """Entries in log order, those of one edit and of some kinds if asked for.

        The log's size is fixed by the first one; memory does not grow with it.

        Raises:
            LedgerError: ``entry-corrupt``.
        """
        query = sa.select(entry.c.idx, entry.c.body, entry.c.leaf_hash).order_by(entry.c.idx)
        if edit is not None or kinds is not None:
            query = query.join(record, record.c.idx == entry.c.idx)
        if edit is not None:
            query = query.where(record.c.edit == edit)
        if kinds is not None:
            query = query.where(record.c.kind.in_([str(kind) for kind in kinds]))
        query = query.limit(store.PAGE)
        stop, start = self.size, 0
        while page := self._page(query.where(entry.c.idx >= start, entry.c.idx < stop)):
            yield from page
            start = page[-1].index + 1

    def key_events(self) -> Iterator[StoredEntry]:
        """Enrolments and revocations, in log order."""
        return self.entries(kinds=[Kind.KEY_EVENT])

    def find(self, leaf_hash: str) -> int | None:
        """Index of the first entry with this leaf hash (hexadecimal), or None: same envelope, same hash."""
        try:
            digest = bytes.fromhex(leaf_hash)
        except ValueError:  # no entry has a hash that is none
            return None
        query = sa.select(sa.func.min(entry.c.idx)).where(entry.c.leaf_hash == digest)
        with self._database.read() as connection:
            size = store.published_size(connection)
            index = connection.execute(query.where(entry.c.idx < size)).scalar()
        return None if index is None else int(index)

    def prove(self, index: int, size: int | None = None) -> LoggedEntry:
        """Entry ``index`` with its inclusion proof in the first ``size`` entries (default: all).

        Raises:
            ProofError: ``proof-index`` unless 0 <= index < size <= the log's size.
            LedgerError: ``entry-corrupt``, ``node-missing``.
        """
        with self._database.read() as connection:
            size = self._within(connection, size)
            path = merkle.inclusion_proof(store.node_reader(connection), index, size)
            return proof.pack(index, self._entry(connection, index).envelope, path)

    def consistency(self, old: int, new: int | None = None) -> tuple[bytes, ...]:
        """Proof that the first ``new`` entries (default: all) extend the first ``old``.

        Raises:
            ProofError: ``proof-index`` unless 0 <= old <= new <= the log's size.
            LedgerError: ``node-missing``.
        """
        with self._database.read() as connection:
            new = self._within(connection, new)
            return merkle.consistency_proof(store.node_reader(connection), old, new)

    def close(self) -> None:
        """Release the files."""
        self._database.close()

    def _within(self, connection: sa.Connection, size: int | None) -> int:
        published = store.published_size(connection)
        # A size beyond the checkpoints makes an index that no proof can have.
        return published if size is None else size if size <= published else -1

    def _entry(self, connection: sa.Connection, index: int) -> StoredEntry:
        if 0 <= index < store.published_size(connection):
            for row in store.bodies(connection, index, index + 1):
                return _checked(*row)
        raise LedgerError("entry-missing", f"The log has no entry {index}.", "`size` says how many it has.")

    def _page(self, query: sa.Select[Any]) -> list[StoredEntry]:
        with self._database.read() as connection:
            rows = connection.execute(query).all()
            return [_checked(row.idx, bytes(row.body), bytes(row.leaf_hash)) for row in rows]


def _checked(index: int, body: bytes, leaf_hash: bytes) -> StoredEntry:
    if merkle.leaf_hash(body) != leaf_hash:
        raise LedgerError(
            "entry-corrupt", f"Entry {index} does not hash to its stored leaf hash.", "Run fsck; restore it."
        )
    return read_entry(index, body)


def _found(note: str | None, which: str) -> str:
    if note is None:
        raise LedgerError(
            "checkpoint-missing",
            f"The log has no checkpoint of {which}.",
            "Opening it with its key signs what is unsigned.",
        )
    return note
