"""What policy saw and what it said."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from void_audit.model.base import BlobRef, Name, Sha256, Text, Value

Stage = Literal["intent", "reason", "plan", "output"]
Verdict = Literal["allow", "deny"]
Effect = Literal["deny", "require", "warn"]
Scalar = str | int | float | bool | None


class ConditionOutcome(Value):
    """One conjunct of a rule's ``when``: its text, whether it held, and the values it saw."""

    expression: Text
    result: Literal["true", "false", "error"]
    saw: Mapping[str, str]
    """Facts named by the expression, rendered as text."""
    error: Text = ""


class RuleOutcome(Value):
    """One rule, evaluated."""

    rule: Name
    pack: Name
    title: Text
    effect: Effect
    fired: bool
    error: bool
    """True when a condition could not be evaluated: the rule counts as a denial."""
    approvals: int
    because: Text
    source: Text
    conditions: tuple[ConditionOutcome, ...]


class PackRef(Value):
    """A rule pack by content. ``blob`` holds its text."""

    name: Name
    version: Name
    sha256: Sha256
    blob: BlobRef | None = None


class PolicyDecision(Value):
    """The verdict of all active packs on one set of facts.

    ``deny`` if any denying rule fired or any rule could not be evaluated. ``approvals_required`` is the
    largest number asked for by a rule that fired.
    """

    stage: Stage
    verdict: Verdict
    approvals_required: int
    packs: tuple[PackRef, ...]
    outcomes: tuple[RuleOutcome, ...]
    engine: Name
    """Evaluator and its version."""
