"""A long log: append, proof, consistency, fsck and memory: `python -m benchmarks.ledger_size [ENTRIES]`.

Entries repeat 1,000 envelopes; to a log that makes no difference. Each part runs in a process of its own, so that its
peak memory is its own. The floor of memory is the same process after importing.
"""

from __future__ import annotations

import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from benchmarks.ledger import load
from benchmarks.workplace import envelopes, log_signer, machine
from void_audit.canon.note import VerifierKey
from void_audit.ledger.fsck import fsck
from void_audit.ledger.log import Ledger

ENTRIES = 200_000
BATCH = 2_000
TIMES = 300
STRIDE = 7_654_321
"""Leads all over the log."""


def main() -> None:
    """Build the log, then take each part of it in turn."""
    if len(sys.argv) == 4:
        PARTS[sys.argv[1]](Path(sys.argv[2]), int(sys.argv[3]))
        return
    entries = int(sys.argv[1]) if len(sys.argv) > 1 else ENTRIES
    print(f"{machine()}; {entries:,} entries of {len(envelopes(1)[0])} bytes; load {load()}\n")
    print("| what | figure | peak MiB |\n|---|---|---|", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        for part in PARTS:
            command = [sys.executable, "-m", "benchmarks.ledger_size", part, folder, str(entries)]
            subprocess.run(command, check=True)


def begin(folder: Path, entries: int) -> None:
    """Nothing but a new log: the floor of memory."""
    Ledger.create(folder / "ledger", "bench/0", log_signer(), folder / "log.mark").close()
    say("a new log (floor of memory)", "")


def build(folder: Path, entries: int) -> None:
    """The log itself, in batches."""
    made, ledger = envelopes(1000), writing(folder)
    start = time.perf_counter()
    for first in range(0, entries, BATCH):
        ledger.append([made[n % len(made)] for n in range(first, min(first + BATCH, entries))])
    seconds = time.perf_counter() - start
    size = sum(path.stat().st_size for path in (folder / "ledger").iterdir())
    say(
        f"append in batches of {BATCH:,}",
        f"{entries / seconds:,.0f} entries/s, {size / entries:,.0f} bytes each",
    )


def append(folder: Path, entries: int) -> None:
    """One at a time, on top of all."""
    made, ledger = envelopes(TIMES), writing(folder)
    say("a receipt for one more", timed(ledger.submit, [[one] for one in made]))


def reopen(folder: Path, entries: int) -> None:
    """Opening for writing: what a command pays."""
    say("open for writing", timed(lambda _: writing(folder).close(), range(10)))


def prove(folder: Path, entries: int) -> None:
    """Inclusion proofs of entries anywhere, on the newest checkpoint."""
    ledger = Ledger.open(folder / "ledger")
    say("inclusion proof", timed(ledger.prove, [n * STRIDE % entries for n in range(TIMES)]))


def extend(folder: Path, entries: int) -> None:
    """Consistency proofs from any size to the newest."""
    ledger = Ledger.open(folder / "ledger")
    say("consistency proof", timed(ledger.consistency, [n * STRIDE % entries for n in range(TIMES)]))


def check(folder: Path, entries: int) -> None:
    """All of it, recomputed."""
    start = time.perf_counter()
    report = fsck(folder / "ledger", str(VerifierKey.of("bench/0", log_signer())), mark=folder / "log.mark")
    seconds = time.perf_counter() - start
    assert report.ok, report.problems[:3]
    say("fsck", f"{seconds:,.1f} s, {report.entries / seconds:,.0f} entries/s")


def writing(folder: Path) -> Ledger:
    """The log with its key."""
    return Ledger.open(folder / "ledger", log_signer(), folder / "log.mark")


def timed(action: Callable[[object], object], arguments: object) -> str:
    """Median and 99th percentile."""
    taken = []
    for argument in arguments:  # type: ignore[attr-defined]
        start = time.perf_counter()
        action(argument)
        taken.append(time.perf_counter() - start)
    return f"p50 {statistics.median(taken) * 1e3:.2f} ms, p99 {statistics.quantiles(taken, n=100)[98] * 1e3:.2f} ms"


def say(what: str, figure: str) -> None:
    """One row, with the peak memory of this process."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"| {what} | {figure} | {peak:,.0f} |", flush=True)


PARTS: dict[str, Callable[[Path, int], None]] = {
    part.__name__: part for part in (begin, build, append, reopen, prove, extend, check)
}

if __name__ == "__main__":
    main()
