"""The numbered obligations of ``verify`` and their four answers (design section 7)."""

from __future__ import annotations

from enum import IntEnum, StrEnum

from void_audit.model.base import Text, Value


class Obligation(IntEnum):
    """What verification proves, by the number that code, tests, report and documentation share."""

    BINDING = 0
    SIGNER = 1
    FILE_DIGEST = 2
    LINEAGE = 3
    SIGNATURES = 4
    INCLUSION = 5
    TIME = 6
    ORDER = 7
    POLICY = 8
    APPROVALS = 9
    MASK = 10
    MODELS = 11
    CONTAINMENT = 12
    DURABLE_MARKS = 13
    REPLAY = 14


REQUIRED = frozenset({0, 1, 4, 5, 7, 8, 9, 10, 11})
"""Obligations that must pass for exit code 0."""


class State(StrEnum):
    """Missing is never green and never red."""

    PASS = "pass"
    FAIL = "fail"
    UNKNOWN = "cannot tell"
    NOT_APPLICABLE = "not applicable"


class Finding(Value):
    """One obligation, answered."""

    obligation: Obligation
    title: Text
    state: State
    detail: Text
    """What was found, with values."""
    remedy: Text = ""
    """What would tell, or what to do."""


class Report(Value):
    """All findings of one verification, in order of number."""

    file: Text
    findings: tuple[Finding, ...]
    not_proven: tuple[Text, ...]
    about: tuple[Text, ...] = ()
    """What was looked at, where it is more than a file: a bundle, and how far it reaches."""

    @property
    def exit_code(self) -> int:
        """1 if anything fails, else 3 if a required obligation does not pass, else 0."""
        if any(f.state is State.FAIL for f in self.findings):
            return 1
        passed = {int(f.obligation) for f in self.findings if f.state is State.PASS}
        return 0 if passed >= REQUIRED else 3
