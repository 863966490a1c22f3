"""Every golden case on two implementations of CEL: C++ and Rust. A difference is a failure."""

from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from void_audit.policy.facts import FACT_TYPES, bindings
from void_audit.policy.lint import STANDARD_FACTS, facts_with
from void_audit.policy.pack import builtin, builtin_names

PACKS = [builtin(name) for name in builtin_names()]
CONDITIONS = [condition for pack in PACKS for rule in pack.rules for condition in rule.conditions]
GOLDEN = [
    pytest.param(rule, test, stage, id=f"{rule.rule.id}-{number}-{stage}")
    for pack in PACKS
    for rule in pack.rules
    for number, test in enumerate(rule.rule.tests, 1)
    for stage in rule.rule.stages
]


@pytest.mark.parametrize(("rule", "test", "stage"), GOLDEN)
def test_golden_cases_agree(rule, test, stage, second_engine):
    values = bindings(facts_with(test.facts, stage))
    one = [condition.evaluate(values).result for condition in rule.conditions]
    other = [second_engine.compile(condition.text).evaluate(values).result for condition in rule.conditions]
    assert one == other
    assert all(result == "true" for result in one) is test.fires


def test_golden_cases_are_not_few():
    assert len(GOLDEN) > 60


WORDS = st.sampled_from(["news", "evidence", "remove", "editor", "gun", "none", "invalid", "", "\U0001f600"])
# hypothesis takes bounds without a zone
FIRST, LAST = datetime(1970, 1, 2), datetime(2200, 1, 1)  # noqa: DTZ001
ZONES = st.integers(-14, 14).map(lambda hours: timezone(timedelta(hours=hours)))
TIMES = st.datetimes(FIRST, LAST, timezones=ZONES)
VALUES = {
    "string": WORDS,
    "int": st.integers(-1, 2**40),
    "double": st.sampled_from([0.0, 8.0, 8.000001, 20.0, 20.000001, 100.0]),
    "bool": st.booleans(),
    "timestamp": TIMES,
    "list(string)": st.lists(WORDS, max_size=4),
    "list(timestamp)": st.lists(TIMES, max_size=1),
}


@given(st.fixed_dictionaries({name: VALUES[kind] for name, kind in FACT_TYPES.items()}))
@settings(max_examples=60, deadline=None)
def test_random_facts_agree(second_engine, values):
    for condition in CONDITIONS:
        other = second_engine.compile(condition.text).evaluate(values)
        assert condition.evaluate(values).result == other.result, condition.text


def test_missing_facts_agree(second_engine):
    for condition in CONDITIONS:
        for name in condition.names:
            values = {n: v for n, v in bindings(STANDARD_FACTS).items() if n != name}
            assert condition.evaluate(values).result == "error"
            assert second_engine.compile(condition.text).evaluate(values).result == "error"
