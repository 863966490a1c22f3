"""Whose word bounds the time: pinned authorities and witnesses, over what holds, and nobody else's."""

from __future__ import annotations

import base64
import struct
from dataclasses import replace
from datetime import timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from outsiders import (
    KEY,
    LATER,
    POLICY,
    WITNESS,
    cosigned,
    delivered,
    earlier_one,
    inner,
    inside,
    outer,
    pinned,
    sizes,
    token,
)  # fmt: skip
from tsa import Tsa

from void_audit.audit.bounds import Covers, bounds, not_seen_before
from void_audit.canon.cosignature import ED25519_COSIGNATURE, CosignerKey, cosign
from void_audit.canon.note import VerifierKey
from void_audit.canon.note import parse as parse_note
from void_audit.model.proof import TimestampToken


def test_without_anybody_outside_there_is_no_bound(finished, nothing):
    for evidence in (
        finished.evidence,
        pinned(finished.evidence),
        nothing,
        pinned(nothing, witness_policy=POLICY),
    ):
        found = bounds(evidence)
        assert (found.found, found.problems, found.uncounted) == ((), (), ())


def test_a_token_over_the_files_checkpoint_bounds_its_records(finished):
    (bound,) = bounds(inside(finished, token(inner(finished)))).found
    assert bound.covers is Covers.RECORDS
    assert LATER <= bound.latest <= LATER + timedelta(seconds=2)
    assert bound.who == "CN=Test TSA"


def test_a_token_over_the_receipts_checkpoint_bounds_the_file_that_its_seal_names(finished):
    (bound,) = bounds(delivered(finished, token(outer(finished)))).found
    assert bound.covers is Covers.SEAL


def test_a_token_over_the_file_needs_no_log(finished):
    evidence = delivered(finished, token(bytes.fromhex(finished.evidence.sha256), covers="file"))
    evidence = replace(evidence, pins=replace(evidence.pins, log_vkey=None), checkpoint=None)
    (bound,) = bounds(evidence).found
    assert bound.covers is Covers.FILE


def test_bounds_come_earliest_first(finished):
    soon, late = token(inner(finished), LATER), token(inner(finished), LATER + timedelta(days=1))
    assert [b.latest.day for b in bounds(inside(finished, late, soon)).found] == [1, 2]


@pytest.mark.parametrize("covers", ["checkpoint", "file"])
def test_a_token_of_something_else_is_a_problem_not_a_bound(finished, covers):
    for evidence in (
        inside(finished, token(bytes(32))),
        delivered(finished, token(bytes(32), covers=covers)),
    ):
        found = bounds(evidence)
        assert found.found == ()
        assert "something else" in found.problems[0]


def test_a_token_over_the_receipts_checkpoint_does_not_pass_for_one_over_the_file(finished):
    assert bounds(delivered(finished, token(outer(finished), covers="file"))).problems
    digest = bytes.fromhex(finished.evidence.sha256)
    assert bounds(delivered(finished, token(digest, covers="checkpoint"))).problems


@pytest.mark.parametrize("text", ["", "%%%", "AAAA", "MAA="])
def test_a_token_that_is_none_is_a_problem(finished, text):
    broken = TimestampToken(covers="checkpoint", authority="tsa.example", token=text)
    assert bounds(inside(finished, broken)).problems


def test_a_token_whose_signature_is_broken_is_a_problem(finished):
    good = token(inner(finished))
    data = bytearray(base64.b64decode(good.token))
    data[-1] ^= 1
    evidence = inside(finished, good.model_copy(update={"token": base64.b64encode(bytes(data)).decode()}))
    assert "does not hold" in bounds(evidence).problems[0]


def test_a_token_made_after_its_certificate_is_a_problem(finished):
    old = Tsa(not_after=LATER - timedelta(days=1))
    evidence = pinned(inside(finished, token(inner(finished), tsa=old)), old.root_pem)
    assert "expired" in bounds(evidence).problems[0]


def test_a_stranger_is_not_counted_and_not_a_fault(finished):
    found = bounds(inside(finished, token(inner(finished), tsa=Tsa(name="Stranger", seed=8))))
    assert (found.found, found.problems) == ((), ())
    assert "Stranger" in found.uncounted[0]
    assert "2026-02-01" in found.uncounted[0]


def test_without_pinned_roots_the_claim_is_named(finished):
    evidence = pinned(inside(finished, token(inner(finished))), None)
    found = bounds(evidence)
    assert (found.found, found.problems) == ((), ())
    assert "claims 2026-02-01T00:00:00+00:00" in found.uncounted[0]


def test_a_checkpoint_that_does_not_hold_the_records_bounds_nothing(finished):
    good = inside(finished, token(inner(finished)))
    for evidence, why in [
        (replace(good, not_included=("entry 3: no",)), "not all records"),
        (replace(good, checkpoint=None, checkpoint_problem="it is another log's"), "another log"),
    ]:
        found = bounds(evidence)
        assert found.found == ()
        assert why in found.uncounted[0]


