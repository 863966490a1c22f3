"""SHA-256, of bytes and of files of any size."""

from __future__ import annotations

import hashlib
from pathlib import Path

from void_audit.errors import StorageError


def sha256_hex(data: bytes) -> str:
    """SHA-256 of ``data``, lower-case hexadecimal."""
    return hashlib.sha256(data).hexdigest()


def sha256_file(path: Path) -> str:
    """SHA-256 of a file's content, lower-case hexadecimal, in constant memory.

    Raises:
        StorageError: ``file-unreadable``.
    """
    try:
        with path.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError as error:
        raise StorageError(
            "file-unreadable",
            f"{path} cannot be read: {error.strerror}.",
            "Check that it exists and that you may read it.",
        ) from error
