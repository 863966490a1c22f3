"""What the tests of witnesses share: a log in memory that can fork, and witnesses that live in a folder."""

from __future__ import annotations

import os
import signal
from dataclasses import dataclass
from pathlib import Path

from conftest_ledger import ORIGIN, key

from void_audit.canon import merkle
from void_audit.canon.checkpoint import Checkpoint, sign_checkpoint
from void_audit.canon.note import VerifierKey
from void_audit.ledger import witness as witness_module
from void_audit.ledger.witness import Witness
from void_audit.ledger.witness_folder import WitnessFolder
from void_audit.ledger.witness_protocol import AddCheckpoint

NOW = 1_800_000_000
LOG_KEY = VerifierKey.of(ORIGIN, key(1))


@dataclass
class MemoryLog:
    """As much of a log as a witness sees."""

    tree: merkle.Tree
    origin: str = ORIGIN

    @classmethod
    def of(cls, size: int, history: str = "honest", fork_at: int = 0) -> MemoryLog:
        """``history`` differs from the honest one from entry ``fork_at`` on."""
        names = ("honest" if n < fork_at else history for n in range(size))
        return cls(merkle.Tree(merkle.leaf_hash(f"{name} {n}".encode()) for n, name in enumerate(names)))

    def note(self, size: int) -> str:
        root = merkle.root_of(self.tree.read, size)
        return sign_checkpoint(Checkpoint(self.origin, size, root), key(1))

    def request(self, old: int, size: int) -> bytes:
        proof = merkle.consistency_proof(self.tree.read, old, size)
        return AddCheckpoint(old, proof, self.note(size)).body()


HONEST = MemoryLog.of(40)


def make_witness(folder: Path, name: str = "witness.example/w1") -> WitnessFolder:
    """A witness that knows the log."""
    made = WitnessFolder.create(folder, name, None)
    made.store.add_log(LOG_KEY)
    return made


def opened(folder: WitnessFolder, before_commit=lambda: None, now: int = NOW) -> Witness:
    """The witness in a folder, as another process would open it."""
    again = WitnessFolder(folder.folder)
    marks = folder.folder / "keys" / "marks"
    return Witness(again.store, marks, again.cosigners(None), lambda: now, before_commit)


def die(folder: Path, when: str, body: bytes) -> None:
    """Run in a process of its own: answer a request, and be killed in the middle of it."""

    def kill(*args) -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    def write_and_kill(*args) -> None:
        write_mark(*args)
        kill()

    write_mark = witness_module.write_mark
    if when != "before the commit":
        witness_module.write_mark = kill if when == "before the mark" else write_and_kill
    before = kill if when == "before the commit" else lambda: None
    opened(WitnessFolder(folder), before_commit=before).add_checkpoint(body)
