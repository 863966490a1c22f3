"""One command for all benchmarks: it knows them, runs what it is asked for, and a failure stops nothing."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from benchmarks import __main__ as command

ROOT = Path(__file__).resolve().parents[2]


def asked(monkeypatch, *names: str) -> int:
    monkeypatch.setattr(sys, "argv", ["benchmarks", *names])
    return command.main()


@pytest.fixture
def ran(monkeypatch):
    """Commands that were run; those that name ``verify`` fail."""
    commands = []

    def run(line, check):
        commands.append(line[2])
        return SimpleNamespace(returncode=int("verify" in line[2]))

    monkeypatch.setattr(command.subprocess, "run", run)
    return commands


def test_every_name_is_a_module_and_every_module_that_can_be_run_has_a_name():
    for name in command.ALL:
        assert importlib.util.find_spec(f"benchmarks.{name}"), name
    scripts = {p.stem for p in (ROOT / "benchmarks").glob("*.py") if "\nif __name__ ==" in p.read_text()}
    assert len(scripts) > 10
    assert scripts - {"__main__"} <= command.ALL.keys()


def test_a_failure_stops_nothing_and_is_told_at_the_end(monkeypatch, ran, capsys):
    assert asked(monkeypatch, "verify", "ledger") == 1
    assert ran == ["benchmarks.verify", "benchmarks.ledger"]
    assert "1 of 2 ran to the end. Failed: verify" in capsys.readouterr().out


def test_without_names_all_are_run(monkeypatch, ran):
    asked(monkeypatch)
    assert ran == [f"benchmarks.{name}" for name in command.ALL]


def test_listing_runs_nothing(monkeypatch, ran, capsys):
    assert asked(monkeypatch, "--list") == 0
    assert not ran
    said = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in said] == list(command.ALL)


def test_an_unknown_name_is_refused(monkeypatch, ran, capsys):
    with pytest.raises(SystemExit):
        asked(monkeypatch, "ledger", "nonsense")
    assert not ran
    assert "no benchmark 'nonsense'" in capsys.readouterr().err


def test_every_figure_that_is_promised_below_has_a_section():
    """Two that write into one file at the same time lost one of them."""
    text = (ROOT / "benchmarks" / "README.md").read_text()
    promised = [line for line in text.splitlines() if line.startswith("|") and "| below" in line]
    sections = [line for line in text.splitlines() if line.startswith("## ")]
    assert len(promised) == len(sections) > 5
