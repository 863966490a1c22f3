from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import cel
import pytest
from policy_samples import PACK, RULE

from void_audit.policy.cel import CelEngine
from void_audit.policy.engine import Answer


@pytest.fixture
def pack_dict() -> Callable[..., dict[str, Any]]:
    """A pack as plain data (JSON is YAML): one rule per argument, each a set of changes to a good one."""

    def build(*rules: Mapping[str, Any], **header: Any) -> dict[str, Any]:
        changed = [{**RULE, "id": f"T{n:02d}", **rule} for n, rule in enumerate(rules or ({},), 1)]
        return {**PACK, **header, "rules": changed}

    return build


def _nested(values: Mapping[str, Any]) -> dict[str, Any]:
    tree: dict[str, Any] = {}
    for name, value in values.items():
        part, _, leaf = name.partition(".")
        if leaf:
            tree.setdefault(part, {})[leaf] = value
        else:
            tree[part] = value
    return tree


@dataclass(frozen=True)
class RustCondition:
    text: str
    names: tuple[str, ...]
    _program: Any = field(repr=False)

    def evaluate(self, values: Mapping[str, Any]) -> Answer:
        try:
            result = self._program.execute(_nested({name: values[name] for name in self.names}))
        except Exception as error:  # noqa: BLE001
            return Answer("error", repr(error))
        return (
            Answer("true" if result else "false")
            if isinstance(result, bool)
            else Answer("error", repr(result))
        )


class RustEngine:
    """Another implementation of CEL (Rust), to be asked for a second opinion."""

    name = "common-expression-language"

    def compile(self, expression: str) -> RustCondition:
        return RustCondition(expression, CelEngine().compile(expression).names, cel.compile(expression))


@pytest.fixture(scope="session")
def second_engine() -> RustEngine:
    return RustEngine()
