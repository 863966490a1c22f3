import hashlib
import json
import re
from datetime import UTC, datetime

import pytest

import void_audit.policy.pack as module
from void_audit.errors import PolicyPackError
from void_audit.policy.lint import lint_pack
from void_audit.policy.pack import builtin, builtin_names, load_pack, parse_pack


def refusal(source, load=load_pack):
    with pytest.raises(PolicyPackError) as caught:
        load(source)
    assert caught.value.exit_code == 2
    return caught.value


def test_a_pack_is_known_by_the_digest_of_its_bytes(pack_dict, tmp_path):
    text = json.dumps(pack_dict()).encode()
    path = tmp_path / "house.yaml"
    path.write_bytes(text)
    packs = [load_pack(text), load_pack(text.decode()), load_pack(path)]
    assert {p.sha256 for p in packs} == {hashlib.sha256(text).hexdigest()}
    assert {p.text for p in packs} == {text}
    ref = packs[0].ref
    assert (ref.name, ref.version, ref.sha256) == ("test-pack", "2026-11-22", packs[0].sha256)
    assert load_pack(text + b"\n").sha256 != packs[0].sha256


@pytest.mark.parametrize(
    ("rule", "says"),
    [
        ({"effect": "allow"}, "rules.0.effect"),
        ({"when": []}, "rules.0.when"),
        ({"when": "true"}, "rules.0.when"),
        ({"stages": []}, "rules.0.stages"),
        ({"stages": ["export"]}, "rules.0.stages"),
        ({"sources": []}, "rules.0.sources"),
        ({"because": ""}, "rules.0.because"),
        ({"id": "POLICY-ERROR"}, "rules.0.id"),
        ({"id": "T01\n"}, "rules.0.id"),
        ({"when": ["x" * 3000]}, "rules.0.when.0"),
        ({"effect": "require"}, "approvals"),
        ({"effect": "require", "approvals": 0}, "approvals"),
        ({"effect": "require", "approvals": 11}, "rules.0.approvals"),
        ({"effect": "require", "approvals": "2"}, "rules.0.approvals"),
        ({"effect": "deny", "approvals": 1}, "approvals"),
        ({"unless": ["true"]}, "rules.0.unless"),
        ({"valid_from": "soon"}, "rules.0.valid_from"),
        ({"tests": [{"fires": "yes"}]}, "rules.0.tests.0.fires"),
        ({"sources": [{"title": "a", "publisher": "b", "status": "rumour"}]}, "status"),
        ({"sources": [{"title": "a", "publisher": "b", "status": "read"}]}, "needs its url"),
        (
            {
                "sources": [
                    {"title": "a", "publisher": "b", "status": "secondary", "url": "javascript:alert(1)"},
                ]
            },
            "url",
        ),
    ],
)
def test_a_rule_is_strict(pack_dict, rule, says):
    error = refusal(json.dumps(pack_dict(rule)))
    assert error.code == "pack-schema"
    assert says in error.message


@pytest.mark.parametrize(
    ("header", "says"),
    [
        ({"name": "Test Pack"}, "name"),
        ({"name": "../x"}, "name"),
        ({"version": "1.0"}, "version"),
        ({"owner": ""}, "owner"),
        ({"review_by": None}, "review_by"),
        ({"extra": 1}, "extra"),
        ({"description": "x" * 5000}, "description"),
    ],
)
def test_a_header_is_strict(pack_dict, header, says):
    error = refusal(json.dumps(pack_dict(**header)))
    assert error.code == "pack-schema"
    assert says in error.message


@pytest.mark.parametrize("text", ["[]", "1", "null", "text", '{"rules": []}', "\ud800", "\udcff: 1"])
def test_what_is_no_pack_is_refused(text):
    assert refusal(text).code == "pack-schema"


def test_a_pack_without_rules_or_with_two_of_one_id_is_refused(pack_dict):
    assert "rules" in refusal(json.dumps({**pack_dict(), "rules": []})).message
    assert "T01" in refusal(json.dumps(pack_dict({}, {"id": "T01"}))).message


def test_many_problems_make_a_short_message(pack_dict):
    message = refusal(json.dumps(pack_dict(*[{"effect": "x" * 300}] * 50))).message
    assert re.search(r"and \d+ more", message)
    assert len(message) < 2000


