"""The bounds of a rule pack, each met exactly and then crossed by one."""

import json
from datetime import date

import pytest
from policy_samples import PACK, RULE
from pydantic import ValidationError

from void_audit.policy.schema import MAX_APPROVALS, PackSpec, Rule, RuleSource

READ = {
    "title": "Act",
    "publisher": "State",
    "status": "read",
    "url": "https://example.org/a",
    "read": "2026-01-02",
}


def rule(**changes):
    return Rule.model_validate_json(json.dumps({**RULE, **changes}))


def source(**changes):
    return RuleSource.model_validate_json(json.dumps({**READ, **changes}))


def pack(*rules, **changes):
    return PackSpec.model_validate_json(json.dumps({**PACK, "rules": list(rules), **changes}))


def refused(make, says, **changes):
    with pytest.raises(ValidationError, match=says):
        make(**changes)


@pytest.mark.parametrize(
    ("field", "least", "most", "item"),
    [
        ("when", 1, 20, lambda n: f"{n} == {n}"),
        ("sources", 1, 4, lambda n: {"title": f"S{n}", "publisher": "house", "status": "house"}),
        ("tests", 0, 40, lambda n: {"fires": True}),
        ("stages", 1, 4, lambda n: ["intent", "reason", "plan", "output", "plan"][n]),
    ],
)
def test_lists_are_bounded(field, least, most, item):
    for count in (least, most):
        assert len(getattr(rule(**{field: [item(n) for n in range(count)]}), field)) == count
    refused(rule, field, **{field: [item(n) for n in range(most + 1)]})
    if least:
        refused(rule, field, **{field: []})


@pytest.mark.parametrize(
    ("field", "least", "most"), [("because", 10, 1000), ("title", 0, 4000), ("id", 2, 9)]
)
def test_texts_are_bounded(field, least, most):
    make = {"id": lambda n: ("ABCD" + "1234")[: n - 1] + "z" if n == 9 else "A1" + "2" * (n - 2)}
    text = make.get(field, lambda n: "x" * n)
    for length in (least, most):
        assert len(getattr(rule(**{field: text(length)}), field)) == length
    refused(rule, field, **{field: "A" * (most + 1)})
    if least:
        refused(rule, field, **{field: text(least)[: least - 1]})


@pytest.mark.parametrize(
    "name", ["a1", "A", "1", "ABCDE1", "A12345", "A1B", "A1aa", "POLICY-EMPTY", "A1 ", "Α1", "A١"]
)
def test_a_rule_cannot_be_named_otherwise(name):
    refused(rule, "id", id=name)


@pytest.mark.parametrize("expression", ["", "x" * 2001, None, 1, True])
def test_a_condition_is_a_bounded_text(expression):
    refused(rule, "when.0", when=[expression])


def test_the_longest_condition_is_kept_whole():
    assert rule(when=["x" * 2000]).when == ("x" * 2000,)


@pytest.mark.parametrize("approvals", [1, MAX_APPROVALS])
def test_a_requiring_rule_says_how_many(approvals):
    assert rule(effect="require", approvals=approvals).approvals == approvals


@pytest.mark.parametrize("approvals", [-1, MAX_APPROVALS + 1, True, 1.5, "1", None])
def test_approvals_are_a_small_count(approvals):
    refused(rule, "approvals", effect="require", approvals=approvals)


@pytest.mark.parametrize(("effect", "approvals"), [("require", 0), ("deny", 1), ("warn", 1)])
def test_approvals_belong_to_require_alone(effect, approvals):
    refused(rule, "approvals", effect=effect, approvals=approvals)


def test_the_days_come_first_and_are_whole():
    first, last = "2026-02-28", "2026-03-01"
    since, until, *rest = rule(valid_from=first, valid_to=last, when=["true", "false"]).conditions
    assert since == f'now >= timestamp("{first}T00:00:00Z")'
    assert until == f'now <= timestamp("{last}T23:59:59.999999Z")'
    assert rest == ["true", "false"]
    assert rule(valid_to=last).conditions == (until, *RULE["when"])
    assert rule(valid_from=first).conditions == (since, *RULE["when"])


@pytest.mark.parametrize(
    "day",
    [
        "2026-02-29",
        "2026-13-01",
        "0000-01-01",
        "10000-01-01",
        "2026-01-01T00:00:00+02:00",
        20260101,
        1.5,
        True,
    ],
)
@pytest.mark.parametrize("field", ["valid_from", "valid_to"])
def test_a_day_is_a_day_of_the_calendar(field, day):
    refused(rule, field, **{field: day})


@pytest.mark.parametrize("missing", [("url",), ("read",), ("url", "read")])
def test_who_says_read_has_read_it_somewhere_on_some_day(missing):
    assert source().read == date(2026, 1, 2)
    refused(source, "needs its url", **dict.fromkeys(missing))
    for status in ("secondary", "house"):
        assert source(status=status, **dict.fromkeys(missing)).status == status


@pytest.mark.parametrize(
    "url",
    [
        "javascript:alert(1)", "data:text/html,x", "ftp://example.org/", "HTTPS://example.org", "//example.org",
        "https://", "https://a b", "https://a\n", "https://a\"onclick=", "https://a<b>", " https://a",
        "https://a/" + "x" * 500,
    ],
)  # fmt: skip
def test_an_address_is_one_of_the_web_and_cannot_break_out_of_a_page(url):
    refused(source, "url", url=url)


def test_a_source_reads_as_one_line():
    assert str(source()) == "State: Act, https://example.org/a, read 2026-01-02 [read]"
    assert str(source(status="house", url=None, read=None)) == "State: Act [house]"
    assert str(source(status="secondary", read=None)) == "State: Act, https://example.org/a [secondary]"


def test_rules_of_one_pack_have_different_names_and_all_doubles_are_told():
    ids = ["A2", "A1", "A2", "B1", "A1"]
    refused(lambda: pack(*({**RULE, "id": i} for i in ids)), "given twice: A1, A2$|given twice: A1, A2 ")


def test_a_pack_holds_at_most_two_hundred_rules():
    rules = [{**RULE, "id": f"T{n}"} for n in range(201)]
    assert len(pack(*rules[:200]).rules) == 200
    refused(lambda: pack(*rules), "rules")
    refused(pack, "rules")


@pytest.mark.parametrize("name", ["a", "a" + "-" * 62])
def test_the_name_of_a_pack_may_be(name):
    assert pack(RULE, name=name).name == name


@pytest.mark.parametrize("name", ["", "a" * 64, "1a", "-a", "A", "a_b", "a/b", "a.b", "a\n", "ä"])
def test_the_name_of_a_pack_may_not_be(name):
    refused(lambda: pack(RULE, name=name), "name")


@pytest.mark.parametrize("place", ["pack", "rule", "source", "test"])
def test_a_key_that_nobody_knows_is_refused_everywhere(place):
    """``unless`` or ``expires`` silently ignored would make a rule say what it does not do."""
    extra = {"unless": "x"}
    made = {
        "pack": {**PACK, "rules": [RULE], **extra},
        "rule": {**PACK, "rules": [{**RULE, **extra}]},
        "source": {**PACK, "rules": [{**RULE, "sources": [{**READ, **extra}]}]},
        "test": {**PACK, "rules": [{**RULE, "tests": [{"fires": True, **extra}]}]},
    }
    with pytest.raises(ValidationError, match="unless"):
        PackSpec.model_validate_json(json.dumps(made[place]))


def test_a_rule_cannot_be_changed_once_it_is_read():
    with pytest.raises(ValidationError):
        rule().effect = "warn"
