"""kill -9 at random moments, again and again: nothing that was acknowledged is ever lost or contradicted."""

from __future__ import annotations

import json
import os
import random
import selectors
import signal
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from conftest_ledger import Home, envelope
from copies import copy_place

from void_audit.canon import merkle
from void_audit.canon.checkpoint import Checkpoint, open_checkpoint
from void_audit.canon.note import VerifierKey
from void_audit.canon.proof import verify_logged
from void_audit.ledger.log import Ledger
from void_audit.ledger.mark import read_mark
from void_audit.model.proof import LoggedEntry

ROUNDS = 110
ROUNDS_OF_ONE_LOG = 10
PROCESSES = 2
THREADS = 3


def test_a_few_rounds(empty: Home, tmp_path: Path) -> None:
    assert tortured(empty, tmp_path, 3) > 0


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_more_than_a_hundred_rounds(empty: Home, tmp_path: Path) -> None:
    acknowledged = tortured(empty, tmp_path, ROUNDS)
    print(f"{ROUNDS} rounds, {acknowledged} receipts, none lost")  # noqa: T201 - shown where the test fails
    assert acknowledged > ROUNDS


def tortured(empty: Home, tmp_path: Path, rounds: int) -> int:
    """Receipts that were given and held."""
    chance, total = random.Random(20261122), 0
    for number in range(rounds):
        if number % ROUNDS_OF_ONE_LOG == 0:
            home = Home(copy_place(empty.root, tmp_path / f"log-{number}"))
            torture = Torture(home)
        torture.round(number, chance.uniform(0.005, 0.1), opening=number % 4 == 3)
        total += torture.check()
    return total


class Torture:
    """One log, and every receipt that was ever given for it."""

    def __init__(self, home: Home) -> None:
        self.home = home
        self.key = VerifierKey.parse(home.vkey)
        self.notes: dict[int, Checkpoint] = {}
        self.entries: dict[int, bytes] = {}
        self.fresh: list[dict[str, Any]] = []

    def round(self, number: int, seconds: float, opening: bool) -> None:
        """Let writers write, then kill them all at once: ``seconds`` after the first receipt, or while they open."""
        pipe, writers = os.pipe(), []
        for place in range(PROCESSES):
            child = os.fork()
            if child == 0:
                try:
                    os.close(pipe[0])
                    write(self.home, pipe[1], 10_000 * number + 1_000 * place)
                finally:
                    os._exit(1)
            writers.append(child)
        os.close(pipe[1])
        text = drained(pipe[0], seconds, opening, writers)
        for child in writers:
            assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL
        lines = text.split(b"\n")[:-1]  # a line that was not finished is a receipt that nobody got
        self.fresh = [json.loads(line) for line in lines]

    def check(self) -> int:
        """Reopen and look at everything that was promised so far."""
        mark = read_mark(self.home.mark)
        assert self.home.codes() <= {"tail-unsigned"}
        for receipt in self.fresh:
            signed = open_checkpoint(receipt["note"], self.key)
            assert mark is not None
            assert signed.size <= mark.size
            assert self.notes.setdefault(signed.size, signed) == signed, "two roots for one size"
            proved = LoggedEntry.model_validate_json(json.dumps(receipt["proof"]))
            self.entries[proved.index] = verify_logged(proved, signed).envelope
        ledger = self.home.open()
        assert self.home.fsck().ok
        final = open_checkpoint(ledger.checkpoint(), self.key)
        stored = {entry.index: entry.envelope for entry in ledger.entries()}
        assert self.entries.items() <= stored.items()
        for size, note in self.notes.items():
            path = ledger.consistency(size, final.size)
            merkle.verify_consistency(size, note.root, final.size, final.root, path)
        ledger.close()
        return len(self.fresh)


def drained(descriptor: int, seconds: float, opening: bool, writers: list[int]) -> bytes:
    """What the writers say until they are killed; a full pipe would hold them up."""
    parts: list[bytes] = []
    deadline = time.monotonic() + (seconds if opening else 20)
    with selectors.DefaultSelector() as selector, os.fdopen(descriptor, "rb", buffering=0) as pipe:
        selector.register(pipe, selectors.EVENT_READ)
        while (left := deadline - time.monotonic()) > 0:
            if selector.select(left):
                parts.append(pipe.read(65_536))
                if len(parts) == 1:
                    deadline = min(deadline, time.monotonic() + seconds)
        for child in writers:
            os.kill(child, signal.SIGKILL)
        while part := pipe.read(65_536):
            parts.append(part)
    return b"".join(parts)


def write(home: Home, pipe: int, first: int) -> None:
    """Threads that submit for ever; every receipt is one write, which a pipe takes whole or not at all."""
    ledger: Ledger = home.open()

    def submit(thread: int) -> None:
        for n in range(10_000):
            number = first + 100 * thread + n
            batch = [envelope(number)] if n % 3 else [envelope(number), envelope(number + 50)]
            submitted = ledger.submit(batch)
            line = {"note": submitted.checkpoint, "proof": submitted.proofs()[0].model_dump(mode="json")}
            data = json.dumps(line).encode() + b"\n"
            assert len(data) < 4096
            os.write(pipe, data)

    threads = [threading.Thread(target=submit, args=(number,)) for number in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
