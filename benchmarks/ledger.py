"""Entries per second against the disk's fsync rate: `python -m benchmarks.ledger`.

One entry is a signed envelope of about 1 kB; one append ends with a signed checkpoint, so it costs at least
two durable writes. The floor is append-and-fsync of as many bytes to a file beside the database.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from benchmarks.workplace import machine, workspace
from void_audit.canon import dsse
from void_audit.canon.statement import encode
from void_audit.model.records import Approval
from void_audit.workflow.recorder import statement_of

ROUNDS = 300


def main() -> None:
    """Print the table."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        place = workspace(folder)
        ledger, signer = place.writing, place.person("perry")
        envelopes = [
            dsse.seal(
                encode(
                    statement_of(
                        Approval(claimed_time="2026-01-01T00:00:00+00:00", edit=f"bench{i}", plan="0" * 64),
                        {"plan": f"{i:064x}"},
                    )
                ),
                [signer],
            )
            for i in range(ROUNDS * 33)
        ]
        single = iter(envelopes)
        one = rate(lambda: ledger.append([next(single)]), ROUNDS)
        batch = rate(lambda: ledger.append([next(single) for _ in range(32)]), ROUNDS) * 32
        floor = rate(_syncer(folder / "floor", len(envelopes[0])), ROUNDS)
        proof = rate(lambda: ledger.prove(ledger.size // 2), ROUNDS)
        print(f"machine: {machine()}; log of {ledger.size} entries; entry {len(envelopes[0])} bytes")
        print(f"| what | per second | against fsync |\n|---|---|---|\n| fsync (floor) | {floor:,.0f} | 1 |")
        print(f"| append 1, signed checkpoint on return | {one:,.0f} | {one / floor:.3f} |")
        print(f"| append 32 at once | {batch:,.0f} | {batch / floor:.3f} |")
        print(f"| inclusion proof | {proof:,.0f} | {proof / floor:.3f} |")


def rate(action: Callable[[], object], rounds: int) -> float:
    """Actions per second."""
    start = time.perf_counter()
    for _ in range(rounds):
        action()
    return rounds / (time.perf_counter() - start)


def _syncer(path: Path, size: int) -> Callable[[], None]:
    descriptor = os.open(path, os.O_CREAT | os.O_WRONLY | os.O_APPEND)

    def write() -> None:
        os.write(descriptor, b"x" * size)
        os.fsync(descriptor)

    return write


if __name__ == "__main__":
    main()
