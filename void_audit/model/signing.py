"""What it takes to sign: implemented by files, agents and modules in ``identity``."""

from __future__ import annotations

from typing import Protocol


class Signer(Protocol):
    """One private key, wherever it is kept."""

    @property
    def key_id(self) -> str:
        """``records.KeyId``: SHA-256 (hexadecimal) of the public key's SubjectPublicKeyInfo DER."""

    def sign(self, data: bytes) -> bytes:
        """Signature over ``data``; Ed25519 gives 64 bytes."""


class LogSigner(Signer, Protocol):
    """The key of a log: its public half becomes part of the log's name, the vkey."""

    @property
    def public_der(self) -> bytes:
        """SubjectPublicKeyInfo, DER, of an Ed25519 key."""
