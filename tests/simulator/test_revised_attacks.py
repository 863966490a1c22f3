"""Attacks on what people revise and on what models are asked, by an operator who holds every key of the house."""

from __future__ import annotations

import json
import shutil

import pytest
from simulator.studio import Studio, failures, states

from void_audit.canon import jcs
from void_audit.canon.hashing import sha256_hex
from void_audit.model.engine import EngineInfo
from void_audit.model.geometry import FrameRange
from void_audit.model.mask_edit import MaskEdits, Point, StrokeEdit
from void_audit.model.mask_schema import MaskSchema
from void_audit.model.report import State
from void_audit.workflow.drafting import Choices
from void_audit.workflow.planning import replan
from void_audit.workflow.revising import edit_mask, revise_prompt

SPECK = MaskEdits(
    operations=(
        StrokeEdit(frames=FrameRange(start=0, stop=6), points=(Point(x=80, y=50),), radius=5, to="affected"),
    )
)


@pytest.fixture(scope="module")
def studio(tmp_path_factory):
    return Studio(tmp_path_factory.mktemp("studio"))


@pytest.fixture(scope="module")
def finished(studio):
    """An edit of which lois revised mask and prompt before perry approved it."""
    planned = studio.plan()
    lois = studio.place.person("lois")
    edit_mask(studio.workshop, planned.edit, lois, SPECK)
    revise_prompt(studio.workshop, planned.edit, lois, "A gradient and nothing else.")
    replan(studio.workshop, planned.edit, Choices())
    studio.approve(planned.edit)
    return studio.run(planned.edit, studio.folder / "edited.mp4")


@pytest.fixture
def story(studio, finished):
    return studio.story(finished.edit)


def told(studio, finished, story, name="told.mp4"):
    (studio.folder / name).unlink(missing_ok=True)
    shutil.rmtree(studio.folder / f"{name}.ledger", ignore_errors=True)
    (studio.folder / f"{name}.mark").unlink(missing_ok=True)
    return failures(studio.retell(finished.edit, story, name).verify(source=True, receipt=True))


def test_the_honest_story_verifies(studio, finished, story):
    assert told(studio, finished, story) == set()
    answers = states(studio.sealed(finished.delivered.path).verify(source=True, receipt=True))
    assert {n for n, s in answers.items() if s is State.PASS} == {0, 1, 2, 3, 4, 5, 7, 8, 9, 10, 11, 12}


def without(story, step):
    del story.records[story.find(step)]


@pytest.mark.parametrize("step", ["query", "policy-decision:reason", "prompt-revision"])
def test_7_a_step_left_out(studio, finished, story, step):
    without(story, step)
    assert 7 in told(studio, finished, story)


def test_10_a_revision_left_out(studio, finished, story):
    without(story, "mask-revision")
    assert told(studio, finished, story) >= {8, 10}


def test_4_a_revision_that_no_editor_signed(studio, finished, story):
    at = story.find("mask-revision")
    story.records[at] = (story.records[at][0], "machine")
    assert told(studio, finished, story) == {4}


def test_4_a_query_in_the_name_of_an_approver(studio, finished, story):
    at = story.find("query")
    story.records[at] = (story.records[at][0], "jimmy")
    assert told(studio, finished, story) == {4, 7}


def test_7_a_query_of_another_editor(studio, finished, story):
    at = story.find("query")
    story.records[at] = (story.records[at][0], "lois and perry")
    assert 7 in told(studio, finished, story)


OTHER = EngineInfo(name="oracle", version="1", kind="scripted", description="Another one.")


@pytest.mark.parametrize("fields", [{"engine": OTHER}, {"settings": {"seed": 7}}])
def test_7_what_answered_is_not_what_was_asked(studio, finished, story, fields):
    story.change("reasoning", **fields)
    assert 7 in told(studio, finished, story)


def test_7_a_prompt_that_the_reasoner_did_not_propose(studio, finished, story):
    story.change("prompt-revision", origin="proposed")
    assert told(studio, finished, story) == {7}


