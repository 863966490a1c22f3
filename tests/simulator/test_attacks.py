"""Each obligation has an attack that breaks exactly it, by an operator who holds every key of the house."""

from __future__ import annotations

import base64
import json
import shutil
from dataclasses import replace as dc_replace

import pytest
from simulator.studio import Story, Studio, failures, states

from void_audit.audit.evidence import parse
from void_audit.canon import jcs
from void_audit.canon.hashing import sha256_file, sha256_hex
from void_audit.media.maskfile import MaskFile, MaskWriter
from void_audit.media.packets import packet_digests
from void_audit.media.probe import probe
from void_audit.media.reader import VideoClip
from void_audit.media.writer import VideoWriter
from void_audit.model.engine import EngineInfo, WeightsRef
from void_audit.model.plan import EncoderSettings
from void_audit.model.records import KeyEvent
from void_audit.model.report import REQUIRED, State
from void_audit.workflow.masking import stored_mask
from void_audit.workflow.recorder import Recorder


@pytest.fixture(scope="module")
def studio(tmp_path_factory):
    return Studio(tmp_path_factory.mktemp("studio"))


@pytest.fixture(scope="module")
def finished(studio):
    return studio.edit()


@pytest.fixture
def story(studio, finished) -> Story:
    return studio.story(finished.edit)


def told(studio, finished, story, name="told.mp4"):
    (studio.folder / name).unlink(missing_ok=True)
    shutil.rmtree(studio.folder / f"{name}.ledger", ignore_errors=True)
    (studio.folder / f"{name}.mark").unlink(missing_ok=True)
    return studio.retell(finished.edit, story, name)


def test_an_honest_edit_verifies(studio, finished):
    report = studio.sealed(finished.delivered.path).verify(source=True, receipt=True)
    answers = states(report)
    assert failures(report) == set()
    assert {n for n, s in answers.items() if s is State.PASS} == {0, 1, 2, 3, 4, 5, 7, 8, 9, 10, 11, 12}
    assert answers[6] is State.UNKNOWN
    assert report.exit_code == 0


def test_an_honest_story_retold_verifies(studio, finished, story):
    report = told(studio, finished, story).verify(source=True, receipt=True)
    assert failures(report) == set()
    assert report.exit_code == 0


def test_0_one_flipped_byte_of_the_picture(studio, finished):
    data = bytearray(finished.delivered.path.read_bytes())
    data[data.index(b"mdat") + 200] ^= 1
    copy = studio.folder / "flipped.mp4"
    copy.write_bytes(data)
    assert failures(studio.sealed(copy).verify()) == {0}


def test_0_a_missing_manifest_is_neither_green_nor_red(studio, finished):
    report = studio.sealed(studio.folder / "request" / "clip.mp4").verify()
    assert failures(report) == set()
    assert report.exit_code == 3
    assert states(report)[0] is State.UNKNOWN


def test_1_a_certificate_with_the_same_name_from_another_root(studio, finished, story):
    story.seal_with = studio.attacker_chain()
    assert failures(told(studio, finished, story).verify(receipt=True)) == {1}


def test_1_without_a_pinned_root_nobody_can_tell(studio, finished):
    report = studio.sealed(finished.delivered.path).verify(trust_pem=None)
    assert states(report)[1] is State.UNKNOWN
    assert report.exit_code == 3


def test_2_bytes_that_c2pa_does_not_cover(studio, finished):
    """A free box may be appended without breaking the C2PA binding (spec/c2pa 1.3)."""
    copy = studio.folder / "padded.mp4"
    copy.write_bytes(finished.delivered.path.read_bytes() + b"\0\0\0\x10free" + b"payload!")
    receipt = finished.delivered.receipt.read_bytes()
    copy.with_name(copy.name + ".receipt").write_bytes(receipt)
    assert failures(studio.sealed(copy).verify(receipt=True)) == {2}


def test_2_another_edits_receipt(studio, finished, story):
    sealed = told(studio, finished, story)
    sealed.path.with_name("told.mp4.receipt").write_bytes(finished.delivered.receipt.read_bytes())
    assert failures(sealed.verify(receipt=True)) == {2}


def test_3_the_intent_named_another_clip(studio, finished, story):
    story.change("intent", subjects={"source": sha256_hex(b"another clip")})
    assert failures(told(studio, finished, story).verify()) == {3}