def test_a_typo_is_refused_at_load_with_rule_and_position(pack_dict):
    error = refusal(json.dumps(pack_dict({}, {"when": ["true", 'request.aset_class == "news"']})))
    assert error.code == "pack-cel"
    assert "Rule T02" in error.message
    assert "1:8" in error.message


@pytest.mark.parametrize(
    ("stages", "condition"),
    [
        (["intent"], "mask.opened_percent_max > 1.0"),
        (["plan", "intent"], "engine.weights_approved"),
        (["plan"], "output.keep_samples_changed > 0"),
        (["intent"], "source.stored || reasoning.moving > 0"),
    ],
)
def test_a_rule_cannot_read_what_its_stage_does_not_know(pack_dict, stages, condition):
    error = refusal(json.dumps(pack_dict({"stages": stages, "when": [condition]})))
    assert error.code == "pack-cel"
    assert "not known yet" in error.message


NEWS = {"request": {"asset_class": "news"}}


@pytest.mark.parametrize(
    ("tests", "says"),
    [
        ([], "no test in which it fires"),
        ([{"fires": True, "facts": NEWS}], "no test in which it does not fire"),
        ([{"fires": False}], "no test in which it fires"),
        ([{"fires": True}, {"fires": False}], "test 1 at stage intent: it does not fire"),
        (
            [{"fires": True, "facts": NEWS}, {"fires": False, "facts": NEWS}],
            "test 2 at stage intent: it fires",
        ),
        ([{"fires": True, "facts": {"request": {"aset_class": "news"}}}, {"fires": False}], "no facts"),
        ([{"fires": True, "facts": {"request": {"asset_class": 1}}}, {"fires": False}], "no facts"),
        ([{"fires": True, "facts": {"request": None}}, {"fires": False}], "no facts"),
        ([{"fires": True, "facts": {"now": "2026-01-01T00:00:00"}}, {"fires": False}], "no facts"),
    ],
)
def test_a_rule_whose_tests_do_not_hold_fails_lint(pack_dict, tests, says):
    text = json.dumps(pack_dict({"tests": tests}))
    error = refusal(text)
    assert error.code == "pack-lint"
    assert says in error.message
    assert any(says in problem for problem in lint_pack(parse_pack(text.encode())))


def test_a_test_that_ends_in_an_error_fails_lint_either_way(pack_dict):
    rule = {"when": ["request.distribution[3] == 'x'"], "tests": [{"fires": True}, {"fires": False}]}
    message = refusal(json.dumps(pack_dict(rule))).message
    assert "test 1" in message
    assert "test 2" in message


def test_tests_hold_at_every_stage_of_the_rule(pack_dict):
    load_pack(json.dumps(pack_dict({"stages": ["intent", "plan", "output"]})))


def test_a_review_date_passes_at_the_end_of_its_day(pack_dict):
    pack = load_pack(json.dumps(pack_dict()))
    assert not pack.overdue(datetime(2027, 1, 1, 23, 59, tzinfo=UTC))
    assert pack.overdue(datetime(2027, 1, 2, tzinfo=UTC))


def test_files_that_cannot_be_read(tmp_path):
    assert refusal(tmp_path / "none.yaml").code == "pack-missing"
    assert refusal(tmp_path).code == "pack-missing"
    large = tmp_path / "large.yaml"
    large.write_bytes(b"#" * 10_000_000)
    assert refusal(large).code == "pack-schema"
    assert refusal("../policies/base", builtin).code == "pack-missing"


def test_builtin_packs_load_and_their_own_tests_hold():
    assert builtin_names() == ("base", "brand-safety", "localization", "news")
    for name in builtin_names():
        pack = builtin(name)
        assert pack.name == name
        assert lint_pack(pack) == ()


@pytest.mark.parametrize("name", builtin_names())
def test_builtin_packs_are_honest_about_their_sources(name):
    pack = builtin(name)
    assert "legal review" in pack.spec.description
    assert b"not legal advice" in pack.text
    for compiled in pack.rules:
        for source in compiled.rule.sources:
            assert source.status in {"read", "house"}, "second-hand sources do not ship"
            assert (source.status == "house") == (source.publisher == "house")


def test_every_name_that_is_exported_exists():
    assert all(hasattr(module, name) for name in module.__all__)
