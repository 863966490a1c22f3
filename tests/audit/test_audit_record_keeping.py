from dataclasses import replace

import pytest
from simulator.studio import Studio

from void_audit.audit.record_keeping import inclusion, signatures, time
from void_audit.model.report import State


def unpinned(finished):
    return replace(finished.evidence, pins=replace(finished.pins, log_vkey=None), checkpoint=None)


def claiming(evidence, *times):
    """Evidence whose last records claim these times; the last ones are all the machine's."""
    changed = [
        replace(
            entry,
            statement=entry.statement.model_copy(
                update={"predicate": entry.statement.predicate.model_copy(update={"claimed_time": claimed})}
            ),
        )
        for entry, claimed in zip(evidence.entries[-len(times) :], times, strict=True)
    ]
    return replace(evidence, entries=(*evidence.entries[: -len(times)], *changed))


@pytest.mark.parametrize("check", [signatures, inclusion, time])
def test_a_file_that_carries_nothing_is_neither_green_nor_red(nothing, check):
    found = check(nothing)
    assert found.state is State.UNKNOWN
    assert found.remedy


# --- 4 ---------------------------------------------------------------------------------------------


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


# --- 5 ---------------------------------------------------------------------------------------------


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


# --- 6 ---------------------------------------------------------------------------------------------


def test_6_nothing_from_outside_is_cannot_tell_with_the_claims_named(finished):
    found = time(finished.evidence)
    claims = [e.statement.predicate.claimed_time for e in finished.evidence.entries]
    assert found.state is State.UNKNOWN
    assert claims[0] in found.detail
    assert claims[-1] in found.detail
    assert "3161" in found.remedy


def test_6_a_validated_token_is_named(finished):
    found = time(finished.with_manifest(signed_at="2026-01-05T10:00:00+00:00"))
    assert found.state is State.PASS
    assert "2026-01-05T10:00:00" in found.detail


def test_6_a_clock_that_was_set_back_names_key_times_and_entries(finished):
    late, early = "2026-03-01T00:00:01+00:00", "2026-03-01T00:00:00+00:00"
    evidence = claiming(finished.evidence, late, early)
    one, other = evidence.entries[-2:]
    assert one.key_ids == other.key_ids
    for bent in (evidence, finished.with_manifest(evidence, signed_at="2026-04-01T00:00:00+00:00")):
        found = time(bent)
        assert found.state is State.FAIL
        for value in (early, f"entry {one.index}", f"entry {other.index}", one.key_ids[0][:16]):
            assert value in found.detail


def test_6_an_hour_earlier_elsewhere_is_later(finished):
    """Instants are compared, not texts: 11:00 in Berlin comes before 10:30 in London."""
    berlin, london = "2026-03-01T11:00:00+01:00", "2026-03-01T10:30:00+00:00"
    assert time(claiming(finished.evidence, berlin, london)).state is State.UNKNOWN
    assert time(claiming(finished.evidence, london, berlin)).state is State.FAIL


@pytest.mark.parametrize(
    "claimed", ["yesterday", "2026-13-45T00:00:00+00:00", "2026-03-01T10:00:00", "\x1b[2J"]
)
def test_6_what_is_no_instant_is_named(finished, claimed):
    found = time(claiming(finished.evidence, claimed))
    assert found.state is State.FAIL
    assert f"ntry {finished.evidence.entries[-1].index} claims" in found.detail
    assert found.detail.isprintable()
