"""The verifier in Go, built once: golang.org/x/mod from Debian's packages, no network."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

SOURCE = Path(__file__).parent / "go"
GOPATH = Path("/usr/share/gocode")
MODULE = GOPATH / "src/golang.org/x/mod/sumdb"

Judge = Callable[[list[tuple[str, Any]]], list[dict[str, Any]]]
"""From cases (kind, input) to verdicts (ok, detail)."""


@pytest.fixture(scope="session")
def go(tmp_path_factory: pytest.TempPathFactory) -> Judge:
    if shutil.which("go") is None or not MODULE.is_dir():
        pytest.skip("needs Debian's golang-go and golang-golang-x-mod-dev")
    folder = tmp_path_factory.mktemp("go")
    offline = {
        "GO111MODULE": "off",
        "GOPATH": str(GOPATH),
        "GOFLAGS": "",
        "GOPROXY": "off",
        "GOCACHE": str(folder / "cache"),
    }
    program = folder / "verifier"
    subprocess.run(["go", "build", "-o", program, "."], cwd=SOURCE, env={**os.environ, **offline}, check=True)

    def judge(cases: list[tuple[str, Any]]) -> list[dict[str, Any]]:
        lines = "".join(json.dumps({"kind": kind, "input": given}) + "\n" for kind, given in cases)
        done = subprocess.run([program], input=lines, capture_output=True, text=True, check=True, timeout=120)
        verdicts = [json.loads(line) for line in done.stdout.splitlines()]
        assert len(verdicts) == len(cases)
        assert not any(v["detail"].startswith("panic") for v in verdicts)
        return verdicts

    return judge
