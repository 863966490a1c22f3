"""Facts and rule packs in, a decision out: pure, deterministic, and in doubt a denial.

``deny`` if a denying rule fired, if any condition gave anything but a literal true or false
("POLICY-ERROR": even where another conjunct is false), or if no rule was evaluated at all: an empty set
of rules refuses. The reason for a verdict is always one of the outcomes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from void_audit.errors import PolicyPackError
from void_audit.model.decision import ConditionOutcome, PolicyDecision, RuleOutcome, Stage
from void_audit.model.facts import Facts
from void_audit.policy.cel import CelEngine
from void_audit.policy.compiled import CompiledRule, Pack
from void_audit.policy.engine import Condition
from void_audit.policy.facts import FactValue, bindings, render

POLICY_EMPTY = "POLICY-EMPTY"
"""Name of the outcome that stands for "no rule was evaluated"."""


def evaluate(packs: Sequence[Pack], facts: Facts, stage: Stage) -> PolicyDecision:
    """Every rule of ``packs`` for ``stage``, in their order. ``packs`` of the decision keep that order.

    Raises:
        PolicyPackError: ``pack-duplicate`` if two packs have one name.
    """
    _refuse_duplicates(packs)
    values = bindings(facts)
    judged = [
        judge(rule, pack.name, values) for pack in packs for rule in pack.rules if stage in rule.rule.stages
    ]
    outcomes = tuple(judged) or (_empty(stage),)
    return PolicyDecision(
        stage=stage,
        verdict="deny" if any(denies(outcome) for outcome in outcomes) else "allow",
        approvals_required=max(o.approvals if o.fired else 0 for o in outcomes),
        packs=tuple(pack.ref for pack in packs),
        outcomes=outcomes,
        engine=", ".join(sorted({pack.engine for pack in packs} or {CelEngine().name})),
    )


def foreseen(
    packs: Sequence[Pack], facts: Facts, stage: Stage, more: Mapping[str, FactValue]
) -> tuple[RuleOutcome, ...]:
    """Rules that will deny at a later ``stage`` as surely as now, because they read nothing that is not known yet.

    What reads the time is not among them: it will be another one.

    Args:
        packs: the rules.
        facts: what is known so far.
        stage: the later one.
        more: facts of that stage which are known already, by name. They must be as they will be then.
    """
    values = {name: value for name, value in {**bindings(facts), **more}.items() if name != "now"}
    known = (
        judge(rule, pack.name, values)
        for pack in packs
        for rule in pack.rules
        if stage in rule.rule.stages and all(name in values for c in rule.conditions for name in c.names)
    )
    return tuple(outcome for outcome in known if denies(outcome))


def denies(outcome: RuleOutcome) -> bool:
    """Whether this outcome alone makes the verdict ``deny``."""
    return outcome.error or (outcome.fired and outcome.effect == "deny")


def judge(compiled: CompiledRule, pack: str, values: Mapping[str, FactValue]) -> RuleOutcome:
    """One rule. Every conjunct is evaluated, whatever the others say: that is the explanation table."""
    conditions = tuple(_ask(condition, values) for condition in compiled.conditions)
    rule = compiled.rule
    return RuleOutcome(
        rule=rule.id,
        pack=pack,
        title=rule.title,
        effect=rule.effect,
        fired=all(c.result == "true" for c in conditions),
        error=any(c.result == "error" for c in conditions),
        approvals=rule.approvals,
        because=rule.because,
        source="; ".join(str(source) for source in rule.sources),
        conditions=conditions,
    )


def _ask(condition: Condition, values: Mapping[str, FactValue]) -> ConditionOutcome:
    answer = condition.evaluate(values)
    saw = {name: render(name, values[name]) if name in values else "missing" for name in condition.names}
    return ConditionOutcome(expression=condition.text, result=answer.result, saw=saw, error=answer.error)


def _empty(stage: Stage) -> RuleOutcome:
    return RuleOutcome(
        rule=POLICY_EMPTY,
        pack="-",
        title="No rule was evaluated",
        effect="deny",
        fired=True,
        error=False,
        approvals=0,
        because=f"No active rule pack has a rule for the stage {stage}, and nothing is allowed without one.",
        source="void-audit [house]",
        conditions=(),
    )


def _refuse_duplicates(packs: Sequence[Pack]) -> None:
    names = [pack.name for pack in packs]
    for name in names:
        if names.count(name) > 1:
            raise PolicyPackError(
                "pack-duplicate",
                f"Two active rule packs are named {name!r}.",
                "Keep one, or rename the other.",
            )
