"""A signer's certificate that has expired: excused by its age alone, and only where outsiders date the file."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID
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


def house(usage):
    """Root and leaf of a house that bought its certificates elsewhere."""
    key, names = (
        ec.generate_private_key(ec.SECP256R1()),
        [x509.Name.from_rfc4514_string(f"CN={n}") for n in "RL"],
    )
    identifier = x509.SubjectKeyIdentifier.from_public_key(key.public_key())

    def made(subject, ca, *extensions):
        builder = x509.CertificateBuilder(names[0], names[subject], key.public_key(), subject + 1)
        builder = builder.not_valid_before(NOW - timedelta(days=1)).not_valid_after(NOW + timedelta(days=9))
        usages = dict.fromkeys(
            ["content_commitment", "key_encipherment", "data_encipherment", "key_agreement", "crl_sign",
             "encipher_only", "decipher_only"], False,
        )  # fmt: skip
        for extension, critical in [
            (x509.BasicConstraints(ca=ca, path_length=None), True),
            (x509.KeyUsage(digital_signature=not ca, key_cert_sign=ca, **usages), True),
            (x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(identifier), False),
            *extensions,
        ]:
            builder = builder.add_extension(extension, critical)
        return builder.sign(key, SHA256())

    return made(0, True, (identifier, False)), made(1, False, (x509.ExtendedKeyUsage([usage]), True))


@pytest.mark.parametrize(
    ("usage", "state"),
    [(ExtendedKeyUsageOID.EMAIL_PROTECTION, State.PASS), (ExtendedKeyUsageOID.CLIENT_AUTH, State.FAIL)],
)
def test_1_the_certificate_must_be_for_signing_content(finished, usage, state):
    root, leaf = house(usage)
    evidence = dated(finished)
    pins = replace(evidence.pins, trust_pem=root.public_bytes(Encoding.PEM).decode())
    evidence = replace(evidence, pins=pins)
    assert signer(aged(evidence, chain=(leaf.public_bytes(Encoding.DER),))).state is state
