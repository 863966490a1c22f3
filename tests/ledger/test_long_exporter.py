"""Long logs: what an export, its check and a rebuild hold in memory does not grow with them."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
from conftest_ledger import Home
from evidence_of import entry, evidence, exporter, files, inspected

from void_audit.canon.note import VerifierKey
from void_audit.canon.statement import read_entry
from void_audit.ledger import store
from void_audit.ledger.rebuild import rebuild

SIZE = 70_000  # the example of the specification: three levels of tiles


def filled_with(home: Home, size: int) -> None:
    """Entries put into the database directly, then signed at the next opening."""
    home.create().close()
    database, some = home.connect(), [read_entry(0, entry(n)) for n in range(16)]
    with database.write() as connection:
        for start in range(0, size, 1000):
            numbers = range(start, min(start + 1000, size))
            store.add_entries(connection, [replace(some[n % 16], index=n) for n in numbers])
    database.close()
    home.open().close()


def peak(work: Callable[[], object]) -> int:
    """Bytes of Python that ``work`` held at most."""
    tracemalloc.start()
    try:
        work()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.slow
def test_memory_of_an_export_and_its_check_is_flat(tmp_path: Path) -> None:
    small, large = Home(tmp_path / "small"), Home(tmp_path / "large")
    filled_with(small, 3000)
    filled_with(large, SIZE)
    exported = [peak(exporter(home).catch_up) for home in (small, large)]
    seen: list[tuple[bool, int]] = []

    def check(home: Home) -> None:
        found, problems = inspected(home)
        seen.append((found.complete, len(problems)))

    checked = [peak(partial(check, home)) for home in (small, large)]
    assert seen == [(True, 0), (True, 0)]
    assert exported[1] < exported[0] + 2_000_000
    assert checked[1] < checked[0] + 2_000_000
    tiles = files(evidence(large))
    assert len(tiles["tile/0/273.p/112"]) == 112 * 32
    assert len(tiles["tile/1/001.p/17"]) == 17 * 32
    assert len(tiles["tile/2/000.p/1"]) == 32


@pytest.mark.slow
def test_memory_of_a_rebuild_is_flat(tmp_path: Path) -> None:
    rebuilt = []
    for size in (2000, 8000):
        home, there = Home(tmp_path / f"{size}"), Home(tmp_path / f"{size} again")
        filled_with(home, size)
        exporter(home).catch_up()
        key = VerifierKey.parse(home.vkey)
        rebuilt.append(peak(partial(rebuild, evidence(home), there.place, key, home.mark)))
        assert exporter(there, evidence(home)).catch_up().size == size
    assert rebuilt[1] < rebuilt[0] + 2_000_000
