"""The protocol of an evaluator, and every golden case on two of them (C++ and Rust): a difference is a failure."""

from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from void_audit.errors import PolicyPackError
from void_audit.policy.cel import CelEngine
from void_audit.policy.engine import Answer
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


@pytest.fixture(params=["first", "second"])
def engine(request, second_engine):
    return CelEngine() if request.param == "first" else second_engine


def test_an_answer_without_a_reason_is_no_error():
    assert Answer("true") == ("true", "")
    assert Answer("error", "why").error == "why"


def test_a_condition_says_what_was_written_and_what_it_reads(engine):
    text = "source.stored  ||  (now < now && 'request.purpose' == '')"
    condition = engine.compile(text)
    assert condition.text == text
    assert condition.names == ("now", "source.stored")
    assert engine.name
    for compiled in CONDITIONS:
        assert engine.compile(compiled.text).names == tuple(sorted(compiled.names)) == compiled.names


@pytest.mark.parametrize("expression", ["", "request.", "(", "request.asset_clas == 'news'", "nothing"])
def test_what_does_not_compile_is_refused(engine, expression):
    with pytest.raises((PolicyPackError, ValueError)) as caught:
        engine.compile(expression)
    if isinstance(engine, CelEngine):  # the other one is a test's own
        assert caught.value.code == "pack-cel"


HOSTILE = [
    None,
    1,
    -1.5,
    float("nan"),
    2**80,
    "",
    "\ud800",
    b"bytes",
    [],
    [None],
    {},
    {"a": 1},
    pytest.param(object(), id="an object"),
    ...,
]


@pytest.mark.parametrize("value", HOSTILE, ids=repr)
def test_no_value_makes_a_condition_raise(engine, value):
    """A boolean fact of another type is an error: neither its truth nor its falsehood."""
    condition = engine.compile("source.stored")
    answer = condition.evaluate({**bindings(STANDARD_FACTS), "source.stored": value})
    assert answer.result == "error"
    assert answer.error


@pytest.mark.parametrize("missing", ["all", "one"])
def test_no_missing_value_makes_a_condition_raise(engine, missing):
    condition = engine.compile("source.stored || request.purpose != ''")
    values = {} if missing == "all" else {"source.stored": True}
    answer = condition.evaluate(values)
    assert answer.result == "error"
    assert answer.error


@given(st.fixed_dictionaries({name: VALUES[kind] for name, kind in FACT_TYPES.items()}))
@settings(max_examples=15, deadline=None)
def test_there_is_a_reason_exactly_where_there_is_no_answer(values):
    for condition in CONDITIONS:
        answer = condition.evaluate(values)
        assert (answer.result == "error") is bool(answer.error), condition.text
        assert condition.evaluate(dict(reversed(values.items()))) == answer
