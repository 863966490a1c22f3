"""What the evaluator needs of an expression language. CEL is behind it; a second CEL checks it in tests."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, NamedTuple, Protocol

from void_audit.policy.facts import FactValue


class Answer(NamedTuple):
    """``error`` says why there is no literal true or false; it is empty otherwise."""

    result: Literal["true", "false", "error"]
    error: str = ""


class Condition(Protocol):
    """One compiled conjunct."""

    @property
    def text(self) -> str:
        """The expression as written."""

    @property
    def names(self) -> tuple[str, ...]:
        """Facts that it reads, sorted."""

    def evaluate(self, values: Mapping[str, FactValue]) -> Answer:
        """Whether it holds. Never raises: whatever goes wrong is an ``error`` answer."""


class PolicyEngine(Protocol):
    """Compiles conditions over the facts of ``policy.facts.FACT_TYPES``."""

    @property
    def name(self) -> str:
        """Evaluator and its version, for the record."""

    def compile(self, expression: str) -> Condition:
        """Check and compile one condition.

        Raises:
            PolicyPackError: ``pack-cel`` with the position: syntax, unknown fact, wrong type, not a boolean.
        """