def test_8_the_request_says_another_prompt_than_its_prompt_json(studio, finished, story):
    at = story.find("intent")
    prompt = studio.workshop.blobs.put(
        b'{"bg": "Another world altogether."}', "application/json", salted=True, subject="edit:another"
    )
    story.change("intent", prompt=prompt)
    story.change("prompt-revision", parent=prompt.sha256)
    assert story.records[at][0].predicate.prompt == prompt
    assert told(studio, finished, story) == {8}


def test_7_a_revision_of_another_mask(studio, finished, story):
    story.change("mask-revision", parent="a" * 64)
    assert told(studio, finished, story) == {7}


def test_7_a_prompt_of_another_parent(studio, finished, story):
    story.change("prompt-revision", parent="a" * 64)
    assert told(studio, finished, story) == {7}


def test_10_the_revisions_subject_is_another_mask(studio, finished, story):
    story.change("mask-revision", subjects={"mask": sha256_hex(b"")})
    assert told(studio, finished, story) == {10}


def test_10_the_first_masks_subject_counts_too(studio, finished, story):
    story.change("mask", subjects={"mask": sha256_hex(b"")})
    assert told(studio, finished, story) == {10}


def test_10_the_mask_of_before_the_revision_is_embedded(studio, finished, story):
    first = story.records[story.find("mask")][0].predicate
    story.embedded["quadmask.mkv"] = studio.workshop.blobs.path(first.mask).read_bytes()
    assert told(studio, finished, story) >= {10}


def opened_wide(schema: MaskSchema) -> MaskSchema:
    """The same classes, but what was kept is said to be changeable."""
    data = schema.model_dump(mode="json")
    for spec in data["classes"]:
        if spec["name"] == "affected":
            spec |= {"change": "nothing", "conditioning": "keep", "counts_as": "kept"}
    data["compose"]["remove"] = {"object": "remove", "consequence": "overlap", "both": "overlap"}
    return MaskSchema.model_validate_json(json.dumps(data))


def test_10_a_schema_other_than_the_planned_one(studio, finished, story):
    schema = story.records[story.find("mask-revision")][0].predicate.mask_schema
    story.change("mask-revision", mask_schema=opened_wide(schema))
    assert 10 in told(studio, finished, story)


def forged_facts(studio, story, step, part, **fields):
    at = story.find(step)
    facts = json.loads(studio.workshop.blobs.read(story.records[at][0].predicate.facts))
    facts[part] |= fields
    ref = studio.workshop.blobs.put(jcs.canonical(facts), "application/json")
    story.change(step, facts=ref)
    statement, signer = story.records[at]
    decision = statement.predicate.decision.sha256
    story.change(step, subjects={"facts": ref.sha256, "decision": decision})
    assert signer == "machine"


@pytest.mark.parametrize(
    ("step", "part", "fields"),
    [
        ("policy-decision:reason", "query", {"is_model": True}),
        ("policy-decision:reason", "query", {"remote": True}),
        ("policy-decision:reason", "query", {"engine": "another"}),
        ("policy-decision:plan", "mask", {"revisions": 0}),
        ("policy-decision:plan", "mask", {"schema_name": "another"}),
        ("policy-decision:plan", "mask", {"classes": ["remove"]}),
        ("policy-decision:plan", "mask", {"deemphasized_percent_max": 1.0}),
        ("policy-decision:plan", "request", {"instruction_words": ["box", "remove"]}),
        ("policy-decision:intent", "request", {"asked_words": ["box"]}),
        ("policy-decision:intent", "request", {"object_words": []}),
        ("policy-decision:reason", "request", {"object_words": ["thing"]}),
        ("policy-decision:intent", "request", {"consent_given": True}),
        ("policy-decision:intent", "request", {"supplied_clip": True}),
    ],
)
def test_8_facts_that_other_records_contradict(studio, finished, story, step, part, fields):
    forged_facts(studio, story, step, part, **fields)
    assert told(studio, finished, story) == {8}


def test_3_the_embedded_prompt_is_the_one_from_before_the_revision(studio, finished, story):
    intent = story.records[story.find("intent")][0].predicate
    story.embedded["prompt.json"] = studio.workshop.blobs.read(intent.prompt)
    assert told(studio, finished, story) == {3}


def test_9_who_revised_is_said_to_have_approved(studio, finished, story):
    at = story.find("mask-revision")
    story.records[at] = (story.records[at][0], "lois and perry")
    assert 9 in told(studio, finished, story)
