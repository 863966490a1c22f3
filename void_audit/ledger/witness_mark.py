"""The largest tree of a log that a witness cosigned, kept beside its keys and outside its database.

A database that was put back from a backup is older than the mark, and the mark counts: the witness does not
cosign another history. The file is the text of a checkpoint (C2SP tlog-checkpoint), unsigned.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

from void_audit.canon.checkpoint import Checkpoint, parse_text
from void_audit.errors import LedgerError, NoteError
from void_audit.ledger.durable import make_folder, replacing, storage_errors

_MAX_BYTES = 4096


def mark_path(folder: Path, origin: str) -> Path:
    """Where the mark of a log lies."""
    return folder / f"{hashlib.sha256(origin.encode()).hexdigest()}.mark"


def read_mark(folder: Path, origin: str) -> Checkpoint | None:
    """The mark of a log; None if there is none.

    Raises:
        LedgerError: ``witness-mark-damaged``.
        StorageError: if it cannot be read.
    """
    path = mark_path(folder, origin)
    with storage_errors(path):
        try:
            with path.open("rb") as stream:
                data = stream.read(_MAX_BYTES + 1)
        except FileNotFoundError:
            return None
    try:
        mark = parse_text(data.decode())
    except (NoteError, UnicodeDecodeError):
        mark = None
    if mark is None or mark.origin != origin or mark.extensions:
        raise LedgerError(
            "witness-mark-damaged", f"{path} is not a mark of {origin}.", "Restore it from a backup."
        )
    return mark


def write_mark(folder: Path, checkpoint: Checkpoint) -> None:
    """Replace the mark of a log, durably.

    Raises:
        StorageError: ``storage-full``, ``storage-unwritable``, ``storage-failed``.
    """
    path = mark_path(folder, checkpoint.origin)
    with storage_errors(path):
        make_folder(folder)
        with replacing(path) as stream:
            stream.write(Checkpoint(checkpoint.origin, checkpoint.size, checkpoint.root).text.encode())
