"""The high-water mark: what this log key last agreed to sign, kept beside the key (spec/ledger 3 and 4).

It lies outside the database, so that a database restored from a backup cannot make the key sign a second
history. It must never be rolled back; it belongs in the key's backup, not in the database's.

The file has two slots of ``SLOT`` bytes: a line of canonical JSON, blanks, a line feed. They are written in turn
and in place, so that raising the mark costs one wait for the disk and no change of any folder. Each holds its
own digest: a write that was cut off leaves a slot that does not count, and the other one, whose mark was never
contradicted, since nothing is signed before the write has ended.

Each slot also names the very file that it was written for. A copy (of a whole workspace, say, or a backup of
key, mark and database together) is therefore told from the original: two that sign would be two histories. A
clone of the whole disk is not noticed; that is what witnesses are for.
"""

from __future__ import annotations

import errno
import fcntl
import hashlib
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from void_audit.canon import jcs
from void_audit.canon.merkle import HASH_SIZE
from void_audit.errors import InputError, LedgerError, StorageError
from void_audit.ledger.durable import make_folder, replacing, storage_errors

SLOT = 4096
"""Bytes of one slot: a block of its own, so that a write that is cut off cannot reach the other one."""

LOCK_SECONDS = 60.0

_FORMAT = "void-audit-mark/v2"
_FORMAT_1 = "void-audit-mark/v1"
_MAX_BYTES_1 = 2000
_POLL = 0.002
_GENERATION = 0x80087601
"""``FS_IOC_GETVERSION`` of Linux: how often the inode was given to a new file."""

_datasync = getattr(os, "fdatasync", os.fsync)  # macOS has no fdatasync


@dataclass(frozen=True)
class Mark:
    """The key signs nothing that does not extend these ``size`` entries with this ``root``."""

    origin: str
    size: int
    root: bytes


@dataclass(frozen=True)
class _Slot:
    """A mark as written: the ``sequence``-th time, into the file called ``file``."""

    sequence: int
    file: str
    mark: Mark

    def fields(self) -> dict[str, object]:
        mark = self.mark
        return {
            "file": self.file,
            "format": _FORMAT,
            "origin": mark.origin,
            "root": mark.root.hex(),
            "sequence": self.sequence,
            "size": mark.size,
        }

    def encoded(self) -> bytes:
        fields = self.fields()
        check = hashlib.sha256(jcs.canonical(fields)).hexdigest()
        line = jcs.canonical({**fields, "check": check})
        if len(line) >= SLOT:
            raise InputError(
                "origin-too-long",
                f"A mark of {self.mark.origin[:80]!r} does not fit.",
                "Choose a shorter name.",
            )
        return line.ljust(SLOT - 1) + b"\n"


class HeldMark:
    """The mark while nobody else can raise it."""

    def __init__(self, path: Path, descriptor: int, slot: _Slot) -> None:
        """Use ``held_mark``."""
        self._path = path
        self._descriptor = descriptor
        self._slot = slot

    @property
    def mark(self) -> Mark:
        """What the file says."""
        return self._slot.mark

    def raise_to(self, mark: Mark) -> None:
        """Write ``mark``, durably: only then may it be signed.

        Writes even what is there already: whoever was stopped here may have seen it written, but not durable.

        Raises:
            LedgerError: ``ledger-rollback`` if it is lower than what is there, or of another log.
            StorageError: ``storage-*``.
        """
        old = self._slot
        if mark.origin != old.mark.origin or mark.size < old.mark.size:
            raise LedgerError(
                "ledger-rollback",
                f"{self._path} cannot go back to {mark.size} entries.",
                "Nothing was signed.",
            )
        new = _Slot(old.sequence + 1, old.file, mark)
        with storage_errors(self._path):
            if os.pwrite(self._descriptor, new.encoded(), new.sequence % 2 * SLOT) != SLOT:
                raise OSError(errno.EIO, "A write was cut off")
            _datasync(self._descriptor)
        self._slot = new


@contextmanager
def held_mark(path: Path) -> Iterator[HeldMark]:
    """Hold the mark against every other process that would raise it, whatever copy of the database it has.

    A mark of version 1 is made one of version 2.

    Raises:
        LedgerError: ``ledger-mark-missing``; ``ledger-mark-damaged``; ``ledger-mark-copied`` if this file is a copy.
        StorageError: ``ledger-busy`` if another holds it for ``LOCK_SECONDS``; ``storage-*``.
    """
    descriptor = _locked(path)
    try:
        slot = _slot_of(path, _content(path, descriptor))
        if slot.file != _identity(descriptor):
            raise LedgerError(
                "ledger-mark-copied",
                f"{path} is a copy: elsewhere the same key may be signing already.",
                "Go on with the original. If it is gone for good: void-audit ledger adopt",
            )
        yield HeldMark(path, descriptor, slot)
    finally:
        _release(descriptor)


