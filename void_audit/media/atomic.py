"""Files and folders that appear whole or not at all."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import av

from void_audit.errors import StorageError
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


@contextmanager
def whole_folder(path: Path) -> Iterator[Path]:
    """Yield an empty temporary folder beside ``path``; on success its files are made durable and it is renamed.

    Raises:
        StorageError: storage-exists if anything is at ``path``; storage-full, storage-unwritable, for every error
            of the disk met inside.
    """
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        with writing(path):
            _check_free(path)
            partial.mkdir()
            yield partial
            for inside in (*partial.iterdir(), partial):
                _sync(inside)
            _check_free(path)
            partial.rename(path)
            _sync(path.parent)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _check_free(path: Path) -> None:
    """A link to nowhere counts as something, too."""
    if os.path.lexists(path):
        raise StorageError(
            "storage-exists", f"{path} is there already.", "Name another place: nothing is overwritten."
        )


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
