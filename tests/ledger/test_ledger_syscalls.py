"""Fail each file system call and each SQL statement between "accepted" and "receipt", then fsck (spec/ledger 6)."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import sqlite3
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from conftest_ledger import Home, envelope
from copies import copy_place
from fault_rounds import Child

from void_audit.canon.checkpoint import open_checkpoint
from void_audit.canon.note import VerifierKey
from void_audit.canon.proof import verify_logged
from void_audit.errors import VoidAuditError
from void_audit.ledger import sqlite
from void_audit.ledger.log import Ledger
from void_audit.model.proof import LoggedEntry

STRACE = shutil.which("strace")
CALLS = ["fdatasync", "fsync", "pwrite64", "pread64", "ftruncate", "openat", "flock", "fcntl"]
# Neither SQLite nor the mark uses write(2); the child itself does, for its answer.
CALLS += ["newfstatat", "fstat", "lseek", "unlink", "rename", "close"]
NEVER = {"fsync", "unlink", "rename", "ftruncate", "lseek", "fstat"}
"""Calls that a receipt may do without on some systems."""
FAILURES = ["error=EIO", "error=ENOSPC", "signal=KILL"]
CASES = [
    (c, f)
    for c in CALLS
    for f in FAILURES
    if (c, f) not in {("fcntl", FAILURES[1]), ("newfstatat", FAILURES[1])}
]
STEP = {("fcntl", "error=EIO"): 5}
"""Every call is made to fail but these: SQLite goes on trying for its time-out each time."""
ANSWERS = {
    *("storage-full", "storage-failed", "storage-unwritable", "ledger-damaged", "database-busy"),
    *("ledger-mark-damaged", "ledger-mark-copied", "ledger-busy"),
}


def can_trace() -> bool:
    """Some containers have strace and forbid it, or allow it only for one's own children."""
    if STRACE is None:
        return False
    child = os.fork()
    if child == 0:
        signal.pause()
        os._exit(0)
    tracer = traced(child, "close", "error=EIO", 1, Path(os.devnull))
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return "attached" in tracer


def traced(child: int, call: str, failure: str, nth: int, trace: Path) -> str:
    """Attach to a process that waits; what strace says of that."""
    inject = ["-e", f"trace={call}", "-e", f"inject={call}:{failure}:when={nth}"]
    tracer = subprocess.Popen(
        [STRACE or "", "-f", "-o", trace, *inject, "-p", str(child)], stderr=subprocess.PIPE, text=True
    )
    assert tracer.stderr is not None
    said = tracer.stderr.readline()
    RUNNING.append(tracer)
    return said


RUNNING: list[subprocess.Popen[str]] = []


def finish() -> None:
    while RUNNING:
        tracer = RUNNING.pop()
        tracer.communicate(timeout=30)


def submit(home: Home, ready: Callable[[], None]) -> dict[str, Any]:
    """What the child does: the log is open, two entries are accepted."""
    sqlite.BUSY_MILLISECONDS = 200  # SQLite tries again for as long, whatever kept it from locking
    ledger = home.open()
    ledger._database.read().__enter__()  # a second connection is there, as in a process that has run for a while
    ledger.settle()
    ready()
    try:
        submitted = ledger.submit([envelope(7), envelope(8)])
        return {
            "note": submitted.checkpoint,
            "proofs": [p.model_dump(mode="json") for p in submitted.proofs()],
        }
    except VoidAuditError as error:
        return {"code": error.code}


def survives(home: Home, answer: dict[str, Any] | None, where: object) -> None:
    """Whatever failed: the log heals, what was acknowledged is there, and nothing signed is contradicted."""
    assert answer is None or "note" in answer or answer["code"] in ANSWERS, (where, answer)
    before = home.codes()
    assert before <= {"tail-unsigned"}, (where, answer, before)
    opened = home.open()
    assert home.fsck().ok, where
    assert [e.envelope for e in opened.entries()] == [envelope(n) for n in range(opened.size)]
    assert opened.size in {7, 9}
    if answer and "note" in answer:
        signed = open_checkpoint(answer["note"], VerifierKey.parse(home.vkey))
        assert (opened.size, opened.checkpoint()) == (9, answer["note"]), where
        for index, proved in enumerate(answer["proofs"]):
            entry = LoggedEntry.model_validate_json(json.dumps(proved))
            assert verify_logged(entry, signed).envelope == envelope(7 + index)
    assert opened.append([envelope(opened.size)]) == [opened.size - 1]
    opened.close()


@pytest.mark.slow
@pytest.mark.skipif(not can_trace(), reason="strace is not installed, or not allowed here")
@pytest.mark.parametrize(("call", "failure"), CASES)
def test_a_system_call_that_fails_loses_nothing(
    filled: Home, tmp_path: Path, call: str, failure: str
) -> None:
    nth = 1
    while True:
        home = Home(copy_place(filled.root, tmp_path / str(nth)))
        trace = home.root / "trace"
        child = Child(lambda ready, home=home: submit(home, ready))
        child.wait_ready()
        assert "attached" in traced(child.pid, call, failure, nth, trace)
        answer = child.go()
        finish()
        injected = bool(re.search(r"INJECTED|killed by SIGKILL", trace.read_text()))
        assert answer is not None or (injected and failure == "signal=KILL"), (call, failure, nth)
        survives(home, answer, (call, failure, nth))
        if not injected:
            assert nth > 1 or call in NEVER, f"a receipt makes no {call}"
            assert answer is not None
            assert "note" in answer
            return
        shutil.rmtree(home.root)
        nth += STEP.get((call, failure), 1)


class _Fails:
    """Makes the ``nth`` statement fail, transactions included."""

    def __init__(self, ledger: Ledger, nth: int, code: int) -> None:
        self.seen: list[str] = []
        self.nth, self.code = nth, code
        self.engine = ledger._database._engine
        sa.event.listen(self.engine, "before_cursor_execute", self._statement)
        sa.event.listen(self.engine, "begin", lambda connection: self._step("BEGIN"))
        sa.event.listen(self.engine, "commit", lambda connection: self._step("COMMIT"))

    def _statement(self, connection: Any, cursor: Any, statement: str, *rest: Any) -> None:
        self._step(statement)

    def _step(self, statement: str) -> None:
        self.seen.append(statement)
        if len(self.seen) == self.nth:
            error = sqlite3.OperationalError("injected")
            error.sqlite_errorcode = self.code
            raise error


@pytest.mark.parametrize("code", [sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR])
def test_a_statement_that_fails_loses_nothing(filled: Home, tmp_path: Path, code: int) -> None:
    nth = 0
    while True:
        nth += 1
        home = Home(copy_place(filled.root, tmp_path / str(nth)))
        ledger = home.open()
        fails = _Fails(ledger, nth, code)
        try:
            answer: dict[str, Any] = {
                "note": ledger.submit([envelope(7), envelope(8)]).checkpoint,
                "proofs": [],
            }
        except VoidAuditError as error:
            answer = {"code": error.code}
        ledger.close()
        assert answer.get("code") in {
            None,
            "storage-full" if code == sqlite3.SQLITE_FULL else "storage-failed",
        }
        survives(home, answer, (nth, fails.seen[-1]))
        if "note" in answer:
            break
    assert nth == len(fails.seen) + 1
    kinds = {statement.split()[0] for statement in fails.seen}
    assert kinds == {"BEGIN", "COMMIT", "SELECT", "INSERT"}
    assert fails.seen.count("BEGIN") == 3  # entries, reading back, checkpoint
