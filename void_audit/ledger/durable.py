"""Files that are whole and on the disk before the call returns, or not there at all."""

from __future__ import annotations

import errno
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from void_audit.errors import StorageError

_FULL = {errno.ENOSPC, errno.EDQUOT}
_CLOSED = {errno.EROFS, errno.EACCES, errno.EPERM}


@contextmanager
def storage_errors(place: Path) -> Iterator[None]:
    """Turn OSError into StorageError: ``storage-full``, ``storage-unwritable``, ``storage-failed``."""
    try:
        yield
    except OSError as error:
        raise storage_error(place, error) from error


def storage_error(place: Path, error: OSError) -> StorageError:
    """What an OSError at ``place`` means to the reader."""
    if error.errno in _FULL:
        return StorageError("storage-full", f"No room is left at {place}.", "Free space, then run it again.")
    if error.errno in _CLOSED:
        return StorageError(
            "storage-unwritable", f"{place} cannot be accessed: {error.strerror}.", "Check its permissions."
        )
    return StorageError(
        "storage-failed", f"{place}: {error.strerror or error}.", "Check the disk before going on."
    )


@contextmanager
def replacing(path: Path, mode: int = 0o640) -> Iterator[BinaryIO]:
    """Write a file beside ``path``; on leaving, fsync it, rename it over ``path`` and fsync the folder.

    If the block raises, ``path`` is as it was. Raises OSError: wrap in ``storage_errors``.
    """
    staged = path.with_name(f".{path.name}.{secrets.token_hex(8)}.new")
    try:
        descriptor = os.open(staged, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
        with os.fdopen(descriptor, "wb") as stream:
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
        staged.rename(path)
    except BaseException:
        staged.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def make_folder(folder: Path) -> None:
    """Make a folder and its parents, durably. Raises OSError."""
    if folder.is_dir():
        return
    make_folder(folder.parent)
    folder.mkdir(exist_ok=True)
    sync_folder(folder.parent)


def sync_folder(folder: Path) -> None:
    """Make names in ``folder`` durable. Raises OSError."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
