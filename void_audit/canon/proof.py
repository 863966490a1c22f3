"""Entries with their proofs, as they leave the log inside manifests and receipts."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence

from void_audit.canon import merkle
from void_audit.canon.checkpoint import Checkpoint
from void_audit.canon.statement import read_entry
from void_audit.errors import ProofError
from void_audit.model.proof import LoggedEntry, StoredEntry


def pack(index: int, envelope: bytes, path: Sequence[bytes]) -> LoggedEntry:
    """An entry and its audit path as a value."""
    return LoggedEntry(
        index=index,
        envelope=base64.b64encode(envelope).decode(),
        proof=tuple(digest.hex() for digest in path),
    )


def verify_logged(entry: LoggedEntry, checkpoint: Checkpoint) -> StoredEntry:
    """Check that an entry is in the log that ``checkpoint`` commits to, then read it.

    The checkpoint must have been opened with ``open_checkpoint``. The entry's own signatures are not
    checked here: who may sign depends on the key events before it.

    Raises:
        ProofError: ``entry-malformed``, ``proof-index`` or ``inclusion-unproven``.
        EnvelopeError: those of ``read_entry``.
    """
    try:
        envelope = base64.b64decode(entry.envelope, validate=True)
    except (binascii.Error, ValueError) as error:
        raise ProofError("entry-malformed", f"The envelope of entry {entry.index} is not base64.") from error
    path = [bytes.fromhex(digest) for digest in entry.proof]
    merkle.verify_inclusion(merkle.leaf_hash(envelope), entry.index, checkpoint.size, path, checkpoint.root)
    return read_entry(entry.index, envelope)
