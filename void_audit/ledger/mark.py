"""The high-water mark: what this log key last agreed to sign, kept beside the key (spec/ledger 3 and 4).

It lies outside the database, so that a database restored from a backup cannot make the key sign a second
history. It must never be rolled back; it belongs in the key's backup, not in the database's.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from void_audit.canon import jcs
from void_audit.canon.merkle import HASH_SIZE
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
            with path.open("rb") as stream:
                data = stream.read(_MAX_BYTES + 1)
        except FileNotFoundError:
            return None
    fields = jcs.parse(data, _MAX_BYTES, error=LedgerError)
    mark = _mark(fields)
    # Nothing but what `write_mark` writes: a size that was rounded would be another mark.
    if mark is None or _fields(mark) != fields:
        raise LedgerError(
            "ledger-mark-damaged",
            f"{path} is not the mark of a log key.",
            "Restore it from the newest backup of the key.",
        )
    return mark


def write_mark(path: Path, mark: Mark) -> None:
    """Replace the mark, durably.

    Raises:
        StorageError: ``storage-full``, ``storage-unwritable``, ``storage-failed``.
    """
    with storage_errors(path):
        make_folder(path.parent)
        with replacing(path) as stream:
            stream.write(jcs.canonical(_fields(mark)))


def _fields(mark: Mark) -> dict[str, object]:
    return {"format": _FORMAT, "origin": mark.origin, "size": mark.size, "root": mark.root.hex()}


def _mark(fields: Any) -> Mark | None:  # noqa: ANN401 - JSON holds anything
    try:
        mark = Mark(fields["origin"], fields["size"], bytes.fromhex(fields["root"]))
    except (TypeError, KeyError, ValueError):
        return None
    whole = type(mark.size) is int and mark.size >= 0 and len(mark.root) == HASH_SIZE
    return mark if whole and isinstance(mark.origin, str) else None
