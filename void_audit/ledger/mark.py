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
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from void_audit.errors import LedgerError, StorageError
from void_audit.ledger.durable import make_folder, replacing, storage_errors
from void_audit.ledger.exclusive import release
from void_audit.ledger.mark_slots import SLOT, Mark, Slot, newest_slot, version_1

__all__ = ["HeldMark", "Mark", "adopt_mark", "begin_mark", "held_mark", "read_mark"]

LOCK_SECONDS = 60.0

_POLL = 0.002
_GENERATION = 0x80087601
"""``FS_IOC_GETVERSION`` of Linux: how often the inode was given to a new file."""

_datasync = getattr(os, "fdatasync", os.fsync)  # macOS has no fdatasync


class HeldMark:
    """The mark while nobody else can raise it."""

    def __init__(self, path: Path, descriptor: int, slot: Slot) -> None:
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
            LedgerError: ``ledger-rollback`` if it is neither higher than what is there nor the same.
            StorageError: ``storage-*``.
        """
        old = self._slot
        higher = mark.origin == old.mark.origin and mark.size > old.mark.size
        if not higher and mark != old.mark:
            raise LedgerError(
                "ledger-rollback",
                f"{self._path} cannot go back to {mark.size} entries.",
                "Nothing was signed.",
            )
        new = old.next(mark)
        with storage_errors(self._path):
            if os.pwrite(self._descriptor, new.encoded(), new.place) != SLOT:
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
        slot = _slot(path, _content(path, descriptor))
        with storage_errors(path):
            original = slot.file == _identity(descriptor)
        if not original:
            raise LedgerError(
                "ledger-mark-copied",
                f"{path} is a copy: elsewhere the same key may be signing already.",
                "Go on with the original. If it is gone for good: void-audit ledger adopt",
            )
        yield HeldMark(path, descriptor, slot)
    finally:
        release(descriptor)


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
    return version_1(data) or _slot(path, data).mark


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
            stream.write(Slot(0, file, mark).encoded() + Slot(1, file, mark).encoded())


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
        mark = _slot(path, _content(path, descriptor)).mark
        begin_mark(path, mark)
    finally:
        release(descriptor)
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
            old = version_1(_content(path, descriptor)) if current else None
            if old is not None:
                begin_mark(path, old)
            elif current:
                return descriptor
        except StorageError as error:
            if not isinstance(error.__cause__, BlockingIOError | FileNotFoundError):
                release(descriptor)
                raise
        except BaseException:
            release(descriptor)
            raise
        release(descriptor)  # held by another, or no longer the file at this path
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


def _slot(path: Path, data: bytes) -> Slot:
    slot = newest_slot(data)
    if slot is None:
        raise LedgerError(
            "ledger-mark-damaged",
            f"{path} is not the mark of a log key.",
            "Restore it from the newest backup of the key.",
        )
    return slot
