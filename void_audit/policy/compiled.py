"""A rule pack, read from its bytes, checked, compiled, and known by its digest."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime

from pydantic import ValidationError

from void_audit.canon.strict_yaml import yaml_to_json
from void_audit.errors import PolicyPackError
from void_audit.model.decision import PackRef
from void_audit.policy.cel import CelEngine
from void_audit.policy.engine import Condition, PolicyEngine
from void_audit.policy.facts import known_at
from void_audit.policy.schema import PackSpec, Rule


@dataclass(frozen=True)
class CompiledRule:
    """A rule with its conditions compiled, in the order of ``rule.conditions``."""

    rule: Rule
    conditions: tuple[Condition, ...]


@dataclass(frozen=True)
class Pack:
    """A pack that evaluates. ``text`` is its bytes as given; ``sha256`` is their digest."""

    spec: PackSpec
    rules: tuple[CompiledRule, ...]
    text: bytes
    sha256: str
    engine: str

    @property
    def name(self) -> str:
        """The pack's name."""
        return self.spec.name

    @property
    def ref(self) -> PackRef:
        """The pack by content."""
        return PackRef(name=self.spec.name, version=self.spec.version.isoformat(), sha256=self.sha256)

    def overdue(self, now: datetime) -> bool:
        """Whether the day on which a person should have looked at it again has passed."""
        return now.date() > self.spec.review_by


def parse_pack(text: bytes, engine: PolicyEngine | None = None) -> Pack:
    """Read, check and compile. It does not run the rules' own tests: ``policy.pack.load_pack`` does.

    Raises:
        PolicyPackError: ``pack-schema``, or ``pack-cel`` with rule, condition and position.
    """
    engine = engine or CelEngine()
    try:
        spec = PackSpec.model_validate_json(yaml_to_json(text, refused))
    except ValidationError as error:
        raise refused(_problems(error)) from None
    rules = tuple(CompiledRule(rule, _compile(rule, engine)) for rule in spec.rules)
    return Pack(spec, rules, text, hashlib.sha256(text).hexdigest(), engine.name)


def refused(reason: str) -> PolicyPackError:
    """The error for a pack that is not what ``policy.schema`` describes."""
    return PolicyPackError(
        "pack-schema",
        f"The rule pack is refused: {reason}.",
        "See void_audit/policies/base.yaml for the form.",
    )


def _compile(rule: Rule, engine: PolicyEngine) -> tuple[Condition, ...]:
    conditions = []
    for expression in rule.conditions:
        try:
            condition = engine.compile(expression)
        except PolicyPackError as error:
            raise PolicyPackError(error.code, f"Rule {rule.id}: {error.message}", error.hint) from None
        _refuse_early_reading(rule, condition)
        conditions.append(condition)
    return tuple(conditions)


def _refuse_early_reading(rule: Rule, condition: Condition) -> None:
    for stage in rule.stages:
        early = [name for name in condition.names if not known_at(name, stage)]
        if early:
            raise PolicyPackError(
                "pack-cel",
                f"Rule {rule.id} reads {', '.join(early)} at stage {stage}, where it is not known yet.",
                "Give the rule a later stage, or split it into two rules.",
            )


def _problems(error: ValidationError) -> str:
    found = [
        f"{'.'.join(map(str, e['loc'])) or 'pack'}: {e['msg']}" for e in error.errors(include_input=False)
    ]
    more = f" and {len(found) - 5} more" if len(found) > 5 else ""
    return "; ".join(found[:5])[:1500] + more
