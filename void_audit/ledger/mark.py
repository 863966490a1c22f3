"""The high-water mark: what this log key last agreed to sign, kept beside the key (spec/ledger 3 and 4).

It lies outside the database, so that a database restored from a backup cannot make the key sign a second
history. It must never be rolled back; it belongs in the key's backup, not in the database's.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from void_audit.canon import jcs
from void_audit.errors import LedgerError
from void_audit.ledger.durable import make_folder, replacing, storage_errors

_FORMAT = "void-audit-mark/v1"
_MAX_BYTES = 2000


@dataclass(frozen=True)
class Mark:
    """The key signs nothing that does not extend these ``size`` entries with this ``root``."""

    origin: str
    size: int
    root: bytes


def read_mark(path: Path) -> Mark | None:
    """Read the mark; None if there is none.

    Raises:
        LedgerError: ``ledger-mark-damaged`` or a ``json-*`` code.
        StorageError: if it cannot be read.
    """
    with storage_errors(path):
        try:
            data = path.read_bytes()
        except FileNotFoundError:
            return None
    fields = jcs.parse(data, _MAX_BYTES, error=LedgerError)
    try:
        if fields["format"] != _FORMAT or len(fields) != 4:
            raise ValueError("another format")
        return Mark(str(fields["origin"]), int(fields["size"]), bytes.fromhex(fields["root"]))
    except (TypeError, KeyError, ValueError):
        raise LedgerError(
            "ledger-mark-damaged",
            f"{path} is not the mark of a log key.",
            "Restore it from the newest backup of the key.",
        ) from None


def write_mark(path: Path, mark: Mark) -> None:
    """Replace the mark, durably.

    Raises:
        StorageError: ``storage-full``, ``storage-not-writable``, ``storage-failed``.
    """
    fields = {"format": _FORMAT, "origin": mark.origin, "size": mark.size, "root": mark.root.hex()}
    with storage_errors(path):
        make_folder(path.parent)
        with replacing(path) as stream:
            stream.write(jcs.canonical(fields))
