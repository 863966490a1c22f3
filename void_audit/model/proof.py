"""Values with which an entry of the log is shown to be in it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from pydantic import Field

from void_audit.model.base import Name, Sha256, Value
from void_audit.model.records import KeyId, Statement

NoteText = Annotated[str, Field(max_length=100_000)]


@dataclass(frozen=True)
class StoredEntry:
    """One entry of the log, read: strictly parsed, its signatures not yet verified."""

    index: int
    envelope: bytes
    """The exact DSSE envelope bytes: the leaf."""
    leaf_hash: Sha256
    """RFC 6962 leaf hash of ``envelope``, hexadecimal."""
    statement: Statement
    key_ids: tuple[KeyId, ...]
    """Keys that claim to have signed, in the envelope's order."""


class LoggedEntry(Value):
    """One entry, its place in the log, and an inclusion proof for a checkpoint given elsewhere."""

    index: Annotated[int, Field(ge=0)]
    envelope: Annotated[str, Field(max_length=90_000)]
    """The exact DSSE envelope bytes (the leaf), base64."""
    proof: Annotated[tuple[Sha256, ...], Field(max_length=63)]
    """RFC 6962 audit path, leaf to root."""


class Receipt(Value):
    """``FILE.receipt``: the seal entry, which cannot be inside the file that it hashes."""

    format: Name = "void-audit-receipt/v1"
    entry: LoggedEntry
    checkpoint: NoteText
    consistency: Annotated[tuple[Sha256, ...], Field(max_length=63)]
    """RFC 6962 consistency proof from the checkpoint inside the file (size: the seal's ``log_size``)."""


class LedgerAssertion(Value):
    """The C2PA assertion ``org.voidaudit.ledger``: every record of the edit, provable on one checkpoint.

    ``records`` holds the edit's entries and all key events so far, in log order. ``evidence`` maps the
    SHA-256 of small blobs that records refer to (policy packs, facts, decisions, reasoning) to their
    stored bytes in base64; bigger ones (quadmask, preview, prompt) are embedded data of the manifest.
    """

    format: Name = "void-audit-ledger/v1"
    edit: Name
    origin: Name
    checkpoint: NoteText
    records: Annotated[tuple[LoggedEntry, ...], Field(max_length=10_000)]
    evidence: dict[Sha256, str]
    disclaimer: Annotated[str, Field(max_length=1000)]
