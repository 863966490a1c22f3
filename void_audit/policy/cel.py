"""CEL by the C++ implementation: typed, without clock, network or files, with a bounded number of steps."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from functools import cache
from importlib.metadata import version
from typing import Any

from cel_expr_python import cel

from void_audit.errors import PolicyPackError
from void_audit.policy.engine import Answer
from void_audit.policy.facts import FACT_TYPES, FactType, FactValue

MAX_EXPRESSION = 2000
MAX_ERROR = 500

_TYPES: dict[FactType, Any] = {
    "string": cel.Type.STRING,
    "int": cel.Type.INT,
    "double": cel.Type.DOUBLE,
    "bool": cel.Type.BOOL,
    "timestamp": cel.Type.TIMESTAMP,
    "list(string)": cel.Type.List(cel.Type.STRING),
    "list(timestamp)": cel.Type.List(cel.Type.TIMESTAMP),
}

# Implementations differ on has() of a declared fact, and no fact of a stage is ever absent.
_HAS = re.compile(r"\bhas\s*\(")


@dataclass(frozen=True)
class CelCondition:
    """A checked CEL expression."""

    text: str
    names: tuple[str, ...]
    _program: Any = field(repr=False, compare=False)

    def evaluate(self, values: Mapping[str, FactValue]) -> Answer:
        """See ``Condition.evaluate``."""
        missing = [name for name in self.names if name not in values]
        if missing:
            return Answer("error", f"not known at this stage: {', '.join(missing)}")
        cut = [name for name in self.names if _holds_nul(values[name])]
        if cut:
            return Answer(
                "error", f"holds a zero character, at which the evaluator would cut it: {', '.join(cut)}"
            )
        try:
            result = self._program.eval(data={name: values[name] for name in self.names})
            kind, value = result.type(), result.value()
        except Exception as error:  # noqa: BLE001 - whatever fails in the evaluator must deny
            return Answer("error", _first_line(error))
        if kind == cel.Type.BOOL and (value is True or value is False):
            return Answer("true" if value else "false")
        return Answer("error", _first_line(value))


class CelEngine:
    """The adapter on ``cel-expr-python``."""

    @property
    def name(self) -> str:
        """Package and version."""
        return f"cel-expr-python {version('cel-expr-python')}"

    def compile(self, expression: str) -> CelCondition:
        """See ``PolicyEngine.compile``."""
        _refuse_unreadable(expression)
        try:
            program = _environment(None).compile(expression)
        except Exception as error:  # noqa: BLE001 - the library raises RuntimeError, TypeError and more
            raise _refused(expression, str(error)) from None
        if program.return_type() != cel.Type.BOOL:
            raise _refused(expression, f"1:1: gives {program.return_type().name()}, not BOOL")
        return CelCondition(expression, _names_in(expression), program)


def _holds_nul(value: FactValue) -> bool:
    texts = value if isinstance(value, list) else [value]
    return any(isinstance(text, str) and "\0" in text for text in texts)


@cache
def _environment(without: str | None) -> Any:  # noqa: ANN401 - the library is untyped
    return cel.NewEnv(variables={n: _TYPES[t] for n, t in FACT_TYPES.items() if n != without})


def _names_in(expression: str) -> tuple[str, ...]:
    """Facts that the expression reads: those without which it no longer compiles.

    The compiler decides, not a scanner of ours; the cheap test before it only saves time, since a fact's
    last name cannot be read without being written.
    """
    candidates = (name for name in sorted(FACT_TYPES) if name.rpartition(".")[2] in expression)
    return tuple(name for name in candidates if not _compiles_without(expression, name))


def _compiles_without(expression: str, name: str) -> bool:
    try:
        _environment(name).compile(expression)
    except Exception:  # noqa: BLE001 - as in CelEngine.compile
        return False
    return True


def _refuse_unreadable(expression: str) -> None:
    if len(expression) > MAX_EXPRESSION:
        raise _refused(
            expression[:80] + "...", f"1:{MAX_EXPRESSION}: longer than {MAX_EXPRESSION} characters"
        )
    if not expression.isprintable():
        raise _refused(expression, "1:1: holds a line break or an invisible character")
    if _HAS.search(expression):
        raise _refused(
            expression, "1:1: has() is not used here: every fact of a stage is present or the rule denies"
        )


def _refused(expression: str, reason: str) -> PolicyPackError:
    """The library's first message: ``ERROR: <input>:LINE:COLUMN: what`` and drawings below it."""
    reason = _first_line(reason.removeprefix("INVALID_ARGUMENT: ").replace("ERROR: <input>:", ""))
    unknown = re.search(r"undeclared reference to '([^']+)'", reason)
    close = get_close_matches(unknown.group(1), FACT_TYPES, n=3) if unknown else []
    return PolicyPackError(
        "pack-cel",
        f"The condition {expression!r} is refused at {reason}.",
        f"Did you mean {' or '.join(close)}?"
        if close
        else "Conditions are CEL over the facts of model/facts.py.",
    )


def _first_line(error: object) -> str:
    return (str(error).splitlines() or [""])[0][:MAX_ERROR] or type(error).__name__
