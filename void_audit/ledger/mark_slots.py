"""The bytes of a mark: two slots, each a line of canonical JSON with its own digest, blanks and a line feed.

Reading is strict to the byte: a mark that was changed, rounded or cut off must never be read as another mark.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from void_audit.canon import jcs
from void_audit.canon.merkle import HASH_SIZE
from void_audit.errors import InputError, LedgerError

SLOT = 4096
"""Bytes of one slot: a block of its own, so that a write that is cut off cannot reach the other one."""

_FORMAT = "void-audit-mark/v2"
_FORMAT_1 = "void-audit-mark/v1"
_MAX_BYTES_1 = 2000


@dataclass(frozen=True)
class Mark:
    """The key signs nothing that does not extend these ``size`` entries with this ``root``."""

    origin: str
    size: int
    root: bytes


@dataclass(frozen=True)
class Slot:
    """A mark as written: the ``sequence``-th time, into the file called ``file``."""

    sequence: int
    file: str
    mark: Mark

    def next(self, mark: Mark) -> Slot:
        """What is written after this, at ``place``."""
        return Slot(self.sequence + 1, self.file, mark)

    @property
    def place(self) -> int:
        """Where in the file it lies."""
        return self.sequence % 2 * SLOT

    def encoded(self) -> bytes:
        """``SLOT`` bytes.

        Raises:
            InputError: ``origin-too-long``.
        """
        return _encoded(self)

    def fields(self) -> dict[str, object]:
        """What the digest covers."""
        mark = self.mark
        return {
            "file": self.file,
            "format": _FORMAT,
            "origin": mark.origin,
            "root": mark.root.hex(),
            "sequence": self.sequence,
            "size": mark.size,
        }


@lru_cache(maxsize=8)  # what is written is read again by the next one who raises the mark
def _encoded(slot: Slot) -> bytes:
    content = jcs.canonical(slot.fields())
    check = hashlib.sha256(content).hexdigest()
    line = b'{"check":"%s",%s' % (check.encode(), content[1:])  # canonical too: it sorts before all others
    if len(line) >= SLOT:
        raise InputError(
            "origin-too-long", f"A mark of {slot.mark.origin[:80]!r} does not fit.", "Choose a shorter name."
        )
    return line.ljust(SLOT - 1) + b"\n"


def newest_slot(data: bytes) -> Slot | None:
    """The newer of the slots that count.

    None if neither does, or if the two could not have been written one after the other.
    """
    if len(data) == 2 * SLOT:
        slots = [_read_slot(data[place : place + SLOT]) for place in (0, SLOT)]
        found = sorted(
            (s for i, s in enumerate(slots) if s and s.place == i * SLOT), key=lambda s: s.sequence
        )
        if len(found) == 1 or (len(found) == 2 and _follows(*found)):
            return found[-1]
    return None


def _follows(old: Slot, new: Slot) -> bool:
    same = (old.file, old.mark.origin, old.sequence + 1) == (new.file, new.mark.origin, new.sequence)
    return same and old.mark.size <= new.mark.size


@lru_cache(maxsize=8)
def _read_slot(data: bytes) -> Slot | None:
    """What a slot says; None unless it is, to the byte, what ``Slot.encoded`` writes."""
    try:
        fields = jcs.parse(data, SLOT, error=LedgerError)
        slot = Slot(fields["sequence"], fields["file"], _mark(fields))
        whole = type(slot.sequence) is int and slot.sequence >= 0 and isinstance(slot.file, str)
        return slot if whole and slot.encoded() == data else None
    except (LedgerError, InputError, TypeError, KeyError, ValueError):
        return None


def version_1(data: bytes) -> Mark | None:
    """The mark in a file of version 1; None if it is none."""
    if len(data) > _MAX_BYTES_1:
        return None
    try:
        fields = jcs.parse(data, _MAX_BYTES_1, error=LedgerError)
        mark = _mark(fields)
    except (LedgerError, TypeError, KeyError, ValueError):
        return None
    # Nothing but what version 1 wrote: a size that was rounded would be another mark.
    written = {"format": _FORMAT_1, "origin": mark.origin, "size": mark.size, "root": mark.root.hex()}
    return mark if fields == written else None


def _mark(fields: Any) -> Mark:  # noqa: ANN401 - JSON holds anything
    mark = Mark(fields["origin"], fields["size"], bytes.fromhex(fields["root"]))
    if type(mark.size) is not int or mark.size < 0 or len(mark.root) != HASH_SIZE:
        raise ValueError("not a mark")
    if not isinstance(mark.origin, str):
        raise TypeError("not a mark")
    return mark
