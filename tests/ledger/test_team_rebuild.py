"""A PostgreSQL database, made again from the tiles alone."""

from __future__ import annotations

import pytest
from conftest_ledger import Home
from evidence_of import entry, evidence, exporter
from postgres import Server

from void_audit.canon.note import VerifierKey
from void_audit.errors import StorageError, WorkspaceError
from void_audit.ledger.fsck import fsck
from void_audit.ledger.log import Ledger
from void_audit.ledger.opening import open_database
from void_audit.ledger.rebuild import rebuild, rebuild_projections


@pytest.fixture
def empty_database(server: Server) -> str:
    return server.url(server.new_database(template="prepared_ledger"))


def test_from_the_tiles_of_sqlite_to_postgresql(copy: Home, empty_database: str) -> None:
    """So a house that outgrows one machine moves its log: by its evidence."""
    ledger = copy.open()
    ledger.append([entry(n) for n in range(7, 300)])
    ledger.add_token(b"\5" * 32, "http://tsa.example", b"a token")
    exporter(copy).catch_up()
    key = VerifierKey.parse(copy.vkey)
    done = rebuild(evidence(copy), empty_database, key, copy.mark)
    assert (done.entries, done.behind, done.aside) == (300, 0, None)
    report = fsck(empty_database, copy.vkey, mark=copy.mark, tiles=evidence(copy))
    assert report.problems == ()
    moved = Ledger.open(empty_database, copy.signer, copy.mark)
    assert list(moved.entries(edit="e1")) == list(ledger.entries(edit="e1"))
    assert moved.prove(250, 300) == ledger.prove(250, 300)
    assert moved.tokens(b"\5" * 32) == [("http://tsa.example", b"a token")]
    assert moved.append([entry(300)]) == [300]
    moved.close()
    ledger.close()


def test_a_database_that_holds_a_log_is_left_alone(copy: Home, empty_database: str) -> None:
    exporter(copy).catch_up()
    key = VerifierKey.parse(copy.vkey)
    rebuild(evidence(copy), empty_database, key, copy.mark)
    with pytest.raises(WorkspaceError) as caught:
        rebuild(evidence(copy), empty_database, key, copy.mark)
    assert caught.value.code == "ledger-exists"
    assert Ledger.open(empty_database).size == 7


def test_the_applications_role_may_not_even_remove_projections(copy: Home, empty_database: str) -> None:
    exporter(copy).catch_up()
    rebuild(evidence(copy), empty_database, VerifierKey.parse(copy.vkey), copy.mark)
    database = open_database(empty_database, writable=True)
    with pytest.raises(StorageError):
        rebuild_projections(database)
    database.close()
    assert fsck(empty_database, copy.vkey).ok