def test_3_another_clip_given_as_source(studio, finished):
    sealed = dc_replace(studio.sealed(finished.delivered.path), source=finished.delivered.path)
    report = sealed.verify(source=True)
    assert failures(report) == {3}
    assert states(report)[12] is State.UNKNOWN


def test_4_a_record_signed_by_a_key_without_the_role(studio, finished, story):
    at = story.find("mask")
    story.records[at] = (story.records[at][0], "lois")
    assert failures(told(studio, finished, story).verify()) == {4}


def test_4_an_approval_signed_by_the_editor(studio, finished, story):
    """The requester's own approval lacks the role (4) and does not count (9)."""
    at = story.find("approval")
    story.records[at] = (story.records[at][0], "lois")
    assert failures(told(studio, finished, story).verify()) == {4, 9}


def test_4_a_withheld_revocation(studio, finished, story):
    def withhold(assertion):
        kept = [r for r in assertion.records if not _is_last_key_event(r, assertion)]
        return assertion.model_copy(update={"records": tuple(kept)})

    story.tamper = withhold
    assert failures(told(studio, finished, story).verify()) == {4}


def _is_last_key_event(record, assertion):
    events = [r.index for r in assertion.records if isinstance(parse(r).statement.predicate, KeyEvent)]
    return record.index == max(events)


def test_4_a_signature_changed(studio, finished, story):
    def tamper(assertion):
        records = list(assertion.records)
        envelope = json.loads(base64.b64decode(records[-1].envelope))
        signature = bytearray(base64.b64decode(envelope["signatures"][0]["sig"]))
        signature[0] ^= 1
        envelope["signatures"][0]["sig"] = base64.b64encode(signature).decode()
        data = base64.b64encode(jcs.canonical(envelope)).decode()
        records[-1] = records[-1].model_copy(update={"envelope": data})
        return assertion.model_copy(update={"records": tuple(records)})

    story.tamper = tamper
    # Another envelope is another leaf, so it is not in the log either.
    assert failures(told(studio, finished, story).verify()) == {4, 5}


def test_5_a_proof_for_another_leaf(studio, finished, story):
    def tamper(assertion):
        records = list(assertion.records)
        wrong = (records[-1].proof[0][::-1], *records[-1].proof[1:])
        records[-1] = records[-1].model_copy(update={"proof": wrong})
        return assertion.model_copy(update={"records": tuple(records)})

    story.tamper = tamper
    assert failures(told(studio, finished, story).verify()) == {5}


def test_5_a_checkpoint_of_another_log(studio, finished, story, tmp_path):
    other = Studio(tmp_path)
    sealed = told(studio, finished, story)
    assert failures(sealed.verify(log_vkey=other.place.log_vkey())) == {5}


def test_5_without_a_pinned_log_nobody_can_tell(studio, finished):
    report = studio.sealed(finished.delivered.path).verify(log_vkey=None)
    assert states(report)[5] is State.UNKNOWN
    assert states(report)[4] is State.UNKNOWN
    assert report.exit_code == 3


def test_6_the_clock_moved_back(studio, finished, story):
    story.change("composite", claimed_time="2025-12-31T23:59:59+00:00")
    assert failures(told(studio, finished, story).verify()) == {6}


def test_7_reordered_steps(studio, finished, story):
    one, other = story.find("segmentation"), story.find("reasoning")
    times = [story.records[i][0].predicate.claimed_time for i in (one, other)]
    story.change("segmentation", claimed_time=times[1])
    story.change("reasoning", claimed_time=times[0])
    story.records[one], story.records[other] = story.records[other], story.records[one]
    assert failures(told(studio, finished, story).verify()) == {7}


def test_7_a_missing_policy_decision(studio, finished, story):
    del story.records[story.find("policy-decision:intent")]
    assert failures(told(studio, finished, story).verify()) == {7}


def test_7_records_of_another_edit(studio, finished, story):
    story.change("composite", edit="another")
    report = told_with_stray(studio, finished, story)
    assert 7 in failures(report)


def told_with_stray(studio, finished, story):
    def add(assertion):
        return assertion

    story.tamper = add
    return told(studio, finished, story).verify()


