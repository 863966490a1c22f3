import hashlib

import cbor2
import pytest
from desk import Desk
from hypothesis import given, settings
from hypothesis import strategies as st

from void_audit.audit.jumbf import MAX_SIGNATURE, certificate_chain
from void_audit.errors import ManifestError


def box(kind, content):
    return (8 + len(content)).to_bytes(4, "big") + kind + content


def superbox(label, *children):
    return box(b"jumb", box(b"jumd", bytes(16) + b"\x03" + label.encode() + b"\0") + b"".join(children))


def cose(protected, unprotected=None):
    return cbor2.CBORTag(18, [cbor2.dumps(protected), unprotected or {}, None, b"sig"])


def store(message, label="urn:c2pa:1"):
    content = message if isinstance(message, bytes) else cbor2.dumps(message)
    return superbox("c2pa", superbox(label, superbox("c2pa.signature", box(b"cbor", content))))


@pytest.mark.parametrize("chain", [b"leaf", [b"leaf"], [b"leaf", b"issuer"]])
@pytest.mark.parametrize("name", [33, "x5chain"])
def test_the_chain_of_the_protected_header(name, chain):
    found = certificate_chain(store(cose({1: -7, name: chain}, {33: b"unsigned"})), "urn:c2pa:1")
    assert found == ((chain,) if isinstance(chain, bytes) else tuple(chain))


BAD = {
    "only unprotected": store(cose({1: -7}, {33: b"leaf"})),
    "no certificate": store(cose({33: []})),
    "text for a certificate": store(cose({33: ["leaf"]})),
    "too many": store(cose({33: [b"leaf"] * 11})),
    "not COSE": store({"a": 1}),
    "not CBOR": store(b"\xff\xff"),
    "too large": store(cose({33: b"x" * MAX_SIGNATURE})),
    "nested deeply": store(b"\x81" * 100_000 + b"\x00"),
    "a key twice": store(cbor2.CBORTag(18, [b"\xa2\x18\x21\x41a\x18\x21\x41b", {}, None, b""])),
    "another manifest": store(cose({33: b"leaf"}), "urn:c2pa:2"),
    "no signature": superbox("c2pa", superbox("urn:c2pa:1")),
    "two of the same label": superbox("c2pa", *[superbox("urn:c2pa:1", superbox("c2pa.signature"))] * 2),
    "nothing": b"",
    "size beyond the end": b"\x00\x00\xff\xffjumb",
    "size below the head": b"\x00\x00\x00\x03jumb",
    "no description": box(b"jumb", box(b"free", b"1234")),
}


@pytest.mark.parametrize("how", BAD)
def test_anything_else_is_a_manifest_error(how):
    with pytest.raises(ManifestError) as caught:
        certificate_chain(BAD[how], "urn:c2pa:1")
    assert caught.value.code == "manifest-malformed"


@settings(max_examples=150)
@given(st.data())
def test_bytes_changed_at_random_never_raise_anything_else(data):
    good = bytearray(store(cose({1: -7, 33: [b"leaf", b"issuer"]})))
    for _ in range(data.draw(st.integers(1, 4))):
        good[data.draw(st.integers(0, len(good) - 1))] = data.draw(st.integers(0, 255))
    try:
        chain = certificate_chain(bytes(good), "urn:c2pa:1")
    except ManifestError:
        return
    assert all(isinstance(certificate, bytes) for certificate in chain)


def test_it_is_the_ledgers_certificate(tmp_path):
    desk = Desk(tmp_path)
    data = desk.seal().read_bytes()
    at = data.index(b"jumb\x00\x00\x00\x1ejumdc2pa") - 4
    found = certificate_chain(data[at : at + int.from_bytes(data[at : at + 4], "big")], manifest_label(data))
    assert [hashlib.sha256(c).hexdigest() for c in found] == [desk.chain.certificate_sha256]


def manifest_label(data):
    at = data.index(b"urn:c2pa:")
    return data[at : data.index(b"\0", at)].decode()
