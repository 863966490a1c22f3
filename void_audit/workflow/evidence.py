"""Everything that a stranger needs to check an edit, taken from the ledger and the blobs."""

from __future__ import annotations

import base64
from collections.abc import Iterator

from void_audit.model.base import BlobRef
from void_audit.model.proof import LedgerAssertion
from void_audit.model.records import (
    Approval,
    KeyEvent,
    Kind,
    MaskRevision,
    MaskState,
    Predicate,
    ReasoningRecord,
    RefusedReply,
    Rejection,
)
from void_audit.model.references import blob_refs
from void_audit.workflow.recorder import Recorder

MAX_EVIDENCE_BLOB = 4 * 1024 * 1024
MAX_STORY = 16 * 1024 * 1024
"""Of all that only tells the story: whoever verifies reads no more than 64 MiB in all (``audit.manifest``)."""
EMBEDDED_ELSEWHERE = {"video/x-matroska", "video/mp4", "image/png"}
"""Media are embedded data of the manifest, or stay in the workspace."""

DISCLAIMER = (
    "These records prove who asked for, judged, approved and made this edit, with what, and which pixels it "
    "could change. They do not prove that the pictured events are true."
)


def ledger_assertion(recorder: Recorder, size: int) -> LedgerAssertion:
    """The edit's records and all key events with inclusion proofs on the checkpoint of ``size``."""
    ledger = recorder.studio.ledger
    own = [e for e in ledger.entries(edit=recorder.edit) if e.index < size]
    keys = [e for e in ledger.key_events() if e.index < size]
    entries = sorted([*own, *keys], key=lambda e: e.index)
    records = tuple(ledger.prove(e.index, size) for e in entries)
    evidence: dict[str, str] = {}
    room = MAX_STORY
    for entry in own:
        for ref in blobs_of(entry.statement.predicate, recorder.state.mask):
            if ref.media_type in EMBEDDED_ELSEWHERE or ref.size > MAX_EVIDENCE_BLOB:
                continue
            room -= ref.size if _only_tells(entry.statement.predicate, ref) else 0
            if room >= 0 or not _only_tells(entry.statement.predicate, ref):
                evidence[ref.sha256] = base64.b64encode(recorder.studio.blobs.stored(ref)).decode()
    evidence.update(_packs(recorder))
    attested = recorder.studio.notary.attest(ledger, size)
    return LedgerAssertion(
        edit=recorder.edit,
        origin=ledger.origin,
        checkpoint=attested.note,
        timestamps=attested.timestamps,
        records=records,
        evidence=evidence,
        disclaimer=DISCLAIMER,
    )


def _only_tells(predicate: Predicate, ref: BlobRef) -> bool:
    """Whether a blob is there for people to read, and no obligation needs it: there may be any number of them."""
    match predicate:
        case MaskRevision():
            return ref == predicate.edits
        case ReasoningRecord():
            return ref == predicate.exchange.reply
        case RefusedReply() | Approval() | Rejection():
            return True
    return False


def blobs_of(predicate: Predicate, present: MaskState | None = None) -> Iterator[BlobRef]:
    """Blobs of a record that go with the file.

    Not the names of key holders; not what was sent to a model: it holds pictures of the source; not replies that
    were refused: as many as came, as long as a stranger made them; of masks only ``present``'s list of hashes.
    """
    for ref in blob_refs(predicate):
        match predicate:
            case KeyEvent():
                continue
            case RefusedReply() if ref != predicate.reason:
                continue
            case ReasoningRecord() if ref == predicate.exchange.request:
                continue
            case MaskState() if ref == predicate.frame_hashes and predicate != (present or predicate):
                continue
        yield ref


def _packs(recorder: Recorder) -> dict[str, str]:
    """The text of every rule pack that a recorded decision used."""
    found: dict[str, str] = {}
    blobs = recorder.studio.blobs
    for entry in recorder.studio.ledger.entries(edit=recorder.edit, kinds=[Kind.POLICY_DECISION]):
        packs: dict[str, str] = dict(getattr(entry.statement.predicate, "packs", {}))
        for digest in packs.values():
            stored = blobs.stored(blobs.ref(digest, "application/yaml"))
            found[digest] = base64.b64encode(stored).decode()
    return found
