"""A file and its bundle, verified with the clock twenty years on, by a process of its own."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import tsa
from cli.terminal import Terminal
from tsa import Tsa, present, serving

TSA = Tsa()
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(shutil.which("faketime") is None, reason="needs Debian's faketime"),
]


def delivered(folder: Path, *urls: str) -> Path:
    """A finished edit and its bundle, away from the house that made them, with what it hands out."""
    house = Terminal(folder / "house")
    house.folder.mkdir()
    house.people()
    tsa.configure(house.folder / ".void-audit", *urls, roots=TSA.root_pem)
    edit = house.approved()
    house(f"run {edit} --out clean.mp4")
    house(f"bundle {edit} --out clean.zip")
    away = folder / "away"
    away.mkdir()
    for name in ("clean.mp4", "clean.mp4.receipt", "clean.zip"):
        shutil.copy(house.folder / name, away)
    for name in ("root.pem", "log.vkey", "log.policy", "tsa.pem"):
        shutil.copy(house.folder / ".void-audit" / "trust" / name, away)
    return away


@pytest.fixture(scope="module")
def stamped(tmp_path_factory: pytest.TempPathFactory) -> Path:
    with serving(present(TSA)) as server:
        return delivered(tmp_path_factory.mktemp("stamped"), server.url)


def verified(folder: Path, name: str, when: str | None) -> dict[int, str]:
    """Obligations and answers, at a time."""
    pins = (
        "--trust",
        "root.pem",
        "--log-key",
        "log.vkey",
        "--witness-policy",
        "log.policy",
        "--tsa",
        "tsa.pem",
    )
    clock = ["faketime", when] if when else []
    command = [*clock, sys.executable, "-m", "void_audit.cli.main", "verify", name, *pins, "--json"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=120)
    assert "Traceback" not in done.stderr
    report = json.loads(done.stdout)
    assert report["exit_code"] == done.returncode
    return {-1: done.returncode, **{f["obligation"]: f["state"] for f in report["findings"]}}


@pytest.mark.parametrize("name", ["clean.mp4", "clean.zip"])
def test_the_verdict_is_the_same_when_every_certificate_has_expired(stamped, name):
    now = verified(stamped, name, None)
    assert now[-1] == 0
    assert (now[1], now[6]) == ("pass", "pass")
    assert verified(stamped, name, "2046-06-01 12:00:00") == now
    assert verified(stamped, name, "2049-06-01 12:00:00") == now  # by then the authority's too


def test_without_a_time_stamp_the_signer_is_judged_by_the_day(tmp_path):
    """C2PA's own rule. It is why outputs are stamped."""
    folder = delivered(tmp_path)
    assert verified(folder, "clean.mp4", None)[-1] == 0
    late = verified(folder, "clean.mp4", "2046-06-01 12:00:00")
    assert (late[-1], late[1], late[6]) == (1, "fail", "cannot tell")
    assert {late[n] for n in (0, 2, 4, 5, 7, 8, 9, 10, 11)} <= {"pass", "cannot tell"}
