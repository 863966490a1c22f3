"""A file that one writer holds at a time. A plain flock: it ends with its process, and costs next to nothing."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from void_audit.errors import StorageError
from void_audit.ledger.durable import storage_errors

_POLL = 0.002
"""Seconds between two tries."""


@contextmanager
def exclusive(path: Path, seconds: float) -> Iterator[None]:
    """Hold ``path``, made if missing, against other processes and against other calls in this one.

    Raises:
        StorageError: ``ledger-busy`` if another holds it for so long; ``storage-*``.
    """
    descriptor = _held(path, time.monotonic() + seconds)
    try:
        yield
    finally:
        release(descriptor)


def release(descriptor: int) -> None:
    """Unlock and close; never fails.

    All that matters is on the disk already, and the descriptor is gone whatever close says of it (close(2)).
    Unlocking apart: a fork of this process may hold the descriptor too.
    """
    with suppress(OSError):
        fcntl.flock(descriptor, fcntl.LOCK_UN)
    with suppress(OSError):
        os.close(descriptor)


def _held(path: Path, deadline: float) -> int:
    while True:
        with storage_errors(path):
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            with storage_errors(path):
                if _taken(descriptor) and _still_there(path, descriptor):
                    return descriptor
        except BaseException:
            release(descriptor)
            raise
        release(descriptor)
        if time.monotonic() > deadline:
            raise StorageError("ledger-busy", f"Another process writes to {path.parent}.", "Try again.")
        time.sleep(_POLL)


def _taken(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _still_there(path: Path, descriptor: int) -> bool:
    """Whether the file is still the one at ``path``: a lock on one that was replaced keeps nobody out."""
    try:
        return os.path.samestat(os.fstat(descriptor), path.stat())
    except FileNotFoundError:
        return False
