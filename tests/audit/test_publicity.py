"""The manifest's own claims, held against plan and approvals."""

from __future__ import annotations

from dataclasses import replace

import pytest
from simulator.studio import Studio

from void_audit.audit.evidence import gather
from void_audit.audit.links import read_plan
from void_audit.audit.publicity import DELETED, FILTERED, PLACED, claim_problems, oversight_problems
from void_audit.model.plan import DeemphasizeSettings, SuppliedSettings
from void_audit.model.void import execution, void_pass1


@pytest.fixture(scope="module")
def evidence(tmp_path_factory):
    studio = Studio(tmp_path_factory.mktemp("studio"))
    return gather(studio.edit().delivered.path, studio.pins(), None, None)


def claiming(evidence, **fields):
    """The same file with other claims of the deletion."""
    actions = tuple(replace(a, **fields) if a.action == DELETED else a for a in evidence.manifest.actions)
    return replace(evidence, manifest=replace(evidence.manifest, actions=actions))


def plan(evidence):
    return read_plan(evidence, evidence.state.plan)


def test_honest_claims(evidence):
    assert claim_problems(evidence, plan(evidence)) == []
    assert oversight_problems(evidence) == []


@pytest.mark.parametrize(
    "name", ["edit", "source", "mask", "engineKind", "counterfactualDynamics"], ids=lambda n: n
)
def test_a_parameter_that_is_not_the_plans(evidence, name):
    (deletion,) = (a for a in evidence.manifest.actions if a.action == DELETED)
    parameters = {**deletion.parameters, f"org.voidaudit.{name}": "other"}
    (problem,) = claim_problems(claiming(evidence, parameters=parameters), plan(evidence))
    assert name in problem


def test_a_profile_that_no_pass_had(evidence):
    (deletion,) = (a for a in evidence.manifest.actions if a.action == DELETED)
    for name in ("execution", "numerics"):
        parameters = {**deletion.parameters, f"org.voidaudit.{name}": "draft"}
        (problem,) = claim_problems(claiming(evidence, parameters=parameters), plan(evidence))
        assert name in problem


def test_a_draft_that_is_not_said_to_be_one(evidence):
    draft = plan(evidence).model_copy(update={"pass1": void_pass1(how=execution("draft"))})
    assert [p.split()[0] for p in claim_problems(evidence, draft)] == ["execution", "numerics"]


def test_pixels_of_a_model_where_there_was_none(evidence):
    by_model = "http://cv.iptc.org/newscodes/digitalsourcetype/compositeWithTrainedAlgorithmicMedia"
    assert claim_problems(claiming(evidence, digital_source_type=by_model), plan(evidence))


def test_no_deletion_is_claimed(evidence):
    silent = replace(evidence, manifest=replace(evidence.manifest, actions=()))
    assert claim_problems(silent, plan(evidence)) == ["the manifest claims nothing; done was c2pa.deleted"]


def test_people_are_claimed_who_did_not_approve(evidence):
    nobody = replace(evidence, state=replace(evidence.state, approvers=()))
    assert oversight_problems(nobody)


class TestOtherThanDeletions:
    """The honest file's deletion, told as another action; and the plan as another one."""

    def told(self, evidence, *names, component=False):
        (deletion,) = (a for a in evidence.manifest.actions if a.action == DELETED)
        rest = tuple(a for a in evidence.manifest.actions if a.action != DELETED)
        told = tuple(replace(deletion, action=name) for name in names)
        clip = replace(evidence.manifest.ingredients[0], relationship="componentOf")
        ingredients = (*evidence.manifest.ingredients, *([clip] if component else []))
        manifest = replace(evidence.manifest, actions=(*told, *rest), ingredients=ingredients)
        return replace(evidence, manifest=manifest)

    def supplied(self, evidence):
        return plan(evidence).model_copy(update={"pass1": SuppliedSettings(clip="8" * 64)})

    def toned(self, evidence):
        return plan(evidence).model_copy(update={"pass1": DeemphasizeSettings()})

    def test_what_was_put_in_is_claimed_as_placed_with_its_clip(self, evidence):
        assert claim_problems(self.told(evidence, PLACED, component=True), self.supplied(evidence)) == []
        assert claim_problems(self.told(evidence, PLACED), self.supplied(evidence))
        assert claim_problems(self.told(evidence, DELETED, component=True), self.supplied(evidence))

    def test_what_was_toned_down_is_claimed_as_filtered_and_what_was_removed_as_deleted(self, evidence):
        assert claim_problems(self.told(evidence, FILTERED, DELETED), self.toned(evidence)) == []
        assert claim_problems(self.told(evidence, FILTERED), self.toned(evidence))
        assert claim_problems(self.told(evidence, DELETED), self.toned(evidence))

    def test_a_removal_is_not_hidden_as_something_else(self, evidence):
        for names in ((FILTERED,), (PLACED,), (DELETED, FILTERED)):
            assert claim_problems(self.told(evidence, *names), plan(evidence))
        assert claim_problems(self.told(evidence, DELETED, component=True), plan(evidence))
