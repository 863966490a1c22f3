from dataclasses import replace

import pytest

from void_audit.audit.timing import time
from void_audit.model.report import State


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


def test_a_file_that_carries_nothing_is_neither_green_nor_red(nothing):
    found = time(nothing)
    assert found.state is State.UNKNOWN
    assert found.remedy


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
