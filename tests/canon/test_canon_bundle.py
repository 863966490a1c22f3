"""A listing has one encoding, names only what a bundle may hold, and is signed as no record is."""

import json
from dataclasses import dataclass

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from void_audit.canon import bundle as layout
from void_audit.canon import jcs
from void_audit.canon.keys import key_id
from void_audit.canon.statement import read_entry
from void_audit.errors import BundleError, EnvelopeError
from void_audit.model.bundle import BundleListing, BundleMember


@dataclass(frozen=True)
class Key:
    private: Ed25519PrivateKey

    @property
    def der(self):
        return self.private.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)

    @property
    def key_id(self):
        return key_id(self.der)

    def sign(self, data):
        return self.private.sign(data)


KEY = Key(Ed25519PrivateKey.from_private_bytes(bytes(32)))


def listing(*names, **fields):
    told = {
        "edit": "e", "origin": "o", "made_by": "m", "claimed_time": "t", "size": 2, "file_size": 1,
        "consistency": ("ab" * 32,), "key_events": 1, **fields,
    }  # fmt: skip
    members = tuple(BundleMember(name=n, size=1, sha256="00" * 32) for n in names or ("README.txt",))
    return BundleListing(members=members, **told)


def bent(**fields):
    return jcs.canonical({**json.loads(layout.listing_bytes(listing())), **fields})


def test_a_listing_is_read_as_it_was_signed():
    data = layout.listing_bytes(listing())
    told, envelope = layout.open_listing(data, layout.seal_listing(data, KEY))
    assert told == listing()
    envelope.verify({KEY.key_id: KEY.der})


def test_a_signature_on_a_listing_is_none_on_an_entry():
    data = layout.listing_bytes(listing())
    with pytest.raises(EnvelopeError) as caught:
        read_entry(0, layout.seal_listing(data, KEY))
    assert caught.value.code == "record-kind-unknown"


def test_a_signature_on_another_listing_is_refused():
    one, other = layout.listing_bytes(listing()), layout.listing_bytes(listing(edit="f"))
    with pytest.raises(BundleError, match="what is signed"):
        layout.open_listing(one, layout.seal_listing(other, KEY))


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "json"),
        (b"[]", "format"),
        (layout.listing_bytes(listing()) + b" ", "canonical"),
        (layout.listing_bytes(listing()).replace(b'":"', b'": "', 1), "canonical"),
        (bent(format="void-audit-bundle/v2"), "format"),
        (bent(size="2"), "schema"),
        (bent(size=0), "schema"),
        (bent(more=1), "schema"),
        (bent(consistency=["ab"]), "schema"),
        (layout.listing_bytes(listing("README.txt", "README.txt")), "ascend"),
        (layout.listing_bytes(listing("checkpoint.txt", "README.txt")), "ascend"),
        (layout.listing_bytes(listing("../README.txt")), "no bundle has"),
        (layout.listing_bytes(listing("entries/12.json")), "no bundle has"),
        (layout.listing_bytes(listing("blobs/" + "AB" * 32)), "named by its digest"),
        (layout.listing_bytes(listing("blobs/" + "ab" * 32)), "named by its digest"),
        (layout.listing_bytes(listing("bundle.json")), "no bundle has"),
        (layout.listing_bytes(listing("bundle.dsse.json")), "no bundle has"),
    ],
)
def test_whatever_else_is_refused(data, why):
    with pytest.raises(BundleError) as caught:
        layout.read_listing(data)
    assert why in f"{caught.value.code} {caught.value.message}"


def test_every_name_that_is_made_may_be_listed():
    made = [layout.entry_name(7), layout.proof_name(10**12 - 1), layout.blob_name("ab" * 32),
            layout.token_name("file-checkpoint", 15), *layout.VIDEOS, layout.receipt_name(layout.VIDEOS[1]),
            layout.SIDECAR, layout.REPORT_HTML, layout.REPORT_JSON, layout.CHECKPOINT]  # fmt: skip
    assert all(layout.is_member(name) for name in made)
    assert layout.entry_index(layout.entry_name(7)) == 7
    assert layout.entry_index(layout.proof_name(7)) is None


def test_more_than_any_listing_has_is_not_parsed(monkeypatch):
    monkeypatch.setattr(layout, "MAX_LISTING", 10)
    with pytest.raises(BundleError) as caught:
        layout.read_listing(layout.listing_bytes(listing()))
    assert caught.value.code == "json-too-large"
