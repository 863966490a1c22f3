"""Exports in the background: coalesced, never in the way, and told of when they fail."""

from __future__ import annotations

import threading
import time

from conftest_ledger import Home
from evidence_of import entry, evidence, exporter, inspected

from void_audit.errors import StorageError
from void_audit.ledger.continuous import PATIENCE, ContinuousExport
from void_audit.ledger.tile_store import LocalStore


def test_nothing_runs_unasked() -> None:
    ran: list[int] = []
    before = set(threading.enumerate())  # those of workspaces that other tests left open
    export = ContinuousExport(lambda: ran.append(1))
    assert set(threading.enumerate()) <= before
    assert export.close() is None
    assert ran == []


def test_signals_in_a_row_are_one_export() -> None:
    ran: list[int] = []
    export = ContinuousExport(lambda: ran.append(1), pause=30)
    for _ in range(100):
        export.signal()
    began = time.monotonic()
    assert export.close() is None  # and closing does not wait for the pause
    assert time.monotonic() - began < 10
    assert ran == [1]


def test_a_signal_during_an_export_is_not_lost() -> None:
    started, go_on, ran = threading.Event(), threading.Event(), []

    def slow() -> None:
        ran.append(1)
        started.set()
        assert go_on.wait(20)

    export = ContinuousExport(slow, pause=0)
    export.signal()
    assert started.wait(20)
    export.signal()
    go_on.set()
    assert export.close() is None
    assert ran == [1, 1]


def test_a_failure_is_told_and_success_forgets_it() -> None:
    outcomes = [StorageError("evidence-unreachable", "No answer."), ValueError("odd"), None]

    def export_() -> None:
        outcome = outcomes.pop(0)
        if outcome:
            raise outcome

    export = ContinuousExport(export_, pause=0)
    for expected in ("evidence-unreachable", "evidence-failed", None):
        export.signal()
        failure = export.close()
        assert (failure.code if failure else None) == expected


def test_an_export_that_hangs_is_left_behind() -> None:
    hang = threading.Event()
    export = ContinuousExport(lambda: hang.wait(30), pause=0)
    export.signal()
    failure = export.close(patience=0.05)
    assert failure is not None
    assert failure.code == "evidence-late"
    hang.set()
    assert export.close() is None
    assert PATIENCE <= 15  # of every command that writes


def test_the_evidence_follows_a_log(home: Home) -> None:
    ledger = home.create()
    continuous = ContinuousExport(exporter(home).catch_up, pause=0.01)
    ledger.on_publish = continuous.signal
    for number in range(40):
        ledger.append([entry(number)])
    ledger.add_cosignatures(40, [f"\u2014 witness.example {'Q' * 100}\n"])
    assert continuous.close() is None
    seen, problems = inspected(home)
    assert problems == []
    assert seen.checkpoint
    assert seen.checkpoint.size == 40
    assert seen.lines[40]
    ledger.close()


def test_a_broken_place_fails_no_append(home: Home) -> None:
    ledger = home.create()
    (home.root / "evidence").write_bytes(b"a file where a folder should be")
    continuous = ContinuousExport(exporter(home).catch_up, pause=0)
    ledger.on_publish = continuous.signal
    assert ledger.append([entry(0)]) == [0]
    failure = continuous.close()
    assert isinstance(failure, StorageError)
    (home.root / "evidence").unlink()
    assert ledger.append([entry(1)]) == [1]
    assert continuous.close() is None
    assert evidence(home).read("checkpoint", 5000) == ledger.checkpoint().encode()
    ledger.close()


def test_a_slow_place_slows_no_append(home: Home) -> None:
    blocked = threading.Event()

    class Slow(LocalStore):
        def put(self, path: str, data: bytes) -> bool:
            assert blocked.wait(30)
            return super().put(path, data)

    ledger = home.create()
    continuous = ContinuousExport(exporter(home, Slow(home.root / "evidence")).catch_up, pause=0)
    ledger.on_publish = continuous.signal
    assert [ledger.append([entry(n)]) for n in range(5)] == [[n] for n in range(5)]
    blocked.set()
    assert continuous.close() is None
    assert inspected(home)[0].complete
    ledger.close()
