"""The formats of the ledger, written down a second time, naively: standard library and Ed25519 only."""

from __future__ import annotations

import base64
import hashlib
import json
from typing import Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

PAYLOAD_TYPE = "application/vnd.in-toto+json"


def b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def sha(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()


def compact(value: object) -> bytes:
    """RFC 8785 for values of ASCII text, which is all that is needed here."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False).encode()


def key_of(seed: bytes) -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(seed)


def spki(seed: bytes) -> bytes:
    public = key_of(seed).public_key()
    return public.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)


# RFC 6962 2.1, as it is written there.


def leaf(data: bytes) -> bytes:
    return sha(b"\x00" + data)


def split(n: int) -> int:
    k = 1
    while k * 2 < n:
        k *= 2
    return k


def mth(leaves: list[bytes]) -> bytes:
    if len(leaves) <= 1:
        return leaves[0] if leaves else sha(b"")
    k = split(len(leaves))
    return sha(b"\x01" + mth(leaves[:k]) + mth(leaves[k:]))


def path(m: int, leaves: list[bytes]) -> list[bytes]:
    if len(leaves) == 1:
        return []
    k = split(len(leaves))
    if m < k:
        return [*path(m, leaves[:k]), mth(leaves[k:])]
    return [*path(m - k, leaves[k:]), mth(leaves[:k])]


def subproof(m: int, leaves: list[bytes], whole: bool) -> list[bytes]:
    if m == len(leaves):
        return [] if whole else [mth(leaves)]
    k = split(len(leaves))
    if m <= k:
        return [*subproof(m, leaves[:k], whole), mth(leaves[k:])]
    return [*subproof(m - k, leaves[k:], False), mth(leaves[:k])]


def hexes(hashes: list[bytes]) -> list[str]:
    return [h.hex() for h in hashes]


def pae(kind: str, payload: bytes) -> bytes:
    return b"DSSEv1 %d %b %d %b" % (len(kind), kind.encode(), len(payload), payload)


def envelope(payload: bytes, seeds: list[bytes]) -> dict[str, Any]:
    signed = pae(PAYLOAD_TYPE, payload)
    return {
        "payload": b64(payload),
        "payloadType": PAYLOAD_TYPE,
        "signatures": [{"keyid": sha(spki(s)).hex(), "sig": b64(key_of(s).sign(signed))} for s in seeds],
    }


def key_hash(name: str, public: bytes) -> bytes:
    return sha(name.encode() + b"\n\x01" + public)[:4]


def raw(seed: bytes) -> bytes:
    return key_of(seed).public_key().public_bytes_raw()


def vkey(name: str, seed: bytes) -> str:
    return f"{name}+{key_hash(name, raw(seed)).hex()}+{b64(bytes([1]) + raw(seed))}"


def signature(text: str, name: str, seed: bytes) -> str:
    return f"\u2014 {name} {b64(key_hash(name, raw(seed)) + key_of(seed).sign(text.encode()))}\n"
