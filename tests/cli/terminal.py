"""A terminal: commands through the real application, with scripted engines in place of the embedded ones."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path
from typing import Any

import pytest
from house import PREVIEW, CountingEngines, quick
from simulator.studio import write_request
from typer.testing import CliRunner

from void_audit.cli import console, results, workspace
from void_audit.cli.main import app

CLEAR = {"VOID_AUDIT_PASSPHRASE": None, "TERM": "dumb", "NO_COLOR": "1"}


class Terminal:
    """Runs commands in a folder that holds a workspace and request folders."""

    def __init__(self, folder: Path, edit: str = "") -> None:
        self.folder, self.edit = folder, edit
        self.engines: CountingEngines | None = CountingEngines()
        """None: those of this machine."""
        self.env: dict[str, str | None] = {
            **CLEAR,
            "VOID_AUDIT_WORKSPACE": str(folder / ".void-audit"),
            "VOID_AUDIT_MODELS": str(folder / "models"),
        }

    def __call__(self, line: str, code: int = 0, **env: str):
        """Run ``void-audit LINE`` and insist on its exit code. Whatever happens, there is no traceback."""
        with quick(), pytest.MonkeyPatch.context() as patch:
            if self.engines is not None:
                patch.setattr(workspace, "LocalEngines", lambda *given: self.engines)
            patch.setattr(results, "comparison", lambda *clips: PREVIEW)  # shown in test_cli_results
            for screen in (console.out, console.err):
                patch.setattr(screen, "_width", 100)  # whatever COLUMNS was when they were made
            patch.chdir(self.folder)
            result = CliRunner().invoke(app, shlex.split(line), env={**self.env, **env})
        assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
        assert "Traceback" not in result.output
        assert result.exit_code == code, f"{line}: {result.exit_code}\n{result.output}"
        return result

    def json(self, line: str, code: int = 0, **env: str) -> Any:
        """What ``void-audit LINE --json`` says; standard output holds nothing else."""
        return json.loads(self(f"{line} --json", code, **env).stdout)

    def refused(self, line: str, code: int, error: str, **env: str) -> str:
        """The message of an error, once it is shown well to a person and to a program."""
        result = self(line, code, **env)
        assert re.search(rf"^error {error} .+\n  \S", result.stderr, re.M), result.stderr
        said = self.json(line, code, **env)["error"]
        assert said["code"] == error
        assert said["message"]
        assert said["hint"]
        return str(said["message"])

    def steps(self, edit: str = "") -> list[str]:
        """Kinds of an edit's records, in order, and by whom."""
        return [line["what"] for line in self.json(f"history {edit or self.edit}")["records"]]

    def log_size(self) -> str:
        """The log's newest checkpoint: another one if anything was logged."""
        return str(self("ledger checkpoint").output)

    def request(self, name: str = "request", **changes: object) -> str:
        """Make a request folder and return its name."""
        write_request(self.folder / name, **{"note": name, **changes})
        return name

    def people(self, packs: str = "base news") -> None:
        """A workspace with lois (editor), perry and jimmy (approvers)."""
        given = " ".join(f"--pack {name}" for name in packs.split())
        self(f"init --no-passphrase --admin chief {given} --organisation 'Daily Planet'")
        for name, role in (("lois", "editor"), ("perry", "approver"), ("jimmy", "approver")):
            self(f"keys add {name} --role {role}")

    def planned(self, name: str = "request", **changes: object) -> str:
        """Id of a planned edit."""
        return str(self.json(f"plan {self.request(name, **changes)}")["edit"])

    def approved(self, name: str = "request", **changes: object) -> str:
        """Id of an approved edit."""
        edit = self.planned(name, **changes)
        self(f"approve {edit} --as perry")
        return edit
