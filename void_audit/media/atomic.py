"""Files that appear whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import av

from void_audit.media.container import storage_error


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Turn errors of the disk met while ``path`` is written into ``StorageError``."""
    try:
        yield
    except (OSError, av.error.OSError) as error:
        raise storage_error(path, error) from error


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside ``path``; on success it is made durable and renamed, else removed.

    Raises:
        StorageError: storage-full, storage-unwritable, for every error of the disk met inside.
    """
    partial = path.with_name(f".{path.stem}.{os.getpid()}.partial{path.suffix}")
    try:
        with writing(path):
            partial.touch()
            yield partial
            _sync(partial)
            partial.replace(path)
            _sync(path.parent)
    finally:
        with suppress(OSError):
            partial.unlink(missing_ok=True)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
