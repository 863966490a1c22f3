from dataclasses import replace

import pytest

from void_audit.audit import answers
from void_audit.audit.story import approvals, models, order, policy
from void_audit.model.engine import WeightsRef
from void_audit.model.report import State

MYSTERY = "cd" * 32


@pytest.mark.parametrize("check", [order, policy, approvals, models])
def test_a_file_that_carries_nothing_is_neither_green_nor_red(nothing, check):
    found = check(nothing)
    assert found.state is State.UNKNOWN
    assert found.remedy


# --- 7 ---------------------------------------------------------------------------------------------


def test_7_counts_the_edits_own_records(finished):
    found = order(finished.evidence)
    assert found.state is State.PASS
    assert f"{len(finished.evidence.edit_entries)} records" in found.detail
    assert len(finished.evidence.edit_entries) < len(finished.evidence.entries)


def test_7_a_refusal_of_the_state_machine_is_told(finished):
    found = order(replace(finished.evidence, order_problem="pass:1 cannot follow mask"))
    assert found.state is State.FAIL
    assert "pass:1 cannot follow mask" in found.detail


@pytest.mark.parametrize("last", ["output", "policy-decision:plan", ""])
def test_7_records_that_end_early(finished, last):
    found = order(replace(finished.evidence, state=replace(finished.evidence.state, last=last)))
    assert found.state is State.FAIL
    assert (last or "nothing") in found.detail


def test_7_records_cut_off_at_every_place(finished):
    """Whatever beginning of the history a file carries, it is not in order."""
    records = finished.assertion.records
    for count in range(len(records)):
        ledger = finished.assertion.model_copy(update={"records": records[:count]})
        assert order(finished.gather(ledger=ledger)).state is State.FAIL, count


def test_7_sealed_although_policy_denied(finished):
    found = order(finished.with_record("policy-decision:output", verdict="deny"))
    assert found.state is State.FAIL
    assert "denied" in found.detail


# --- 8 ---------------------------------------------------------------------------------------------


def test_8_names_every_pack_with_its_digest(finished):
    found = policy(finished.evidence)
    assert found.state is State.PASS
    for name, digest in finished.record("policy-decision:plan").packs.items():
        assert name in found.detail
        assert digest[:12] in found.detail


# --- 9 ---------------------------------------------------------------------------------------------


def test_9_names_the_plan_and_who_approved(finished):
    found = approvals(finished.evidence)
    assert found.state is State.PASS
    assert finished.record("plan").digest[:16] in found.detail
    assert finished.house.place.person("perry").key_id[:16] in found.detail


def test_9_a_refusal_of_the_state_machine_is_told(finished):
    found = approvals(replace(finished.evidence, approval_problem="approval of plan 1234"))
    assert found.state is State.FAIL
    assert "approval of plan 1234" in found.detail


def test_9_missing_approvals_are_counted(finished):
    found = approvals(finished.with_record("policy-decision:plan", approvals_required=3))
    assert found.state is State.FAIL
    assert "2 approval(s) missing" in found.detail


def test_9_the_requester_is_not_somebody_else(finished):
    requester = finished.record("intent").requester
    state = replace(finished.evidence.state, approvers=(requester,))
    assert approvals(replace(finished.evidence, state=state)).state is State.FAIL


@pytest.mark.parametrize("step", ["plan", "policy-decision:plan"])
def test_9_without_plan_or_decision_it_cannot_be_told(finished, step):
    found = approvals(finished.without_record(step))
    assert found.state is State.UNKNOWN
    assert found.remedy


# --- 11 --------------------------------------------------------------------------------------------


def test_11_names_engines_and_what_they_can(finished):
    found = models(finished.evidence)
    assert found.state is State.PASS
    for number in (1, 2):
        assert finished.record(f"pass:{number}").engine.name in found.detail
    assert "counterfactual dynamics: no" in found.detail


def test_11_a_plan_that_is_not_carried_cannot_be_told(finished):
    found = models(finished.without_blob(finished.record("plan").plan.sha256))
    assert found.state is State.UNKNOWN
    assert "plan" in found.remedy


@pytest.mark.parametrize("number", [1, 2])
def test_11_a_pass_that_is_not_recorded(finished, number):
    found = models(finished.without_record(f"pass:{number}"))
    assert found.state is State.FAIL
    assert f"pass {number} is not recorded" in found.detail


@pytest.mark.parametrize("number", [1, 2])
def test_11_both_engines_are_named_when_another_ran(finished, number):
    planned = finished.record(f"pass:{number}").engine
    found = models(
        finished.with_record(f"pass:{number}", engine=planned.model_copy(update={"name": "elsewhere"}))
    )
    assert found.state is State.FAIL
    assert "elsewhere" in found.detail
    assert planned.name in found.detail


def test_11_another_encoder_than_planned(finished):
    encoder = finished.record("output").encoder
    found = models(
        finished.with_record("output", encoder=encoder.model_copy(update={"crf": encoder.crf + 1}))
    )
    assert found.state is State.FAIL
    assert "encoder" in found.detail


@pytest.mark.parametrize("step", ["segmentation", "reasoning"])
def test_11_files_of_the_models_that_only_looked_count_too(finished, step):
    weights = (WeightsRef(name="mystery", sha256=MYSTERY),)
    engine = finished.record(step).engine.model_copy(update={"weights": weights})
    bent = finished.with_record(step, engine=engine)
    found = models(bent)
    assert found.state is State.FAIL
    assert f"mystery {MYSTERY[:16]} is not approved" in found.detail
    asked = []
    models(replace(bent, pins=replace(bent.pins, approved_weights=lambda d: asked.append(d) or True)))
    assert asked == [MYSTERY]


def test_of_more_records_than_anybody_makes_the_content_is_not_compared(finished, monkeypatch):
    known = len(finished.evidence.edit_entries)
    monkeypatch.setattr(answers, "MAX_RECORDS", known)
    assert {check(finished.evidence).state for check in (order, policy, models)} == {State.PASS}
    monkeypatch.setattr(answers, "MAX_RECORDS", known - 1)
    for check in (order, policy, models):
        found = check(finished.evidence)
        assert found.state is State.UNKNOWN
        assert f"{known} records" in found.detail
        assert found.remedy
    refused = replace(finished.evidence, order_problem="pass:1 cannot follow mask")
    assert order(refused).state is State.FAIL
