from dataclasses import replace

import pytest

from void_audit.audit.signatures import signatures
from void_audit.model.report import State


def unpinned(finished):
    return replace(finished.evidence, pins=replace(finished.pins, log_vkey=None), checkpoint=None)


def test_a_file_that_carries_nothing_is_neither_green_nor_red(nothing):
    found = signatures(nothing)
    assert found.state is State.UNKNOWN
    assert found.remedy


def test_4_counts_records_and_keys(finished):
    found = signatures(finished.evidence)
    assert found.state is State.PASS
    assert f"{len(finished.assertion.records)} records under 4 enrolled keys" in found.detail


def test_4_an_assertion_without_records_says_that_there_are_none(finished):
    found = signatures(finished.gather(ledger=finished.assertion.model_copy(update={"records": ()})))
    assert found.state is State.UNKNOWN
    assert found.remedy


def test_4_records_that_cannot_be_read_are_not_records_that_are_not_there(finished):
    garbage = tuple(r.model_copy(update={"envelope": "AAAA"}) for r in finished.assertion.records)
    found = signatures(finished.gather(ledger=finished.assertion.model_copy(update={"records": garbage})))
    assert found.state is State.FAIL
    assert "entry 0" in found.detail
    assert f"{len(garbage) - 3} more" in found.detail


def test_4_bad_signatures_are_named_and_counted(finished):
    problems = tuple(f"mask at entry {n}: forged" for n in range(5))
    found = signatures(replace(finished.evidence, bad_signatures=problems))
    assert found.state is State.FAIL
    assert problems[0] in found.detail
    assert "2 more" in found.detail


@pytest.mark.parametrize("told", [0, 4, 6, 10**6])
def test_4_the_number_of_key_events_must_be_the_recorded_one(finished, told):
    shown = finished.evidence.state.output.key_events
    assert shown == 5
    found = signatures(finished.with_record("output", key_events=told))
    assert found.state is State.FAIL
    assert f"held {told} key events" in found.detail
    assert f"shows {shown}" in found.detail


def test_4_without_a_pinned_log_nobody_knows_whose_keys_these_are(finished):
    found = signatures(unpinned(finished))
    assert found.state is State.UNKNOWN
    assert "--log-key" in found.remedy


def test_4_a_forgery_is_red_even_without_a_pinned_log(finished):
    found = signatures(replace(unpinned(finished), bad_signatures=("intent at entry 6: forged",)))
    assert found.state is State.FAIL


def test_4_says_up_to_where_it_knows_of_revocations(finished):
    output = next(e.index for e in finished.evidence.entries if e.statement.kind == "output")
    assert f"Revocations after entry {output} would not show" in signatures(finished.evidence).detail


def test_4_names_why_a_receipt_is_not_believed(finished):
    found = signatures(replace(finished.evidence, later_keys_problem="it is not in the log"))
    assert found.state is State.PASS
    assert "not believed: it is not in the log." in found.detail
