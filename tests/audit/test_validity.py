"""A signer's certificate that has expired: excused by its age alone, and only where outsiders date the file."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from outsiders import POLICY, cosigned, delivered, inner, inside, outer, pinned, token

from void_audit.audit.carrier import signer
from void_audit.audit.validity import trusted_then
from void_audit.model.report import State
from void_audit.seal.certificates import create_chain

NOW = datetime.now(UTC)
AGED = ("signingCredential.untrusted", "signingCredential.expired")


def aged(evidence, failures=AGED, **fields):
    """What C2PA says of the file when its signer's certificate is over."""
    told = replace(evidence.manifest, signer_failures=failures, trusted_signer=False, **fields)
    return replace(evidence, manifest=told)


def dated(finished, when=NOW, **options):
    """The file with a token over itself."""
    return delivered(finished, token(bytes.fromhex(finished.evidence.sha256), when, covers="file", **options))


def test_the_manifest_carries_its_chain(finished):
    assert len(finished.manifest.chain) == len(finished.manifest.certificates) >= 1
    assert finished.manifest.signature_good


def test_1_an_expired_signer_is_judged_by_when_the_file_was_there(finished):
    found = signer(aged(dated(finished)))
    assert found.state is State.PASS
    assert "has expired since" in found.detail
    assert "CN=Test TSA" in found.detail


def test_1_the_receipts_checkpoint_dates_the_file_too(finished):
    assert signer(aged(delivered(finished, token(outer(finished), NOW)))).state is State.PASS
    receipt = finished.evidence.receipt
    witnessed = receipt.model_copy(update={"checkpoint": cosigned(receipt.checkpoint, NOW)})
    evidence = replace(finished.evidence, receipt=witnessed)
    assert signer(aged(pinned(evidence, witness_policy=POLICY))).state is State.PASS


def test_1_without_anybodys_word_an_expired_signer_fails(finished):
    for evidence in (finished.evidence, pinned(finished.evidence), pinned(dated(finished), None)):
        assert trusted_then(aged(evidence)) is None
        assert signer(aged(evidence)).state is State.FAIL


def test_1_a_bound_of_the_records_says_nothing_of_the_signature(finished):
    """They are there before the file is sealed: whoever has the key later could seal them again."""
    assert signer(aged(inside(finished, token(inner(finished), NOW)))).state is State.FAIL


@pytest.mark.parametrize(
    "when", [NOW - timedelta(days=30), NOW + timedelta(days=500)], ids=["before", "after"]
)
def test_1_a_certificate_that_was_not_valid_then_either_fails(finished, when):
    assert signer(aged(dated(finished, when))).state is State.FAIL


@pytest.mark.parametrize(
    "failures",
    [
        ("signingCredential.untrusted",),
        (*AGED, "signingCredential.revoked"),
        (*AGED, "signingCredential.invalid"),
        (*AGED, "timeStamp.mismatch"),
        (*AGED, "claimSignature.outsideValidity"),
    ],
)
def test_1_nothing_but_age_is_excused(finished, failures):
    assert signer(aged(dated(finished), failures)).state is State.FAIL


def test_1_a_bad_signature_or_another_root_is_not_excused(finished, tmp_path):
    assert signer(aged(dated(finished), signature_good=False)).state is State.FAIL
    create_chain(tmp_path / "other", "Other", None)
    other = (tmp_path / "other" / "root.pem").read_text()
    evidence = dated(finished)
    evidence = replace(evidence, pins=replace(evidence.pins, trust_pem=other))
    assert signer(aged(evidence)).state is State.FAIL
    evidence = replace(evidence, pins=replace(evidence.pins, trust_pem=None))
    assert signer(aged(evidence)).state is State.UNKNOWN


@pytest.mark.parametrize("chain", [(), (b"no certificate",)])
def test_1_without_a_chain_nothing_is_excused(finished, chain):
    assert signer(aged(dated(finished), chain=chain)).state is State.FAIL


def test_1_a_damaged_ingredient_stays_one(finished):
    assert (
        signer(aged(dated(finished), ingredient_failures=("assertion.dataHash.mismatch",))).state
        is State.FAIL
    )


def test_1_a_certificate_for_something_else_is_no_signer(finished):
    """The root itself is under the root, and is not for signing content."""
    root = x509.load_pem_x509_certificate(finished.pins.trust_pem.encode())
    assert signer(aged(dated(finished), chain=(root.public_bytes(Encoding.DER),))).state is State.FAIL
