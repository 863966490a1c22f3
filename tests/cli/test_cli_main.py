"""The whole story as a person types it, and what holds for every command."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from void_audit import __version__
from void_audit.cli.main import COMMANDS, app

HERE = Path(__file__).parent
TRANSCRIPTS = sorted((HERE / "transcripts").glob("*.txt"))


def commands():
    """Command and its help, leaves only."""
    for name, command in typer.main.get_command(app).commands.items():
        leaves = getattr(command, "commands", None)
        yield from ((f"{name} {sub}", leaf) for sub, leaf in leaves.items()) if leaves else [(name, command)]


LEAVES = dict(commands())


def parts(text: str):
    """Command line, expected output and exit code of every step of a transcript."""
    steps = re.split(r"^\$ void-audit ", text, flags=re.M)[1:]
    for step in steps:
        line, _, rest = step.partition("\n")
        found = re.search(r"^\[(\d+)\]\n?\Z", rest, re.M)
        yield line, rest[: found.start()] if found else rest, int(found[1]) if found else 0


def pattern(expected: str) -> str:
    lines = []
    for line in expected.rstrip("\n").split("\n"):
        if line == "...":
            lines.append("(?:.*\n)*?")
        else:
            lines.append(".*?".join(map(re.escape, re.split(r" *\.\.\. *", line))) + r" *\n")
    return "".join(lines)


@pytest.mark.parametrize("path", TRANSCRIPTS, ids=lambda path: path.stem)
def test_the_story(terminal, path):
    terminal.request("crossing")
    terminal.request("breaking", asset_class="news")
    edit = "EDIT"
    for line, expected, code in parts(path.read_text()):
        said = terminal(line.replace("EDIT", edit), code).output
        begun = re.search(r"^Edit ([0-9a-f]{12})", said, re.M)
        edit = begun[1] if begun else edit
        wanted = pattern(expected.replace("EDIT", edit))
        said = said if said.endswith("\n") else said + "\n"
        assert re.fullmatch(wanted + r"\n*", said), f"$ void-audit {line}\n{said}\n--- expected\n{expected}"


@pytest.mark.parametrize("name", sorted(LEAVES))
def test_every_command_has_help_with_an_example(name):
    result = CliRunner().invoke(app, [*name.split(), "--help"], env={"COLUMNS": "120"})
    assert result.exit_code == 0
    assert f"Example: void-audit {name}" in LEAVES[name].help
    assert "Example: void-audit" in result.output
    assert "--json" in result.output


@pytest.mark.parametrize("name", sorted(LEAVES))
def test_no_part_of_a_help_text_is_taken_for_markup(name):
    result = CliRunner().invoke(app, [*name.split(), "--help"], env={"COLUMNS": "200"})
    shown = "".join(result.output.split())
    for bracket in re.findall(r"\[[^\]]*\]", LEAVES[name].help):
        assert "".join(bracket.split()) in shown, bracket


def test_every_command_is_found_and_nothing_else():
    assert set(COMMANDS) == set(typer.main.get_command(app).commands)
    result = CliRunner().invoke(app, ["verfy"])
    assert result.exit_code == 2
    assert "verify" in result.output
    assert CliRunner().invoke(app, ["keys", "nothing"]).exit_code == 2


@pytest.mark.parametrize("name", LEAVES)
def test_the_name_of_every_option_is_whole_at_80_columns(name):
    said = CliRunner().invoke(app, [*name.split(), "--help"], env={"COLUMNS": "80"}).stdout
    names = [n for option in LEAVES[name].params for n in (*option.opts, *option.secondary_opts)]
    assert [n for n in names if n.startswith("--") and n not in said] == []
    assert "…" not in said


def test_help_and_version():
    for words in (["--help"], ["keys", "--help"], ["policy", "--help"]):
        result = CliRunner().invoke(app, words)
        assert result.exit_code == 0
        assert "Usage" in result.output
    assert "Exit codes" in CliRunner().invoke(app, ["--help"]).output
    assert CliRunner().invoke(app, ["--version"]).output == f"void-audit {__version__}\n"


@pytest.mark.parametrize(
    "line",
    [
        "verify", "run", "plan", "approve 0123456789ab", "keys add lois", "plan request --crf 99",
        "plan request --profile huge", "plan request --seed -1", "verify --nonsense x", "ledger",
    ],
)  # fmt: skip
def test_wrong_usage_is_exit_2(terminal, line):
    result = terminal(line, 2)
    assert "Usage" in result.output


HEAVY = ("torch", "sqlalchemy", "alembic", "sqlite3", "void_audit.seal", "void_audit.pipeline", "void_audit.ledger",
         "void_audit.workflow", "void_audit.cli.session", "void_audit.cli.workspace")  # fmt: skip
LOADED = "print(json.dumps(sorted(m for m in sys.modules if m.startswith(tuple(sys.argv[1].split(',')))))) "


def in_process(program: str, *words: str, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", program, *words], capture_output=True, text=True, check=False,
        env={**os.environ, **env},
    )  # fmt: skip


def test_importing_the_package_loads_nothing_heavy():
    program = f"import json, sys, void_audit, void_audit.cli.main; {LOADED}"
    done = in_process(program, ",".join([*HEAVY, "numpy", "cv2", "av", "c2pa", "pydantic"]))
    assert json.loads(done.stdout) == []


def test_verify_loads_no_ledger_no_stage_and_no_maker(desk):
    """Nor does it need them: they cannot even be imported here."""
    program = (
        "import json, sys\n"
        "for name in ('torch', 'sqlalchemy', 'alembic', 'filelock', 'sqlite3'): sys.modules[name] = None\n"
        "from void_audit.cli.main import app\n"
        "try: app(sys.argv[2:])\n"
        "except SystemExit as done: code = done.code\n"
        "for name in ('torch', 'sqlalchemy', 'alembic', 'filelock', 'sqlite3'): del sys.modules[name]\n"
        f"print(); {LOADED}; sys.exit(code)"
    )
    trust = desk.folder / ".void-audit" / "trust"
    done = in_process(
        program, ",".join(HEAVY), "verify", str(desk.folder / "clean.mp4"), "--trust", str(trust / "root.pem"),
        "--log-key", str(trust / "log.vkey"), "--source", str(desk.folder / "request" / "clip.mp4"),
        VOID_AUDIT_WORKSPACE="/nowhere",
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert "VERIFIED" in done.stdout
    assert json.loads(done.stdout.splitlines()[-1]) == []


def test_a_witness_needs_none_of_what_edits_need(tmp_path):
    program = (
        "import json, sys\n"
        "from void_audit.cli.main import app\n"
        "try: app(sys.argv[2:])\n"
        "except SystemExit as done: code = done.code\n"
        f"print(); {LOADED}; sys.exit(code)"
    )
    heavy = "sqlalchemy,numpy,cv2,av,c2pa,rfc3161_client,void_audit.workflow"
    for command in ("init --name partner.example/witness --no-passphrase", "show"):
        done = in_process(program, heavy, "witness", *command.split(), "--folder", str(tmp_path / "witness"))
        assert done.returncode == 0, done.stdout + done.stderr
        assert json.loads(done.stdout.splitlines()[-1]) == []


def test_the_installed_command_runs():
    program = Path(sys.executable).with_name("void-audit")
    done = subprocess.run([str(program), "--version"], capture_output=True, text=True, check=False)
    assert done.stdout == f"void-audit {__version__}\n"
