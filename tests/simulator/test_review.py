"""Attacks found in review: a file that verified although something that an obligation promises did not hold."""

from __future__ import annotations

import base64
import json
import shutil
from dataclasses import replace as dc_replace

import pytest
from simulator.studio import Story, Studio, failures, states

from void_audit.audit import verify as verify_module
from void_audit.canon import dsse, jcs
from void_audit.canon.hashing import sha256_file, sha256_hex
from void_audit.canon.statement import encode
from void_audit.media.packets import packet_digests
from void_audit.media.probe import probe
from void_audit.media.reader import VideoClip
from void_audit.media.writer import VideoWriter
from void_audit.model.engine import EngineInfo
from void_audit.model.plan import EncoderSettings
from void_audit.model.records import Role
from void_audit.model.report import Obligation, State
from void_audit.workflow.enrolment import enrol


@pytest.fixture(scope="module")
def studio(tmp_path_factory):
    return Studio(tmp_path_factory.mktemp("studio"))


@pytest.fixture(scope="module")
def finished(studio):
    return studio.edit()


@pytest.fixture
def story(studio, finished) -> Story:
    return studio.story(finished.edit)


@pytest.fixture
def told(studio, finished, story):
    """The story as it stands, logged and sealed; verified as asked."""

    def tell(**how):
        name = "reviewed.mp4"
        (studio.folder / name).unlink(missing_ok=True)
        shutil.rmtree(studio.folder / f"{name}.ledger", ignore_errors=True)
        (studio.folder / f"{name}.mark").unlink(missing_ok=True)
        return studio.retell(finished.edit, story, name).verify(**how)

    return tell


def repaint(studio, finished, path, change, source=None):
    """The finished file with other pictures: ``change(frame)`` gives the planes."""
    clip = VideoClip(studio.folder / "request" / "clip.mp4")
    with VideoWriter(path, source or clip.path, clip.info, EncoderSettings()) as writer:
        for frame in VideoClip(finished.delivered.path).planes():
            writer.write(dc_replace(frame, planes=change(frame)))
    return path


def inverted(frame):
    return (255 - frame.planes[0], *frame.planes[1:])


def believed(story, path):
    """The operator records another output as if it had been made."""
    story.output = path
    digest = sha256_file(path)
    story.change("output", subjects={"output": digest}, clip=probe(path), packets=packet_digests(path))


def replan(studio, finished, story, **changes):
    """Another plan, recorded, approved and run under its own digest."""
    record = story.records[story.find("plan")][0].predicate
    plan = {**json.loads(studio.workshop.blobs.read(record.plan)), **changes}
    return carry(studio, story, jcs.canonical(plan))


def carry(studio, story, text):
    ref = studio.workshop.blobs.put(text, "application/json")
    story.change("plan", subjects={"plan": ref.sha256}, plan=ref, digest=ref.sha256)
    story.change("approval", subjects={"plan": ref.sha256}, plan=ref.sha256)
    for step in ("pass:1", "pass:2", "composite", "output"):
        story.change(step, plan=ref.sha256)


def facts(studio, story, stage, part, **changes):
    """Policy is said to have seen other facts, and the decision's own subjects go along."""
    record = story.records[story.find(f"policy-decision:{stage}")][0].predicate
    seen = json.loads(studio.workshop.blobs.read(record.facts))
    if part == "now":
        seen |= changes
    else:
        seen[part] |= changes
    ref = studio.workshop.blobs.put(jcs.canonical(seen), "application/json")
    named = {"facts": ref.sha256, "decision": record.decision.sha256}
    story.change(f"policy-decision:{stage}", subjects=named, facts=ref)


def test_2_another_video_sealed_under_an_honest_edits_records(studio, finished, story, told, tmp_path):
    """Only the seal's key is needed, no log and no receipt: the manifest binds whatever was sealed."""
    story.output = repaint(studio, finished, tmp_path / "other.mp4", inverted)
    report = told()
    assert failures(report) == {2}
    assert report.exit_code == 1


@pytest.mark.parametrize(
    "fields",
    [{"manifest": "urn:c2pa:another"}, {"certificate": "0" * 64}, {"log_size": 3}],
    ids=lambda f: next(iter(f)),
)
def test_2_the_seal_record_names_another_manifest(story, told, fields):
    story.seal = fields
    assert failures(told(receipt=True)) == {2}


def test_2_a_receipt_of_another_version(studio, finished):
    sealed = studio.sealed(finished.delivered.path)
    path = sealed.path.with_name("future.mp4")
    shutil.copy(sealed.path, path)
    receipt = json.loads(finished.delivered.receipt.read_text()) | {"format": "void-audit-receipt/v9"}
    path.with_name("future.mp4.receipt").write_text(json.dumps(receipt))
    assert states(studio.sealed(path).verify(receipt=True))[2] is State.UNKNOWN


