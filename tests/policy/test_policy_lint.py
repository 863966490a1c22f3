import copy
import json

import pytest
from pydantic import ValidationError

from void_audit.model.facts import Facts
from void_audit.policy.compiled import parse_pack
from void_audit.policy.lint import STANDARD_FACTS, facts_with, lint_pack

NEWS = {"request": {"asset_class": "news"}}
FIRES, DOES_NOT = {"fires": True, "facts": NEWS}, {"fires": False}


AT_OUTPUT = STANDARD_FACTS.model_copy(update={"query": None})


@pytest.fixture
def lint(pack_dict):
    return lambda *rules: lint_pack(parse_pack(json.dumps(pack_dict(*rules)).encode()))


@pytest.mark.parametrize(
    ("stage", "known"),
    [
        ("intent", {"now", "extractor", "request", "source"}),
        ("reason", {"now", "extractor", "request", "source", "query"}),
        ("plan", {"now", "extractor", "request", "source", "mask", "reasoning", "engine"}),
        ("output", set(Facts.model_fields) - {"query"}),
    ],
)
def test_facts_end_where_their_stage_does(stage, known):
    facts = facts_with({"output": {"keep_samples_changed": 5}, "mask": {"opened_percent_max": 99.0}}, stage)
    assert {part for part in Facts.model_fields if getattr(facts, part) is not None} == known
    if stage == "output":
        assert (facts.output.keep_samples_changed, facts.mask.opened_percent_max) == (5, 99.0)


def test_without_changes_they_are_the_standard_facts():
    assert facts_with({}, "output") == AT_OUTPUT


def test_a_change_leaves_its_neighbours_and_the_standard_alone():
    before, changes = STANDARD_FACTS.model_dump_json(), {"request": {"asset_class": "news"}, "source": {}}
    given = copy.deepcopy(changes)
    facts = facts_with(changes, "output")
    expected = STANDARD_FACTS.request.model_copy(update={"asset_class": "news"})
    assert facts == AT_OUTPUT.model_copy(update={"request": expected})
    assert (STANDARD_FACTS.model_dump_json(), changes) == (before, given)


def test_a_list_is_replaced_not_extended():
    assert facts_with({"request": {"distribution": []}}, "intent").request.distribution == ()
    assert facts_with({"request": {"distribution": ["web"]}}, "intent").request.distribution == ("web",)


def test_a_part_can_be_absent_where_it_may_be():
    assert facts_with({"mask": None}, "plan").mask is None


@pytest.mark.parametrize(
    "changes",
    [
        {"requests": {}},
        {"request": {"asset_clas": "news"}},
        {"request": None},
        {"request": "news"},
        {"request": []},
        {"now": None},
        {"now": "soon"},
        {"now": 1_800_000_000},
        {"source": {"width": "1920"}},
        {"source": {"width": 1.5}},
        {"source": {"stored": 1}},
        {"source": {"stored": None}},
        {"source": {"duration_seconds": float("nan")}},
        {"source": {"duration_seconds": float("inf")}},
        {"mask": {}, "output": {"containment": 0.0}},
        {"request": {"purpose": "\ud800"}},
    ],
)
@pytest.mark.parametrize("stage", ["intent", "output"])
def test_what_is_no_fact_is_refused_at_every_stage(changes, stage):
    """A slip in a part that the stage does not know yet is a slip all the same."""
    with pytest.raises(ValidationError):
        facts_with(changes, stage)


def test_a_good_pack_has_no_problems(lint):
    assert lint({}) == ()


def test_every_problem_of_every_rule_is_told(lint):
    problems = lint({"tests": []}, {}, {"tests": [DOES_NOT, {**DOES_NOT, "facts": NEWS}]})
    assert problems == (
        "T01 has no test in which it fires",
        "T01 has no test in which it does not fire",
        "T03 has no test in which it fires",
        "T03, test 2 at stage intent: it fires",
    )


def test_a_test_must_hold_at_each_stage_of_its_rule(lint):
    problems = lint({"stages": ["intent", "output"], "tests": [FIRES, DOES_NOT, {"fires": True}]})
    assert problems == (
        "T01, test 3 at stage intent: it does not fire",
        "T01, test 3 at stage output: it does not fire",
    )


def test_a_rule_that_can_never_fire_does_not_pass(lint):
    """Its last day lies before its first: whatever the day of the test, it is silent."""
    for day in ("2026-08-01", "2026-08-03", "2026-08-05"):
        fires = {"fires": True, "facts": {**NEWS, "now": f"{day}T12:00:00Z"}}
        rule = {"valid_from": "2026-08-04", "valid_to": "2026-08-02", "tests": [fires, DOES_NOT]}
        assert lint(rule) == ("T01, test 1 at stage intent: it does not fire",)


def test_a_rule_that_always_fires_does_not_pass(lint):
    (problem,) = lint({"when": ["true"], "tests": [{"fires": True}, DOES_NOT]})
    assert problem == "T01, test 2 at stage intent: it fires"


def test_silence_because_of_an_error_is_no_proof_that_it_does_not_fire(lint):
    rule = {"stages": ["plan"], "when": ["mask.opened_percent_max > 90.0"]}
    fires = {"fires": True, "facts": {"mask": {"opened_percent_max": 95.0}}}
    assert lint({**rule, "tests": [fires, DOES_NOT]}) == ()
    (problem,) = lint({**rule, "tests": [fires, DOES_NOT, {"fires": False, "facts": {"mask": None}}]})
    assert problem == "T01, test 3 at stage plan: not known at this stage: mask.opened_percent_max"


def test_a_problem_names_the_fact_that_is_none(lint):
    slip = {"fires": True, "facts": {"request": {"asset_clas": "news"}}}
    (problem,) = lint({"tests": [FIRES, DOES_NOT, slip]})
    assert problem.startswith("T01, test 3 at stage intent: these are no facts: request.asset_clas: ")
