"""The drawn tree is the real one, and every raise in the package has a stable code and a hint."""

from __future__ import annotations

import ast
import inspect
import re
from pathlib import Path

import pytest

from void_audit import errors

PACKAGE = Path(errors.__file__).parent
CLASSES = [c for _, c in inspect.getmembers(errors, inspect.isclass) if issubclass(c, errors.VoidAuditError)]


def raises():
    """Every construction of an error of ours: (place, class name, call)."""
    names = {c.__name__ for c in CLASSES}
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in names:
                yield f"{path.relative_to(PACKAGE)}:{node.lineno}", node.func.id, node


def test_the_drawn_tree_names_every_class():
    drawn = re.findall(r"(?:VoidAuditError|\w+Error|Cancelled)(?=\s)", errors.__doc__)
    assert set(drawn) == {c.__name__ for c in CLASSES}


def test_exit_codes_are_those_of_the_interface():
    assert {c.exit_code for c in CLASSES} == {1, 2, 4, 130}
    assert errors.DeniedError.exit_code == 4
    assert all(c.exit_code == 2 for c in CLASSES if issubclass(c, errors.InputError))
    assert all(c.exit_code == 1 for c in CLASSES if issubclass(c, errors.EvidenceError))


@pytest.mark.parametrize(
    ("place", "name", "call"), list(raises()), ids=lambda v: v if isinstance(v, str) else ""
)
def test_every_error_has_a_kebab_case_code_and_says_what_to_do(place, name, call):
    if call.args and isinstance(call.args[0], ast.Constant):
        assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", call.args[0].value), place
    if not any(isinstance(a, ast.Starred) for a in call.args):
        assert len(call.args) + len(call.keywords) >= 2, f"{place}: no message"


def test_text_holds_message_and_hint():
    error = errors.ClipError("clip-missing", "There is no clip.", "Add one.")
    assert str(error) == "There is no clip. Add one."
    assert (error.code, error.message, error.hint) == ("clip-missing", "There is no clip.", "Add one.")
