import hashlib
import json
from datetime import UTC, datetime

import pytest

from void_audit.errors import PolicyPackError
from void_audit.policy.cel import CelEngine
from void_audit.policy.compiled import parse_pack
from void_audit.policy.pack import load_pack


def text_of(pack, **changes):
    return json.dumps({**pack, **changes}).encode()


def refusal(text):
    with pytest.raises(PolicyPackError) as caught:
        parse_pack(text)
    return caught.value


def test_a_pack_is_exactly_its_bytes(pack_dict):
    """A comment changes no rule, and still it is another pack: what people approved is named by its bytes."""
    text = text_of(pack_dict())
    pack, other = parse_pack(text), parse_pack(b"# harmless\n" + text)
    assert (pack.text, pack.sha256, pack.ref.sha256) == (text, *[hashlib.sha256(text).hexdigest()] * 2)
    assert pack.spec == other.spec
    assert pack.sha256 != other.sha256
    assert (pack.name, pack.ref.name, pack.ref.version) == ("test-pack", "test-pack", "2026-11-22")
    assert pack.ref.blob is None


def test_reading_runs_no_tests_but_loading_does(pack_dict):
    text = text_of(pack_dict({"tests": []}))
    assert parse_pack(text).rules[0].rule.tests == ()
    with pytest.raises(PolicyPackError) as caught:
        load_pack(text)
    assert caught.value.code == "pack-lint"


def test_conditions_are_compiled_in_the_order_of_the_rule(pack_dict):
    when = ["source.stored", "true", 'request.purpose != "x"']
    text = text_of(pack_dict({"when": when, "valid_from": "2026-01-01", "valid_to": "2026-01-02"}))
    (compiled,) = parse_pack(text).rules
    assert tuple(condition.text for condition in compiled.conditions) == compiled.rule.conditions
    assert [condition.names for condition in compiled.conditions] == [
        ("now",), ("now",), ("source.stored",), (), ("request.purpose",),
    ]  # fmt: skip


def test_rules_keep_their_order(pack_dict):
    ids = ["T03", "T01", "T02"]
    pack = parse_pack(text_of(pack_dict(*({"id": i} for i in ids))))
    assert [compiled.rule.id for compiled in pack.rules] == ids


def test_the_engine_that_compiled_is_recorded_and_no_other_is_asked(pack_dict, second_engine):
    assert parse_pack(text_of(pack_dict())).engine == CelEngine().name
    pack = parse_pack(text_of(pack_dict()), second_engine)
    assert pack.engine == second_engine.name
    assert {type(c) for rule in pack.rules for c in rule.conditions} == {type(second_engine.compile("true"))}


@pytest.mark.parametrize("position", [0, 1, 2])
def test_one_bad_condition_anywhere_refuses_the_pack(pack_dict, position):
    when = ["true", "true", "true"]
    when[position] = "request.purpose"
    error = refusal(text_of(pack_dict({}, {"when": when}, {})))
    assert error.code == "pack-cel"
    assert error.message.startswith("Rule T02: ")
    assert "'request.purpose'" in error.message


def test_every_stage_of_a_rule_must_know_its_facts_and_is_named(pack_dict):
    rule = {
        "stages": ["output", "plan", "intent"],
        "when": ["mask.opened_percent_max > 1.0 && source.stored"],
    }
    error = refusal(text_of(pack_dict(rule)))
    assert error.code == "pack-cel"
    assert "mask.opened_percent_max at stage intent" in error.message
    assert "source.stored at" not in error.message
    parse_pack(text_of(pack_dict({**rule, "stages": ["output", "plan"]})))


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"\xff\xfe",
        b"\0",
        b'{"name": "\\ud800"}',
        b"a: &x [*x]",
        b"!!python/object/apply:os.system [id]",
        b"[" * 5000,
        b"name: a\nname: b",
    ],
)
def test_bytes_of_any_kind_are_refused_with_the_one_error(text):
    error = refusal(text)
    assert error.code == "pack-schema"
    assert len(str(error)) < 2000


def test_a_half_surrogate_in_a_good_pack_is_refused(pack_dict):
    text = text_of(pack_dict()).replace(b"Only for tests", b"Only \\ud800 for tests")
    assert refusal(text).code == "pack-schema"


@pytest.mark.parametrize(
    ("now", "overdue"),
    [
        (datetime(2026, 12, 31, tzinfo=UTC), False),
        (datetime(2027, 1, 1, 0, 0, tzinfo=UTC), False),
        (datetime(2027, 1, 2, 0, 0, tzinfo=UTC), True),
        (datetime(2127, 1, 1, tzinfo=UTC), True),
    ],
)
def test_the_day_of_review_itself_is_in_time(pack_dict, now, overdue):
    assert parse_pack(text_of(pack_dict())).overdue(now) is overdue
