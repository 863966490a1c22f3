import json

from void_audit.policy.evaluate import evaluate
from void_audit.policy.explain import explain
from void_audit.policy.lint import facts_with
from void_audit.policy.pack import builtin, parse_pack


def rows(changes, stage="plan"):
    packs = [builtin("base"), builtin("news")]
    return {row.rule: row for row in explain(evaluate(packs, facts_with(changes, stage), stage))}


def test_every_outcome_has_a_row_with_its_reason_values_and_source():
    found = rows({"request": {"asset_class": "news"}, "reasoning": {"moving": 1}})
    assert found["news/N01"].outcome == "denies"
    assert found["news/N01"].saw == (("request.asset_class", "news"), ("request.operation", "remove"))
    assert "blog.ap.org" in found["news/N01"].source
    assert "read 2026-11-22" in found["news/N01"].source
    assert found["base/A01"].outcome == "requires 1"
    assert found["base/W01"].outcome == "warns"
    assert found["base/E01"].outcome == "not fired"
    assert found["base/E01"].why == 'Not so: request.asset_class == "evidence"'


def test_an_error_says_which_line_and_that_it_denies(pack_dict):
    pack = parse_pack(
        json.dumps(pack_dict({"effect": "warn", "when": ["true", "source.width / 0 > 1"]})).encode()
    )
    (row,) = explain(evaluate([pack], facts_with({}, "intent"), "intent"))
    assert row.outcome == "POLICY-ERROR"
    assert "so it denies" in row.why
    assert "source.width / 0 > 1" in row.why


def test_an_empty_decision_explains_itself():
    (row,) = explain(evaluate([], facts_with({}, "intent"), "intent"))
    assert row.outcome == "denies"
    assert "nothing is allowed" in row.why
