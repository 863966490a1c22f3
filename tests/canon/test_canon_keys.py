from __future__ import annotations

import hashlib

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, rsa, x25519
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given, settings
from hypothesis import strategies as st

from void_audit.canon.keys import ed25519_valid, key_id, raw_ed25519

RAW = bytes.fromhex("fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025")
DATA = bytes.fromhex("af82")
SIGNATURE = bytes.fromhex(
    "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac"
    "18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a"
)
"""RFC 8032 section 7.1, test 3."""

PREFIX = bytes.fromhex("302a300506032b6570032100")
"""RFC 8410: what stands before the 32 bytes."""
DER = PREFIX + RAW
ORDER = 2**252 + 27742317777372353535851937790883648493


def der(key: object) -> bytes:
    return key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def test_the_vector_of_the_rfc() -> None:
    assert raw_ed25519(DER) == RAW
    assert ed25519_valid(RAW, DATA, SIGNATURE)


def test_the_name_is_the_digest_of_exactly_these_bytes() -> None:
    assert key_id(DER) == hashlib.sha256(DER).hexdigest()
    assert key_id(DER + b"\0") != key_id(DER)


@pytest.mark.parametrize("place", [0, 31, 32, 63])
def test_no_bit_of_signature_data_or_key_can_change(place: int) -> None:
    bent = bytearray(SIGNATURE)
    bent[place] ^= 1
    assert not ed25519_valid(RAW, DATA, bytes(bent))
    assert not ed25519_valid(RAW, b"\xaf\x83", SIGNATURE)
    assert not ed25519_valid(RAW[:5] + bytes([RAW[5] ^ 1]) + RAW[6:], DATA, SIGNATURE)


def test_a_signature_has_one_form() -> None:
    """s + L would satisfy the equation as well, and give a record a second leaf."""
    s = int.from_bytes(SIGNATURE[32:], "little") + ORDER
    assert not ed25519_valid(RAW, DATA, SIGNATURE[:32] + s.to_bytes(32, "little"))


@pytest.mark.parametrize("signature", [b"", SIGNATURE[:63], SIGNATURE + b"\0", bytes(64), b"\xff" * 64])
def test_what_is_no_signature_is_not_good(signature: bytes) -> None:
    assert not ed25519_valid(RAW, DATA, signature)


@pytest.mark.parametrize("raw", [b"", RAW[:31], RAW + b"\0", DER, b"\xff" * 32])
def test_what_is_no_key_finds_nothing_good(raw: bytes) -> None:
    assert not ed25519_valid(raw, DATA, SIGNATURE)


OTHER_KINDS = {
    "x25519": lambda: der(x25519.X25519PrivateKey.generate()),
    "ed448": lambda: der(ed448.Ed448PrivateKey.generate()),
    "p-256": lambda: der(ec.generate_private_key(ec.SECP256R1())),
    "rsa": lambda: der(rsa.generate_private_key(65537, 2048)),
    "raw": lambda: RAW,
    "private": lambda: bytes.fromhex("302e020100300506032b657004220420") + RAW,
    "pem": lambda: ed25519.Ed25519PublicKey.from_public_bytes(RAW).public_bytes(
        Encoding.PEM, PublicFormat.SubjectPublicKeyInfo
    ),
}  # fmt: skip


@pytest.mark.parametrize("kind", OTHER_KINDS)
def test_a_key_of_another_kind_or_form_is_none(kind: str) -> None:
    assert raw_ed25519(OTHER_KINDS[kind]()) is None


@pytest.mark.parametrize(
    "public",
    [
        bytes.fromhex("30812a300506032b6570032100") + RAW,  # a length in two bytes
        bytes.fromhex("302c300706032b65700500032100") + RAW,  # NULL parameters, which RFC 8410 forbids
        bytes.fromhex("302a300506032b6570032101") + RAW,  # an unused bit
        bytes.fromhex("3080300506032b6570032100") + RAW + b"\0\0",  # of indefinite length
        DER[:-1],
        DER * 2,
        b"",
    ],
)
def test_one_key_has_one_encoding_and_so_one_name(public: bytes) -> None:
    assert raw_ed25519(public) is None


@given(st.integers(0, len(PREFIX) - 1), st.integers(1, 255))
@settings(max_examples=60)
def test_a_bent_header_is_never_read(place: int, flip: int) -> None:
    bent = bytearray(DER)
    bent[place] ^= flip
    assert raw_ed25519(bytes(bent)) is None
