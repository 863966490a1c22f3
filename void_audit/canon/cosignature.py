"""C2SP tlog-cosignature: a witness says that it saw a checkpoint, and when (spec/ledger 1).

Type 0x04 is Ed25519 over the checkpoint's text (cosignature/v1), type 0x06 ML-DSA-44 over size and root
(subtree/v1). Either is a note signature that begins with the time, eight bytes, big-endian.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass

from void_audit.canon import ml_dsa
from void_audit.canon.checkpoint import parse_text
from void_audit.canon.keys import ed25519_valid
from void_audit.canon.note import Note, NoteSignature, TypedKey, check_name, signatures_of
from void_audit.errors import NoteError

ED25519_COSIGNATURE = 0x04
ML_DSA_44_COSIGNATURE = 0x06

MAX_TIME = 2**63 - 1
MAX_LABEL = 255
"""Bytes of a name in what ML-DSA signs."""

_KEY_SIZES = {ED25519_COSIGNATURE: 32, ML_DSA_44_COSIGNATURE: ml_dsa.PUBLIC_SIZE}
_SIGNATURE_SIZES = {ED25519_COSIGNATURE: 64, ML_DSA_44_COSIGNATURE: ml_dsa.SIGNATURE_SIZE}


@dataclass(frozen=True)
class CosignerKey:
    """The key of a witness: type 0x04 or 0x06. Implements ``note.NoteKey``."""

    name: str
    type: int
    public: bytes
    """32 or 1312 bytes."""

    @property
    def key_hash(self) -> bytes:
        """First four bytes of SHA-256(name || LF || type || key)."""
        return self._typed.key_hash

    def __str__(self) -> str:
        return str(self._typed)

    @property
    def _typed(self) -> TypedKey:
        return TypedKey(self.name, self.type, self.public)

    @classmethod
    def parse(cls, vkey: str) -> CosignerKey:
        """Parse the vkey of a witness.

        Raises:
            NoteError: ``vkey-malformed``; ``vkey-type`` for other types, such as that of a log.
            IdentityError: ``ml-dsa-missing``: the key is of type 0x06, which cannot be checked here.
        """
        key = TypedKey.parse(vkey, _KEY_SIZES)
        if key.type == ML_DSA_44_COSIGNATURE:
            ml_dsa.need()
        return cls(key.name, key.type, key.public)

    def verifies(self, text: str, signature: bytes) -> bool:
        """Whether ``signature`` is this key's cosignature of the checkpoint with this text."""
        if len(signature) != 8 + _SIGNATURE_SIZES[self.type]:
            return False
        at = time_of(signature)
        if at > MAX_TIME:
            return False
        try:
            data = signed_data(self, text, at)
        except NoteError:  # no checkpoint: no witness signs anything else
            return False
        valid = ed25519_valid if self.type == ED25519_COSIGNATURE else ml_dsa.valid
        return valid(self.public, data, signature[8:])


def time_of(signature: bytes) -> int:
    """When a cosignature says that it was made: seconds since 1970, or 0 if it does not say."""
    return int.from_bytes(signature[:8], "big")


def signed_data(key: CosignerKey, text: str, at: int) -> bytes:
    """What is signed for the checkpoint with this text.

    Raises:
        NoteError: ``checkpoint-malformed``, or ``key-name`` if a name is too long for ML-DSA.
    """
    checkpoint = parse_text(text)
    if key.type == ED25519_COSIGNATURE:
        return f"cosignature/v1\ntime {at}\n{text}".encode()
    return b"".join(
        (
            b"subtree/v1\n\x00",
            _label(key.name),
            struct.pack(">Q", at),
            _label(checkpoint.origin),
            struct.pack(">QQ", 0, checkpoint.size),
            checkpoint.root,
        )
    )


def cosign(text: str, key: CosignerKey, sign: Callable[[bytes], bytes], at: int) -> NoteSignature:
    """Cosign the checkpoint with this text and check the result, so that a faulty signer is noticed here.

    Args:
        text: of a checkpoint that extends all that this witness has cosigned of its log.
        key: the witness's public key.
        sign: its private half.
        at: now, in seconds since 1970; 1 to 2^63 - 1.

    Raises:
        NoteError: ``checkpoint-malformed``, ``key-name``, ``note-signature-bad``.
    """
    check_name(key.name)
    if not 0 < at <= MAX_TIME:
        raise NoteError("cosignature-time", f"Nothing can be cosigned at {at}.", "Set the machine's clock.")
    signature = struct.pack(">Q", at) + sign(signed_data(key, text, at))
    line = NoteSignature(key.name, key.key_hash, signature)
    signatures_of(Note(text, (line,)), key)
    return line


def _label(name: str) -> bytes:
    data = name.encode()
    if not 1 <= len(data) <= MAX_LABEL:
        raise NoteError(
            "key-name", f"A name of {len(data)} bytes cannot be cosigned with ML-DSA.", "Shorten it."
        )
    return bytes([len(data)]) + data