def test_8_facts_that_the_verdict_does_not_follow_from(studio, finished, story):
    """Policy is said to have seen an asset class that it would have denied."""
    at = story.find("policy-decision:intent")
    record = story.records[at][0].predicate
    facts = json.loads(studio.workshop.blobs.read(record.facts))
    facts["request"]["asset_class"] = "evidence"
    forged = jcs.canonical(facts)
    ref = studio.workshop.blobs.put(forged, "application/json")
    story.change("policy-decision:intent", facts=ref)
    assert failures(told(studio, finished, story).verify()) == {8}


def test_8_facts_that_other_records_contradict(studio, finished, story):
    at = story.find("policy-decision:plan")
    facts = json.loads(studio.workshop.blobs.read(story.records[at][0].predicate.facts))
    facts["mask"]["opened_percent_max"] = 0.5
    ref = studio.workshop.blobs.put(jcs.canonical(facts), "application/json")
    story.change("policy-decision:plan", facts=ref)
    assert failures(told(studio, finished, story).verify()) == {8}


def test_8_a_missing_rule_pack_cannot_be_told(studio, finished, story):
    digest = next(iter(story.records[story.find("policy-decision:plan")][0].predicate.packs.values()))
    story.evidence = {digest: b""}
    report = told(studio, finished, story).verify()
    assert failures(report) == set()
    assert states(report)[8] is State.UNKNOWN
    assert report.exit_code == 3


def test_9_no_approval(studio, finished, story):
    del story.records[story.find("approval")]
    assert failures(told(studio, finished, story).verify()) == {9}


def test_9_an_approval_of_another_plan(studio, finished, story):
    other = sha256_hex(b"another plan")
    story.change("approval", subjects={"plan": other}, plan=other)
    assert failures(told(studio, finished, story).verify()) == {9}


def test_10_another_mask_embedded(studio, finished, story, tmp_path):
    mask: MaskFile = stored_mask(Recorder(studio.workshop, finished.edit))
    path = tmp_path / "other.mkv"
    with MaskWriter(path, mask.size, "24/1") as writer:
        for classes in mask.classes():
            changed = classes.copy()
            changed[:8, :8] = 0
            writer.write(changed)
    story.embedded = {"quadmask.mkv": path.read_bytes()}
    assert failures(told(studio, finished, story).verify()) == {10}


def test_10_a_recorded_root_that_is_not_the_masks(studio, finished, story):
    identity = story.records[story.find("mask")][0].predicate.identity
    story.change("mask", identity=identity.model_copy(update={"root": sha256_hex(b"")}))
    assert failures(told(studio, finished, story).verify()) == {10}


def test_11_another_engine_than_planned(studio, finished, story):
    other = EngineInfo(name="other", version="9", kind="model", description="Not the one approved.")
    story.change("pass:1", engine=other)
    assert failures(told(studio, finished, story).verify()) == {11}


def test_11_weights_that_are_not_approved(studio, finished, story):
    engine = story.records[story.find("segmentation")][0].predicate.engine
    weights = (WeightsRef(name="mystery", sha256=sha256_hex(b"mystery")),)
    story.change("segmentation", engine=engine.model_copy(update={"weights": weights}))
    assert failures(told(studio, finished, story).verify()) == {11}


def test_12_something_changed_outside_the_mask(studio, finished, story, tmp_path):
    """The picture is repainted where the mask says KEEP, and the operator logs and seals it as usual."""
    source = VideoClip(studio.folder / "request" / "clip.mp4")
    told_output = tmp_path / "repainted.mp4"
    with VideoWriter(told_output, source.path, source.info, EncoderSettings()) as writer:
        for frame in VideoClip(finished.delivered.path).planes():
            luma = frame.planes[0].copy()
            luma[48:64, 64:96] = 235 - luma[48:64, 64:96]
            writer.write(dc_replace(frame, planes=(luma, *frame.planes[1:])))
    story.output = told_output
    digest = sha256_file(told_output)
    story.change(
        "output", subjects={"output": digest}, clip=probe(told_output), packets=packet_digests(told_output)
    )
    assert failures(told(studio, finished, story).verify(source=True, receipt=True)) == {12}


def test_the_required_obligations_decide_the_exit_code(studio, finished):
    report = studio.sealed(finished.delivered.path).verify()
    assert report.exit_code == 0
    for number in REQUIRED:
        findings = tuple(
            f.model_copy(update={"state": State.UNKNOWN}) if f.obligation == number else f
            for f in report.findings
        )
        assert report.model_copy(update={"findings": findings}).exit_code == 3