def test_3_another_prompt_embedded_than_was_asked_with(story, told):
    story.embedded = {"prompt.json": b'{"bg": "A prompt that nobody gave."}'}
    assert failures(told()) == {3}


@pytest.mark.parametrize("credentials", ["valid", "trusted"])
def test_3_credentials_that_the_source_does_not_have(story, told, credentials):
    story.change("source", credentials=credentials)
    assert 3 in failures(told())


def test_4_a_key_event_with_a_second_signer(studio, finished, story, told):
    """Who enrolled a key must not depend on which signature is read."""

    def enrol_with_two(ledger):
        last = list(ledger.key_events())[-1]
        event = last.statement.predicate.model_copy(
            update={"sequence": last.statement.predicate.sequence + 1, "previous": last.leaf_hash}
        )
        statement = last.statement.model_copy(update={"predicate": event})
        signers = [studio.place.person(name) for name in ("admin", "lois")]
        ledger.append([dsse.seal(encode(statement), signers)])

    story.before_records = enrol_with_two
    assert 4 in failures(told())


def test_5_the_file_names_another_log_than_its_checkpoint(story, told):
    story.tamper = lambda a: a.model_copy(update={"origin": "herald/void-audit/0"})
    assert failures(told()) == {5}


@pytest.mark.parametrize(
    "time", ["2026-01-05T23:59:59+23:59", "yesterday", "2026-01-05T09:30:00"], ids=["zone", "words", "naive"]
)
def test_6_a_clock_moved_back_in_another_zone_or_in_no_form(story, told, time):
    """As text each of them sorts after the time before it."""
    story.change("composite", claimed_time=time)
    assert failures(told()) == {6}


def test_7_pass_2_says_another_take_than_it_made(story, told):
    story.change("pass:2", subjects={"take": sha256_hex(b"another take")})
    assert failures(told()) == {7}


def test_7_the_composite_is_of_a_take_that_nobody_recorded(story, told):
    story.change("composite", subjects={"take": sha256_hex(b"another take")})
    assert failures(told()) == {7}


def test_7_a_mask_composed_from_reasoning_that_is_not_there(story, told):
    for step in ("segmentation", "reasoning"):
        del story.records[story.find(step)]
    assert 7 in failures(told())


def test_7_a_record_told_twice(story, told):
    story.tamper = lambda a: a.model_copy(update={"records": (*a.records, approval_in(a))})
    assert failures(told()) == {7}


def approval_in(assertion):
    return next(r for r in assertion.records if b"/approval/" in payload(r))


def payload(record):
    return base64.b64decode(json.loads(base64.b64decode(record.envelope))["payload"])


@pytest.mark.parametrize(
    ("stage", "part", "changes"),
    [
        ("plan", "request", {"requester_roles": ["admin", "editor"]}),
        ("plan", "request", {"purpose": "harmless"}),
        ("plan", "request", {"instruction_words": []}),
        ("plan", "source", {"duration_seconds": 0.1}),
        ("plan", "mask", {"removed_percent_max": 0.0}),
        ("plan", "reasoning", {"confidence": 1.0}),
        ("plan", "reasoning", {"words": []}),
        ("output", "output", {"source_credentials_kept": False}),
        ("plan", "now", {"now": "2025-01-01T00:00:00Z"}),
    ],
    ids=lambda v: next(iter(v)) if isinstance(v, dict) else v,
)
def test_8_facts_that_no_record_bears_out(studio, story, told, stage, part, changes):
    facts(studio, story, stage, part, **changes)
    report = told()
    assert failures(report) == {8}
    detail = next(f.detail for f in report.findings if f.obligation == Obligation.POLICY)
    assert "the facts" in detail


def test_8_names_the_rules_by_their_whole_digest(studio, finished):
    """Twelve digits of a digest can be met by another pack of the same name."""
    report = studio.sealed(finished.delivered.path).verify()
    digest = next(iter(finished.state.decision("plan").packs.values()))
    assert any(digest in f.detail for f in report.findings if f.obligation == Obligation.POLICY)


def test_9_a_machine_or_the_requester_beside_an_approver_is_no_second_person(studio, finished, story, told):
    """Policy asks for one: the approval of a key that also serves as a machine is nobody's."""
    at = story.find("approval")
    statement, _ = story.records[at]
    person = studio.place.people.add("robot", None)
    admin = studio.place.person("admin")

    def enrol_robot(ledger):
        writing = dc_replace(studio.workshop, ledger=ledger).ledger
        roles = [Role.APPROVER, Role.MACHINE]
        enrol(writing, studio.place.blobs, admin, "robot", person.public_der, roles, studio.clock())

    story.before_records = enrol_robot
    story.records[at] = (statement, "robot")
    story.change("output", key_events=finished.state.output.key_events + 1)
    assert failures(told()) == {9}


