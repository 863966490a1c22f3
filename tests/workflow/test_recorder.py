"""Recording: nothing out of order, nothing twice, whatever fails in between."""

from __future__ import annotations

import pytest
from house import FAST, STORY

from void_audit.canon import dsse
from void_audit.canon.statement import encode
from void_audit.errors import OrderError, StorageError
from void_audit.ledger import store
from void_audit.ledger.mark import HeldMark
from void_audit.model.records import Rejection, SealRecord
from void_audit.workflow.recorder import LIBRARIES, Recorder, statement_of


@pytest.fixture(scope="module")
def edit(house):
    return house.planned("recorded")


def seal_record(recorder):
    return SealRecord(
        **recorder.common(), unsealed="0" * 64, manifest="m", certificate="0" * 64, log_size=1
    )  # fmt: skip


def test_what_the_lifecycle_refuses_is_not_written(house, edit):
    recorder, size = Recorder(house.workshop, edit), house.place.writing.size
    with pytest.raises(OrderError) as caught:
        recorder.record(seal_record(recorder), {"sealed": "0" * 64})
    assert (caught.value.code, caught.value.exit_code) == ("out-of-order", 2)
    assert house.place.writing.size == size


def test_a_log_that_holds_what_it_must_not(own):
    edit = own.planned()
    recorder = Recorder(own.workshop, edit)
    record = Rejection(**recorder.common(), plan="0" * 64)
    statement = statement_of(record, {"plan": "0" * 64})
    own.place.writing.append([dsse.seal(encode(statement), [own.place.person("perry")])])
    with pytest.raises(OrderError) as caught:
        Recorder(own.workshop, edit)
    assert caught.value.code == "ledger-order"
    with pytest.raises(OrderError):
        own.run(edit)


@pytest.mark.parametrize(
    "target", [(store, "add_entries"), (HeldMark, "raise_to"), (store, "add_checkpoint")]
)
def test_a_failed_record_is_written_once_when_the_disk_is_back(house, target, monkeypatch):
    """In one process, with the ledger open all the while: the last two leave a committed, unsigned entry."""
    name = f"failed-{target[1]}"
    folder = house.request(name)

    def full(*args):
        raise StorageError("storage-full", "No room.", "Free some.")

    with monkeypatch.context() as patch:
        patch.setattr(*target, full)
        with pytest.raises(StorageError):
            house.plan(folder, FAST)
    edit = house.plan(folder, FAST).edit
    assert house.steps(edit) == STORY[:10]
    assert house.place.fsck().ok


def test_subjects_by_step_and_name(house, edit):
    recorder = Recorder(house.workshop, edit)
    assert recorder.subject("plan", "plan") == recorder.state.plan.digest
    assert recorder.subject("intent", "source") == recorder.subject("source", "source")
    assert recorder.subject("mask", "mask") == recorder.state.mask.identity.root


def test_a_stage_says_where_and_with_what_it_ran(house, edit):
    run = Recorder(house.workshop, edit).state.segmentation.run
    assert run.device == "cpu"
    assert run.wall_seconds >= 0
    assert set(LIBRARIES) < set(run.libraries)


def test_people_sign_what_they_answer_for_and_the_machine_the_rest(house, edit):
    house.approve(edit)
    signers = {e.statement.kind: e.key_ids for e in house.place.writing.entries(edit=edit)}
    assert signers.pop("intent") == signers.pop("query") == (house.place.person("lois").key_id,)
    assert signers.pop("approval") == (house.place.person("perry").key_id,)
    assert set(signers.values()) == {(house.workshop.machine.key_id,)}
