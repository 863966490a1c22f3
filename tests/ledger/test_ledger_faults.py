"""Crash between every durable step of an append: nothing acknowledged is lost, nothing forks."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest_ledger import ORIGIN, Home, envelope, key

from void_audit.canon import merkle
from void_audit.canon.checkpoint import open_checkpoint
from void_audit.canon.note import VerifierKey
from void_audit.errors import VoidAuditError
from void_audit.identity.keys import FileSigner
from void_audit.ledger import mark, store
from void_audit.ledger.log import Ledger
from void_audit.ledger.mark import HeldMark
from void_audit.ledger.sequencer import Sequencer

Where = tuple[object, str, int]
"""An attribute, and at which of its calls to crash."""

STEPS: dict[str, Where] = {
    "check and heal": (Sequencer, "_settled", 1),
    "insert entries": (store, "add_entries", 1),
    "commit entries": (Sequencer, "_commit", 1),
    "recompute the root": (Sequencer, "_read_back", 1),
    "raise the mark": (HeldMark, "raise_to", 1),
    "write the mark": (os, "pwrite", 1),
    "wait for the mark": (mark, "_datasync", 1),
    "sign": (FileSigner, "sign", 1),
    "insert the checkpoint": (store, "add_checkpoint", 1),
    "commit the checkpoint": (Sequencer, "_publish", 1),
}
PLACES = [(step, side) for step in STEPS for side in ("before", "after")]


class InjectedError(Exception):
    """Stands for anything that stops a program."""


def arm(patch: pytest.MonkeyPatch, step: str, side: str, crash: Callable[[], None]) -> None:
    """Crash just before or after a step is taken."""
    target, name, nth = STEPS[step]
    real, calls = getattr(target, name), []

    def stop(*args: object, **kwargs: object) -> object:
        calls.append(args)
        if side == "before" and len(calls) == nth:
            crash()
        result = real(*args, **kwargs)
        if side == "after" and len(calls) == nth:
            crash()
        return result

    patch.setattr(target, name, stop)


def raise_injected() -> None:
    raise InjectedError


def die() -> None:
    os._exit(9)


def survives(home: Home, acknowledged: int, attempted: int) -> None:
    """Reopening heals; the acknowledged entries are there, and at most the attempted ones."""
    with_tail = home.codes()
    assert with_tail <= {"tail-unsigned"}, with_tail
    ledger = home.open()
    report = home.fsck()
    assert report.ok, report.problems
    assert acknowledged <= ledger.size <= attempted
    assert [e.envelope for e in ledger.entries()] == [envelope(n) for n in range(ledger.size)]
    assert ledger.append([envelope(ledger.size)]) == [ledger.size - 1]
    assert home.fsck().ok
    ledger.close()


@pytest.mark.parametrize(("step", "side"), PLACES)
def test_an_exception_at_any_step_is_healed(home: Home, ledger: Ledger, step: str, side: str) -> None:
    ledger.append([envelope(0)])
    old = ledger.checkpoint()
    with pytest.MonkeyPatch.context() as patch:
        arm(patch, step, side, raise_injected)
        with pytest.raises(InjectedError):
            ledger.append([envelope(1), envelope(2)])
    ledger.close()
    extends(home, old)
    survives(home, acknowledged=1, attempted=3)
    extends(home, old)


@pytest.mark.parametrize(("step", "side"), PLACES)
def test_the_same_handle_goes_on_after_an_exception(home: Home, ledger: Ledger, step: str, side: str) -> None:
    ledger.append([envelope(0)])
    with pytest.MonkeyPatch.context() as patch:
        arm(patch, step, side, raise_injected)
        with pytest.raises(InjectedError):
            ledger.append([envelope(1)])
    leaf = merkle.leaf_hash(envelope(1)).hex()
    before = ledger.size
    ledger.append([envelope(2)])
    assert ledger.find(leaf) in {None, 1}
    assert ledger.size in {before + 1, before + 2}
    assert home.fsck().ok


@pytest.mark.parametrize(("step", "side"), PLACES)
def test_a_process_that_dies_at_any_step_is_healed(home: Home, ledger: Ledger, step: str, side: str) -> None:
    ledger.append([envelope(0)])
    old = ledger.checkpoint()
    ledger.close()
    status = in_child(lambda patch: _append_and_die(home, patch, step, side))
    assert os.waitstatus_to_exitcode(status) == 9
    extends(home, old)
    survives(home, acknowledged=1, attempted=3)
    extends(home, old)


def _append_and_die(home: Home, patch: pytest.MonkeyPatch, step: str, side: str) -> None:
    opened = home.open()
    arm(patch, step, side, die)
    opened.append([envelope(1), envelope(2)])


def in_child(work: Callable[[pytest.MonkeyPatch], None]) -> int:
    """Run in a forked process that leaves without any clean-up; returns its wait status."""
    child = os.fork()
    if child == 0:
        try:
            work(pytest.MonkeyPatch())
            os._exit(0)
        finally:
            os._exit(1)
    return os.waitpid(child, 0)[1]


def extends(home: Home, old_note: str) -> None:
    """What was signed before is a prefix of what is signed now."""
    reader, log_key = Ledger.open(home.place), VerifierKey.parse(home.vkey)
    old, new = open_checkpoint(old_note, log_key), open_checkpoint(reader.checkpoint(), log_key)
    merkle.verify_consistency(old.size, old.root, new.size, new.root, reader.consistency(old.size, new.size))


@pytest.mark.parametrize(
    "step", ["raise the mark", "wait for the mark", "sign", "insert the checkpoint", "check and heal"]
)
@pytest.mark.parametrize("side", ["before", "after"])
def test_a_start_that_is_interrupted_can_be_repeated(home: Home, step: str, side: str) -> None:
    with pytest.MonkeyPatch.context() as patch:
        arm(patch, step, side, raise_injected)
        with pytest.raises(InjectedError):
            home.create()
    try:
        ledger = home.create()
    except VoidAuditError as error:
        assert error.code == "ledger-exists"  # noqa: PT017 - either way is right
        ledger = home.open()
    assert ledger.append([envelope(0)]) == [0]
    assert home.fsck().ok


def test_a_signer_that_fails_leaves_a_log_that_heals(home: Home, ledger: Ledger) -> None:
    class Broken(FileSigner):
        def sign(self, data: bytes) -> bytes:
            return bytes(64)

    broken = Broken(key(1)._key)
    damaged = Ledger.open(home.place, broken, home.mark)
    with pytest.raises(VoidAuditError) as caught:
        damaged.append([envelope(0)])
    assert caught.value.code == "note-signature-bad"
    assert home.codes() == {"tail-unsigned"}
    survives(home, acknowledged=0, attempted=1)


def test_processes_share_one_order(home: Home, ledger: Ledger) -> None:
    ledger.close()
    children = []
    for worker in range(2):
        child = os.fork()
        if child == 0:
            try:
                opened = home.open()
                for n in range(10):
                    opened.append([envelope(worker * 100 + n)])
                os._exit(0)
            finally:
                os._exit(1)
        children.append(child)
    assert [os.waitpid(child, 0)[1] for child in children] == [0, 0]
    report = home.fsck()
    assert (report.ok, report.entries, report.checkpoints) == (True, 20, 21)
    bodies = [e.envelope for e in Ledger.open(home.place).entries()]
    for worker in range(2):
        expected = [envelope(worker * 100 + n) for n in range(10)]
        assert [b for b in bodies if b in expected] == expected


def test_what_was_acknowledged_survives_kill_9(home: Home, ledger: Ledger, tmp_path: Path) -> None:
    ledger.close()
    acknowledged = tmp_path / "acknowledged"
    acknowledged.touch()
    for delay in (0.05, 0.11, 0.17, 0.23, 0.29):
        child = os.fork()
        if child == 0:
            _append_for_ever(home, acknowledged)
        time.sleep(delay)
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        promised = acknowledged.read_text().split()
        opened = home.open()
        assert home.fsck().ok
        for line in promised:
            index, leaf = line.split(":")
            assert opened.entry(int(index)).leaf_hash == leaf
        opened.close()
    assert promised


def _append_for_ever(home: Home, acknowledged: Path) -> None:
    opened = home.open()
    with acknowledged.open("a") as stream:
        while True:
            body = envelope(opened.size)
            (index,) = opened.append([body])
            stream.write(f"{index}:{merkle.leaf_hash(body).hex()}\n")
            stream.flush()


def test_the_origin_is_in_every_checkpoint(home: Home, ledger: Ledger) -> None:
    ledger.append([envelope(0)])
    assert ledger.checkpoint().splitlines()[:2] == [ORIGIN, "1"]
