"""A decision as rows for a table: per rule what came of it, why, what it saw, and where it comes from."""

from __future__ import annotations

from void_audit.model.base import Value
from void_audit.model.decision import PolicyDecision, RuleOutcome


class ExplanationRow(Value):
    """One rule in words."""

    rule: str
    """``pack/rule``."""
    title: str
    outcome: str
    """``denies``, ``requires N``, ``warns``, ``not fired`` or ``POLICY-ERROR`` (which denies)."""
    why: str
    saw: tuple[tuple[str, str], ...]
    """Facts that the rule read and their values, each once, in the order of the conditions."""
    source: str


def explain(decision: PolicyDecision) -> tuple[ExplanationRow, ...]:
    """One row per outcome, in the decision's order."""
    return tuple(
        ExplanationRow(
            rule=f"{o.pack}/{o.rule}",
            title=o.title,
            outcome=_outcome(o),
            why=_why(o),
            saw=tuple({name: value for c in o.conditions for name, value in c.saw.items()}.items()),
            source=o.source,
        )
        for o in decision.outcomes
    )


def _outcome(outcome: RuleOutcome) -> str:
    if outcome.error:
        return "POLICY-ERROR"
    if not outcome.fired:
        return "not fired"
    return {"deny": "denies", "require": f"requires {outcome.approvals}", "warn": "warns"}[outcome.effect]


def _why(outcome: RuleOutcome) -> str:
    if outcome.error:
        failed = [f"{c.expression}: {c.error}" for c in outcome.conditions if c.result == "error"]
        return "It cannot be evaluated, so it denies. " + "; ".join(failed)
    if outcome.fired:
        return outcome.because
    return "Not so: " + "; ".join(c.expression for c in outcome.conditions if c.result == "false")
