from dataclasses import replace

import pytest
from simulator.studio import Studio

from void_audit.audit.inclusion import inclusion
from void_audit.model.report import State


def unpinned(finished):
    return replace(finished.evidence, pins=replace(finished.pins, log_vkey=None), checkpoint=None)


def test_a_file_that_carries_nothing_is_neither_green_nor_red(nothing):
    found = inclusion(nothing)
    assert found.state is State.UNKNOWN
    assert found.remedy


def test_5_says_which_log_and_that_only_its_operator_vouches(finished):
    found = inclusion(finished.evidence)
    assert found.state is State.PASS
    assert finished.assertion.origin in found.detail
    assert "operator-trusted" in found.detail


def test_5_without_a_pin_the_claimed_log_is_told(finished):
    found = inclusion(unpinned(finished))
    assert found.state is State.UNKNOWN
    assert finished.assertion.origin in found.detail
    assert "--log-key" in found.remedy


@pytest.mark.parametrize("note", ["", "no note", "another house's"])
def test_5_a_checkpoint_that_the_pinned_log_did_not_sign(finished, tmp_path, note):
    if note == "another house's":
        note = Studio(tmp_path).place.reading.checkpoint()
    evidence = finished.gather(ledger=finished.assertion.model_copy(update={"checkpoint": note}))
    found = inclusion(evidence)
    assert evidence.checkpoint_problem
    assert found.state is State.FAIL
    assert evidence.checkpoint_problem[:100] in found.detail


def test_5_every_entry_that_is_not_in_the_log_is_named_or_counted(finished):
    moved = tuple(r.model_copy(update={"index": r.index + 1}) for r in finished.assertion.records)
    found = inclusion(finished.gather(ledger=finished.assertion.model_copy(update={"records": moved})))
    assert found.state is State.FAIL
    assert "entry 1:" in found.detail
    assert f"{len(moved) - 3} more" in found.detail
