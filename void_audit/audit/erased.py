"""Content that the house says it erased: neither a gap in the evidence nor a pass.

Only an erasure counts that was signed by somebody who may answer for it, and only for what was referred to before it
(``identity.erasures``). What it names must not be there: a file that carries it contradicts its own records.
"""

from __future__ import annotations

from collections.abc import Iterable

from void_audit.audit.evidence import Evidence
from void_audit.audit.narrative import TellErased
from void_audit.model.base import BlobRef
from void_audit.model.proof import StoredEntry
from void_audit.model.records import Erasure, Predicate
from void_audit.model.references import blob_refs, named_digests

GONE = "Nothing: what was erased is gone for good."
"""What would tell."""


def erased(evidence: Evidence, digest: str) -> StoredEntry | None:
    """The erasure that speaks for a blob that is not there; None if there is none, or if the blob is there."""
    if evidence.stored(digest) is not None or _carries(evidence, digest):
        return None
    return evidence.erasures.by(digest)


def erased_of(evidence: Evidence, refs: Iterable[BlobRef | None]) -> str:
    """Which of these blobs were erased, in words that say by which entries; empty if none was."""
    found = [entry.index for ref in refs if ref and (entry := erased(evidence, ref.sha256))]
    if not found:
        return ""
    entries = ", ".join(str(index) for index in sorted(set(found))[:5])
    return f"ERASED by entry {entries}: {len(found)} blob(s) that would tell."


def refs_of(evidence: Evidence, *kinds: type[Predicate]) -> list[BlobRef]:
    """The blobs that the edit's records of some kinds name."""
    records = (entry.statement.predicate for entry in evidence.edit_entries)
    return [ref for record in records if isinstance(record, kinds) for ref in blob_refs(record)]


def tell_erased(evidence: Evidence) -> TellErased:
    """For the story: of a blob that is not there, by which entry it was erased, and why if that is told."""

    def tell(ref: BlobRef) -> str | None:
        entry = erased(evidence, ref.sha256)
        if entry is None:
            return None
        record = entry.statement.predicate
        reason = evidence.blob(record.reason) if isinstance(record, Erasure) else None
        because = f": {reason.decode(errors='replace')}" if reason else ""
        return f"ERASED (entry {entry.index}{because})"

    return tell


def erasure_problems(evidence: Evidence) -> list[str]:
    """Erasures that are contradicted: what they say is gone is there, or something else in its place."""
    mine = {digest for entry in evidence.edit_entries for digest in named_digests(entry.statement)}
    said: dict[str, int] = {}
    for entry in evidence.entries:
        record = entry.statement.predicate
        if isinstance(record, Erasure):
            said |= dict.fromkeys(mine.intersection(record.blobs), entry.index)
        for digest in named_digests(entry.statement):
            said.pop(digest, None)  # it came in again, and is there by right
    return [
        f"entry {index} says that blob {digest[:16]} was erased, and here it is"
        for digest, index in sorted(said.items())
        if _carries(evidence, digest) or evidence.stored(digest) is not None
    ]


def _carries(evidence: Evidence, digest: str) -> bool:
    """Whether bytes are here under this digest, right or wrong ones, however many."""
    if evidence.bundle is not None:
        return evidence.bundle.holds(digest)
    return evidence.assertion is not None and digest in evidence.assertion.evidence
