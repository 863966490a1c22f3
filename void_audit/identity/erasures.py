"""Which erasures count: records of the house, signed by somebody who may answer for them, folded in log order.

An erasure speaks for what was referred to before it. Content that comes in again, such as the same clip in a later
edit, is named by a later record: then it is there by right, and no erasure speaks for it.
"""

from __future__ import annotations

from collections.abc import Iterable

from void_audit.errors import EvidenceError
from void_audit.identity.records import verify_entry
from void_audit.identity.registry import KeyRegistry
from void_audit.model.proof import StoredEntry
from void_audit.model.records import Erasure
from void_audit.model.references import named_digests


def counts(entry: StoredEntry, registry: KeyRegistry) -> bool:
    """Whether ``entry`` is an erasure whose signers could answer for it. ``registry``: keys as the log has them."""
    if not isinstance(entry.statement.predicate, Erasure):
        return False
    try:
        verify_entry(entry, registry)
    except EvidenceError:
        return False
    return True


class ErasedBlobs:
    """The blobs that a log says are gone. Pure; give it every entry, in log order."""

    def __init__(self) -> None:
        self._by: dict[str, StoredEntry] = {}

    def apply(self, entry: StoredEntry, registry: KeyRegistry) -> bool:
        """Take one more entry; False if it is an erasure that does not count, and so says nothing."""
        record = entry.statement.predicate
        if isinstance(record, Erasure):
            if not counts(entry, registry):
                return False
            for digest in record.blobs:
                self._by.setdefault(digest, entry)
        for digest in named_digests(entry.statement):
            self._by.pop(digest, None)
        return True

    def by(self, digest: str) -> StoredEntry | None:
        """The erasure that speaks for a blob, if any."""
        return self._by.get(digest)

    def items(self) -> Iterable[tuple[str, StoredEntry]]:
        """Every blob that is gone, with the erasure that speaks for it."""
        return self._by.items()