def test_9_an_intent_signed_by_the_later_approver_too(studio, finished, story, told):
    """Perry, who approves, has signed the intent beside lois: he asked for it."""
    at = story.find("intent")
    story.records[at] = (story.records[at][0], "lois and perry")
    assert failures(told()) == {9}


def test_9_an_approval_whose_subject_is_another_plan(story, told):
    story.change("approval", subjects={"plan": sha256_hex(b"another plan")})
    assert failures(told()) == {9}


def test_10_shares_that_are_not_the_masks(studio, finished, story, told):
    """Policy judges shares: the operator records, and tells policy, smaller ones than the mask has."""
    mask = story.records[story.find("mask")][0].predicate
    small = mask.statistics.model_copy(update={"max_opened_share": 0.005})
    story.change("mask", statistics=small)
    for stage in ("plan", "output"):
        facts(studio, story, stage, "mask", opened_percent_max=0.5)
    assert 10 in failures(told())


def test_10_the_plan_opens_another_mask(studio, finished, story, told):
    record = story.records[story.find("mask")][0].predicate
    replan(studio, finished, story, mask={**record.identity.model_dump(), "root": sha256_hex(b"")})
    assert failures(told()) == {10}


def test_10_the_mask_record_is_about_another_mask(story, told):
    story.change("mask", subjects={"mask": sha256_hex(b"")})
    assert failures(told()) == {10}


def test_10_another_preview_embedded(story, told):
    story.embedded = {"mask-preview.png": b"a harmless picture"}
    assert failures(told()) == {10}


@pytest.mark.parametrize(
    "changes",
    [
        {"source": sha256_hex(b"another clip")},
        {"request": sha256_hex(b"another request")},
        {"edit": "another"},
    ],
    ids=lambda c: next(iter(c)),
)
def test_the_plan_is_for_something_else(studio, finished, story, told, changes):
    replan(studio, finished, story, **changes)
    assert failures(told()) & {3, 7}


def test_11_a_plan_that_two_readers_read_differently(studio, finished, story, told):
    record = story.records[story.find("plan")][0].predicate
    text = studio.workshop.blobs.read(record.plan)
    carry(studio, story, text[:-1] + b',"seed":"7"}')
    assert 11 in failures(told())


@pytest.mark.parametrize(
    "engine",
    [
        {"kind": "model", "weights": []},
        {"kind": "classical", "counterfactual_dynamics": True},
    ],
    ids=["model without files", "rules that foresee motion"],
)
def test_11_engines_that_cannot_be_what_they_say(studio, finished, story, told, engine):
    record = story.records[story.find("pass:1")][0].predicate
    said = EngineInfo.model_validate_json(json.dumps({**record.engine.model_dump(mode="json"), **engine}))
    replan(studio, finished, story, engine=said.model_dump(mode="json"))
    story.change("pass:1", engine=said)
    story.change("output", counterfactual_dynamics=said.counterfactual_dynamics)
    for stage in ("plan", "output"):
        facts(studio, story, stage, "engine", counterfactual_dynamics=said.counterfactual_dynamics)
    assert 11 in failures(told())  # the recorded decision saw other facts, so 8 may fail too


def test_11_policy_was_told_of_other_engines(studio, story, told):
    facts(studio, story, "plan", "engine", synthesizer="void")
    assert failures(told()) == {11}


def test_12_the_sound_was_replaced(studio, finished, story, told):
    output = story.records[story.find("output")][0].predicate
    story.change("output", packets=output.packets.model_copy(update={"audio": (sha256_hex(b"other words"),)}))
    assert 12 in failures(told())


def test_12_a_change_of_colour_alone(studio, finished, story, told, tmp_path):
    def recoloured(frame):
        chroma = frame.planes[1].copy()
        chroma[24:32, 32:48] = 255 - chroma[24:32, 32:48] // 2
        return (frame.planes[0], chroma, frame.planes[2])

    believed(story, repaint(studio, finished, tmp_path / "colour.mp4", recoloured))
    assert failures(told(source=True)) == {12}


def test_12_a_smaller_deviation_recorded_than_there_is(studio, story, told):
    output = story.records[story.find("output")][0].predicate
    story.change("output", containment_worst=output.containment_worst / 4)
    facts(studio, story, "output", "output", containment_worst=output.containment_worst / 4)
    assert 12 in failures(told(source=True))  # the recorded decision saw other facts, so 8 fails too


def test_whatever_goes_wrong_in_a_check_is_no_pass(studio, finished, monkeypatch):
    def stumble(evidence):
        raise RecursionError("too deep")

    monkeypatch.setitem(verify_module.CHECKS, Obligation.MASK, stumble)
    assert failures(studio.sealed(finished.delivered.path).verify()) == {10}


def test_the_report_says_what_no_file_can_prove(studio, finished):
    told = " ".join(studio.sealed(finished.delivered.path).verify().not_proven)
    for limit in ("different people", "rules are good", "ones that ran"):
        assert limit in told
