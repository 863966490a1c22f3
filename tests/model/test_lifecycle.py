"""The state machine: what it accepts, and each way of breaking it."""

from __future__ import annotations

from itertools import pairwise

import pytest
from simulator.studio import Studio

from void_audit.model.base import BlobRef
from void_audit.model.lifecycle import AFTER, EditState, Signed, fold, step_of
from void_audit.model.records import (
    Approval,
    MaskRevision,
    PromptRevision,
    RefusedReply,
    Rejection,
    SealRecord,
    Statement,
)


@pytest.fixture(scope="module")
def entries(tmp_path_factory) -> list[Signed]:
    """The records of an honest edit."""
    studio = Studio(tmp_path_factory.mktemp("studio"))
    finished = studio.edit()
    return [Signed(e.statement, e.key_ids) for e in studio.place.reading.entries(edit=finished.edit)]


def test_an_honest_edit_is_accepted(entries):
    state, refusal = fold(entries)
    assert refusal is None
    assert state.last == "seal"
    assert len(state.valid_approvers) == 1
    assert state.approvals_missing == 0


def test_no_record_can_be_left_out(entries):
    for number, entry in enumerate(entries[:-1]):
        _, refusal = fold(entries[:number] + entries[number + 1 :])
        assert refusal is not None, step_of(entry.statement.predicate)


def test_no_two_neighbours_can_be_swapped(entries):
    for number in range(len(entries) - 1):
        swapped = [*entries[:number], entries[number + 1], entries[number], *entries[number + 2 :]]
        _, refusal = fold(swapped)
        assert refusal is not None, number


def test_nothing_follows_the_seal(entries):
    for entry in entries:
        _, refusal = fold([*entries, entry])
        assert refusal is not None


def test_no_record_can_be_doubled_but_those_that_may(entries):
    doubled = {f"policy-decision:{stage}" for stage in ("intent", "plan", "output")} | {
        "approval",
        "plan",
        "query",
    }
    for number, entry in enumerate(entries):
        _, refusal = fold([*entries[: number + 1], *entries[number:]])
        step = step_of(entry.statement.predicate)
        assert (refusal is None) == (step in doubled), step


def test_a_new_plan_makes_approvals_lapse(entries):
    upto = [step_of(e.statement.predicate) for e in entries].index("approval") + 1
    state, _ = fold(entries[:upto])
    assert state.valid_approvers
    plan = next(e for e in entries if step_of(e.statement.predicate) == "plan")
    assert not state.advance(plan).valid_approvers


def test_an_approval_of_another_plan_is_refused(entries):
    state, approval = at(entries, "approval")
    assert isinstance(approval, Approval)
    assert state.refuse(approval) is None
    assert state.refuse_approval(approval.model_copy(update={"plan": "0" * 64}))
    assert state.refuse_order(approval.model_copy(update={"plan": "0" * 64})) is None


def test_synthesis_needs_the_approvals_that_policy_asked_for(entries):
    state, first_pass = at(entries, "pass:1")
    lapsed = EditState(state.last, state.records, ())
    assert lapsed.refuse_approval(first_pass)
    assert lapsed.refuse_order(first_pass) is None


def test_the_requesters_own_approval_does_not_count(entries):
    state, first_pass = at(entries, "pass:1")
    own = EditState(state.last, state.records, (state.intent.requester,))
    assert own.approvals_missing == 1
    assert own.refuse(first_pass)


def test_nothing_but_a_plan_or_a_revision_follows_a_denied_plan(entries):
    state, approval = at(entries, "approval")
    decision = state.decision("plan").model_copy(update={"verdict": "deny"})
    denied = EditState(state.last, {**state.records, "policy-decision:plan": decision}, ())
    assert denied.refuse(approval)
    assert denied.refuse(state.plan) is None
    assert denied.refuse(revision(state)) is None
    assert denied.refuse(new_prompt(state)) is None


def revision(state, parent=None):
    """A revision of the mask as it stands, to another one."""
    mask = state.mask.model_dump(exclude={"origin", "changes"})
    other = state.mask.identity.model_copy(update={"root": "e" * 64})
    fields = {**mask, "identity": other.model_dump(), "parent": parent or state.mask.identity.root}
    return MaskRevision.model_validate(
        {**fields, "origin": "edited", "edits": None, "changed_percent_max": 1.0}
    )


def new_prompt(state, parent=None):
    """A revision of the prompt as it stands."""
    prompt = BlobRef(sha256="d" * 64, size=40, media_type="application/json", salted=True)
    return PromptRevision(
        claimed_time=START, edit=state.intent.edit, parent=parent or state.prompt.sha256, prompt=prompt,
        origin="written",
    )  # fmt: skip


START = "2026-01-05T10:00:00+00:00"


def signed(predicate, signer="5" * 64):
    return Signed(Statement(subjects=(), predicate=predicate), (signer,))


@pytest.mark.parametrize("make", [revision, new_prompt])
@pytest.mark.parametrize("before", ["plan", "policy-decision:plan", "approval", "pass:1"])
def test_until_synthesis_people_may_revise_and_what_was_approved_lapses(entries, make, before):
    state, _ = at(entries, before)
    made = make(state)
    assert state.refuse(made) is None
    revised = state.advance(signed(made))
    assert revised.valid_approvers == frozenset()
    assert revised.refuse(entries[-1].statement.predicate)
    for step in ("approval", "pass:1", "policy-decision:plan"):
        assert revised.refuse(at(entries, step)[1])
    assert revised.refuse(state.plan or at(entries, "plan")[1]) is None


