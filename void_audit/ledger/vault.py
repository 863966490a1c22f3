"""Keys of subjects: each opens what is stored of one edit or one person, and nothing else (ADR 12).

Layout: ``<folder>/<SHA-256 of the subject>``, mode 0600: 32 random bytes, or ``ERASED`` where they were
destroyed. A key is durable before anything is encrypted under it. It never reaches the log, a file or a message:
destroying it closes what it encrypted, in every copy.

A sealed blob is ``void-audit-blob/v1 LF subject LF``, a 12-byte nonce, and AES-256-GCM ciphertext with its tag.
Associated data: format, SHA-256 of the plain bytes, subject. So a blob opens under one name only.
"""

from __future__ import annotations

import hashlib
import os
import secrets
from contextlib import suppress
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from void_audit.errors import LedgerError
from void_audit.ledger.durable import make_folder, replacing, storage_errors, sync_folder
from void_audit.model.subject import is_subject

FORMAT = b"void-audit-blob/v1"
KEY_SIZE = 32
ERASED = b"erased".ljust(KEY_SIZE, b"\n")
"""What is written over a destroyed key: nothing is ever encrypted for this subject again."""
_NONCE_SIZE = 12
_TAG_SIZE = 16
_MAX_HEADER = 128
OVERHEAD = _MAX_HEADER + _NONCE_SIZE + _TAG_SIZE
"""By how many bytes a sealed blob is longer than what is in it, at most."""


class KeyGone(Exception):
    """The subject's key is not here: it was destroyed, or it was never brought along. Stays inside ``ledger``."""


class Vault:
    """The subject keys of one workspace. Safe with many threads and processes."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._durable: set[str] = set()
        """Subjects whose key this process has seen reach the disk."""

    def seal(self, subject: str, digest: str, plain: bytes) -> bytes:
        """Encrypt for ``subject``, whose key is made if there is none. ``digest``: SHA-256 of ``plain``.

        Raises:
            LedgerError: ``subject-erased``, ``subject-malformed``, ``subject-key-damaged``.
            StorageError: ``storage-full``, ``storage-unwritable``, ``storage-failed``.
        """
        key, nonce = self._present(subject), secrets.token_bytes(_NONCE_SIZE)
        sealed = AESGCM(key).encrypt(nonce, plain, _bound(digest, subject))
        return b"%s\n%s\n%s%s" % (FORMAT, subject.encode(), nonce, sealed)

    def open(self, digest: str, stored: bytes) -> bytes:
        """The plain bytes of a sealed blob that is stored as ``digest``.

        Raises:
            KeyGone: nobody here can open it.
            LedgerError: ``blob-corrupt`` unless these bytes were sealed as this digest; ``subject-key-damaged``.
            StorageError: ``storage-unwritable``, ``storage-failed``.
        """
        subject, body = _split(digest, stored)
        key = self._read(subject)
        if key is None or key == ERASED:
            raise KeyGone
        try:
            return AESGCM(key).decrypt(body[:_NONCE_SIZE], body[_NONCE_SIZE:], _bound(digest, subject))
        except InvalidTag:
            raise _corrupt(digest, "does not open under its subject's key") from None

    def holds(self, subject: str) -> bool:
        """Whether there is a key that opens what is stored of ``subject``. Raises as ``open``."""
        return self._read(subject) not in {None, ERASED}

    def destroy(self, subject: str) -> None:
        """Destroy the key, for good: no other one is made for this subject. Doing it again changes nothing.

        The key is overwritten where it lies. Flash memory and some file systems keep the old bytes a while longer.

        Raises:
            LedgerError: ``subject-malformed``, ``subject-key-damaged``.
            StorageError: ``storage-full``, ``storage-unwritable``, ``storage-failed``.
        """
        path = self._path(subject)
        with storage_errors(path):
            if path.exists():
                _overwrite(path)
                return
            make_folder(path.parent)
            with replacing(path, 0o600) as stream:
                stream.write(ERASED)

    def _present(self, subject: str) -> bytes:
        path = self._path(subject)
        key = self._read(subject)
        with storage_errors(path):
            if key is None:
                self._make(path)
                key = self._read(subject)
            if subject not in self._durable:
                sync_folder(path.parent)  # whoever made it may not have come so far
                self._durable.add(subject)
        if key is None or key == ERASED:
            raise LedgerError(
                "subject-erased",
                f"What belongs to {subject} was erased: nothing more is stored of it.",
                "`void-audit history` shows the erasure. Begin a new edit.",
            )
        return key

    def _make(self, path: Path) -> None:
        """A new key under a name that nothing has yet: of two processes one wins, and both use its key."""
        make_folder(path.parent)
        staged = path.with_name(f".{path.name}.{secrets.token_hex(8)}.new")
        try:
            descriptor = os.open(staged, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "wb") as stream:
                stream.write(secrets.token_bytes(KEY_SIZE))
                stream.flush()
                os.fsync(stream.fileno())
            with suppress(FileExistsError):
                os.link(staged, path)
        finally:
            staged.unlink(missing_ok=True)

    def _read(self, subject: str) -> bytes | None:
        path = self._path(subject)
        with storage_errors(path):
            try:
                with path.open("rb") as stream:
                    content = stream.read(KEY_SIZE + 1)
            except FileNotFoundError:
                return None
        if len(content) != KEY_SIZE:
            raise LedgerError(
                "subject-key-damaged",
                f"The file {path} does not hold a key.",
                "Restore it from a backup; what it opens cannot be read without it.",
            )
        return content

    def _path(self, subject: str) -> Path:
        if not is_subject(subject):
            raise LedgerError("subject-malformed", f"{subject[:80]!r} names no subject.", "Run fsck.")
        return self._folder / hashlib.sha256(subject.encode()).hexdigest()


def _bound(digest: str, subject: str) -> bytes:
    return b"%s\n%s\n%s" % (FORMAT, digest.encode(), subject.encode())


def _split(digest: str, stored: bytes) -> tuple[str, bytes]:
    """Subject, and nonce with ciphertext, of a sealed blob."""
    parts = stored.split(b"\n", 2) if b"\n" in stored[:_MAX_HEADER] else []
    if len(parts) != 3 or parts[0] != FORMAT:
        raise _corrupt(digest, "is no sealed blob of a known version")
    subject = parts[1].decode("ascii", "replace")
    if not is_subject(subject) or len(parts[2]) < _NONCE_SIZE + _TAG_SIZE:
        raise _corrupt(digest, "has no proper header")
    return subject, parts[2]


def _overwrite(path: Path) -> None:
    with path.open("r+b") as stream:
        stream.write(ERASED)
        stream.truncate()
        stream.flush()
        os.fsync(stream.fileno())


def _corrupt(digest: str, what: str) -> LedgerError:
    return LedgerError("blob-corrupt", f"The stored blob {digest[:16]} {what}.", "Restore it from a backup.")
