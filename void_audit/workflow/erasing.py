"""Erasing what is stored of an edit or of a person, on record, and so that every proof still holds.

The order is what makes it safe: a signed record says what is to go, and is durable; then the subject's key is
destroyed, which closes every copy of what it encrypted; then files are deleted: the edit's folder, the blobs.
Whatever stops it, the record stands, ``fsck`` says ``erasure-unfinished``, and the same command finishes.

Words of an edit are encrypted, and its sealed file carries them: both go. Its pictures (source, mask, takes,
unsealed output) are plain files: they go if asked for. No file goes that another edit names which was not erased: its
clip may be this one's finished file.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

from void_audit.canon import dsse
from void_audit.canon.statement import encode
from void_audit.errors import OrderError, RequestError
from void_audit.ledger.blobs import BlobStore
from void_audit.ledger.erasures import Erasures
from void_audit.ledger.log import Ledger
from void_audit.model.house_records import MAX_ERASED
from void_audit.model.proof import StoredEntry
from void_audit.model.records import Erasure
from void_audit.model.signing import Signer
from void_audit.model.subject import erasure_subject
from void_audit.workflow.edits import EditFolders
from void_audit.workflow.enrolment import insist_on_role
from void_audit.workflow.owned import Owned, shared_with_others
from void_audit.workflow.recorder import statement_of

MAX_REASON = 2000
"""Characters. It is kept, and goes with bundles: no name belongs in it."""


@dataclass(frozen=True)
class House:
    """What erasing works with: no machine key, no engine."""

    ledger: Ledger
    blobs: BlobStore
    edits: EditFolders
    clock: Callable[[], datetime]


@dataclass(frozen=True)
class Look:
    """What erasing a subject takes away, and what it leaves."""

    subject: str
    goes: tuple[str, ...]
    """Digests of blobs that an erasure names, or is going to."""
    new: tuple[str, ...]
    """Of these, those that no erasure of this subject names yet."""
    kept: tuple[str, ...]
    """Digests of its other blobs that are there: media, unless asked for."""
    shared: tuple[str, ...]
    """Digests of its blobs that records of something else name too: they stay."""
    entries: tuple[int, ...]
    """Erasures of it that are on record."""
    finished: bool
    """Whether nothing that is on record as erased is still there."""
    ended: bool = False
    """Whether it is an edit that was not finished: it ends."""


def look(house: House, owned: Owned, media: bool = False) -> Look:
    """What erasing would do. Changes nothing.

    Raises:
        LedgerError, StorageError: the ledger cannot be read.
    """
    known = Erasures(house.ledger).of(owned.subject)
    named = dict.fromkeys(digest for entry in known for digest in _named(entry))
    shared = shared_with_others(house.ledger, owned)
    wanted = [*owned.words, *(d for d in owned.media if media and d not in shared)]
    goes = [d for d in dict.fromkeys([*named, *wanted]) if d not in shared]
    there = [d for d in (*owned.words, *owned.media) if house.blobs.size_of(d) is not None]
    return Look(
        subject=owned.subject,
        goes=tuple(goes),
        new=tuple(d for d in goes if d not in named),
        kept=tuple(d for d in there if d not in goes and d not in shared),
        shared=tuple(d for d in there if d in shared),
        entries=tuple(entry.index for entry in known),
        finished=bool(known) and not _left(house, owned, [d for d in named if d not in shared]),
        ended=owned.unfinished,
    )


def erase(house: House, owned: Owned, reason: str, signer: Signer, media: bool = False) -> Look:
    """Erase, or finish what was begun. Doing it again changes nothing. Returns what is so afterwards.

    Raises:
        DeniedError: ``role-missing``: erasing takes an administrator or compliance.
        RequestError: ``reason-unusable``.
        OrderError: ``edit-busy``; ``nothing-to-erase``.
        StorageError: ``storage-*``: give the command again, it finishes.
    """
    insist_on_role(house.ledger, signer.key_id, Erasure)
    with _held(house, owned):
        house.ledger.settle()
        found = look(house, owned, media)
        if not found.goes:
            raise OrderError(
                "nothing-to-erase", f"No words are stored of {owned.subject}.", "Pictures take `--media`."
            )
        if found.new:
            _record(house, owned, found.new, reason, signer)
        finish(house, owned)
        return look(house, owned, media)


def finish(house: House, owned: Owned) -> None:
    """Take away what erasures of this subject name: keys first. Never before the record. Raises StorageError."""
    known = Erasures(house.ledger).of(owned.subject)
    if not known:
        return
    for subject in owned.subjects:
        house.blobs.destroy_key(subject)
    if owned.edit is not None:
        house.edits.forget(owned.edit)  # before the blobs: only those does ``fsck`` look for
    shared = shared_with_others(house.ledger, owned)  # again: something may have come in meanwhile
    for digest in dict.fromkeys(d for entry in known for d in _named(entry)):
        if digest not in shared:
            house.blobs.delete(digest)


def _left(house: House, owned: Owned, named: list[str]) -> bool:
    """Whether anything that is on record as erased is still there."""
    files = any(house.blobs.size_of(digest) is not None for digest in named)
    return files or any(house.blobs.has_key(subject) for subject in owned.subjects)


def _record(house: House, owned: Owned, digests: tuple[str, ...], reason: str, signer: Signer) -> None:
    """Sign that these go; as many records as it takes, appended at once."""
    if not reason.strip() or len(reason) > MAX_REASON:
        raise RequestError(
            "reason-unusable",
            f"The reason has {len(reason.strip())} characters; it needs 1 to {MAX_REASON}.",
            "Say why, without names: `--reason 'asked for by the person shown'`.",
        )
    why = house.blobs.put(
        reason.encode(), "text/plain", salted=True, subject=erasure_subject(secrets.token_hex(16))
    )
    now = house.clock().isoformat(timespec="seconds")
    records = [
        Erasure(claimed_time=now, subject=owned.subject, blobs=part, reason=why)
        for part in (digests[at : at + MAX_ERASED] for at in range(0, len(digests), MAX_ERASED))
    ]
    house.ledger.append([dsse.seal(encode(statement_of(record, {})), [signer]) for record in records])


@contextmanager
def _held(house: House, owned: Owned) -> Iterator[None]:
    """Nobody works on the edit meanwhile. One whose folder is gone cannot be worked on."""
    if owned.edit is None or owned.edit not in house.edits.ids():
        yield
        return
    with house.edits.lock(owned.edit):
        yield


def _named(entry: StoredEntry) -> tuple[str, ...]:
    record = entry.statement.predicate
    return record.blobs if isinstance(record, Erasure) else ()