def read_mark(path: Path) -> Mark | None:
    """Read the mark, be it a copy or not; None if there is none.

    Raises:
        LedgerError: ``ledger-mark-damaged``.
        StorageError: if it cannot be read.
    """
    with storage_errors(path):
        try:
            descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            return None
        try:
            data = _content(path, descriptor)
        finally:
            os.close(descriptor)
    return _version_1(path, data) or _slot_of(path, data).mark


def begin_mark(path: Path, mark: Mark) -> None:
    """Write a new file of marks, durably, in place of any that is there. What it said must not matter any more.

    Raises:
        InputError: ``origin-too-long``.
        StorageError: ``storage-full``, ``storage-unwritable``, ``storage-failed``.
    """
    with storage_errors(path):
        make_folder(path.parent)
        with replacing(path) as stream:
            file = _identity(stream.fileno())
            stream.write(_Slot(0, file, mark).encoded() + _Slot(1, file, mark).encoded())


def adopt_mark(path: Path) -> Mark:
    """Make a copied mark the original: whoever calls this knows that no other copy signs, now or later.

    Returns:
        The mark.

    Raises:
        LedgerError: ``ledger-mark-missing``, ``ledger-mark-damaged``.
        StorageError: ``ledger-busy``, ``storage-*``.
    """
    descriptor = _locked(path)
    try:
        mark = _slot_of(path, _content(path, descriptor)).mark
        begin_mark(path, mark)
    finally:
        _release(descriptor)
    return mark


def _locked(path: Path) -> int:
    """Descriptor of the mark, locked, of version 2."""
    deadline = time.monotonic() + LOCK_SECONDS
    while True:
        descriptor = _opened(path)
        try:
            with storage_errors(path):
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                current = os.path.samestat(os.fstat(descriptor), path.stat())
            old = _version_1(path, _content(path, descriptor)) if current else None
            if old is not None:
                begin_mark(path, old)
            elif current:
                return descriptor
        except StorageError as error:
            if not isinstance(error.__cause__, BlockingIOError | FileNotFoundError):
                _release(descriptor)
                raise
        except BaseException:
            _release(descriptor)
            raise
        _release(descriptor)  # held by another, or no longer the file at this path
        if time.monotonic() > deadline:
            raise StorageError("ledger-busy", f"Another process holds {path}.", "Try again.")
        time.sleep(_POLL)


def _opened(path: Path) -> int:
    with storage_errors(path):
        try:
            return os.open(path, os.O_RDWR | os.O_CLOEXEC)
        except FileNotFoundError as error:
            raise LedgerError(
                "ledger-mark-missing",
                f"The mark {path} of what this key has signed is missing.",
                "Restore it from the newest backup of the key, or close this log and begin another.",
            ) from error


def _release(descriptor: int) -> None:
    # A fork of this process may hold the descriptor too: closing it here would not unlock it.
    try:
        fcntl.flock(descriptor, fcntl.LOCK_UN)
    finally:
        os.close(descriptor)


def _identity(descriptor: int) -> str:
    """What a copy of the file does not share: its inode and, where the file system counts, its generation."""
    inode = os.fstat(descriptor).st_ino
    try:
        generation = int.from_bytes(fcntl.ioctl(descriptor, _GENERATION, bytes(8))[:4], "little")
    except OSError:
        generation = 0
    return f"{inode}.{generation}"


def _content(path: Path, descriptor: int) -> bytes:
    with storage_errors(path):
        return os.pread(descriptor, 2 * SLOT + 1, 0)


def _slot_of(path: Path, data: bytes) -> _Slot:
    """The newer of the slots that count; two that could not have been written one after the other are damage."""
    if len(data) == 2 * SLOT:
        slots = [_read_slot(data[place : place + SLOT]) for place in (0, SLOT)]
        found = sorted(
            (s for i, s in enumerate(slots) if s and s.sequence % 2 == i), key=lambda s: s.sequence
        )
        if len(found) == 1 or (len(found) == 2 and _follows(*found)):
            return found[-1]
    raise LedgerError(
        "ledger-mark-damaged",
        f"{path} is not the mark of a log key.",
        "Restore it from the newest backup of the key.",
    )


def _follows(old: _Slot, new: _Slot) -> bool:
    same = (old.file, old.mark.origin, old.sequence + 1) == (new.file, new.mark.origin, new.sequence)
    return same and old.mark.size <= new.mark.size


@lru_cache(maxsize=8)
def _read_slot(data: bytes) -> _Slot | None:
    """What a slot says; None unless it is, to the byte, what ``_Slot.encoded`` writes."""
    try:
        fields = jcs.parse(data, SLOT, error=LedgerError)
        slot = _Slot(fields["sequence"], fields["file"], _mark(fields))
        whole = type(slot.sequence) is int and slot.sequence >= 0 and isinstance(slot.file, str)
        return slot if whole and slot.encoded() == data else None
    except (LedgerError, InputError, TypeError, KeyError, ValueError):
        return None


def _version_1(path: Path, data: bytes) -> Mark | None:
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
