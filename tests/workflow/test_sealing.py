"""Sealing and delivery: what is in the file, what is logged of it, and what the receipt proves."""

from __future__ import annotations

import base64

import pytest
from house import FAST, STORY

from void_audit.audit.manifest import read_manifest
from void_audit.canon.checkpoint import open_checkpoint
from void_audit.canon.hashing import sha256_file
from void_audit.canon.merkle import verify_consistency
from void_audit.canon.note import VerifierKey
from void_audit.canon.proof import verify_logged
from void_audit.canon.statement import read_entry
from void_audit.errors import SealError
from void_audit.model.proof import Receipt
from void_audit.workflow.recorder import Recorder
from void_audit.workflow.sealing import MASK, PREVIEW, PROMPT, check_place, deliver, seal


@pytest.fixture(scope="module")
def edit(house):
    return house.approved("sealed")


@pytest.fixture(scope="module")
def finished(house, edit, tmp_path_factory):
    return house.run(edit, tmp_path_factory.mktemp("out") / "clean.mp4")


@pytest.fixture(scope="module")
def manifest(house, finished):
    return read_manifest(finished.delivered.path, house.place.trust_pem())


def test_the_file_carries_prompt_preview_and_mask(house, finished, manifest):
    blobs, state = house.place.blobs, finished.state
    assert manifest.embedded[PROMPT] == blobs.read(state.intent.prompt)
    assert manifest.embedded[PREVIEW] == blobs.read(state.mask.preview)
    assert manifest.embedded[MASK] == blobs.read(state.mask.mask)


def test_the_records_in_the_file_end_before_its_seal(edit, finished, manifest):
    assert manifest.ledger.edit == edit
    last = manifest.ledger.records[-1]
    assert last.index == finished.state.seal.log_size - 1


def test_the_seal_names_the_delivered_bytes(house, edit, finished):
    digest = sha256_file(finished.delivered.path)
    assert digest == finished.delivered.sha256 == Recorder(house.workshop, edit).subject("seal", "sealed")
    assert finished.delivered.path.name + ".receipt" == finished.delivered.receipt.name


def test_the_receipt_proves_the_seal_and_that_the_log_grew(house, finished, manifest):
    receipt = Receipt.model_validate_json(finished.delivered.receipt.read_bytes())
    key = VerifierKey.parse(house.place.log_vkey())
    outer, inner = (open_checkpoint(n, key) for n in (receipt.checkpoint, manifest.ledger.checkpoint))
    verify_logged(receipt.entry, outer)
    seal_entry = read_entry(receipt.entry.index, base64.b64decode(receipt.entry.envelope))
    assert seal_entry.statement.predicate == finished.state.seal
    proof = [bytes.fromhex(h) for h in receipt.consistency]
    verify_consistency(inner.size, inner.root, outer.size, outer.root, proof)


def test_a_receipt_written_later_still_belongs_to_the_same_file(house, edit, finished, tmp_path):
    house.planned("later")
    again = house.run(edit, tmp_path / "again.mp4")
    assert again.delivered.receipt.read_bytes() != finished.delivered.receipt.read_bytes()
    assert house.sealed(again.delivered.path).verify(receipt=True).exit_code == 0


def test_sealing_again_changes_nothing(house, edit, finished):
    recorder = Recorder(house.workshop, edit)
    seal(recorder, None)  # type: ignore[arg-type] - it does not get as far as the plan
    assert house.steps(edit) == STORY


def test_nothing_is_delivered_or_sealed_before_its_time(house, tmp_path):
    recorder = Recorder(house.workshop, house.planned("too early"))
    with pytest.raises(SealError) as caught:
        deliver(recorder, tmp_path / "out.mp4")
    assert caught.value.code == "seal-missing"
    with pytest.raises(SealError) as caught:
        seal(recorder, None)  # type: ignore[arg-type]
    assert caught.value.code == "output-missing"
    assert list(tmp_path.iterdir()) == []


def test_a_seal_interrupted_before_its_record_is_made_again(house, tmp_path, monkeypatch):
    folder = house.request("interrupted")
    edit = house.plan(folder, FAST).edit
    house.approve(edit)
    real, count = Recorder.record, []

    def stop_at_seal(self, predicate, *args):
        if predicate.kind == "seal":
            count.append(1)
            raise KeyboardInterrupt
        real(self, predicate, *args)

    with monkeypatch.context() as patch:
        patch.setattr(Recorder, "record", stop_at_seal)
        with pytest.raises(KeyboardInterrupt):
            house.run(edit, tmp_path / "out.mp4")
    assert house.steps(edit) == STORY[:-1]
    finished = house.run(edit, tmp_path / "out.mp4")
    assert house.steps(edit) == STORY
    assert house.sealed(finished.delivered.path).verify(receipt=True).exit_code == 0


def test_a_file_of_the_same_name_is_replaced(house, edit, finished, tmp_path):
    """An older finished file may be replaced; only the source may not (see test_running)."""
    (tmp_path / "out.mp4").write_bytes(b"older")
    check_place(Recorder(house.workshop, edit), tmp_path / "out.mp4")
    house.run(edit, tmp_path / "out.mp4")
    assert sha256_file(tmp_path / "out.mp4") == finished.delivered.sha256
