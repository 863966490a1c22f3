"""What is stored of a subject: which blobs are its own, and which something else needs too."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass

from void_audit.errors import IdentityError, WorkspaceError
from void_audit.identity.registry import KeyRegistry
from void_audit.ledger.erasures import Erasures
from void_audit.ledger.reader import LogReader
from void_audit.model.proof import StoredEntry
from void_audit.model.records import Erasure, KeyEvent, Output, SealRecord, Source
from void_audit.model.references import blob_refs, named_digests
from void_audit.model.subject import edit_subject, key_subject


@dataclass(frozen=True)
class Owned:
    """A subject's blobs, by digest."""

    subject: str
    subjects: tuple[str, ...]
    """Whose keys open it: of a person, one for each key that they ever had."""
    words: tuple[str, ...]
    """What is salted, and what carries it: the sealed file and its manifest."""
    media: tuple[str, ...]
    """Everything else: pictures, masks, plans."""
    edit: str | None = None
    keys: frozenset[str] = frozenset()
    """Key ids of a person."""
    unfinished: bool = False
    """An edit that was not sealed and not rejected."""

    def has(self, entry: StoredEntry) -> bool:
        """Whether an entry is one of this subject's own records."""
        record = entry.statement.predicate
        if isinstance(record, KeyEvent):
            return record.key in self.keys
        return self.edit is not None and record.edit == self.edit


def owned_by_edit(ledger: LogReader, edit: str) -> Owned:
    """What is stored of an edit.

    Raises:
        WorkspaceError: ``edit-unknown``.
    """
    entries = list(ledger.entries(edit=edit))
    if not entries:
        raise WorkspaceError("edit-unknown", f"No edit {edit!r}.", "`void-audit history` lists them.")
    words: list[str] = []
    media: list[str] = []
    for entry in entries:
        for digest, personal in _stored(entry):
            (words if personal else media).append(digest)
    ends = {str(entry.statement.kind) for entry in entries} & {"seal", "rejection"}
    return Owned(
        subject=edit_subject(edit),
        subjects=(edit_subject(edit),),
        words=tuple(dict.fromkeys(words)),
        media=tuple(d for d in dict.fromkeys(media) if d not in words),
        edit=edit,
        unfinished=not ends,
    )


def owned_by_person(ledger: LogReader, key: str) -> Owned:
    """What is stored of whoever holds a key: their name. ``key``: a key id, or its first 12 digits or more.

    Raises:
        IdentityError: ``key-not-enrolled``.
    """
    registry = KeyRegistry.from_entries(ledger.key_events())
    found = [k for k in registry.enrolled if len(key) >= 12 and k.key_id.startswith(key)]
    if len(found) != 1:
        raise IdentityError(
            "key-not-enrolled", f"No one key is enrolled as {key[:80]!r}.", "`void-audit keys list`"
        )
    holder = registry.holder_of(found[0].key_id)
    keys = [k.key_id for k in registry.enrolled if registry.holder_of(k.key_id) == holder]
    events = [e.statement.predicate for e in ledger.key_events()]
    names = [e.holder.sha256 for e in events if isinstance(e, KeyEvent) and e.key in keys]
    return Owned(
        subject=key_subject(holder),
        subjects=tuple(key_subject(k) for k in keys),
        words=tuple(dict.fromkeys(names)),
        media=(),
        keys=frozenset(keys),
    )


def shared_with_others(ledger: LogReader, owned: Owned) -> frozenset[str]:
    """What it has that a record of something else names.

    Other edits may have been made of the same clip, or of this edit's finished file. One that was erased needs
    nothing any more; else what two are made of could never go. Words are nobody else's: each has a salt of its own.
    """
    mine, ended = {*owned.words, *owned.media}, Erasures(ledger).subjects().keys()
    return frozenset(
        digest
        for entry in ledger.entries()
        if not owned.has(entry) and not _ended(entry, ended)
        for digest in named_digests(entry.statement)
        if digest in mine
    )


def _ended(entry: StoredEntry, erased: Collection[str]) -> bool:
    """Whether a record needs nothing of what it names: it says what is gone, or its edit was erased."""
    record = entry.statement.predicate
    if isinstance(record, Erasure):
        return True
    return record.edit is not None and edit_subject(record.edit) in erased


def _stored(entry: StoredEntry) -> Iterator[tuple[str, bool]]:
    """Digests of what is stored of one record, and whether words are in it."""
    record = entry.statement.predicate
    for ref in blob_refs(record):
        yield ref.sha256, ref.salted or isinstance(record, SealRecord)
    if isinstance(record, Source | Output | SealRecord):  # stored under the digests that they are about
        for subject in entry.statement.subjects:
            yield subject.digest["sha256"], isinstance(record, SealRecord)
