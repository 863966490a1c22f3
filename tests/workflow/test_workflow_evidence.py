"""What goes into the file: everything a stranger needs, nothing that is not theirs to see."""

from __future__ import annotations

import base64
import json

import pytest
from house import STORY

from void_audit.canon.checkpoint import open_checkpoint
from void_audit.canon.hashing import sha256_hex
from void_audit.canon.note import VerifierKey
from void_audit.canon.proof import verify_logged
from void_audit.model.lifecycle import step_of
from void_audit.model.records import KeyEvent
from void_audit.workflow import evidence
from void_audit.workflow.approving import approve
from void_audit.workflow.evidence import MAX_EVIDENCE_BLOB, blobs_of, ledger_assertion
from void_audit.workflow.recorder import Recorder


@pytest.fixture(scope="module")
def edit(house):
    edit = house.planned("evidence")
    house.approve(edit, "perry")
    house.planned("a neighbour")  # records of another edit lie between and after
    house.run(edit)
    return edit


@pytest.fixture(scope="module")
def assertion(house, edit):
    return ledger_assertion(Recorder(house.workshop, edit), house.place.writing.size)


def predicates(house, assertion):
    return [house.place.writing.entry(r.index).statement.predicate for r in assertion.records]


def test_every_record_of_the_edit_and_every_key_event_and_no_other(house, edit, assertion):
    found = predicates(house, assertion)
    assert [step_of(p) for p in found if p.edit == edit] == STORY
    others = [p for p in found if p.edit != edit]
    assert all(isinstance(p, KeyEvent) for p in others)
    assert len(others) == len(list(house.place.writing.key_events()))
    indices = [r.index for r in assertion.records]
    assert indices == sorted(set(indices))


def test_every_record_is_provable_on_the_checkpoint(house, assertion):
    key = VerifierKey.parse(house.place.log_vkey())
    checkpoint = open_checkpoint(assertion.checkpoint, key)
    for record in assertion.records:
        verify_logged(record, checkpoint)


def test_nothing_newer_than_the_checkpoint(house, edit):
    size = next(house.place.writing.entries(edit=edit)).index + 3
    early = ledger_assertion(Recorder(house.workshop, edit), size)
    assert max(r.index for r in early.records) < size


def test_evidence_is_by_digest_bounded_and_complete(house, assertion):
    for digest, text in assertion.evidence.items():
        data = base64.b64decode(text)
        assert sha256_hex(data) == digest
        assert len(data) <= MAX_EVIDENCE_BLOB
    refs = [ref for p in predicates(house, assertion) for ref in blobs_of(p)]
    missing = {r.media_type for r in refs if r.sha256 not in assertion.evidence}
    assert missing <= {"video/x-matroska", "video/mp4", "image/png"}
    packs = {d for p in predicates(house, assertion) for d in getattr(p, "packs", {}).values()}
    assert packs
    assert packs <= set(assertion.evidence)


def test_of_masks_that_were_revised_the_hashes_stay_behind(house, edit):
    """A long clip's hashes are a megabyte a mask, and what a verifier reads has an end."""
    mask = Recorder(house.workshop, edit).state.mask
    revised = mask.model_copy(update={"claimed_time": "later"})
    assert mask.frame_hashes in set(blobs_of(mask))
    assert mask.frame_hashes in set(blobs_of(mask, mask))
    assert set(blobs_of(mask, revised)) == set(blobs_of(mask)) - {mask.frame_hashes}


def test_nobody_is_named(house, assertion):
    """Names of people stay in the workspace: neither in a record nor in the evidence."""
    everything = json.dumps(assertion.model_dump(mode="json")).encode()
    everything += b"".join(base64.b64decode(t) for t in assertion.evidence.values())
    everything += b"".join(base64.b64decode(r.envelope) for r in assertion.records)
    for name in (b"lois", b"perry", b"jimmy"):
        assert name not in everything
        assert base64.b64encode(name)[:-2] not in everything
    for event in house.place.writing.key_events():
        assert event.statement.predicate.holder.sha256 not in assertion.evidence


def test_the_disclaimer_is_there(assertion):
    assert "do not prove that the pictured events are true" in assertion.disclaimer


def test_what_only_tells_the_story_has_an_end(house, monkeypatch):
    """Comments and operations of corrections are as many as people make; what verify needs always travels."""
    edit = house.planned("talkative")
    house.approve(edit, "perry")
    approval = house.last(edit)
    approve(house.workshop, edit, house.place.person("jimmy"), "I have looked at it for a long time.")
    said = house.last(edit)
    recorder = Recorder(house.workshop, edit)
    size = house.place.writing.size
    whole = ledger_assertion(recorder, size).evidence
    monkeypatch.setattr(evidence, "MAX_STORY", 10)
    short = ledger_assertion(recorder, size).evidence
    assert said.comment.sha256 in whole
    reply = recorder.state.reasoning.exchange.reply.sha256
    assert set(whole) - set(short) == {said.comment.sha256, reply}
    assert approval.comment is None
