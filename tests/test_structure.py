"""The promises that the tree itself makes: budgets, a test for every module, documentation that holds."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest
import typer

from void_audit.cli.main import app

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "void_audit"
MODULES = sorted(p for p in PACKAGE.rglob("*.py") if p.name != "__init__.py" and "migrations" not in p.parts)
VALUES_ONLY = {
    "base",
    "clip",
    "decision",
    "engine",
    "facts",
    "geometry",
    "plan",
    "proof",
    "reasoning",
    "records",
}
VALUES_ONLY |= {
    "bundle",
    "house_records",
    "mask_records",
    "predicate",
    "report",
    "request",
    "seeing",
    "signing",
    "track",
}
"""Modules of ``model`` without behaviour of their own."""


def functions(path: Path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(ROOT)))
def test_modules_and_functions_keep_to_their_budgets(path):
    assert len(path.read_text().splitlines()) <= 400
    long = {f.name: f.end_lineno - f.lineno + 1 for f in functions(path) if f.end_lineno - f.lineno >= 60}
    assert not long


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(ROOT)))
def test_every_module_has_its_tests(path):
    if path.parent.name == "model" and path.stem in VALUES_ONLY:
        return
    if path.name == "base.py":
        return  # protocols
    folder = ROOT / "tests" / path.relative_to(PACKAGE).parent
    found = [p.name for p in folder.glob("test_*.py") if p.stem.endswith(path.stem)]
    assert found, f"no tests/{path.relative_to(PACKAGE).parent}/test_*{path.stem}.py"


def commands(typer_app: typer.Typer, prefix: str = ""):
    group = typer.main.get_command(typer_app)
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            for sub, leaf in command.commands.items():
                yield f"{name} {sub}", leaf
        else:
            yield name, command


@pytest.mark.parametrize(("name", "command"), list(commands(app)))
def test_every_command_is_documented(name, command):
    assert "Example: void-audit" in command.help
    assert name in (ROOT / "README.md").read_text()
    assert any("--json" in option.opts for option in command.params)


def test_no_machine_paths_or_hosts_are_committed():
    for path in [*PACKAGE.rglob("*.py"), *PACKAGE.rglob("*.yaml"), ROOT / "README.md", ROOT / "Makefile"]:
        text = path.read_text()
        for word in ("/work/", "/root/", "/home/"):
            assert word not in text, f"{path}: {word}"


def test_what_the_readme_links_to_exists():
    for target in re.findall(r"\]\(([^)#]+)\)", (ROOT / "README.md").read_text()):
        assert (ROOT / target).exists(), target


HOMES = {
    "av": {"void_audit/media"},
    "c2pa": {"void_audit/seal/adapter.py", "void_audit/audit/manifest.py"},
    "sqlalchemy": {"void_audit/ledger", "void_audit/migrations"},
    "alembic": {"void_audit/ledger", "void_audit/migrations"},
    "psycopg": {"void_audit/ledger/postgresql"},
    "cel_expr_python": {"void_audit/policy"},
    "patchmatch": {"void_audit/pipeline/synthesize"},
    "torch": {"void_audit/pipeline/synthesize/void", "void_audit/pipeline/segment/sam2"},
    "sam2": {"void_audit/pipeline/segment/sam2"},
    "hydra": {"void_audit/pipeline/segment/sam2"},
    "omegaconf": {"void_audit/pipeline/segment/sam2"},
    "google": {"void_audit/pipeline/reason"},
    "httpx2": {"void_audit/pipeline/reason"},
    "diffusers": {"void_audit/pipeline/synthesize/void"},
    "transformers": {"void_audit/pipeline/synthesize/void"},
    "safetensors": {"void_audit/pipeline/synthesize/void", "void_audit/pipeline/segment/sam2"},
    "typer": {"void_audit/cli"},
    "rich": {"void_audit/cli"},
}
"""Where each heavy library may be imported."""


def imported(path: Path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module.partition(".")[0]


@pytest.mark.parametrize("library", HOMES)
def test_each_library_stays_where_it_belongs(library):
    places = {str(p.relative_to(ROOT)) for p in PACKAGE.rglob("*.py") if library in imported(p)}
    assert places
    assert not {p for p in places if not any(p.startswith(home) for home in HOMES[library])}
