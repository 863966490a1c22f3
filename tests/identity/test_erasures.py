"""Which erasures count, and for what they speak."""

from __future__ import annotations

from dataclasses import replace

import pytest

from void_audit.canon.dsse import seal
from void_audit.canon.statement import encode, read_entry
from void_audit.identity.erasures import ErasedBlobs, counts
from void_audit.identity.registry import KeyRegistry
from void_audit.model.base import BlobRef
from void_audit.model.records import Approval, Erasure, Role, Statement, Subject

WORDS, PICTURE = "ab" * 32, "cd" * 32


def ref(digest):
    return BlobRef(sha256=digest, size=40, media_type="text/plain", salted=True)


def erasure(*digests, subject="edit:a"):
    return Erasure(claimed_time="t", subject=subject, blobs=digests, reason=ref("ee" * 32))


def comment(digest):
    return Approval(claimed_time="t", edit="a", plan="0" * 64, comment=ref(digest))


def entry(index, record, *signers, subjects=()):
    return read_entry(index, seal(encode(Statement(subjects=subjects, predicate=record)), list(signers)))


@pytest.fixture
def registry(chain):
    """bo: admin and approver since 20; ana: editor from 10, revoked at 30."""
    return KeyRegistry.fold(chain.events)


@pytest.fixture
def compliance(chain, admin, signer):
    key = signer(7)
    return KeyRegistry.fold(chain.add(admin, "enrol", key, [Role.COMPLIANCE]).events), key


def test_an_erasure_counts_under_an_administrator_or_compliance(registry, admin, compliance):
    assert counts(entry(50, erasure(WORDS), admin), registry)
    assert counts(entry(50, erasure(WORDS), compliance[1]), compliance[0])


def test_no_other_erasure_counts(registry, admin, ana, bo, signer):
    assert not counts(entry(25, erasure(WORDS), ana), registry)  # an editor
    assert not counts(entry(50, erasure(WORDS), signer(9)), registry)  # nobody
    assert not counts(entry(50, comment(WORDS), bo), registry)  # an approval, as it should be
    forged = entry(50, erasure(WORDS), admin)
    other = entry(50, erasure(PICTURE), admin)
    assert not counts(replace(forged, statement=other.statement), registry)  # not what was signed
    assert not counts(entry(50, erasure(WORDS), admin), KeyRegistry())


def test_a_revoked_administrator_erases_nothing(chain, admin, bo):
    registry = KeyRegistry.fold(chain.add(admin, "revoke", bo).events)
    assert counts(entry(35, erasure(WORDS), bo), registry)
    assert not counts(entry(40, erasure(WORDS), bo), registry)


def test_an_erasure_speaks_for_what_was_referred_to_before_it(registry, admin):
    gone = ErasedBlobs()
    assert gone.apply(entry(50, comment(WORDS), admin), registry)
    assert gone.by(WORDS) is None
    erased = entry(51, erasure(WORDS, PICTURE), admin)
    assert gone.apply(erased, registry)
    assert gone.by(WORDS) == gone.by(PICTURE) == erased
    assert dict(gone.items()) == {WORDS: erased, PICTURE: erased}
    assert gone.apply(entry(52, erasure(WORDS), admin), registry)
    assert gone.by(WORDS) == erased  # the first one took it away
    subject = Subject(name="source", digest={"sha256": PICTURE})
    assert gone.apply(entry(53, comment("12" * 32), admin, subjects=(subject,)), registry)
    assert gone.by(PICTURE) is None  # the same clip came in again
    again = entry(54, erasure(PICTURE), admin)
    gone.apply(again, registry)
    assert gone.by(PICTURE) == again


def test_an_erasure_that_does_not_count_says_nothing(registry, ana):
    gone = ErasedBlobs()
    assert not gone.apply(entry(25, erasure(WORDS), ana), registry)
    assert gone.by(WORDS) is None


def test_an_erasure_keeps_its_own_reason(registry, admin):
    gone = ErasedBlobs()
    assert gone.apply(entry(50, erasure(WORDS, "ee" * 32), admin), registry)
    assert gone.by("ee" * 32) is None
