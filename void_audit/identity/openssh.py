"""OpenSSH's public keys of type ssh-ed25519, as bytes and as a one-line file (RFC 4253 6.6, RFC 8709).

Other types are refused by name: RSA and ECDSA would need other checks in every verifier, and a FIDO key
(``sk-ssh-ed25519``) signs a message of its own around the data, so its signature is no plain Ed25519 one.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import struct

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from void_audit.canon.keys import raw_ed25519
from void_audit.errors import IdentityError

ED25519 = b"ssh-ed25519"
MAX_LINE = 4_000
"""Bytes of a public key file."""

_DER = (serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)


def der_of_blob(blob: bytes) -> bytes:
    """SubjectPublicKeyInfo (DER) of an ssh-ed25519 key blob.

    Raises:
        IdentityError: ``key-type`` for a key of another type, ``key-unreadable``.
    """
    kind, rest = read_string(blob)
    if kind != ED25519:
        raise IdentityError(
            "key-type",
            f"An SSH key of type {kind[:60].decode('ascii', 'replace')!r} cannot be used.{_why(kind)}",
            "Make one with `ssh-keygen -t ed25519`.",
        )
    raw, rest = read_string(rest)
    if len(raw) != 32 or rest:
        raise _unreadable("its Ed25519 key is not of 32 bytes")
    return Ed25519PublicKey.from_public_bytes(raw).public_bytes(*_DER)


def blob_of_der(public_der: bytes) -> bytes:
    """The key blob of an Ed25519 SubjectPublicKeyInfo. Raises IdentityError ``key-unreadable``."""
    raw = raw_ed25519(public_der)
    if raw is None:
        raise _unreadable("it is not an Ed25519 key")
    return string(ED25519) + string(raw)


def fingerprint(blob: bytes) -> str:
    """``SHA256:...`` as ssh-add -l prints it."""
    return "SHA256:" + base64.b64encode(hashlib.sha256(blob).digest()).decode().rstrip("=")


def parse_line(data: bytes) -> bytes:
    """SubjectPublicKeyInfo (DER) of a public key file: one line, type, base64 and perhaps a comment.

    Raises:
        IdentityError: ``key-type``, ``key-private``, ``key-unreadable``.
    """
    if b"PRIVATE KEY" in data:
        raise IdentityError(
            "key-private",
            "This is a private key.",
            "Name the .pub file beside it: the private one stays yours.",
        )
    if len(data) > MAX_LINE or b"\n" in data.strip():
        raise _unreadable("it is not one line")
    words = data.strip().split(None, 2)
    if len(words) < 2:
        raise _unreadable("it is no OpenSSH public key")
    try:
        blob = base64.b64decode(words[1], validate=True)
    except (binascii.Error, ValueError) as error:
        raise _unreadable("it is no OpenSSH public key") from error
    der = der_of_blob(blob)
    if words[0] != ED25519:
        raise _unreadable("it says another type than its key has")
    return der


def line(public_der: bytes, comment: str) -> bytes:
    """A public key file. ``comment`` is printable and without line feeds: a person's name here."""
    return b"%b %b %b\n" % (ED25519, base64.b64encode(blob_of_der(public_der)), comment.encode())


def string(data: bytes) -> bytes:
    """An SSH string: 32-bit length and bytes (RFC 4251 5)."""
    return struct.pack(">I", len(data)) + data


def read_string(data: bytes) -> tuple[bytes, bytes]:
    """An SSH string and what follows it. Raises IdentityError ``key-unreadable`` if it is cut off."""
    if len(data) < 4:
        raise _unreadable("it is cut off")
    (size,) = struct.unpack(">I", data[:4])
    if size > len(data) - 4:
        raise _unreadable("it is cut off")
    return data[4 : 4 + size], data[4 + size :]


def _why(kind: bytes) -> str:
    if kind.startswith(b"sk-"):
        return (
            " A FIDO key signs a message of its own around the data: no plain Ed25519 signature comes of it."
        )
    return " Records are signed with Ed25519 alone."


def _unreadable(why: str) -> IdentityError:
    return IdentityError(
        "key-unreadable", f"An SSH public key cannot be used: {why}.", "Name a file like id_ed25519.pub."
    )
