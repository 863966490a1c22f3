"""What the tests of the tiles share: a log, its evidence beside it, and logs of many entries made quickly."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from conftest_ledger import Home, envelope

from void_audit.canon.note import VerifierKey
from void_audit.ledger.exporter import Exporter
from void_audit.ledger.fsck import FsckReport, fsck
from void_audit.ledger.opening import open_database
from void_audit.ledger.tile_reader import Inspected, TileReader
from void_audit.ledger.tile_store import LocalStore, TileStore


@cache
def entry(number: int) -> bytes:
    return envelope(number)


def evidence(home: Home) -> LocalStore:
    return LocalStore(home.root / "evidence")


def exporter(home: Home, target: TileStore | None = None) -> Exporter:
    database = open_database(home.place, writable=False)
    return Exporter(
        database, VerifierKey.parse(home.vkey), target or evidence(home), home.root / "export.lock"
    )


def inspected(home: Home, target: TileStore | None = None) -> tuple[Inspected, list[tuple[str, str]]]:
    """What a reader without the database sees, and code and place of whatever is wrong."""
    problems: list[tuple[str, str]] = []
    reader = TileReader(target or evidence(home), VerifierKey.parse(home.vkey))
    return reader.inspect(lambda code, where, _: problems.append((code, where))), problems


def checked(home: Home) -> FsckReport:
    return fsck(home.place, home.vkey, mark=home.mark, tiles=evidence(home))


def codes(home: Home) -> set[str]:
    return {problem.code for problem in checked(home).problems}


def files(store: TileStore) -> dict[str, bytes]:
    return {path: store.read(path, 1 << 30) or b"" for path in store.paths()}


def folder_of(home: Home) -> Path:
    return home.root / "evidence"
