import json

import pytest

from void_audit.audit.story import policy
from void_audit.canon import jcs
from void_audit.model.base import BlobRef
from void_audit.model.report import State

STEPS = [f"policy-decision:{stage}" for stage in ("intent", "plan", "output")]
PLAN = STEPS[1]


def stored(finished, step, name):
    """The JSON that a decision record names: ``decision`` or ``facts``."""
    return json.loads(finished.evidence.blob(getattr(finished.record(step), name)))


def with_stored(finished, step, name, data):
    ref, evidence = finished.with_blob(data if isinstance(data, bytes) else jcs.canonical(data))
    return finished.with_record(step, evidence, **{name: ref})


@pytest.mark.parametrize(
    ("field", "value", "shown"),
    [
        ("verdict", "deny", "'deny'"),
        ("approvals_required", 0, "says 0"),
        ("packs", {"base": "0" * 64}, "0" * 64),
        ("packs", {}, "{}"),
        ("fired", (), "says ()"),
        ("fired", ("base/A01", "base/A99"), "A99"),
        ("stage", "intent", "'intent'"),
    ],
)
def test_a_record_that_summarises_another_decision(finished, field, value, shown):
    found = policy(finished.with_record(PLAN, **{field: value}))
    assert found.state is State.FAIL
    assert "the record says" in found.detail
    assert shown in found.detail


@pytest.mark.parametrize("step", STEPS)
def test_a_stored_verdict_that_the_rules_do_not_give(finished, step):
    decision = stored(finished, step, "decision") | {"verdict": "deny"}
    evidence = with_stored(finished, step, "decision", decision)
    found = policy(finished.with_record(step, evidence, verdict="deny"))
    assert found.state is State.FAIL
    assert f"stage {decision['stage']}" in found.detail
    assert "recorded deny, recomputed allow" in found.detail


def test_a_stored_number_of_approvals_that_the_rules_do_not_give(finished):
    decision = stored(finished, PLAN, "decision") | {"approvals_required": 0}
    evidence = with_stored(finished, PLAN, "decision", decision)
    found = policy(finished.with_record(PLAN, evidence, approvals_required=0))
    assert found.state is State.FAIL
    assert "recorded 0, recomputed 1" in found.detail


def test_a_rule_whose_outcome_was_retouched_is_named(finished):
    decision = stored(finished, PLAN, "decision")
    (fired,) = [o for o in decision["outcomes"] if o["fired"]]
    fired["because"] = "No reason."
    found = policy(with_stored(finished, PLAN, "decision", decision))
    assert found.state is State.FAIL
    assert f"{fired['pack']}/{fired['rule']}" in found.detail


def test_a_rule_that_was_left_out_is_missed(finished):
    decision = stored(finished, PLAN, "decision")
    left_out = decision["outcomes"].pop()
    found = policy(with_stored(finished, PLAN, "decision", decision))
    assert found.state is State.FAIL
    assert f"{left_out['pack']}/{left_out['rule']}: not recorded" in found.detail


def test_a_fact_that_another_record_states_otherwise_is_named(finished):
    facts = stored(finished, "policy-decision:output", "facts")
    facts["source"]["credentials"] = "trusted"
    found = policy(with_stored(finished, "policy-decision:output", "facts", facts))
    assert found.state is State.FAIL
    assert "credentials" in found.detail
    assert "trusted" in found.detail
    assert "none" in found.detail


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("name", ["facts", "decision"])
def test_what_is_not_carried_cannot_be_told(finished, step, name):
    found = policy(finished.without_blob(getattr(finished.record(step), name).sha256))
    assert found.state is State.UNKNOWN
    assert "packs and facts" in found.remedy


def test_the_stage_that_lacks_something_is_named(finished):
    facts = finished.record("policy-decision:output").facts.sha256
    assert "stage output" in policy(finished.without_blob(facts)).detail
    assert "stage plan" not in policy(finished.without_blob(facts)).detail


def test_another_text_under_a_packs_digest_is_no_pack(finished):
    """Carried bytes count only under their own digest."""
    (digest,) = set(finished.record(PLAN).packs.values())
    text = finished.assertion.evidence[finished.record(PLAN).facts.sha256]
    evidence = finished.with_ledger(evidence={**finished.assertion.evidence, digest: text})
    assert policy(evidence).state is State.UNKNOWN


def test_missing_facts_do_not_cover_a_lie_elsewhere(finished):
    evidence = finished.without_blob(finished.record(STEPS[0]).facts.sha256)
    found = policy(finished.with_record(PLAN, evidence, verdict="deny"))
    assert found.state is State.FAIL
    assert "stage plan" in found.detail


@pytest.mark.parametrize("name", ["facts", "decision"])
@pytest.mark.parametrize(
    "data",
    [b"", b"\xff", b"{}", b"null", b"[" * 100_000, b'{"now": "never"}', b'{"stage": 1e999}', b"1" * 5000],
    ids=range(8),
)
def test_malformed_evidence_is_named_in_our_own_words(finished, name, data):
    found = policy(with_stored(finished, PLAN, name, data))
    assert found.state is State.FAIL
    assert "stage plan: " in found.detail
    assert {"facts": "Facts", "decision": "PolicyDecision"}[name] in found.detail
    assert "http" not in found.detail
    assert found.detail.isprintable()


@pytest.mark.parametrize(
    "text", [b"", b"- 1", b"[" * 5000, b"\x00", b"name: &a [*a]", b"\xff", b"1" * 200_000]
)
def test_a_pack_that_is_none_is_no_verdict(finished, text):
    ref, evidence = finished.with_blob(text)
    decision = stored(finished, PLAN, "decision")
    decision["packs"][0]["sha256"] = ref.sha256
    other, evidence = finished.with_blob(jcs.canonical(decision), evidence)
    bent = finished.with_record(PLAN, evidence, decision=other, packs={"base": ref.sha256})
    found = policy(bent)
    assert found.state is State.FAIL
    assert "rule pack is refused" in found.detail


def test_a_reference_to_nothing_is_cannot_tell(finished):
    nowhere = BlobRef(sha256="0" * 64, size=1, media_type="application/json")
    found = policy(finished.with_record(PLAN, facts=nowhere))
    assert found.state is not State.PASS
