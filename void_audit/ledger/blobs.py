"""Content that is too large or too personal for the log, stored by its own digest (spec/ledger 4).

Layout: ``<root>/sha256/<first two digits>/<digest>``. A blob is durable when ``put`` returns, so an entry
that names it may then be appended. The digest of a salted blob covers its 32-byte salt: a commitment.
"""

from __future__ import annotations

import hashlib
import os
import secrets
import shutil
from pathlib import Path
from typing import BinaryIO

from void_audit.canon.hashing import sha256_file
from void_audit.errors import LedgerError, StorageError
from void_audit.ledger.durable import make_folder, replacing, storage_errors, sync_folder
from void_audit.model.base import BlobRef

SALT_SIZE = 32
_MODE = 0o440
_CHUNK = 1 << 20


class BlobStore:
    """Content-addressed files below one folder. Writing the same content twice is harmless."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def put(self, data: bytes, media_type: str, salted: bool = False) -> BlobRef:
        """Store bytes. ``salted`` draws a fresh salt: for anything personal or guessable.

        Raises:
            StorageError: ``storage-full``, ``storage-unwritable``, ``storage-failed``.
        """
        stored = secrets.token_bytes(SALT_SIZE) + data if salted else data
        digest = hashlib.sha256(stored).hexdigest()
        path = self._place(digest)
        with storage_errors(path):
            make_folder(path.parent)
            with replacing(path, _MODE) as stream:  # also over an existing file: that heals a damaged one
                stream.write(stored)
        return BlobRef(sha256=digest, size=len(stored), media_type=media_type, salted=salted)

    def put_file(self, path: Path, media_type: str, move: bool = False) -> BlobRef:
        """Store a file's content, unsalted, in constant memory. ``move`` gives the file up to the store.

        Raises:
            StorageError: as ``put``, or ``file-unreadable`` if ``path`` cannot be read.
        """
        incoming = self._root / f".incoming.{secrets.token_hex(8)}"
        try:
            with storage_errors(self._root):
                make_folder(self._root)
                adopted = move and _can_rename(path, self._root)
                staged = path if adopted else _copied(path, incoming)
                digest, size = _settle(staged)
                target = self._place(digest)
                make_folder(target.parent)
                staged.rename(target)
                sync_folder(target.parent)
                if move and not adopted:
                    path.unlink(missing_ok=True)
        finally:
            incoming.unlink(missing_ok=True)
        return BlobRef(sha256=digest, size=size, media_type=media_type)

    def read(self, ref: BlobRef) -> bytes:
        """The content: without the salt, digest checked.

        Raises:
            LedgerError: ``blob-missing`` or ``blob-corrupt``.
            StorageError: ``storage-unwritable``, ``storage-failed``.
        """
        stored = self.stored(ref)
        return stored[SALT_SIZE:] if ref.salted else stored

    def stored(self, ref: BlobRef) -> bytes:
        """The stored bytes: salt, if any, and content. Raises as ``read``."""
        path = self.path(ref)
        with storage_errors(path):
            data = path.read_bytes()
        if hashlib.sha256(data).hexdigest() != ref.sha256 or (ref.salted and len(data) < SALT_SIZE):
            raise _corrupt(ref)
        return data

    def path(self, ref: BlobRef) -> Path:
        """Where the stored bytes lie, for readers that stream. The digest is not checked: see ``check``.

        Raises:
            LedgerError: ``blob-missing``.
        """
        path = self._place(ref.sha256)
        if not path.is_file():
            raise LedgerError(
                "blob-missing",
                f"The {ref.media_type} blob {ref.sha256[:16]} is not in {self._root}.",
                "Restore it from a backup, or look for the record of its erasure.",
            )
        return path

    def ref(self, sha256: str, media_type: str) -> BlobRef:
        """A reference to an unsalted blob that is known by its digest alone, such as a subject.

        Raises:
            LedgerError: ``blob-missing``.
        """
        path = self.path(BlobRef(sha256=sha256, size=0, media_type=media_type))
        return BlobRef(sha256=sha256, size=path.stat().st_size, media_type=media_type)

    def check(self, ref: BlobRef) -> None:
        """Check size and digest in constant memory; returns only if both are right. Raises as ``read``."""
        path = self.path(ref)
        with storage_errors(path):
            size = path.stat().st_size
        if size != ref.size or (ref.salted and size < SALT_SIZE) or sha256_file(path) != ref.sha256:
            raise _corrupt(ref)

    def _place(self, digest: str) -> Path:
        return self._root / "sha256" / digest[:2] / digest


def _can_rename(source: Path, folder: Path) -> bool:
    return source.is_file() and not source.is_symlink() and source.stat().st_dev == folder.stat().st_dev


def _copied(source: Path, target: Path) -> Path:
    with _open(source) as stream, target.open("xb") as out:
        shutil.copyfileobj(stream, out, _CHUNK)
    return target


def _open(source: Path) -> BinaryIO:
    try:
        return source.open("rb")
    except OSError as error:
        raise StorageError(
            "file-unreadable", f"{source} cannot be read: {error.strerror}.", "Check that it exists."
        ) from error


def _settle(path: Path) -> tuple[str, int]:
    """Digest and size of a file that is now ours; durable, read only."""
    path.chmod(_MODE)
    with path.open("rb") as stream:
        digest = hashlib.file_digest(stream, "sha256").hexdigest()
        os.fsync(stream.fileno())
        return digest, stream.tell()


def _corrupt(ref: BlobRef) -> LedgerError:
    return LedgerError(
        "blob-corrupt",
        f"The stored bytes of the {ref.media_type} blob {ref.sha256[:16]} are not those of the record.",
        "Restore it from a backup.",
    )
