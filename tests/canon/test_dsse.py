from __future__ import annotations

import base64
import json

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_der_public_key
from securesystemslib import dsse as oracle
from securesystemslib.exceptions import VerificationError
from securesystemslib.signer import SSlibKey

from void_audit.canon.dsse import MAX_ENVELOPE, Envelope, seal
from void_audit.canon.keys import key_id, raw_ed25519
from void_audit.errors import EnvelopeError
from void_audit.identity.keys import FileSigner

ALICE, BOB = (FileSigner(Ed25519PrivateKey.from_private_bytes(bytes([n]) * 32)) for n in (7, 8))
KEYS = {s.key_id: s.public_der for s in (ALICE, BOB)}


def spoil(data: bytes, **fields: object) -> bytes:
    return json.dumps({**json.loads(data), **fields}, sort_keys=True, separators=(",", ":")).encode()


def test_parse_gives_back_what_was_sealed() -> None:
    data = seal(b"payload", [ALICE, BOB])
    envelope = Envelope.parse(data)
    assert envelope.payload == b"payload"
    assert envelope.key_ids == (ALICE.key_id, BOB.key_id)
    assert envelope.to_bytes() == data
    envelope.verify(KEYS)


def test_securesystemslib_verifies_our_envelope() -> None:
    data = seal(b'{"any":"payload"}', [ALICE, BOB])
    keys = [SSlibKey.from_crypto(load_der_public_key(s.public_der), keyid=s.key_id) for s in (ALICE, BOB)]
    theirs = oracle.Envelope.from_dict(json.loads(data))
    assert set(theirs.verify(keys, threshold=2)) == {ALICE.key_id, BOB.key_id}
    assert theirs.pae() == Envelope.parse(data).pae
    changed = oracle.Envelope.from_dict(json.loads(spoil(data, payload=base64.b64encode(b"x").decode())))
    with pytest.raises(VerificationError):
        changed.verify(keys, threshold=1)


@pytest.mark.parametrize("field", ["payload", "payloadType"])
def test_a_changed_field_breaks_the_signature(field: str) -> None:
    data = spoil(seal(b"payload", [ALICE]), **{field: "eHh4"})
    with pytest.raises(EnvelopeError) as caught:
        Envelope.parse(data).verify(KEYS)
    assert caught.value.code == "signature-invalid"


def test_one_bad_signature_among_good_ones_is_not_forgiven() -> None:
    first, second = json.loads(seal(b"payload", [ALICE, BOB]))["signatures"]
    data = spoil(seal(b"payload", [ALICE]), signatures=[first, {**second, "sig": first["sig"]}])
    with pytest.raises(EnvelopeError) as caught:
        Envelope.parse(data).verify(KEYS)
    assert caught.value.code == "signature-invalid"


def test_an_unknown_signer_is_not_ignored() -> None:
    with pytest.raises(EnvelopeError) as caught:
        Envelope.parse(seal(b"payload", [ALICE, BOB])).verify({ALICE.key_id: ALICE.public_der})
    assert caught.value.code == "signer-unknown"


def test_a_key_of_another_type_verifies_nothing() -> None:
    other = generate_private_key(SECP256R1()).public_key()
    der = other.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    with pytest.raises(EnvelopeError) as caught:
        Envelope.parse(seal(b"payload", [ALICE])).verify({ALICE.key_id: der})
    assert caught.value.code == "signature-invalid"
    assert raw_ed25519(der) is None
    assert raw_ed25519(b"not DER") is None
    assert raw_ed25519(ALICE.public_der + b"\0") is None


def test_the_key_id_is_the_digest_of_the_public_key() -> None:
    assert key_id(ALICE.public_der) == ALICE.key_id


def test_the_largest_envelope_is_65535_bytes() -> None:
    overhead = len(seal(b"", [ALICE]))
    room = (MAX_ENVELOPE - overhead) // 4 * 3
    assert len(seal(bytes(room), [ALICE])) <= MAX_ENVELOPE
    with pytest.raises(EnvelopeError) as caught:
        seal(bytes(room + 3), [ALICE])
    assert caught.value.code == "envelope-too-large"


@pytest.mark.parametrize("signers", [[], [ALICE, ALICE]])
def test_nobody_or_the_same_person_twice_seals_nothing(signers: list[FileSigner]) -> None:
    with pytest.raises(EnvelopeError) as caught:
        seal(b"payload", signers)
    assert caught.value.code == "envelope-malformed"
