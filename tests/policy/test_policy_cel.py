from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from void_audit.errors import PolicyPackError
from void_audit.policy.cel import CelEngine
from void_audit.policy.facts import FACT_TYPES, bindings
from void_audit.policy.lint import STANDARD_FACTS

VALUES = bindings(STANDARD_FACTS)
HOURS = timedelta(hours=14)


@pytest.mark.parametrize(
    ("expression", "says"),
    [
        ('request.asset_clas == "news"', "1:8: undeclared reference to 'request.asset_clas'"),
        ('reqest.asset_class == "news"', "undeclared reference"),
        ("mask.opened_percent_max > 20", "no matching overload"),
        ('source.stored == "yes"', "no matching overload"),
        ("request.asset_class", "gives STRING, not BOOL"),
        ("dyn(source.stored)", "not BOOL"),
        ("source.width", "not BOOL"),
        ("", "Syntax error"),
        ("source.stored ||", "Syntax error"),
        ("source.stored == nul", "undeclared"),
        ("has(source.stored)", "has()"),
        ("has (source.stored)", "has()"),
        ("source.stored\n|| true", "line break"),
        ("source.stored // \u202e eurt", "invisible"),
        ("source.stored \ud800", "invisible"),
        ("true\x00", "invisible"),
        ("(" * 500 + "true" + ")" * 500, "recursion limit"),
        ("true || " * 400 + "true", "longer than"),
        ("now > now()", "undeclared"),
        ("env.HOME == ''", "undeclared"),
        ("request.asset_class.open()", "undeclared"),
    ],
)
def test_what_is_refused_at_load(expression, says):
    with pytest.raises(PolicyPackError) as caught:
        CelEngine().compile(expression)
    assert caught.value.code == "pack-cel"
    assert says in caught.value.message


def test_a_typo_names_the_fact_that_was_meant():
    with pytest.raises(PolicyPackError) as caught:
        CelEngine().compile('request.asset_clas == "news"')
    assert "request.asset_class" in caught.value.hint


@pytest.mark.parametrize(
    ("expression", "names"),
    [
        ("true", ()),
        ('"request.purpose" == "now"', ()),
        ("[1].exists(now, now == 1)", ()),
        ('.request.purpose == ""', ("request.purpose",)),
        ('request . purpose == ""', ("request.purpose",)),
        ("source.stored || mask.opened_percent_max > 1.0", ("mask.opened_percent_max", "source.stored")),
        ("request.rights_not_before.exists(t, now < t)", ("now", "request.rights_not_before")),
    ],
)
def test_names_are_the_facts_that_are_read(expression, names):
    assert CelEngine().compile(expression).names == names


@pytest.mark.parametrize("name", sorted(FACT_TYPES))
def test_every_fact_can_be_read_and_is_never_a_default(name):
    condition = CelEngine().compile(f"{name} == {name}")
    assert condition.evaluate(VALUES).result == "true"
    answer = condition.evaluate({n: v for n, v in VALUES.items() if n != name})
    assert answer.result == "error"
    assert name in answer.error


@pytest.mark.parametrize("expression", ["true || {}", "{} || true", "true ? true : {}", "!({} && false)"])
def test_a_missing_fact_is_an_error_even_where_logic_would_hide_it(expression):
    condition = CelEngine().compile(expression.format("mask.opened_percent_max > 1.0"))
    values = {n: v for n, v in VALUES.items() if not n.startswith("mask.")}
    assert condition.evaluate(VALUES).result == "true"
    assert condition.evaluate(values).result == "error"


@pytest.mark.parametrize(
    ("expression", "changes"),
    [
        ("source.width / 0 == 1", {}),
        ("request.distribution[7] == 'x'", {}),
        ("request.purpose.matches('(')", {}),
        ("source.width * 9223372036854775807 > 0", {}),
        ("timestamp(request.purpose) < now", {}),
        ("source.stored", {"source.stored": None}),
        ("source.stored", {"source.stored": 1}),
        ("source.stored", {"source.stored": "false"}),
        ("source.width > 0", {"source.width": 2**70}),
        ("request.purpose == ''", {"request.purpose": "\ud800"}),
        ("request.purpose == ''", {"request.purpose": object()}),
        # more steps than the evaluator grants
        (
            "request.instruction_words.exists(a, request.instruction_words.exists(b, a + b == 'x'))",
            {"request.instruction_words": [str(n) for n in range(300)]},
        ),
    ],
)
def test_whatever_goes_wrong_is_an_error_never_false(expression, changes):
    answer = CelEngine().compile(expression).evaluate({**VALUES, **changes})
    assert answer.result == "error"
    assert answer.error
    assert len(answer.error) <= 600


def test_long_and_odd_text_is_only_text():
    condition = CelEngine().compile("request.purpose.contains('needle')")
    for text in ("\U0001f600" * 5000, "' || true || '", "x" * 1_000_000):
        assert condition.evaluate({**VALUES, "request.purpose": text}).result == "false"
        assert condition.evaluate({**VALUES, "request.purpose": text + "needle"}).result == "true"


def test_text_after_a_zero_character_is_not_lost():
    contains = CelEngine().compile("request.purpose.contains('needle')")
    listed = CelEngine().compile("'needle' in request.distribution")
    assert contains.evaluate({**VALUES, "request.purpose": "hay\0needle"}).result == "error"
    assert listed.evaluate({**VALUES, "request.distribution": ["a", "x\0needle"]}).result == "error"


# hypothesis takes bounds without a zone
FIRST, LAST = datetime(1, 1, 3), datetime(9999, 12, 29)  # noqa: DTZ001
TIMES = st.datetimes(FIRST, LAST, timezones=st.timedeltas(-HOURS, HOURS).map(timezone))


@given(TIMES, TIMES)
@settings(max_examples=100, deadline=None)
def test_times_compare_as_they_do_here(one, other):
    assert ask("request.rights_not_before.exists(t, now < t)", one, other) is (one < other)
    assert ask("request.rights_not_before.exists(t, now == t)", one, other) is (one == other)


def ask(expression, now, limit):
    values = {**VALUES, "now": now, "request.rights_not_before": [limit]}
    answer = CelEngine().compile(expression).evaluate(values)
    assert answer.result != "error", answer
    return answer.result == "true"


@pytest.mark.parametrize("step", [timedelta(0), timedelta(microseconds=1)])
def test_a_microsecond_counts(step):
    now = datetime(2026, 11, 22, 12, tzinfo=UTC)
    assert ask("request.rights_not_before.exists(t, now < t)", now, now + step) is (step > timedelta(0))


def test_the_engine_says_its_version():
    name, _, version = CelEngine().name.partition(" ")
    assert name == "cel-expr-python"
    assert version[0].isdigit()
