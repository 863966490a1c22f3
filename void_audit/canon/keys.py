"""Public keys by content: names, and the check of an Ed25519 signature (RFC 8032, RFC 8410)."""

from __future__ import annotations

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from void_audit.canon.hashing import sha256_hex


def key_id(public_der: bytes) -> str:
    """``records.KeyId`` of a SubjectPublicKeyInfo (DER): its SHA-256 in hexadecimal."""
    return sha256_hex(public_der)


def raw_ed25519(public_der: bytes) -> bytes | None:
    """The 32 bytes inside an Ed25519 SubjectPublicKeyInfo in canonical DER; None for anything else."""
    try:
        key = serialization.load_der_public_key(public_der)
    except (ValueError, UnsupportedAlgorithm):
        return None
    if not isinstance(key, Ed25519PublicKey):
        return None
    der = key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    return key.public_bytes_raw() if der == public_der else None


def ed25519_valid(raw_public: bytes, data: bytes, signature: bytes) -> bool:
    """Whether a signature over ``data`` is good under a 32-byte key; callers raise their own error."""
    try:
        Ed25519PublicKey.from_public_bytes(raw_public).verify(signature, data)
    except (ValueError, InvalidSignature):
        return False
    return True
