"""DSSE v1 envelopes in one exact encoding: the leaves of the log (spec/ledger 1, ADR 0001).

An envelope is the RFC 8785 JSON of ``{"payload", "payloadType", "signatures": [{"keyid", "sig"}]}`` with
standard padded base64, at most 65,535 bytes. Signatures cover ``pae``, so the *payload* is never
re-encoded to check one.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from void_audit.canon import jcs
from void_audit.canon.keys import ed25519_valid, raw_ed25519
from void_audit.errors import EnvelopeError
from void_audit.model.records import PAYLOAD_TYPE, KeyId
from void_audit.model.signing import Signer

MAX_ENVELOPE = 65_535
"""Bytes: the entry bundles of tlog-tiles have a 16-bit length."""

MAX_SIGNATURES = 16

_KEY_ID = re.compile(r"[0-9a-f]{64}")
_PAYLOAD_TYPE = re.compile(r"[\x21-\x7e]{1,200}")


@dataclass(frozen=True)
class Signature:
    """One signature and the key that it names."""

    key_id: KeyId
    sig: bytes


@dataclass(frozen=True)
class Envelope:
    """A parsed envelope. That it parses says nothing of its signatures: see ``verify``."""

    payload: bytes
    payload_type: str
    signatures: tuple[Signature, ...]

    @classmethod
    def parse(cls, data: bytes) -> Envelope:
        """Parse exactly the bytes that ``to_bytes`` writes.

        Raises:
            EnvelopeError: ``envelope-too-large``, a ``json-*`` code of ``jcs.parse``,
                ``envelope-malformed`` or ``envelope-not-canonical``.
        """
        _check_size(len(data))
        obj = jcs.parse(data, MAX_ENVELOPE, error=EnvelopeError)
        fields = _fields(obj, {"payload", "payloadType", "signatures"})
        if not isinstance(fields["signatures"], list):
            raise _malformed("signatures is not a list")
        envelope = cls(
            payload=_decode(fields["payload"], "payload"),
            payload_type=_text(fields["payloadType"], _PAYLOAD_TYPE, "payloadType"),
            signatures=tuple(_signature(item) for item in fields["signatures"]),
        )
        envelope._check_signers()
        if envelope.to_bytes() != data:
            raise EnvelopeError(
                "envelope-not-canonical",
                "The envelope is not in its one canonical encoding.",
                "Write it with RFC 8785 and standard base64; signatures are not affected.",
            )
        return envelope

    def to_bytes(self) -> bytes:
        """The canonical bytes."""
        return jcs.canonical(
            {
                "payload": base64.b64encode(self.payload).decode(),
                "payloadType": self.payload_type,
                "signatures": [
                    {"keyid": s.key_id, "sig": base64.b64encode(s.sig).decode()} for s in self.signatures
                ],
            }
        )

    @property
    def pae(self) -> bytes:
        """The bytes that are signed."""
        return pae(self.payload_type, self.payload)

    @property
    def key_ids(self) -> tuple[KeyId, ...]:
        """Keys that claim to have signed."""
        return tuple(s.key_id for s in self.signatures)

    def verify(self, keys: Mapping[KeyId, bytes]) -> None:
        """Check every signature; returns only if all are good. An unknown signer is an error too.

        Args:
            keys: SubjectPublicKeyInfo (DER) by key id.

        Raises:
            EnvelopeError: ``signer-unknown`` or ``signature-invalid``.
        """
        signed = self.pae
        for signature in self.signatures:
            public = keys.get(signature.key_id)
            if public is None:
                raise EnvelopeError(
                    "signer-unknown",
                    f"No known key is {signature.key_id[:16]}.",
                    "Look for the key event that enrols it, or treat the record as forged.",
                )
            raw = raw_ed25519(public)
            if raw is None or not ed25519_valid(raw, signed, signature.sig):
                raise EnvelopeError(
                    "signature-invalid",
                    f"A signature does not match its data under key {signature.key_id[:16]}.",
                    "The record was changed after it was signed, or names a key that did not sign it.",
                )

    def _check_signers(self) -> None:
        if not 1 <= len(self.signatures) <= MAX_SIGNATURES:
            raise _malformed(f"{len(self.signatures)} signatures, where 1 to {MAX_SIGNATURES} are allowed")
        if len(set(self.key_ids)) != len(self.signatures):
            raise _malformed("a key signs twice")


def pae(payload_type: str, payload: bytes) -> bytes:
    """DSSE pre-authentication encoding; lengths count bytes."""
    kind = payload_type.encode()
    return b"DSSEv1 %d %b %d %b" % (len(kind), kind, len(payload), payload)


def seal(payload: bytes, signers: Sequence[Signer]) -> bytes:
    """Envelope bytes of an in-toto statement signed by each of ``signers``, in their order.

    Raises:
        EnvelopeError: ``envelope-too-large``: move content into blobs; ``envelope-malformed`` for no
            signer, or one twice.
    """
    signed = pae(PAYLOAD_TYPE, payload)
    signatures = tuple(Signature(signer.key_id, signer.sign(signed)) for signer in signers)
    envelope = Envelope(payload, PAYLOAD_TYPE, signatures)
    envelope._check_signers()
    data = envelope.to_bytes()
    _check_size(len(data))
    return data


def _check_size(size: int) -> None:
    if size > MAX_ENVELOPE:
        raise EnvelopeError(
            "envelope-too-large",
            f"An envelope of {size} bytes; an entry holds at most {MAX_ENVELOPE}.",
            "Keep large content in blobs and name it by digest.",
        )


def _signature(item: object) -> Signature:
    fields = _fields(item, {"keyid", "sig"})
    sig = _decode(fields["sig"], "sig")
    if not sig:
        raise _malformed("a signature is empty")
    return Signature(_text(fields["keyid"], _KEY_ID, "keyid"), sig)


def _fields(obj: object, names: set[str]) -> dict[str, object]:
    if not isinstance(obj, dict) or set(obj) != names:
        raise _malformed(f"an object with exactly the keys {', '.join(sorted(names))} was expected")
    return obj


def _text(value: object, pattern: re.Pattern[str], name: str) -> str:
    if not isinstance(value, str) or not pattern.fullmatch(value):
        raise _malformed(f"{name} is not of its form")
    return value


def _decode(value: object, name: str) -> bytes:
    if not isinstance(value, str):
        raise _malformed(f"{name} is not text")
    try:
        return base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError) as error:
        raise _malformed(f"{name} is not standard base64") from error


def _malformed(why: str) -> EnvelopeError:
    return EnvelopeError(
        "envelope-malformed",
        f"Not a DSSE envelope of this log: {why}.",
        "It was damaged or is something else.",
    )
