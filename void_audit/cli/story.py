"""The story of an edit of this workspace: its records, and the erasures that came after them."""

from __future__ import annotations

from collections.abc import Sequence

from void_audit.audit.narrative import Line, ReadBlob, TellErased, narrate
from void_audit.cli.keys import shown_names
from void_audit.cli.workspace import Workspace
from void_audit.errors import VoidAuditError, WorkspaceError
from void_audit.ledger.blobs import BlobStore
from void_audit.ledger.erasures import Erasures
from void_audit.model.base import BlobRef
from void_audit.model.proof import StoredEntry
from void_audit.model.records import Erasure
from void_audit.model.subject import edit_subject


def edit_lines(place: Workspace, edit: str) -> list[Line]:
    """Its lines in log order. What was erased is said to be.

    Raises:
        WorkspaceError: ``edit-unknown``.
    """
    entries = list(place.reading.entries(edit=edit))
    if not entries:
        raise WorkspaceError(
            "edit-unknown", f"Neither a file nor an edit: {edit!r}.", "`void-audit history` lists."
        )
    erasures = place.erasures.of(edit_subject(edit))
    told = sorted([*entries, *erasures], key=lambda e: e.index)
    read = reading(place.blobs)
    return narrate(told, read, shown_names(place), _erased(place.erasures, erasures, place.blobs))


def reading(blobs: BlobStore) -> ReadBlob:
    """Reads a blob's content; None if it is not there, or not as it was stored."""

    def read(ref: BlobRef) -> bytes | None:
        try:
            return blobs.read(ref)
        except VoidAuditError:
            return None

    return read


def _erased(known: Erasures, erasures: Sequence[StoredEntry], blobs: BlobStore) -> TellErased:
    """Says of a blob by which entry it was erased, and why."""
    read, because = reading(blobs), dict[int, str]()
    for entry in erasures:
        record = entry.statement.predicate
        reason = read(record.reason) if isinstance(record, Erasure) else None
        because[entry.index] = f": {reason.decode(errors='replace')}" if reason else ""

    def tell(ref: BlobRef) -> str | None:
        index = known.by(ref.sha256)
        return None if index is None else f"ERASED (entry {index}{because.get(index, '')})"

    return tell