@pytest.mark.parametrize("make", [revision, new_prompt])
@pytest.mark.parametrize(
    "before", ["mask", "pass:2", "composite", "output", "policy-decision:output", "seal"]
)
def test_before_there_is_a_mask_and_once_pixels_are_made_nothing_is_revised(entries, make, before):
    planned, _ = at(entries, "plan")
    assert at(entries, before)[0].refuse(make(planned))


@pytest.mark.parametrize("make", [revision, new_prompt])
def test_a_revision_of_what_is_no_longer_present_is_refused(entries, make):
    state, _ = at(entries, "plan")
    once = state.advance(signed(make(state)))
    assert state.refuse(make(state, parent="a" * 64))
    assert once.refuse(make(state))
    assert once.refuse(make(once)) is None


def test_the_mask_and_the_prompt_are_those_of_the_newest_revision(entries):
    state, _ = at(entries, "plan")
    revised = state.advance(signed(revision(state))).advance(signed(new_prompt(state)))
    assert (revised.mask.identity.root, revised.mask_step, revised.revisions) == (
        "e" * 64,
        "mask-revision",
        1,
    )
    assert revised.prompt.sha256 == "d" * 64
    assert (state.mask_step, state.revisions, state.prompt) == ("mask", 0, state.intent.prompt)


def test_who_revised_cannot_approve(entries):
    state, approval = at(entries, "approval")
    reviser = state.advance(signed(revision(state), "5" * 64))
    plan = next(e for e in entries if step_of(e.statement.predicate) == "plan")
    decision = next(e for e in entries if step_of(e.statement.predicate) == "policy-decision:plan")
    again = reviser.advance(plan).advance(decision)
    assert again.advance(signed(approval, "5" * 64)).valid_approvers == frozenset()
    assert again.advance(signed(approval, "6" * 64)).valid_approvers == {"6" * 64}


class TestQueries:
    def test_no_answer_without_a_question_that_policy_allowed(self, entries):
        state, reasoning = at(entries, "reasoning")
        asked, decision = at(entries, "policy-decision:reason")
        assert at(entries, "query")[0].refuse(reasoning)
        assert asked.refuse(reasoning)
        denial = decision.model_copy(update={"verdict": "deny"})
        denied = EditState(state.last, {**state.records, "policy-decision:reason": denial})
        assert denied.refuse(reasoning)
        assert denied.refuse(asked.query) is None

    def test_a_refused_reply_is_followed_by_another_question_or_by_nothing(self, entries):
        state, reasoning = at(entries, "reasoning")
        fields = reasoning.model_dump(include={"claimed_time", "edit", "engine", "exchange", "run"})
        reply = RefusedReply(**fields, code="reply-malformed", reason=reasoning.consequences)
        assert state.refuse(reply) is None
        refused = state.advance(signed(reply))
        assert refused.refuse(reasoning)
        assert refused.refuse(at(entries, "mask")[1])
        assert refused.refuse(state.query) is None
        assert at(entries, "policy-decision:reason")[0].refuse(reply)


@pytest.mark.parametrize(("stage", "next_step"), [("intent", "segmentation"), ("output", "seal")])
def test_nothing_but_the_same_question_follows_a_denial(entries, stage, next_step):
    """Time passes, an embargo ends: policy may be asked again, and its latest verdict counts."""
    state, following = at(entries, next_step)
    allowed = state.decision(stage)
    denial = allowed.model_copy(update={"verdict": "deny"})
    denied = EditState(state.last, {**state.records, f"policy-decision:{stage}": denial}, state.approvers)
    assert denied.refuse(following)
    assert all(denied.refuse(e.statement.predicate) for e in entries if e.statement.predicate != allowed)
    assert denied.refuse(allowed) is None


def test_nothing_follows_a_rejection(entries):
    state, approval = at(entries, "approval")
    rejection = Rejection(**approval.model_dump())
    assert state.refuse(rejection) is None
    entry = next(e for e in entries if e.statement.predicate == approval)
    statement = entry.statement.model_copy(update={"predicate": rejection})
    rejected = state.advance(Signed(statement, entry.signers))
    assert rejected.rejected
    assert all(rejected.refuse(e.statement.predicate) for e in entries)


def test_every_step_can_be_reached_and_left():
    assert set().union(*AFTER.values()) - {""} <= set(AFTER)
    leads_somewhere = set().union(*AFTER.values())
    assert set(AFTER) - leads_somewhere == {"rejection", "seal"}


def at(entries, step):
    """The state just before the first record of a step, and that record."""
    steps = [step_of(e.statement.predicate) for e in entries]
    number = steps.index(step)
    return fold(entries[:number])[0], entries[number].statement.predicate


def test_the_story_is_in_order(entries):
    steps = [step_of(e.statement.predicate) for e in entries]
    assert all(before in AFTER[after] for before, after in pairwise(steps))
    assert isinstance(entries[-1].statement.predicate, SealRecord)