def test_the_receipt_of_another_file_bounds_nothing(finished):
    good = delivered(finished, token(outer(finished)))
    for evidence in (
        replace(good, sha256="0" * 64),
        replace(good, pins=replace(good.pins, log_vkey=None)),
        delivered(finished, token(outer(finished)), entry=finished.assertion.records[0]),
    ):
        found = bounds(evidence)
        assert found.found == ()
        assert found.uncounted


def test_a_note_that_is_none_bounds_nothing(finished):
    for evidence in (
        pinned(finished.with_ledger(checkpoint="no note", timestamps=(token(bytes(32)),))),
        delivered(finished, token(bytes(32)), checkpoint="no note"),
    ):
        assert bounds(evidence).found == ()


# Witnesses.


def test_a_pinned_witness_bounds_what_it_cosigned(finished):
    note = cosigned(finished.assertion.checkpoint)
    evidence = pinned(finished.with_ledger(checkpoint=note), witness_policy=POLICY)
    (bound,) = bounds(evidence).found
    assert (bound.covers, bound.latest, bound.who) == (Covers.RECORDS, LATER, "witness council")
    receipt = finished.evidence.receipt
    outside = receipt.model_copy(update={"checkpoint": cosigned(receipt.checkpoint)})
    (bound,) = bounds(pinned(replace(finished.evidence, receipt=outside), witness_policy=POLICY)).found
    assert bound.covers is Covers.SEAL


def test_one_witness_of_two_that_are_asked_for_bounds_nothing(finished):
    """It may be the one that lies: then the file would look as old as it likes."""
    other = CosignerKey("other.example", ED25519_COSIGNATURE, bytes([7]) * 32)
    witnesses = f"witness council {KEY}\nwitness other {other}\n"
    evidence = finished.with_ledger(checkpoint=cosigned(finished.assertion.checkpoint))
    for quorum in ("group both all council other\nquorum both\n", "quorum other\n", "quorum none\n"):
        found = bounds(pinned(evidence, witness_policy=witnesses + quorum))
        assert found.found == found.problems == ()
        assert "council cosigned" in found.uncounted[0]


def test_a_witness_that_is_not_pinned_bounds_nothing(finished):
    evidence = finished.with_ledger(checkpoint=cosigned(finished.assertion.checkpoint))
    assert bounds(pinned(evidence)).found == ()
    other_log = f"log {other_vkey()}\n{POLICY}"
    assert bounds(pinned(evidence, witness_policy=other_log)).found == ()


def test_a_bent_cosignature_is_a_problem(finished):
    note = cosigned(finished.assertion.checkpoint)
    head, _, last = note.rstrip("\n").rpartition(" ")
    data = bytearray(base64.b64decode(last))
    data[4:12] = struct.pack(">Q", int(LATER.timestamp()) - 86_400)  # a day earlier
    bent = f"{head} {base64.b64encode(bytes(data)).decode()}\n"
    found = bounds(pinned(finished.with_ledger(checkpoint=bent), witness_policy=POLICY))
    assert found.found == ()
    assert found.problems


def test_a_time_that_no_calendar_has_is_a_problem(finished):
    line = cosign(parse_note(finished.assertion.checkpoint).text, KEY, WITNESS.sign, 2**62).line()
    evidence = finished.with_ledger(checkpoint=finished.assertion.checkpoint + line)
    assert bounds(pinned(evidence, witness_policy=POLICY)).problems


# Not before.


def test_what_a_witness_saw_before_the_first_record_bounds_from_below(finished):
    before, after = sizes(finished)
    evidence = pinned(finished.evidence, witness_policy=POLICY)
    old, new = earlier_one(finished, before[0]), earlier_one(finished, before[-1], LATER + timedelta(days=1))
    assert not_seen_before(evidence, (new, old)) == (LATER + timedelta(days=1), "council")
    assert not_seen_before(evidence, (old,)) == (LATER, "council")
    assert not_seen_before(evidence, (earlier_one(finished, after[0]),)) is None
    assert not_seen_before(evidence, ()) is None


def test_what_is_not_shown_to_be_earlier_bounds_nothing(finished):
    before, _ = sizes(finished)
    good = earlier_one(finished, before[0])
    evidence = pinned(finished.evidence, witness_policy=POLICY)
    for bad in (
        replace(good, consistency=()),
        replace(good, consistency=("zz",)),
        replace(good, consistency=(*good.consistency[:-1], "00" * 32)),
        replace(good, note="no note"),
        replace(good, note=finished.house.place.reading.checkpoint_at(before[0])),
    ):
        assert not_seen_before(evidence, (bad,)) is None
    assert not_seen_before(finished.evidence, (good,)) is None  # no witness is pinned
    assert not_seen_before(replace(evidence, not_included=("entry 3: no",)), (good,)) is None


def other_vkey():
    return VerifierKey("other.example", Ed25519PrivateKey.generate().public_key().public_bytes_raw())
