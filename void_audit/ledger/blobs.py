"""Content that is too large or too personal for the log, stored by its own digest (spec/ledger 4).

Layout: ``<root>/sha256/<first two digits>/<digest>``. A blob is durable when ``put`` returns, so an entry
that names it may then be appended. The digest of a salted blob covers its 32-byte salt and the content: a
commitment that anyone can check who is given both. What is stored of it is encrypted under the key of its subject
(``vault``); what is not salted is stored as it is. Workspaces from before that hold salted blobs in the clear: they
are read, and erased by deleting them.
"""

from __future__ import annotations

import hashlib
import os
import secrets
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

from void_audit.canon.hashing import sha256_file
from void_audit.errors import LedgerError, StorageError, VoidAuditError
from void_audit.ledger.durable import make_folder, replacing, storage_errors, sync_folder
from void_audit.ledger.vault import OVERHEAD, KeyGone, Vault
from void_audit.model.base import BlobRef

SALT_SIZE = 32
_MODE = 0o440
_CHUNK = 1 << 20


class BlobStore:
    """Content-addressed files below one folder. Writing the same content twice is harmless.

    Args:
        root: the folder.
        vault: keys of subjects; default: ``keys/subjects`` beside ``root``, as in a workspace.
        erased_by: index of the entry that says that a blob was erased, or None. Asked only of what is not there.
    """

    def __init__(
        self, root: Path, vault: Vault | None = None, erased_by: Callable[[str], int | None] | None = None
    ) -> None:
        self._root = root
        self._vault = vault or Vault(root.parent / "keys" / "subjects")
        self._erased_by = erased_by or _nobody

    def put(self, data: bytes, media_type: str, salted: bool = False, subject: str | None = None) -> BlobRef:
        """Store bytes. ``salted`` draws a fresh salt and encrypts: for anything personal or guessable.

        ``subject`` says whose it is (``model.subject``): exactly what is salted has one.

        Raises:
            LedgerError: ``subject-erased``, ``subject-malformed``, ``subject-key-damaged``.
            StorageError: ``storage-full``, ``storage-unwritable``, ``storage-failed``.
        """
        if salted != (subject is not None):
            raise AssertionError("what is salted has a subject, and nothing else has")
        plain = secrets.token_bytes(SALT_SIZE) + data if salted else data
        digest = hashlib.sha256(plain).hexdigest()
        stored = self._vault.seal(subject, digest, plain) if subject is not None else plain
        path = self._place(digest)
        with storage_errors(path):
            make_folder(path.parent)
            with replacing(path, _MODE) as stream:  # also over an existing file: that heals a damaged one
                stream.write(stored)
        return BlobRef(sha256=digest, size=len(plain), media_type=media_type, salted=salted)

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
        """The content: decrypted, without the salt, digest checked.

        Raises:
            LedgerError: ``blob-erased`` if the log says so, else ``blob-missing``; ``blob-corrupt``,
                ``subject-key-damaged``.
            StorageError: ``storage-unwritable``, ``storage-failed``.
        """
        plain = self.stored(ref)
        return plain[SALT_SIZE:] if ref.salted else plain

    def stored(self, ref: BlobRef) -> bytes:
        """What the digest covers: salt, if any, and content; never ciphertext. Raises as ``read``."""
        path = self._present(ref)
        with storage_errors(path), path.open("rb") as stream:
            most = min(ref.size + OVERHEAD, path.stat().st_size) + 1  # a record may claim any size
            data = stream.read(most) if ref.salted else stream.read()
        if ref.salted and hashlib.sha256(data).hexdigest() != ref.sha256:
            try:
                data = self._vault.open(ref.sha256, data)
            except KeyGone:
                raise self._absent(ref, "cannot be opened: its subject's key is not here") from None
        if hashlib.sha256(data).hexdigest() != ref.sha256 or (ref.salted and len(data) < SALT_SIZE):
            raise _corrupt(ref)
        return data

    def path(self, ref: BlobRef) -> Path:
        """Where an unsalted blob lies, for readers that stream. The digest is not checked: see ``check``.

        Raises:
            LedgerError: ``blob-erased``, ``blob-missing``; ``blob-encrypted`` if it is salted.
        """
        if ref.salted:
            raise LedgerError(
                "blob-encrypted",
                f"The {ref.media_type} blob {ref.sha256[:16]} is encrypted: it cannot be read as a file.",
                "Its record is not what it should be. Run `void-audit ledger fsck`.",
            )
        return self._present(ref)

    def ref(self, sha256: str, media_type: str) -> BlobRef:
        """A reference to an unsalted blob that is known by its digest alone, such as a subject.

        Raises:
            LedgerError: ``blob-erased``, ``blob-missing``.
        """
        path = self.path(BlobRef(sha256=sha256, size=0, media_type=media_type))
        return BlobRef(sha256=sha256, size=path.stat().st_size, media_type=media_type)

    def check(self, ref: BlobRef) -> None:
        """Check size and digest; returns only if both are right. Constant memory unless salted. Raises as ``read``."""
        if ref.salted:
            if len(self.stored(ref)) != ref.size:
                raise _corrupt(ref)
            return
        path = self._present(ref)
        with storage_errors(path):
            size = path.stat().st_size
        if size != ref.size or sha256_file(path) != ref.sha256:
            raise _corrupt(ref)

    def size_of(self, digest: str) -> int | None:
        """Bytes that are stored under a digest, whether or not they can be read; None if there are none.

        Raises:
            StorageError: ``storage-unwritable``, ``storage-failed``.
        """
        path = self._place(digest)
        with storage_errors(path):
            try:
                return path.stat().st_size
            except FileNotFoundError:
                return None

    def delete(self, digest: str) -> None:
        """Take the file away, durably. Doing it again changes nothing. The record of it comes first: ``erasing``.

        Raises:
            StorageError: ``storage-unwritable``, ``storage-failed``.
        """
        path = self._place(digest)
        with storage_errors(path):
            if path.parent.is_dir():
                path.unlink(missing_ok=True)
                sync_folder(path.parent)

    def has_key(self, subject: str) -> bool:
        """Whether what is stored of a subject can be opened here. Raises as ``read``."""
        return self._vault.holds(subject)

    def destroy_key(self, subject: str) -> None:
        """Destroy a subject's key: nothing that was stored of it can be read again. Raises as ``put``."""
        self._vault.destroy(subject)

    def _present(self, ref: BlobRef) -> Path:
        path = self._place(ref.sha256)
        if not path.is_file():
            raise self._absent(ref, f"is not in {self._root}")
        return path

    def _absent(self, ref: BlobRef, why: str) -> LedgerError:
        """Erased, if the log says so; where the log cannot tell, missing is all that can be said."""
        try:
            entry = self._erased_by(ref.sha256)
        except VoidAuditError:
            entry = None
        if entry is not None:
            return LedgerError(
                "blob-erased",
                f"The {ref.media_type} blob {ref.sha256[:16]} was erased: entry {entry} of the log says so.",
                "It is gone for good; what the log proves of it still holds.",
            )
        return LedgerError(
            "blob-missing",
            f"The {ref.media_type} blob {ref.sha256[:16]} {why}.",
            "Restore it from a backup, or look for the record of its erasure.",
        )

    def _place(self, digest: str) -> Path:
        return self._root / "sha256" / digest[:2] / digest


def _nobody(digest: str) -> int | None:
    return None


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
