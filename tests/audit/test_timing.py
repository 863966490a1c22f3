from dataclasses import replace
from datetime import timedelta

import pytest
from outsiders import (
    LATER,
    POLICY,
    cosigned,
    delivered,
    earlier_one,
    inner,
    inside,
    outer,
    pinned,
    sizes,
    token,
)  # fmt: skip
from tsa import Tsa

from void_audit.audit import timing
from void_audit.audit.evidence import parse
from void_audit.audit.timing import CLOCKS, time
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


def test_6_the_manifests_own_token_is_named_and_not_counted(finished):
    """C2PA trusts it under the root of the house, which can found an authority of its own and set her clock."""
    found = time(finished.with_manifest(signed_at="2026-01-05T10:00:00+00:00"))
    assert found.state is State.UNKNOWN
    assert "Not counted: the manifest's own time stamp claims 2026-01-05T10:00:00" in found.detail


def test_6_a_clock_that_was_set_back_names_key_times_and_entries(finished):
    late, early = "2026-03-01T00:05:01+00:00", "2026-03-01T00:00:00+00:00"
    evidence = claiming(finished.evidence, late, early)
    one, other = evidence.entries[-2:]
    assert one.key_ids == other.key_ids
    for bent in (evidence, finished.with_manifest(evidence, signed_at="2026-04-01T00:00:00+00:00")):
        found = time(bent)
        assert found.state is State.FAIL
        for value in (early, f"entry {one.index}", f"entry {other.index}", one.key_ids[0][:16]):
            assert value in found.detail


def test_6_a_clock_that_was_put_right_is_no_fault_but_it_may_not_creep_back(finished):
    """Machines that wake up a little fast are corrected; their records must not be red for ever."""
    times = [f"2026-03-01T00:{minute:02}:00+00:00" for minute in (9, 6, 4, 3)]
    assert time(claiming(finished.evidence, times[0], times[2])).state is State.UNKNOWN
    found = time(claiming(finished.evidence, *times))
    assert found.state is State.FAIL
    assert times[3] in found.detail


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


# What outsiders say.


def of_file(finished, when=LATER, **options):
    return token(bytes.fromhex(finished.evidence.sha256), when, covers="file", **options)


def test_6_a_token_says_by_when_and_on_whose_word(finished):
    for evidence, thing in [
        (inside(finished, token(inner(finished))), "The records were there"),
        (delivered(finished, of_file(finished)), "The file existed"),
        (delivered(finished, token(outer(finished))), "The file existed"),
    ]:
        found = time(evidence)
        assert found.state is State.PASS
        assert thing in found.detail
        assert "by 2026-02-01T00:00:02+00:00, says CN=Test TSA" in found.detail


def test_6_the_earliest_word_counts_and_others_are_counted(finished):
    second = Tsa(name="Second TSA", seed=2)
    early = of_file(finished, LATER - timedelta(days=7), tsa=second)
    evidence = delivered(finished, of_file(finished), early)
    evidence = pinned(evidence, evidence.pins.tsa_pem + second.root_pem)
    detail = time(evidence).detail
    assert "2026-01-25T00:00:02+00:00, says CN=Second TSA (1 more by 2026-02-01T00:00:02+00:00)" in detail


def test_6_a_witness_bounds_time_too(finished):
    evidence = finished.with_ledger(checkpoint=cosigned(finished.assertion.checkpoint))
    assert time(pinned(evidence)).state is State.UNKNOWN
    found = time(pinned(evidence, witness_policy=POLICY))
    assert found.state is State.PASS
    assert "says witness council" in found.detail


def test_6_without_pinned_roots_a_token_is_a_claim(finished):
    found = time(pinned(inside(finished, token(inner(finished))), None))
    assert found.state is State.UNKNOWN
    assert "claims 2026-02-01T00:00:00+00:00, but no root" in found.detail
    assert "--tsa" in found.remedy


def test_6_a_strangers_token_is_neither_green_nor_red(finished):
    stranger = of_file(finished, tsa=Tsa(name="Stranger", seed=8))
    found = time(delivered(finished, stranger))
    assert found.state is State.UNKNOWN
    assert "Stranger" in found.detail
    assert time(delivered(finished, stranger, of_file(finished))).state is State.PASS


def test_6_a_token_of_something_else_fails(finished):
    for evidence in (
        inside(finished, token(bytes(32))),
        delivered(finished, token(bytes(32), covers="file")),
    ):
        found = time(evidence)
        assert found.state is State.FAIL
        assert "something else" in found.detail


def claims_of(finished):
    return finished.evidence.entries[-1].statement.predicate.claimed_time


def at(text):
    return LATER.fromisoformat(text)


def test_6_a_clock_that_runs_after_what_outsiders_saw_is_a_contradiction(finished):
    """The records were there at ten; whoever claims to have signed one at eleven has set the clock."""
    last = at(claims_of(finished))
    for make in (
        lambda when: inside(finished, token(inner(finished), when)),
        lambda when: delivered(finished, of_file(finished, when)),
        lambda when: delivered(finished, token(outer(finished), when)),
        lambda when: pinned(
            finished.with_ledger(checkpoint=cosigned(finished.assertion.checkpoint, when)),
            witness_policy=POLICY,
        ),
        lambda when: finished.with_manifest(signed_at=when.isoformat()),
    ):
        assert time(make(last - CLOCKS + timedelta(seconds=30))).state is not State.FAIL
        found = time(make(last - CLOCKS - timedelta(minutes=1)))
        assert found.state is State.FAIL
        assert "claims" in found.detail
        assert "was there by" in found.detail


def test_6_the_seals_own_clock_is_held_to_the_receipts_checkpoint_only(finished, monkeypatch):
    """The seal record comes after the file and after the file's checkpoint, so their tokens do not bind it."""
    monkeypatch.setattr(timing, "CLOCKS", timedelta(0))
    seal = parse(finished.evidence.receipt.entry)
    before = at(seal.statement.predicate.claimed_time) - timedelta(seconds=2)  # rounding takes one of them
    file = delivered(finished, of_file(finished, before, accuracy=None))
    few = replace(file, entries=file.entries[:1])
    assert time(few).state is State.PASS
    stamped = delivered(finished, token(outer(finished), before, accuracy=None))
    found = time(replace(few, receipt=stamped.receipt))
    assert found.state is State.FAIL
    assert f"Entry {seal.index} claims" in found.detail


def test_6_an_entrys_own_clock_is_never_evidence(finished):
    """Whatever it claims, before or after, nothing turns green by it."""
    for claimed in ("1999-01-01T00:00:00+00:00", "2026-02-01T00:00:00+00:00", "2046-01-01T00:00:00+00:00"):
        assert time(claiming(finished.evidence, claimed)).state is not State.PASS


def test_6_what_a_witness_saw_before_is_a_bound_from_below(finished):
    before, _ = sizes(finished)
    evidence = pinned(finished.evidence, witness_policy=POLICY)
    found = time(evidence, (earlier_one(finished, before[-1]),))
    assert found.state is State.PASS
    assert "was not in the log that witness council saw at 2026-02-01T00:00:00+00:00" in found.detail


def test_6_a_receipt_that_cannot_be_read_says_nothing(finished):
    broken = finished.evidence.receipt.entry.model_copy(update={"envelope": "%%%"})
    assert time(delivered(finished, of_file(finished), entry=broken)).state is State.PASS
    assert time(delivered(finished, token(outer(finished)), entry=broken)).state is State.UNKNOWN
