"""Runs the tests that every rule carries. A rule that was never seen to fire, or not to, does not ship."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from pydantic import ValidationError

from void_audit.model.decision import Stage
from void_audit.model.facts import (
    EngineFacts,
    Facts,
    MaskFacts,
    OutputFacts,
    QueryFacts,
    ReasoningFacts,
    RequestFacts,
    SourceFacts,
)
from void_audit.policy.compiled import CompiledRule, Pack
from void_audit.policy.evaluate import judge
from void_audit.policy.facts import PARTS, bindings
from void_audit.policy.schema import RuleTest
from void_audit.policy.words import EXTRACTOR

STANDARD_FACTS = Facts(
    now=datetime(2026, 11, 22, 12, tzinfo=UTC),
    extractor=EXTRACTOR,
    request=RequestFacts(
        operation="remove",
        asset_class="entertainment",
        purpose="Remove a prop that was left on the set.",
        distribution=("streaming",),
        instruction_words=("ball", "remove", "table", "the"),
        asked_words=("ball", "remove", "the"),
        object_words=("ball",),
        rights_not_before=None,
        rights_not_after=None,
        requester_roles=("editor",),
    ),
    source=SourceFacts(stored=True, credentials="none", width=1920, height=1080, duration_seconds=4.0),
    query=QueryFacts(engine="contact", is_model=False, remote=False, asked_last_day=0),
    mask=MaskFacts(removed_percent_max=2.0, affected_percent_max=3.0, opened_percent_max=5.0),
    reasoning=ReasoningFacts(
        engine="contact", is_model=False, confidence=0.8, affected=1, moving=0, words=("shadow",)
    ),
    engine=EngineFacts(
        segmenter="click",
        synthesizer="propagate",
        refiner="flow-refine",
        counterfactual_dynamics=False,
        weights=(),
        weights_approved=True,
    ),
    output=OutputFacts(keep_samples_changed=0, containment_worst=1.0, source_credentials_kept=True),
)
"""An unremarkable edit, on which a rule's tests build."""


def lint_pack(pack: Pack) -> tuple[str, ...]:
    """Every problem, in words; empty if there is none."""
    return tuple(problem for rule in pack.rules for problem in _lint_rule(rule, pack.name))


def _lint_rule(compiled: CompiledRule, pack: str) -> Iterator[str]:
    rule = compiled.rule
    for fires, word in ((True, "fires"), (False, "does not fire")):
        if not any(test.fires is fires for test in rule.tests):
            yield f"{rule.id} has no test in which it {word}"
    for number, test in enumerate(rule.tests, 1):
        for stage in rule.stages:
            problem = _run(compiled, pack, test, stage)
            if problem:
                yield f"{rule.id}, test {number} at stage {stage}: {problem}"


def _run(compiled: CompiledRule, pack: str, test: RuleTest, stage: Stage) -> str:
    try:
        facts = facts_with(test.facts, stage)
    except ValidationError as error:
        first = error.errors(include_input=False)[0]
        return f"these are no facts: {'.'.join(map(str, first['loc']))}: {first['msg']}"
    outcome = judge(compiled, pack, bindings(facts))
    if outcome.error:
        return "; ".join(c.error for c in outcome.conditions if c.error)
    if outcome.fired is not test.fires:
        return "it fires" if outcome.fired else "it does not fire"
    return ""


def facts_with(changes: Mapping[str, Any], stage: Stage) -> Facts:
    """The standard facts with ``changes``, as far as they are known at ``stage``.

    Raises:
        ValidationError: ``changes`` names something that is no fact, or has another type.
    """
    merged = _merge(STANDARD_FACTS.model_dump(mode="json"), changes)
    facts = Facts.model_validate_json(json.dumps(merged))
    return facts.model_copy(update={part: None for part in Facts.model_fields if part not in PARTS[stage]})


def _merge(base: dict[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(base)
    for key, value in changes.items():
        held = merged.get(key)
        both = isinstance(held, dict) and isinstance(value, Mapping)
        merged[key] = _merge(held, value) if both and held is not None else value
    return merged
