"""Ed25519 keys in files, and the check of a signature (spec/ledger 5).

A key file holds two PEM blocks: the private key (PKCS#8, encrypted unless that was refused explicitly)
and its public key, so that a key can be named without its passphrase.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from void_audit.canon.keys import ed25519_valid, key_id, raw_ed25519
from void_audit.canon.pkcs8 import private_pem
from void_audit.errors import EnvelopeError, IdentityError, StorageError

__all__ = ["FileSigner", "create", "key_id", "load", "public_der", "sync_folder", "verify", "write_new"]

MAX_KEY_FILE = 10_000
"""Bytes. A key file is under 500; anything larger is not one."""

_BLOCK = re.compile(rb"-----BEGIN ([A-Z ]+)-----\n[A-Za-z0-9+/=\n]+-----END \1-----\n")
_DER = (serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)


class FileSigner:
    """A private key that has been unlocked. Implements ``model.signing.Signer``."""

    def __init__(self, key: Ed25519PrivateKey) -> None:
        self._key = key

    @property
    def public_der(self) -> bytes:
        """SubjectPublicKeyInfo, DER."""
        return self._key.public_key().public_bytes(*_DER)

    @property
    def key_id(self) -> str:
        """SHA-256 of ``public_der``, hexadecimal."""
        return key_id(self.public_der)

    def sign(self, data: bytes) -> bytes:
        """The 64-byte Ed25519 signature over ``data`` (RFC 8032)."""
        return self._key.sign(data)

    def __repr__(self) -> str:
        return f"FileSigner({self.key_id})"


def create(path: Path, passphrase: str | None) -> FileSigner:
    """Make a key and write it to ``path``, readable by its owner only.

    Args:
        path: a file that does not exist yet; its folder is made.
        passphrase: encrypts the key. None, given explicitly, leaves it unencrypted.

    Raises:
        IdentityError: ``key-exists``, ``passphrase-empty``.
        StorageError: ``key-not-written``.
    """
    key = Ed25519PrivateKey.generate()
    text = private_pem(key, passphrase) + key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    write_new(path, text)
    return FileSigner(key)


def load(path: Path, passphrase: str | None) -> FileSigner:
    """Unlock the key in ``path``. A passphrase given for an unencrypted key is not used.

    Raises:
        IdentityError: ``key-missing``, ``key-unreadable``, ``key-exposed``, ``passphrase-needed``,
            ``passphrase-wrong``.
    """
    label, private, public = _blocks(path)
    encrypted = label == b"ENCRYPTED PRIVATE KEY"
    if encrypted and passphrase is None:
        raise IdentityError("passphrase-needed", f"The key in {path} is encrypted.", "Give its passphrase.")
    if not encrypted:
        _refuse_exposed(path)
    try:
        key = serialization.load_pem_private_key(
            private, passphrase.encode() if encrypted and passphrase is not None else None
        )
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        if encrypted:
            raise IdentityError(
                "passphrase-wrong",
                f"The passphrase does not open the key in {path}.",
                "Type it again. If you are sure of it, the file is damaged: restore it from a backup.",
            ) from error
        raise _unreadable(path, "its private key does not parse") from error
    if not isinstance(key, Ed25519PrivateKey):
        raise _unreadable(path, "it is not an Ed25519 key")
    signer = FileSigner(key)
    if signer.public_der != _public_der(public, path):
        raise _unreadable(path, "its public key belongs to another private key")
    return signer


def public_der(path: Path) -> bytes:
    """Public key of the key in ``path`` as SubjectPublicKeyInfo, DER. Needs no passphrase.

    Raises:
        IdentityError: ``key-missing``, ``key-unreadable``.
    """
    return _public_der(_blocks(path)[2], path)


def verify(public: bytes, data: bytes, signature: bytes) -> None:
    """Check an Ed25519 signature; returns only if it is good.

    Args:
        public: SubjectPublicKeyInfo, DER, in its one canonical encoding.
        data: what was signed.
        signature: 64 bytes.

    Raises:
        EnvelopeError: ``public-key-malformed``, ``signature-invalid``.
    """
    raw = raw_ed25519(public)
    if raw is None:
        raise EnvelopeError("public-key-malformed", "A public key is not an Ed25519 key in canonical DER.")
    if not ed25519_valid(raw, data, signature):
        raise EnvelopeError(
            "signature-invalid",
            f"A signature does not match its data under key {key_id(public)[:16]}.",
            "The data was changed after it was signed, or another key signed it.",
        )


def write_new(path: Path, content: bytes, mode: int = 0o600) -> None:
    """Write a file that must not exist, durably; what cannot be completed is taken away again.

    Raises:
        IdentityError: ``key-exists``.
        StorageError: ``key-not-written``.
    """
    descriptor = _open_new(path)
    try:
        with os.fdopen(descriptor, "wb") as file:
            os.fchmod(file.fileno(), mode)  # whatever the umask says
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        sync_folder(path.parent)
    except OSError as error:
        path.unlink(missing_ok=True)
        raise not_written(path, error) from error


def _open_new(path: Path) -> int:
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise not_written(path, error) from error
    try:
        return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError as error:
        hint = "A key is never overwritten: choose another name."
        raise IdentityError("key-exists", f"There is a key in {path} already.", hint) from error
    except OSError as error:
        raise not_written(path, error) from error


def not_written(path: Path, error: OSError) -> StorageError:
    """StorageError ``key-not-written``."""
    return StorageError(
        "key-not-written",
        f"The key cannot be written to {path}: {error.strerror}.",
        "Choose a place that you may write to and that has room.",
    )


def sync_folder(folder: Path) -> None:
    """Make names in ``folder`` durable. Raises OSError."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _blocks(path: Path) -> tuple[bytes, bytes, bytes]:
    """Label of the private block, the private block and the public block of a key file."""
    try:
        with path.open("rb") as file:
            content = file.read(MAX_KEY_FILE + 1)
    except FileNotFoundError as error:
        raise IdentityError("key-missing", f"There is no key in {path}.", "Create it first.") from error
    except OSError as error:
        raise _unreadable(path, error.strerror or "it cannot be opened") from error
    blocks = list(_BLOCK.finditer(content))
    labels = [block.group(1) for block in blocks]
    if (
        len(content) > MAX_KEY_FILE
        or b"".join(block.group(0) for block in blocks) != content
        or labels not in ([b"PRIVATE KEY", b"PUBLIC KEY"], [b"ENCRYPTED PRIVATE KEY", b"PUBLIC KEY"])
    ):
        raise _unreadable(path, "it does not hold one private key and its public key in PEM")
    return labels[0], blocks[0].group(0), blocks[1].group(0)


def _public_der(block: bytes, path: Path) -> bytes:
    try:
        key = serialization.load_pem_public_key(block)
    except (ValueError, UnsupportedAlgorithm) as error:
        raise _unreadable(path, "its public key does not parse") from error
    if not isinstance(key, Ed25519PublicKey):
        raise _unreadable(path, "its public key is not an Ed25519 key")
    return key.public_bytes(*_DER)


def _refuse_exposed(path: Path) -> None:
    mode = path.stat().st_mode & 0o777
    if os.name == "posix" and mode & 0o077:
        raise IdentityError(
            "key-exposed",
            f"The key in {path} is not encrypted, and others can read it (mode {mode:04o}).",
            "Treat it as stolen: revoke it and make a new one, or run chmod 600 if you know that nobody did.",
        )


def _unreadable(path: Path, why: str) -> IdentityError:
    return IdentityError(
        "key-unreadable", f"The key in {path} cannot be used: {why}.", "Restore it from a backup."
    )
