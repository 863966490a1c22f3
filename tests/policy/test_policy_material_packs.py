"""The packs brand-safety and localization beside base: what an edit meets from intent to plan."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from void_audit.model.decision import PolicyDecision, Stage
from void_audit.policy.evaluate import evaluate
from void_audit.policy.lint import STANDARD_FACTS, facts_with
from void_audit.policy.pack import builtin, builtin_names

ALL = [builtin(name) for name in builtin_names()]
BRAND, LOCAL = "brand-safety", "localization"

LOGO = {
    "request": {
        "operation": "de-emphasize",
        "asset_class": "advertising",
        "instruction_words": ["blur", "logo"],
    },
    "mask": {
        "schema_name": BRAND,
        "classes": ["de-emphasize", "keep"],
        "removed_percent_max": 0.0,
        "affected_percent_max": 0.0,
        "deemphasized_percent_max": 4.0,
        "opened_percent_max": 4.0,
    },
}
DUB = {
    "request": {"operation": "replace", "consent_given": True, "supplied_clip": True},
    "mask": {
        "schema_name": LOCAL,
        "classes": ["dubbed-mouth", "actor-body", "background"],
        "removed_percent_max": 0.0,
        "affected_percent_max": 0.0,
        "replaced_percent_max": 1.2,
        "opened_percent_max": 1.2,
    },
}


def decide(edit: Mapping[str, Any], stage: Stage = "plan", **changes: Mapping[str, Any]) -> PolicyDecision:
    facts = {part: {**edit.get(part, {}), **changes.get(part, {})} for part in {*edit, *changes}}
    return evaluate(ALL, facts_with(facts, stage), stage)


def fired(decision: PolicyDecision, pack: str) -> list[str]:
    return [o.rule for o in decision.outcomes if o.fired and o.pack == pack]


@pytest.mark.parametrize("edit", [LOGO, DUB], ids=[BRAND, LOCAL])
@pytest.mark.parametrize("stage", ["intent", "plan"])
def test_what_the_packs_are_for_needs_one_other_person(edit: Mapping[str, Any], stage: Stage) -> None:
    decision = decide(edit, stage)
    assert (decision.verdict, decision.approvals_required) == ("allow", 1)
    assert fired(decision, BRAND) == fired(decision, LOCAL) == []


@pytest.mark.parametrize("asset_class", ["news", "documentary", "archive", "evidence"])
@pytest.mark.parametrize("stage", ["intent", "plan"])
def test_editorial_material_is_refused_as_early_as_it_is_known(stage: Stage, asset_class: str) -> None:
    decision = decide(LOGO, stage, request={"asset_class": asset_class})
    assert decision.verdict == "deny"
    assert fired(decision, BRAND) == (["B02a"] if stage == "intent" else ["B02a", "B02b"])


def test_another_name_for_the_operation_does_not_help() -> None:
    decision = decide(LOGO, request={"operation": "remove", "asset_class": "documentary"})
    assert "B02b" in fired(decision, BRAND)
    assert decision.verdict == "deny"


@pytest.mark.parametrize(
    ("changes", "rules", "approvals"),
    [
        ({"mask": {"removed_percent_max": 0.01}}, ["B03"], 2),
        ({"mask": {"deemphasized_percent_max": 10.01}}, ["B04"], 2),
        ({"mask": {"deemphasized_percent_max": 10.01, "removed_percent_max": 1.0}}, ["B03", "B04"], 2),
        ({"reasoning": {"words": ["hands"]}}, ["B01b"], 2),
        ({"request": {"instruction_words": ["player"]}}, ["B01a"], 1),
    ],
)
def test_how_many_people_look_at_a_brand_safety_edit(changes: Any, rules: list[str], approvals: int) -> None:
    decision = decide(LOGO, **changes)
    assert decision.verdict == "allow"
    assert fired(decision, BRAND) == rules
    assert decision.approvals_required == approvals


@pytest.mark.parametrize(
    ("changes", "rules"),
    [
        ({"request": {"consent_given": False}}, ["L02a"]),
        ({"request": {"supplied_clip": False}}, ["L02b"]),
        ({"mask": {"schema_name": "quadmask"}}, ["L01a"]),
        ({"mask": {"removed_percent_max": 0.1}}, ["L01b"]),
        ({"mask": {"affected_percent_max": 0.1}}, ["L01b"]),
        ({"mask": {"deemphasized_percent_max": 0.1}}, ["L01b"]),
        ({"mask": {"opened_percent_max": 1.21}}, ["L01b"]),
        ({"mask": {"replaced_percent_max": 0.0}}, ["L01b"]),
    ],
)
def test_what_a_dub_is_refused_for(changes: Any, rules: list[str]) -> None:
    decision = decide(DUB, **changes)
    assert decision.verdict == "deny"
    assert fired(decision, LOCAL) == rules


def test_consent_and_clip_are_asked_for_before_anything_runs() -> None:
    decision = decide(DUB, "intent", request={"consent_given": False, "supplied_clip": False})
    assert decision.verdict == "deny"
    assert fired(decision, LOCAL) == ["L02a", "L02b"]


def test_a_large_mouth_and_one_that_belongs_to_nobody() -> None:
    decision = decide(
        DUB, mask={"replaced_percent_max": 11.0, "opened_percent_max": 11.0, "classes": ["dubbed-mouth"]}
    )
    assert (decision.verdict, decision.approvals_required) == ("allow", 2)
    assert fired(decision, LOCAL) == ["L03", "L04"]


def test_news_is_not_dubbed() -> None:
    assert decide(DUB, "intent", request={"asset_class": "news"}).verdict == "deny"


@pytest.mark.parametrize("stage", ["intent", "plan", "output"])
def test_an_ordinary_removal_does_not_meet_either_pack(stage: Stage) -> None:
    decision = evaluate(ALL, facts_with({}, stage), stage)
    assert decision.verdict == "allow"
    assert fired(decision, BRAND) == fired(decision, LOCAL) == []
    assert STANDARD_FACTS.mask is not None
    assert STANDARD_FACTS.mask.schema_name == "quadmask"


@pytest.mark.parametrize("name", [BRAND, LOCAL])
def test_every_rule_says_who_stands_behind_it(name: str) -> None:
    """An outside source is a house's decision too: no law that somebody read about decides alone."""
    for compiled in builtin(name).rules:
        assert compiled.rule.sources[0].status == "house"
        assert {s.status for s in compiled.rule.sources} <= {"house", "read"}
