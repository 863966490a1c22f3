"""The part of ``fsck`` that looks at blobs: what a record names is there, or an erasure says that it is gone."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

from void_audit.errors import EvidenceError, VoidAuditError
from void_audit.identity.erasures import ErasedBlobs
from void_audit.identity.key_events import LoggedKeyEvent
from void_audit.identity.registry import KeyRegistry
from void_audit.ledger.blobs import BlobStore
from void_audit.model.proof import StoredEntry
from void_audit.model.records import Erasure
from void_audit.model.references import blob_refs

Found = Callable[[str, str, str], None]
"""Takes a problem: code, where, detail."""

_ABSENT = {"blob-missing", "blob-erased"}


class BlobCheck:
    """Give it every entry in log order, then call ``finish``.

    Problem codes: ``blob-missing``, ``blob-corrupt``, ``subject-key-damaged``, ``storage-*``; ``erasure-unfinished``
    where something is still there that an erasure names; ``erasure-unauthorised`` where it does not count.
    """

    def __init__(self, blobs: BlobStore, found: Found) -> None:
        self.checked = 0
        self.erased = 0
        """References to blobs that are gone, as the log says."""
        self._blobs, self._found = blobs, found
        self._registry = KeyRegistry()
        self._gone = ErasedBlobs()
        self._absent: list[tuple[int, str, str]] = []
        self._subjects: dict[str, int] = {}

    def entry(self, stored: StoredEntry) -> None:
        """Look at the blobs of one entry."""
        record = stored.statement.predicate
        self._key_event(stored)
        if not self._gone.apply(stored, self._registry):
            detail = "whoever signed this erasure may not erase: what it names should be there"
            self._found("erasure-unauthorised", f"entry {stored.index}", detail)
        elif isinstance(record, Erasure):
            self._subjects.setdefault(record.subject, stored.index)
        for ref in blob_refs(record):
            self.checked += 1
            try:
                self._blobs.check(ref)
            except VoidAuditError as error:
                if error.code in _ABSENT:
                    self._absent.append((stored.index, ref.sha256, error.message))
                else:
                    self._found(error.code, f"entry {stored.index}", error.message)

    def finish(self) -> None:
        """Erasures come after what they name, so only now can it be told what is gone and what is lost."""
        for index, digest, message in self._absent:
            if self._gone.by(digest) is None:
                self._found("blob-missing", f"entry {index}", message)
            else:
                self.erased += 1
        try:
            self._unfinished()
        except VoidAuditError as error:
            self._found(error.code, "erasures", error.message)

    def _unfinished(self) -> None:
        hint = "give the command that erased it again"
        for digest, entry in self._gone.items():
            if self._blobs.size_of(digest) is not None:
                detail = f"blob {digest[:16]} is still there: {hint}"
                self._found("erasure-unfinished", f"entry {entry.index}", detail)
        for subject, index in self._subjects.items():
            if self._blobs.has_key(subject):
                detail = f"the key of {subject} is still there: {hint}"
                self._found("erasure-unfinished", f"entry {index}", detail)

    def _key_event(self, stored: StoredEntry) -> None:
        """Keys as far as their events hold together: an erasure under any other does not count."""
        with suppress(EvidenceError):
            event = LoggedKeyEvent.of(stored)
            if event is not None:
                self._registry.apply(event)
