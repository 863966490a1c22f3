"""Content that the house says it erased: cannot tell, never a pass; and no excuse for anything else."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import pytest

from void_audit.audit.erased import erased, erased_of, erasure_problems, refs_of, tell_erased
from void_audit.audit.judgement import decision_problems
from void_audit.audit.known_keys import bad_signatures
from void_audit.audit.pictures import mask
from void_audit.audit.signatures import signatures
from void_audit.audit.story import models, order, policy
from void_audit.canon.dsse import seal
from void_audit.canon.statement import encode, read_entry
from void_audit.model.base import BlobRef
from void_audit.model.records import (
    Erasure,
    Intent,
    MaskState,
    PlanRecord,
    PolicyDecisionRecord,
    Statement,
    Subject,
)
from void_audit.model.report import State

REASON = b"salt" * 8 + b"asked for"
WHERE = 900
"""Where the log holds the erasure."""


def all_refs(finished):
    return refs_of(finished.evidence, Intent, PolicyDecisionRecord, PlanRecord, MaskState)


def with_erasure(finished, *digests, by="admin", base=None, index=WHERE, take=True, subjects=()):
    """Evidence without these blobs, and with a record that says that they were erased."""
    evidence = base or finished.evidence
    kept = {d: t for d, t in evidence.assertion.evidence.items() if not take or d not in digests}
    evidence = finished.with_ledger(evidence, evidence=kept)
    why = BlobRef(sha256="ee" * 32, size=41, media_type="text/plain", salted=True)
    record = Erasure(claimed_time="t", subject=f"edit:{finished.edit}", blobs=digests, reason=why)
    envelope = seal(encode(Statement(subjects=subjects, predicate=record)), [finished.house.place.person(by)])
    entries = sorted((*evidence.entries, read_entry(index, envelope)), key=lambda e: e.index)
    return replace(evidence, entries=tuple(entries))


def wordless(finished, **kwargs):
    """Everything personal of the edit is gone."""
    digests = [ref.sha256 for ref in all_refs(finished) if ref.salted]
    assert len(digests) >= 6
    return with_erasure(finished, *digests, **kwargs)


def test_policy_cannot_tell_what_was_erased(finished):
    found = policy(wordless(finished))
    assert found.state is State.UNKNOWN
    assert f"ERASED by entry {WHERE}" in found.detail


def test_what_is_missing_without_an_erasure_is_missing(finished):
    digest = finished.record("policy-decision:plan").facts.sha256
    found = policy(finished.without_blob(digest))
    assert found.state is State.UNKNOWN
    assert "ERASED" not in found.detail


@pytest.mark.parametrize("obligation", [order, models, mask])
def test_nothing_passes_that_rests_on_an_erased_plan(finished, obligation):
    assert obligation(finished.evidence).state is State.PASS
    found = obligation(with_erasure(finished, finished.record("plan").plan.sha256))
    assert found.state is State.UNKNOWN
    assert f"ERASED by entry {WHERE}" in found.detail


def test_nothing_passes_that_rests_on_what_policy_was_told(finished):
    assert models(wordless(finished)).state is State.UNKNOWN


def test_a_mask_whose_hashes_were_erased_is_not_the_planned_one_for_sure(finished):
    found = mask(with_erasure(finished, finished.record("mask").frame_hashes.sha256))
    assert found.state is State.UNKNOWN


def test_what_does_not_rest_on_it_still_passes(finished):
    """Words alone were erased, and no prompt was proposed: order and mask rest on other things."""
    gone = wordless(finished)
    assert order(gone).state is State.PASS
    assert mask(gone).state is State.PASS


def test_an_erasure_excuses_no_fault(finished):
    """A record that names other facts than its subjects is wrong, whether they are gone or not."""
    step, other = "policy-decision:plan", finished.record("intent").request
    bent = finished.with_record(step, wordless(finished), facts=other)
    found = policy(bent)
    assert found.state is State.FAIL
    assert "its subjects are not" in found.detail


@pytest.mark.parametrize("by", ["lois", "perry"])
def test_an_erasure_by_somebody_who_may_not_is_tampering(finished, by):
    evidence = wordless(finished, by=by)
    evidence = replace(evidence, bad_signatures=bad_signatures(evidence.entries, evidence.registry))
    assert signatures(evidence).state is State.FAIL
    assert "ERASED" not in policy(evidence).detail
    assert policy(evidence).state is State.UNKNOWN


def test_an_erasure_of_what_is_there_is_tampering(finished):
    digest = finished.record("policy-decision:plan").facts.sha256
    evidence = with_erasure(finished, digest, take=False)
    assert erased(evidence, digest) is None
    found = order(evidence)
    assert found.state is State.FAIL
    assert f"entry {WHERE} says that blob {digest[:16]} was erased" in found.detail


def test_other_bytes_in_the_place_of_what_was_erased_are_tampering(finished):
    digest = finished.record("policy-decision:plan").facts.sha256
    evidence = with_erasure(finished, digest)
    evidence = finished.with_ledger(evidence, evidence={**evidence.assertion.evidence, digest: "AAAA"})
    assert erased(evidence, digest) is None
    assert order(evidence).state is State.FAIL


def test_an_erasure_says_nothing_of_what_came_after_it(finished):
    """An operator who logs an erasure first, and then what it names, has erased nothing of it."""
    digest = finished.record("policy-decision:plan").facts.sha256
    first = min(e.index for e in finished.evidence.edit_entries)
    evidence = with_erasure(finished, digest, index=first - 1)
    assert erased(evidence, digest) is None
    assert "ERASED" not in policy(evidence).detail
    there = with_erasure(finished, digest, index=first - 1, take=False)
    assert erasure_problems(there) == []
    assert policy(there).state is State.PASS


def test_what_came_in_again_is_there_by_right(finished):
    plan = finished.record("plan").plan.sha256
    evidence = with_erasure(finished, plan, take=False)
    again = Subject(name="plan", digest={"sha256": plan})
    evidence = with_erasure(
        finished, "12" * 32, base=evidence, index=WHERE + 1, take=False, subjects=(again,)
    )
    assert erasure_problems(evidence) == []
    assert order(evidence).state is State.PASS


def test_it_is_told_in_words(finished):
    intent = finished.record("intent")
    evidence = wordless(finished)
    assert erased_of(evidence, [intent.request, None, intent.prompt]) == (
        f"ERASED by entry {WHERE}: 2 blob(s) that would tell."
    )
    assert erased_of(finished.evidence, [intent.request]) == ""
    tell = tell_erased(evidence)
    assert tell(intent.request) == f"ERASED (entry {WHERE})"
    assert tell_erased(finished.evidence)(intent.request) is None


def test_hostile_numbers_of_erasures_take_no_time(finished):
    digest = finished.record("policy-decision:plan").facts.sha256
    evidence = with_erasure(finished, digest, *(f"{n:064x}" for n in range(700)), by="lois")
    forged = tuple(replace(evidence.entries[-1], index=WHERE + n) for n in range(500))
    evidence = replace(evidence, entries=(*evidence.entries[:-1], *forged))
    entries = [e for e in evidence.edit_entries if isinstance(e.statement.predicate, PolicyDecisionRecord)]
    assert erased(evidence, digest) is None
    assert erasure_problems(evidence) == []
    assert decision_problems(evidence, entries)[0] == []


def test_a_bundle_that_holds_what_it_says_was_erased_contradicts_itself_also_if_it_is_too_large_to_look_into(
    finished,
):
    digest = finished.evidence.state.plan.plan.sha256
    evidence = with_erasure(finished, digest)
    bundle = SimpleNamespace(
        assertion=evidence.assertion, stored=lambda sha256: None, holds=lambda sha256: sha256 == digest
    )
    assert erasure_problems(evidence) == []
    (problem,) = erasure_problems(replace(evidence, bundle=bundle))
    assert digest[:16] in problem
    assert erased(evidence, digest) is not None
    assert erased(replace(evidence, bundle=bundle), digest) is None
