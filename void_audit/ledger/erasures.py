"""What the log says was erased, for whoever works with it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from void_audit.identity.erasures import counts
from void_audit.identity.registry import KeyRegistry
from void_audit.ledger.reader import LogReader
from void_audit.model.proof import StoredEntry
from void_audit.model.records import Erasure, Kind


class Erasures:
    """The erasures of a log that count. Read again when the log has grown.

    Every method raises as ``LogReader`` does, and LedgerError if the log's key events do not hold together.
    """

    def __init__(self, ledger: LogReader) -> None:
        self._ledger = ledger
        self._size = -1
        self._known: tuple[tuple[StoredEntry, Erasure], ...] = ()

    def of(self, subject: str) -> tuple[StoredEntry, ...]:
        """The erasures of a subject, in log order; none if it was never erased."""
        return tuple(entry for entry, record in self._read() if record.subject == subject)

    def naming(self, digests: Iterable[str]) -> tuple[StoredEntry, ...]:
        """The erasures that name one of these blobs, in log order."""
        wanted = set(digests)
        return tuple(entry for entry, record in self._read() if not wanted.isdisjoint(record.blobs))

    def by(self, digest: str) -> int | None:
        """Index of the first entry that says that this blob was erased. Ask it only of what is not there."""
        return next((entry.index for entry, record in self._read() if digest in record.blobs), None)

    def subjects(self) -> dict[str, int]:
        """Every subject that was erased, with the index of its first erasure."""
        found: dict[str, int] = {}
        for entry, record in self._read():
            found.setdefault(record.subject, entry.index)
        return found

    def _read(self) -> tuple[tuple[StoredEntry, Erasure], ...]:
        size = self._ledger.size
        if size != self._size:
            self._known, self._size = tuple(_counting(self._ledger)), size
        return self._known


def _counting(ledger: LogReader) -> Iterator[tuple[StoredEntry, Erasure]]:
    entries = list(ledger.entries(kinds=[Kind.ERASURE]))
    registry = KeyRegistry.from_entries(ledger.key_events()) if entries else KeyRegistry()
    for entry in entries:
        record = entry.statement.predicate
        if isinstance(record, Erasure) and counts(entry, registry):
            yield entry, record
