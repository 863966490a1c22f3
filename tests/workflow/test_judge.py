"""Policy is asked with facts that the records hold, and its answers are recorded once."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from house import FAST

from void_audit.errors import DeniedError
from void_audit.model.decision import PolicyDecision
from void_audit.model.facts import Facts
from void_audit.policy.pack import builtin
from void_audit.policy.replay import differences, replay
from void_audit.workflow import judge
from void_audit.workflow.enrolment import revoke
from void_audit.workflow.judge import base_facts
from void_audit.workflow.recorder import Recorder


@pytest.fixture(scope="module")
def edit(house):
    return house.planned("judged")


def test_the_facts_are_those_of_the_records(house, edit):
    state = Recorder(house.workshop, edit).state
    facts = Facts.model_validate_json(house.place.blobs.read(state.decision("plan").facts))
    assert facts.request.requester_roles == ("editor",)
    assert facts.request.asset_class == state.intent.asset_class
    assert (facts.source.width, facts.source.height) == (state.source.clip.width, state.source.clip.height)
    assert facts.mask.opened_percent_max == 100 * state.mask.statistics.max_opened_share
    assert facts.reasoning.engine == state.reasoning.engine.name
    assert facts.engine.weights == ()
    assert facts.engine.weights_approved


def test_a_recorded_decision_can_be_recomputed_from_what_is_recorded(house, edit):
    blobs, state = house.place.blobs, Recorder(house.workshop, edit).state
    for stage in ("intent", "plan"):
        record = state.decision(stage)
        decision = PolicyDecision.model_validate_json(blobs.read(record.decision))
        facts = Facts.model_validate_json(blobs.read(record.facts))
        packs = [blobs.read(pack.blob) for pack in decision.packs]
        assert differences(decision, replay(decision, facts, packs)) == ()
        assert dict(record.packs) == {pack.name: pack.sha256 for pack in decision.packs}


def test_the_same_answer_is_recorded_once_and_a_changed_one_again(own):
    lapse = own.clock.now + timedelta(days=1)
    edit = own.planned(rights={"not_after": lapse.isoformat()})
    recorder, steps = Recorder(own.workshop, edit), own.steps(edit)
    facts = Facts.model_validate_json(own.place.blobs.read(recorder.state.decision("plan").facts))
    assert judge.decide(recorder, facts, "plan").verdict == "allow"
    assert own.steps(edit) == steps
    late = facts.model_copy(update={"now": lapse + timedelta(seconds=1)})
    for _ in range(2):
        assert judge.decide(recorder, late, "plan").verdict == "deny"
    assert own.steps(edit) == [*steps, "policy-decision:plan"]


def test_another_pack_is_another_question(own, tmp_path):
    """The log says which rules let an edit run, not only which ones let it be planned."""
    edit = own.planned()
    own.approve(edit)
    steps = own.steps(edit)
    own.workshop = replace(own.workshop, packs=[builtin("base"), builtin("news")])
    finished = own.run(edit, tmp_path / "out.mp4")
    assert own.steps(edit)[: len(steps) + 2] == [*steps, "policy-decision:plan", "pass:1"]
    assert set(finished.state.decision("plan").packs) == {"base", "news"}
    assert own.sealed(finished.delivered.path).verify().exit_code == 0


def test_a_denial_gives_every_reason(own):
    own.workshop = replace(own.workshop, packs=[builtin("base"), builtin("news")])
    over = own.clock.now - timedelta(days=1)
    with pytest.raises(DeniedError) as caught:
        own.plan(own.request(asset_class="news", rights={"not_after": over.isoformat()}), FAST)
    assert "news/N01" in caught.value.message
    assert "base/G02" in caught.value.message
    assert caught.value.hint


def test_the_requesters_roles_are_those_of_now(own):
    edit = own.planned()
    recorder = Recorder(own.workshop, edit)
    assert judge.requester_roles(own.workshop, recorder.state.intent) == ("editor",)
    place, public = own.place, own.place.people.public_der("lois")
    revoke(place.writing, place.blobs, place.person("admin"), "lois", public, own.clock())
    assert judge.requester_roles(own.workshop, recorder.state.intent) == ()
    assert base_facts(recorder).request.requester_roles == ()
    own.approve(edit)
    with pytest.raises(DeniedError) as caught:  # the editor left between plan and run
        own.run(edit)
    assert "G01" in caught.value.message
    assert own.last(edit).verdict == "deny"
    assert "pass:1" not in own.steps(edit)


def test_a_supplied_mask_has_no_reasoning_and_says_so(house, edit):
    state = Recorder(house.workshop, edit).state
    records = {k: v for k, v in state.records.items() if k != "reasoning"}
    facts = judge.reasoning_facts(house.workshop, replace(state, records=records))
    assert (facts.engine, facts.is_model, facts.confidence) == ("supplied mask", False, 0.0)
