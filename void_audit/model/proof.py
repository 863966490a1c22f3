"""Values with which an entry of the log is shown to be in it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import Field

from void_audit.model.base import Name, Sha256, Text, Value
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


class TimestampToken(Value):
    """An RFC 3161 token (DER, base64): somebody else's word that a digest was there at a time.

    What it covers is the SHA-256 of a checkpoint's signed text (a note without its signatures), or of a file.
    """

    covers: Literal["checkpoint", "file"]
    authority: Text
    """Where it was asked for. Nothing rests on it: whose token it is says its certificate."""
    token: Annotated[str, Field(max_length=40_000)]


class Receipt(Value):
    """``FILE.receipt``: the seal entry, which cannot be inside the file that it hashes, and what came later."""

    format: Name = "void-audit-receipt/v2"
    entry: LoggedEntry
    checkpoint: NoteText
    """With the cosignatures of the witnesses that were asked."""
    consistency: Annotated[tuple[Sha256, ...], Field(max_length=63)]
    """RFC 6962 consistency proof from the checkpoint inside the file (size: the seal's ``log_size``)."""
    key_events: Annotated[tuple[LoggedEntry, ...], Field(max_length=10_000)] = ()
    """Key events after those inside the file, in log order, with proofs for ``checkpoint``."""
    timestamps: Annotated[tuple[TimestampToken, ...], Field(max_length=16)] = ()
    """Of the finished file and of ``checkpoint``."""


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
    timestamps: Annotated[tuple[TimestampToken, ...], Field(max_length=16)] = ()
    """Of ``checkpoint``."""
    disclaimer: Annotated[str, Field(max_length=1000)]
