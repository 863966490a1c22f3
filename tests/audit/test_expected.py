"""Facts and the clock they were seen at. The attacks themselves are in tests/simulator/test_review.py."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest
from simulator.studio import Studio

from void_audit.audit.evidence import gather
from void_audit.audit.expected import LONGEST, fact_problems
from void_audit.model.facts import Facts
from void_audit.model.records import PolicyDecisionRecord


@pytest.fixture(scope="module")
def evidence(tmp_path_factory):
    studio = Studio(tmp_path_factory.mktemp("studio"))
    return gather(studio.edit().delivered.path, studio.pins(), None, None)


@pytest.fixture(scope="module")
def decided(evidence):
    """The decision on the output and the facts it was made on."""
    entry = [e for e in evidence.edit_entries if isinstance(e.statement.predicate, PolicyDecisionRecord)][-1]
    return entry, Facts.model_validate_json(evidence.blob(entry.statement.predicate.facts))


def test_honest_facts_follow_from_the_records(evidence, decided):
    assert fact_problems(evidence, decided[0], "output", decided[1]) == ([], [])


def test_a_part_that_the_stage_does_not_know_yet(evidence, decided):
    problems, _ = fact_problems(evidence, decided[0], "plan", decided[1])
    assert problems == ["facts of output at stage plan: given"]


def test_a_part_that_was_left_out(evidence, decided):
    facts = decided[1].model_copy(update={"mask": None})
    assert fact_problems(evidence, decided[0], "output", facts)[0] == [
        "facts of mask at stage output: left out"
    ]


@pytest.mark.parametrize("off", [LONGEST + timedelta(minutes=1), timedelta(minutes=-1), timedelta(days=-400)])
def test_facts_seen_at_another_time_than_they_were_signed(evidence, decided, off):
    signed = datetime.fromisoformat(decided[0].statement.predicate.claimed_time).astimezone(UTC)
    facts = decided[1].model_copy(update={"now": signed - off})
    (problem,), _ = fact_problems(evidence, decided[0], "output", facts)
    assert "signed at" in problem


class TestWordsTakenInAnotherWay:
    """A file is verified with the words as they were taken when it was made."""

    def older(self, facts: Facts) -> Facts:
        """The facts as they were recorded before the way had a number."""
        data = facts.model_dump(mode="json")
        del data["extractor"], data["request"]["object_words"]
        return Facts.model_validate_json(json.dumps(data))

    def test_facts_of_before_it_was_recorded(self, evidence, decided):
        older = self.older(decided[1])
        assert (older.extractor, older.request.object_words) == (1, ())
        assert fact_problems(evidence, decided[0], "output", older) == ([], [])

    def test_facts_of_the_second_way_know_nothing_of_sweeping(self, evidence, decided):
        second = decided[1].model_copy(update={"extractor": 2})
        assert fact_problems(evidence, decided[0], "output", second) == ([], [])
        swept = second.request.model_copy(update={"swept_words": ("ball",)})
        (problem,), _ = fact_problems(
            evidence, decided[0], "output", second.model_copy(update={"request": swept})
        )
        assert "request.swept_words" in problem

    def test_facts_of_one_way_said_to_be_of_another(self, evidence, decided):
        wrong = decided[1].model_copy(update={"extractor": 1})
        (problem,), _ = fact_problems(evidence, decided[0], "output", wrong)
        assert "request.object_words" in problem

    def test_a_way_that_this_version_does_not_know(self, evidence, decided):
        unknown = decided[1].model_copy(update={"extractor": 99})
        problems, _ = fact_problems(evidence, decided[0], "output", unknown)
        assert any("no words are taken in way 99" in problem for problem in problems)
