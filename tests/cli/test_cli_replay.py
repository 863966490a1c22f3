"""``replay``: words, JSON, exit codes, and what it does not need."""

from __future__ import annotations

import signal
import subprocess
import sys
from os import environ
from pathlib import Path

import pytest
from house import CountingEngines

HOSTILE = "\x1b[31m[red]2[/red]\u202e"


@pytest.fixture
def edit(desk):
    """Id of the finished edit."""
    (edit,) = [e["edit"] for e in desk.json("history")["edits"] if e["last"] == "seal"]
    return edit


class Other(CountingEngines):
    """A pass 1 of another colour, by an engine of a version."""

    def __init__(self, version: str = "1") -> None:
        super().__init__()
        self.version = version

    def synthesizer(self, settings, job):
        engine = super().synthesizer(settings, job)
        engine.colour = (128, 131, 128)
        return _Versioned(engine, self.version)


class _Versioned:
    def __init__(self, engine, version):
        self.synthesize, self.info = engine.synthesize, engine.info.model_copy(update={"version": version})


@pytest.fixture
def elsewhere(desk, monkeypatch):
    """Have another engine here."""

    def with_engine(engines):
        monkeypatch.setattr(desk, "engines", engines)

    return with_engine


def test_equal(desk, edit):
    said = desk(f"replay {edit}")
    assert said.stdout.startswith(f"Replay of edit {edit}, plan ")
    lines = [line.split()[:3] for line in said.stdout.splitlines()]
    assert ["pass", "1", "pass"] in lines
    assert ["pass", "2", "pass"] in lines
    assert ["output", "pass", "Equal,"] in lines
    assert "REPLAYED: everything is equal, bit for bit (obligation 14)" in said.stdout
    assert said.stdout.count("SHA-256") == 3
    assert "compositing and encoding: 6/6" in said.stderr


def test_equal_for_a_program(desk, edit):
    said = desk.json(f"replay {edit}")
    assert (said["edit"], said["exit_code"], len(said["plan"])) == (edit, 0, 64)
    assert {s["stage"]: s["state"] for s in said["stages"]} == dict.fromkeys(
        ["pass 1", "pass 2", "output"], "pass"
    )
    assert all(s["recorded"] == s["made"] and len(s["made"]) == 64 for s in said["stages"])
    assert said["finding"]["obligation"] == 14
    assert said["finding"]["title"] == "Running the plan again gives the same"


def test_different(desk, edit, elsewhere):
    elsewhere(Other())
    said = desk(f"replay {edit}", 1).output
    assert "6 of 6 frames differ, from frame 0 on (counted from 0), by up to 3 of 255 levels." in said
    assert "FAILED: obligation 14" in said
    assert "REPLAYED" not in said
    assert (said.count("SHA-256 recorded"), said.count("SHA-256 here")) == (1, 1)
    stage = desk.json(f"replay {edit}", 1)["stages"][0]
    assert stage["pictures"] == {"recorded": 6, "made": 6, "differing": 6, "first": 0, "most": 3.0}
    assert stage["recorded"] != stage["made"]


def test_by_another_engine_it_cannot_be_told_and_nothing_of_it_commands_the_terminal(desk, edit, elsewhere):
    elsewhere(Other(HOSTILE))
    result = desk(f"replay {edit}", 3)
    assert "CANNOT TELL: obligation 14" in result.output
    assert "not as recorded: engine version: recorded 1, here" in result.output
    assert "[red]2[/red]" in result.output
    assert not set("\x1b\u202e") & set(result.output)
    said = desk.json(f"replay {edit}", 3)
    assert (said["exit_code"], said["finding"]["state"]) == (3, "cannot tell")
    assert len(said["stages"][0]["conditions"]) == 1


@pytest.mark.parametrize("edit", ["0123456789ab", "../../etc", "''", "request", "clean.mp4"])
def test_what_is_no_edit(desk, edit):
    desk.refused(f"replay {edit}", 2, "edit-unknown")


def test_what_is_not_made_yet(own):
    own.refused(f"replay {own.approved('waiting')}", 2, "replay-nothing")


def test_no_workspace(desk):
    desk.refused("replay 0123456789ab", 2, "workspace-missing", VOID_AUDIT_WORKSPACE="/nowhere")


def test_a_tampered_take_is_an_error_of_the_store(own, edit):
    blobs = own.folder / ".void-audit" / "blobs" / "sha256"
    digest = own.json(f"replay {edit}")["stages"][0]["recorded"]
    path = blobs / digest[:2] / digest
    path.chmod(0o640)
    path.write_bytes(path.read_bytes()[:-1] + b"!")
    own.refused(f"replay {edit}", 1, "blob-corrupt")
    path.unlink()
    assert "Not stored any more: take 1" in own(f"replay {edit}", 3).output


def test_neither_passphrase_nor_keys(own, edit):
    for key in (own.folder / ".void-audit" / "keys").rglob("*.pem"):
        key.write_text("-----BEGIN ENCRYPTED PRIVATE KEY-----\n")
    own(f"replay {edit}")


def test_control_c(own, edit, tmp_path):
    """A real SIGINT: exit 130, one clear line, and no file is left."""
    program, temporary = Path(__file__).parents[1] / "scripted_main.py", tmp_path / "temporary"
    temporary.mkdir()
    given = {k: v for k, v in {**environ, **own.env, "TMPDIR": str(temporary)}.items() if v is not None}
    process = subprocess.Popen(
        [sys.executable, str(program), "refine", "replay", edit], cwd=own.folder, text=True, env=given,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    while "waiting" not in process.stdout.readline():
        assert process.poll() is None
    assert len(list(temporary.iterdir())) == 1
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "error stopped Stopped; nothing was left behind." in err
    assert "Traceback" not in err
    assert list(temporary.iterdir()) == []
    own(f"replay {edit}")
