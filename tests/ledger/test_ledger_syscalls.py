"""Fail each system call of an append in turn, as a disk or a power cut would, then fsck (spec/ledger 6)."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from conftest_ledger import Home, envelope
from copies import copy_place

from void_audit.ledger.log import Ledger

STRACE = shutil.which("strace")
ONCE = Path(__file__).with_name("append_once.py")
FAILURES = ["error=EIO", "error=ENOSPC", "signal=KILL"]
ANSWERS = {"acknowledged", "storage-full", "storage-failed", "storage-unwritable", "ledger-damaged"}


def traced(home: Home, call: str, failure: str, nth: int) -> tuple[str, bool]:
    """What the program says, and whether there was an ``nth`` call to fail."""
    trace = home.root / "trace"
    # The faster filter would let signals through unnoticed.
    filtered = [] if failure.startswith("signal") else ["--seccomp-bpf"]
    command = [STRACE or "", "-f", *filtered, "-o", trace, "-e", f"trace={call}"]
    inject = ["-e", f"inject={call}:{failure}:when={nth}"]
    run = subprocess.run(
        [*command, *inject, sys.executable, "-B", ONCE, home.root],
        capture_output=True,
        text=True,
        check=False,
    )
    assert "Traceback" not in run.stderr, run.stderr
    return run.stdout.strip(), "INJECTED" in trace.read_text() or "KILL" in trace.read_text()


def can_trace() -> bool:
    """Some containers have strace and forbid it."""
    return (
        STRACE is not None
        and subprocess.run([STRACE, "true"], capture_output=True, check=False).returncode == 0
    )


@pytest.mark.slow
@pytest.mark.skipif(not can_trace(), reason="strace is not installed, or not allowed here")
@pytest.mark.parametrize("failure", FAILURES)
@pytest.mark.parametrize("call", ["fdatasync", "fsync", "rename", "ftruncate", "pwrite64", "flock"])
def test_a_system_call_that_fails_loses_nothing(
    filled: Home, tmp_path: Path, call: str, failure: str
) -> None:
    nth = 0
    while True:
        nth += 1
        home = Home(tmp_path / str(nth))
        copy_place(filled.root, home.root)
        answer, injected = traced(home, call, failure, nth)
        assert answer in ANSWERS or (failure == "signal=KILL" and injected), (nth, answer)
        before = home.codes()
        assert before <= {"tail-unsigned"}, (nth, answer, before)
        opened = home.open()
        assert home.fsck().ok
        assert [e.envelope for e in opened.entries()] == [envelope(n) for n in range(opened.size)]
        assert opened.size == 9 if answer == "acknowledged" else opened.size in {7, 9}
        assert opened.append([envelope(opened.size)]) == [opened.size - 1]
        opened.close()
        if not injected:
            assert nth > 1, f"an append makes no {call}"
            assert answer == "acknowledged"
            assert Ledger.open(home.folder).size == 10
            return
