"""What a rule pack says: strict values. A pack needs legal review before anyone relies on it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from void_audit.model.base import Name, Text, Value
from void_audit.model.decision import Effect, Stage

RuleId = Annotated[str, Field(pattern=r"^[A-Z]{1,4}[0-9]{1,4}[a-z]?$")]
"""Letters and a number, e.g. ``G06b``: never one of the evaluator's own names, ``POLICY-...``."""

PackName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{0,62}$")]
Expression = Annotated[str, Field(min_length=1, max_length=2000)]
Url = Annotated[str, Field(pattern=r"^https?://[^\s\x00-\x1f<>\"]+$", max_length=500)]
MAX_APPROVALS = 10


class RuleSource(Value):
    """Where a rule comes from. ``status``: its text was read, known second hand only, or the house's own."""

    title: Name
    publisher: Name
    url: Url | None = None
    read: date | None = None
    """Day on which somebody read the source's own text."""
    status: Literal["read", "secondary", "house"]

    @model_validator(mode="after")
    def _read_means_read(self) -> Self:
        if self.status == "read" and (self.url is None or self.read is None):
            raise ValueError("a source of status `read` needs its url and the day it was read")
        return self

    def __str__(self) -> str:
        where = f", {self.url}" if self.url else ""
        when = f", read {self.read}" if self.read else ""
        return f"{self.publisher}: {self.title}{where}{when} [{self.status}]"


class RuleTest(Value):
    """Changes to the standard facts of ``policy.lint``, by part and name, and whether the rule then fires."""

    facts: Mapping[str, Any] = Field(default_factory=dict)
    fires: bool


class Rule(Value):
    """One rule: it fires when every condition in ``when`` is true.

    ``valid_from`` and ``valid_to`` are whole days, UTC, both included.
    """

    id: RuleId
    title: Text
    stages: Annotated[tuple[Stage, ...], Field(min_length=1, max_length=4)]
    effect: Effect
    approvals: Annotated[int, Field(ge=0, le=MAX_APPROVALS)] = 0
    because: Annotated[str, Field(min_length=10, max_length=1000)]
    sources: Annotated[tuple[RuleSource, ...], Field(min_length=1, max_length=4)]
    valid_from: date | None = None
    valid_to: date | None = None
    when: Annotated[tuple[Expression, ...], Field(min_length=1, max_length=20)]
    tests: Annotated[tuple[RuleTest, ...], Field(max_length=40)] = ()

    @model_validator(mode="after")
    def _approvals_belong_to_require(self) -> Self:
        if (self.effect == "require") != (self.approvals > 0):
            raise ValueError(
                "`approvals` is 1 or more for effect `require`, and absent for every other effect"
            )
        return self

    @property
    def conditions(self) -> tuple[str, ...]:
        """Every conjunct: the days of validity, as conditions on ``now``, then ``when``."""
        since = (f'now >= timestamp("{self.valid_from}T00:00:00Z")',) if self.valid_from else ()
        until = (f'now <= timestamp("{self.valid_to}T23:59:59.999999Z")',) if self.valid_to else ()
        return (*since, *until, *self.when)


class PackSpec(Value):
    """A rule pack. ``version`` is the day of its last change; ``review_by`` when a person must look again."""

    name: PackName
    version: date
    owner: Name
    review_by: date
    description: Text
    rules: Annotated[tuple[Rule, ...], Field(min_length=1, max_length=200)]

    @model_validator(mode="after")
    def _ids_differ(self) -> Self:
        ids = [rule.id for rule in self.rules]
        twice = sorted({i for i in ids if ids.count(i) > 1})
        if twice:
            raise ValueError(f"rule ids given twice: {', '.join(twice)}")
        return self
