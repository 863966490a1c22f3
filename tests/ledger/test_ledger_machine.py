"""Anything one can do with a log, in any order, against a list and the recursive tree of RFC 6962 section 2.1."""

from __future__ import annotations

import hashlib
import shutil
import sqlite3
import tempfile
import threading
from contextlib import closing
from pathlib import Path

import pytest
from conftest_ledger import Home, envelope
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from void_audit.canon import merkle
from void_audit.canon.checkpoint import open_checkpoint
from void_audit.canon.note import VerifierKey
from void_audit.canon.proof import verify_logged
from void_audit.errors import LedgerError, OrderError, StorageError
from void_audit.ledger import store
from void_audit.ledger.log import Ledger
from void_audit.ledger.mark import HeldMark
from void_audit.ledger.sequencer import Sequencer

NUMBERS = st.lists(st.integers(0, 20), min_size=1, max_size=5)
STEPS = [(store, "add_entries"), (Sequencer, "_read_back"), (HeldMark, "raise_to"), (store, "add_checkpoint")]


def naive_root(bodies: list[bytes]) -> bytes:
    """MTH(D[n]) as the RFC writes it."""
    if not bodies:
        return hashlib.sha256(b"").digest()
    if len(bodies) == 1:
        return hashlib.sha256(b"\x00" + bodies[0]).digest()
    split = 1
    while split * 2 < len(bodies):
        split *= 2
    return hashlib.sha256(b"\x01" + naive_root(bodies[:split]) + naive_root(bodies[split:])).digest()


class Machine(RuleBasedStateMachine):
    """The log beside ``model``, the list of all envelopes that are in it."""

    @initialize()
    def begin(self) -> None:
        self.folder = Path(tempfile.mkdtemp())
        self.home = Home(self.folder / "home")
        self.ledger = self.home.create()
        self.key = VerifierKey.parse(self.home.vkey)
        self.model: list[bytes] = []
        self.unsigned: list[bytes] = []
        self.backup_size: int | None = None

    def teardown(self) -> None:
        if hasattr(self, "folder"):
            self.ledger.settle()
            self.ledger.close()
            assert self.home.fsck().ok
            shutil.rmtree(self.folder)

    def settled(self) -> None:
        """Whatever was committed and not signed is signed by the next writer."""
        self.model += self.unsigned
        self.unsigned = []

    @rule(numbers=NUMBERS, right=st.sampled_from([None, True, False]))
    def append(self, numbers: list[int], right: bool | None) -> None:
        bodies = [envelope(n) for n in numbers]
        self.settled()
        at = None if right is None else len(self.model) + (0 if right else 1)
        if right is False:
            with pytest.raises(OrderError):
                self.ledger.append(bodies, at)
            return
        submitted = self.ledger.submit(bodies, at)
        start = len(self.model)
        self.model += bodies
        assert submitted.indices == range(start, len(self.model))
        signed = open_checkpoint(submitted.checkpoint, self.key)
        assert (signed.size, signed.root) == (len(self.model), naive_root(self.model))
        for body, proved in zip(bodies, submitted.proofs(), strict=True):
            assert verify_logged(proved, signed).envelope == body

    @rule(batches=st.lists(NUMBERS, min_size=2, max_size=4))
    def append_at_once(self, batches: list[list[int]]) -> None:
        self.settled()
        found: dict[int, list[bytes]] = {}

        def work(numbers: list[int]) -> None:
            bodies = [envelope(n) for n in numbers]
            submitted = self.ledger.submit(bodies)
            signed = open_checkpoint(submitted.checkpoint, self.key)
            assert [verify_logged(p, signed).envelope for p in submitted.proofs()] == bodies
            found[submitted.indices.start] = bodies

        threads = [threading.Thread(target=work, args=(numbers,)) for numbers in batches]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(found) == len(batches)
        for start in sorted(found):
            assert start == len(self.model)
            self.model += found[start]

    @rule()
    def reopen(self) -> None:
        self.ledger.close()
        self.ledger = self.home.open()
        self.settled()

    @rule(number=st.integers(0, 20))
    def another_process(self, number: int) -> None:
        other = self.home.open()
        self.settled()
        other.append([envelope(number)])
        other.close()
        self.model.append(envelope(number))

    @rule(numbers=NUMBERS, step=st.sampled_from(STEPS), before=st.booleans())
    def crash(self, numbers: list[int], step: tuple[object, str], before: bool) -> None:
        """Between two steps; what was committed stays."""
        bodies = [envelope(n) for n in numbers]
        self.ledger.settle()
        self.settled()
        owner, name = step
        real = getattr(owner, name)

        def stop(*args: object, **kwargs: object) -> object:
            if not before:
                real(*args, **kwargs)
            raise StorageError("storage-full", "No room.", "Free some.")

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(owner, name, stop)
            with pytest.raises(StorageError):
                self.ledger.append(bodies)
        if name != "add_entries":  # its transaction was undone
            self.unsigned = bodies

    @rule()
    def back_up(self) -> None:
        self.backup_size = len(self.model)
        with (
            closing(sqlite3.connect(self.home.database)) as source,
            closing(sqlite3.connect(self.folder / "backup")) as target,
        ):
            source.backup(target)

    @precondition(lambda self: self.backup_size is not None)
    @rule()
    def restore(self) -> None:
        """A backup that is older than the mark signs nothing; then today's database is put back."""
        self.ledger.settle()
        self.settled()
        self.ledger.close()
        older = self.backup_size < len(self.model)
        today = self.folder / "today"
        self.home.folder.rename(today)
        self.home.folder.mkdir()
        shutil.copy(self.folder / "backup", self.home.database)
        if older:
            with pytest.raises(LedgerError) as caught:
                self.ledger.append([envelope(0)])
            assert caught.value.code == "ledger-rollback"
            with pytest.raises(LedgerError):
                self.home.open()
        self.ledger.close()
        shutil.rmtree(self.home.folder)
        today.rename(self.home.folder)

    @precondition(lambda self: self.model)
    @rule(data=st.data())
    def prove(self, data: st.DataObject) -> None:
        size = data.draw(st.integers(1, len(self.model)))
        index = data.draw(st.integers(0, size - 1))
        proved = self.ledger.prove(index, size)
        path = [bytes.fromhex(digest) for digest in proved.proof]
        leaf = merkle.leaf_hash(self.model[index])
        merkle.verify_inclusion(leaf, index, size, path, naive_root(self.model[:size]))

    @rule(data=st.data())
    def prove_consistency(self, data: st.DataObject) -> None:
        new = data.draw(st.integers(0, len(self.model)))
        old = data.draw(st.integers(0, new))
        path = self.ledger.consistency(old, new)
        roots = naive_root(self.model[:old]), naive_root(self.model[:new])
        merkle.verify_consistency(old, roots[0], new, roots[1], path)

    @invariant()
    def the_log_is_the_list(self) -> None:
        if not hasattr(self, "ledger"):
            return
        reader = Ledger.open(self.home.folder)
        assert [entry.envelope for entry in reader.entries()] == self.model
        signed = open_checkpoint(reader.checkpoint(), self.key)
        assert (signed.size, signed.root) == (len(self.model), naive_root(self.model))
        reader.close()


QUIETLY = {
    "deadline": None,
    "derandomize": True,
    "database": None,
    "suppress_health_check": list(HealthCheck),
}


class TestBriefly(Machine.TestCase):
    settings = settings(max_examples=4, stateful_step_count=12, **QUIETLY)


@pytest.mark.slow
class TestAtLength(Machine.TestCase):
    settings = settings(max_examples=20, stateful_step_count=25, **QUIETLY)
