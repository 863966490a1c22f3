from datetime import UTC, datetime, timedelta

import pytest
from pydantic import ValidationError

from void_audit.model.facts import Facts
from void_audit.model.request import EditRequest, RightsWindow
from void_audit.policy.facts import FACT_TYPES, PARTS, bindings, known_at, render, request_facts
from void_audit.policy.lint import STANDARD_FACTS

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)


def request(**changes):
    fields = {
        "object": "Ball",
        "instruction": "Remove the RED ball",
        "background": "A table, empty.",
        "requester": "ada",
        "purpose": "Continuity",
        "asset_class": "archive",
    }
    return EditRequest(**{**fields, **changes})


def test_every_fact_has_a_type_and_every_typed_fact_is_bound():
    assert set(bindings(STANDARD_FACTS)) == set(FACT_TYPES)
    assert (
        {name.partition(".")[0] for name in FACT_TYPES}
        == set(Facts.model_fields)
        == PARTS["output"] | PARTS["reason"]
    )


def test_facts_of_an_absent_part_are_absent():
    early = STANDARD_FACTS.model_copy(update={"mask": None, "output": None})
    gone = set(FACT_TYPES) - set(bindings(early))
    assert gone == {n for n in FACT_TYPES if n.startswith(("mask.", "output."))}


def test_an_optional_time_is_a_list_of_none_or_one():
    window = RightsWindow(not_before=NOON)
    facts = STANDARD_FACTS.model_copy(update={"request": request_facts(request(rights=window), ["editor"])})
    values = bindings(facts)
    assert values["request.rights_not_before"] == [NOON]
    assert values["request.rights_not_after"] == []
    assert FACT_TYPES["request.rights_not_after"] == "list(timestamp)"


def test_times_without_a_zone_are_refused():
    naive = NOON.replace(tzinfo=None)
    with pytest.raises(ValidationError):
        RightsWindow(not_before=naive)
    with pytest.raises(ValidationError):
        Facts.model_validate({**STANDARD_FACTS.model_dump(), "now": naive})


def test_request_facts_say_what_was_asked():
    facts = request_facts(request(distribution=("web",)), ["editor", "admin", "editor"])
    assert facts.instruction_words == ("a", "ball", "empty", "red", "remove", "table", "the")
    assert facts.asked_words == ("ball", "red", "remove", "the")
    assert facts.object_words == ("ball",)
    assert facts.requester_roles == ("admin", "editor")
    assert (facts.operation, facts.asset_class, facts.distribution) == ("remove", "archive", ("web",))


def test_known_at_follows_the_stages():
    assert known_at("now", "intent")
    assert not known_at("mask.opened_percent_max", "intent")
    assert known_at("mask.opened_percent_max", "plan")
    assert not known_at("output.keep_samples_changed", "plan")
    assert known_at("output.keep_samples_changed", "output")


def test_values_are_shown_in_bounded_text():
    assert render("source.stored", True) == "true"
    assert render("request.rights_not_after", []) == "not set"
    assert render("request.distribution", []) == "[]"
    assert render("request.rights_not_after", [NOON]) == "[2026-11-22T12:00:00+00:00]"
    long = render("request.purpose", "x" * 100_000)
    assert len(long) < 2100
    assert "100000 characters" in long
    assert len(render("reasoning.words", ["x" * 5000] * 50)) < 2100


def test_the_same_time_in_another_zone_is_the_same_time():
    zone = (NOON + timedelta(hours=1)).astimezone().tzinfo
    assert bindings(STANDARD_FACTS.model_copy(update={"now": NOON.astimezone(zone)}))["now"] == NOON
