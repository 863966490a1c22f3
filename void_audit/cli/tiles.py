"""Evidence outside the database, as commands see it: where it lies, and how it follows what they write."""

from __future__ import annotations

from pathlib import Path

from void_audit.canon.note import VerifierKey
from void_audit.cli.console import at_end, cell, err
from void_audit.errors import LedgerError, VoidAuditError
from void_audit.ledger.continuous import ContinuousExport
from void_audit.ledger.database import Database, Place
from void_audit.ledger.exporter import Exporter
from void_audit.ledger.log import Ledger
from void_audit.ledger.opening import open_database
from void_audit.ledger.reader import LogReader
from void_audit.ledger.tile_store import TileStore, open_store

EVIDENCE = "evidence"
"""Folder of the tiles, where the settings name no other place."""

LOCK = "evidence.lock"


def tiles_of(folder: Path, named: str | None) -> TileStore:
    """The tiles of the workspace ``folder``: at the place that its settings name, a relative one below it.

    Raises:
        InputError: ``evidence-place``.
    """
    if named is not None and "://" in named:
        return open_store(named)
    return open_store(folder / (named or EVIDENCE))


def exporter(folder: Path, place: Place, vkey: str, target: TileStore) -> Exporter:
    """Exports the workspace's log to ``target``; one at a time, whatever the target."""
    database = open_database(place, writable=False)
    return Exporter(database, VerifierKey.parse(vkey), target, folder / "keys" / LOCK)


def follow(ledger: Ledger, export: Exporter) -> None:
    """Export whatever is published until the command ends; what fails is said then, and stops nothing."""
    continuous = ContinuousExport(export.catch_up)
    ledger.on_publish = continuous.signal
    continuous.signal()  # whatever an earlier command could not export

    def finish() -> None:
        warn(continuous.close())
        export.close()

    at_end(finish)


def warn(failure: VoidAuditError | None) -> None:
    """Say, on standard error, that the evidence is behind."""
    if failure is not None:
        err.print(cell(f"warning: the evidence is not up to date ({failure.code}): {failure}", "yellow"))


def writable(place: Place, key: VerifierKey, owner: str | None) -> Database:
    """The log's database, for what needs no key: making projections again. On PostgreSQL only its owner may.

    Raises:
        LedgerError: ``log-key-other``: what ``owner`` leads to is another log.
    """
    if owner is None:
        return open_database(place, writable=True)
    database = open_database(owner, writable=True, owner=True)
    if LogReader(database).vkey != str(key):
        raise LedgerError(
            "log-key-other", f"{database.place} holds another log.", "Give that of this workspace."
        )
    return database
