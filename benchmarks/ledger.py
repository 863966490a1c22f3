"""Receipts per second, and how long one takes: `python -m benchmarks.ledger`.

A receipt is a durable entry, a signed checkpoint over it and its inclusion proof, in the hands of the caller; the
envelopes (about 750 bytes) were signed before. At least two waits for the disk stand before it, so the floor is
append-and-fdatasync of as many bytes to a file beside the database, taken before each row.
"""

from __future__ import annotations

import os
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.workplace import ROOT, envelopes, log_signer, machine
from void_audit.ledger.log import Ledger

CLIENTS = (1, 8, 32, 128)
SECONDS = 4.0
ROUNDS = 3


def main() -> None:
    """Print the tables."""
    made = envelopes(4000)
    print(
        f"{machine()}; entry {len(made[0])} bytes; median of {ROUNDS} rounds of {SECONDS:g} s; load {load()}\n"
    )
    print(
        "| database | clients | receipts/s | p50 ms | p99 ms | fsync ms | receipts per fsync | p50 less 2 fsyncs |"
    )
    print("|---|---|---|---|---|---|---|---|")
    for name, begin in (("SQLite", sqlite), ("PostgreSQL", postgresql)):
        with tempfile.TemporaryDirectory() as folder, begin(Path(folder)) as ledger:
            if ledger is None:
                print(f"| {name} | not installed here | | | | | | |")
                continue
            for clients in CLIENTS:
                print(row(name, ledger, clients, made, Path(folder)), flush=True)
    print(f"\nload at the end {load()}")


def row(name: str, ledger: Ledger, clients: int, made: list[bytes], folder: Path) -> str:
    """The median round of one number of clients."""
    rounds = []
    for _ in range(ROUNDS):
        floor = wait_of(folder / "floor", len(made[0]))
        latencies, seconds = busy(ledger, clients, made)
        cuts = statistics.quantiles(latencies, n=100)
        rounds.append((len(latencies) / seconds, cuts[49] * 1e3, cuts[98] * 1e3, floor * 1e3))
    rate, p50, p99, floor = sorted(rounds)[ROUNDS // 2]
    return (
        f"| {name} | {clients} | {rate:,.0f} | {p50:.2f} | {p99:.2f} | {floor:.2f} | "
        f"{rate * floor / 1e3:.2f} | {p50 - 2 * floor:.2f} ms |"
    )


def busy(ledger: Ledger, clients: int, made: list[bytes]) -> tuple[list[float], float]:
    """Seconds that each receipt took, and all of them together."""
    latencies: list[list[float]] = [[] for _ in range(clients)]
    end = time.perf_counter() + SECONDS

    def client(number: int) -> None:
        place = number * 31
        while time.perf_counter() < end:
            begin = time.perf_counter()
            ledger.submit([made[place % len(made)]]).proofs()
            latencies[number].append(time.perf_counter() - begin)
            place += 1

    threads = [threading.Thread(target=client, args=(number,)) for number in range(clients)]
    begin = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return [one for each in latencies for one in each], time.perf_counter() - begin


def wait_of(path: Path, size: int, times: int = 300) -> float:
    """Seconds of one append-and-fdatasync: what a commit waits for."""
    descriptor = os.open(path, os.O_CREAT | os.O_WRONLY | os.O_APPEND)
    try:
        taken = []
        for _ in range(times):
            begin = time.perf_counter()
            os.write(descriptor, b"x" * size)
            os.fdatasync(descriptor)
            taken.append(time.perf_counter() - begin)
    finally:
        os.close(descriptor)
    return statistics.median(taken)


def rate(action: Callable[[], object], rounds: int) -> float:
    """Actions per second."""
    start = time.perf_counter()
    for _ in range(rounds):
        action()
    return rounds / (time.perf_counter() - start)


def load() -> str:
    """How busy the machine is with other things as well."""
    return f"{os.getloadavg()[0]:.1f}"


@contextmanager
def sqlite(folder: Path) -> Iterator[Ledger | None]:
    """A new log in SQLite."""
    ledger = Ledger.create(folder / "ledger", "bench/0", log_signer(), folder / "log.mark")
    yield ledger
    ledger.close()


@contextmanager
def postgresql(folder: Path) -> Iterator[Ledger | None]:
    """A new log in a server of its own, where one is installed."""
    sys.path.append(str(ROOT / "tests"))
    from postgres import binaries, running  # noqa: PLC0415 - the server that the tests bring

    if binaries() is None:
        yield None
        return
    with running(Path(tempfile.gettempdir())) as server:  # on the disk: by itself it would use memory
        ledger = Ledger.create(server.ledger(), "bench/0", log_signer(), folder / "log.mark")
        yield ledger
        ledger.close()


if __name__ == "__main__":
    main()
