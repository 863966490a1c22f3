from __future__ import annotations

from collections.abc import Iterator

import pytest
import sqlalchemy as sa
from conftest_ledger import ORIGIN, Home, envelope

from void_audit.canon import merkle
from void_audit.canon.checkpoint import Checkpoint
from void_audit.canon.statement import read_entry
from void_audit.errors import LedgerError
from void_audit.ledger import store
from void_audit.ledger.database import Database
from void_audit.ledger.log import Ledger
from void_audit.ledger.tables import node, record
from void_audit.model.proof import StoredEntry

SIZE = 11
ENTRIES = [read_entry(n, envelope(n)) for n in range(SIZE)]
TREE = merkle.Tree(bytes.fromhex(e.leaf_hash) for e in ENTRIES)


@pytest.fixture
def database(ledger: Ledger, home: Home) -> Iterator[Database]:
    """Tables with a log of no entries."""
    opened = home.connect()
    yield opened
    opened.close()


def add(database: Database, *batches: list[StoredEntry]) -> None:
    for batch in batches:
        with database.write() as connection:
            store.add_entries(connection, batch)


def nodes(database: Database) -> dict[tuple[int, int], bytes]:
    with database.read() as connection:
        return {(r.level, r.position): r.hash for r in connection.execute(sa.select(node))}


@pytest.mark.parametrize(
    "batches",
    [[ENTRIES], [[e] for e in ENTRIES], [ENTRIES[:3], ENTRIES[3:8], ENTRIES[8:]], [ENTRIES[:8], ENTRIES[8:]]],
)
def test_the_stored_tree_is_the_same_however_it_was_appended(
    database: Database, batches: list[list[StoredEntry]]
) -> None:
    add(database, *batches)
    full = {(level, p) for level in range(1, 4) for p in range(SIZE >> level)}
    assert nodes(database) == {place: TREE.read(*place) for place in full}
    with database.read() as connection:
        assert store.entry_count(connection) == SIZE
        read = store.node_reader(connection)
        assert [read(0, n).hex() for n in range(SIZE)] == [e.leaf_hash for e in ENTRIES]
        for size in range(SIZE + 1):
            assert merkle.root_of(read, size) == merkle.root_of(TREE.read, size)


@pytest.mark.parametrize(
    ("level", "position"), [(0, SIZE), (0, -1), (1, 5), (3, 1), (4, 0), (-1, 0), (63, 0)]
)
def test_a_subtree_that_is_not_full_is_not_there(database: Database, level: int, position: int) -> None:
    add(database, ENTRIES)
    with database.read() as connection, pytest.raises(LedgerError) as caught:
        store.node_reader(connection)(level, position)
    assert caught.value.code == "node-missing"
    assert f"level {level}, position {position}" in caught.value.message


@pytest.mark.parametrize("first", [0, 2, 4])
def test_entries_that_do_not_follow_the_last_one_leave_nothing(database: Database, first: int) -> None:
    add(database, ENTRIES[:3])
    before = nodes(database)
    with pytest.raises(LedgerError):
        add(database, ENTRIES[first : first + 2])
    with database.read() as connection:
        assert store.entry_count(connection) == 3
        assert connection.execute(sa.select(sa.func.count()).select_from(record)).scalar() == 3
    assert nodes(database) == before


def test_a_gap_inside_a_batch_leaves_nothing(database: Database) -> None:
    with pytest.raises(LedgerError) as caught:
        add(database, [ENTRIES[0], ENTRIES[1], ENTRIES[3]])
    assert caught.value.code == "ledger-append-only"
    with database.read() as connection:
        assert store.entry_count(connection) == 0
    assert nodes(database) == {}


def test_an_empty_log_has_no_entries_and_one_checkpoint(database: Database) -> None:
    with database.read() as connection:
        assert (store.entry_count(connection), store.published_size(connection)) == (0, 0)
        assert list(store.bodies(connection, 0, 10)) == []
        assert store.newest_note(connection) == store.note_at(connection, 0)


def test_bodies_are_those_asked_for_whatever_the_page(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    add(database, ENTRIES)
    for page in (1, 2, 3, 11, 256):
        monkeypatch.setattr(store, "PAGE", page)
        for start, stop in ((0, SIZE), (2, 7), (10, 11), (4, 4), (7, 2), (0, 99), (99, 120)):
            with database.read() as connection:
                found = list(store.bodies(connection, start, stop))
            expected = [(e.index, e.envelope, bytes.fromhex(e.leaf_hash)) for e in ENTRIES[start:stop]]
            assert found == expected, (page, start, stop)


def test_the_largest_checkpoint_counts(database: Database) -> None:
    for size in (3, 8):
        with database.write() as connection:
            store.add_checkpoint(connection, Checkpoint(ORIGIN, size, bytes(32)), f"note of {size}")
    with database.read() as connection:
        assert store.published_size(connection) == 8
        assert store.newest_note(connection) == "note of 8"
        assert store.note_at(connection, 3) == "note of 3"
        assert store.note_at(connection, 7) is None


@pytest.mark.parametrize("size", [0, 3, 7, 8])
def test_a_checkpoint_is_never_followed_by_a_smaller_or_equal_one(database: Database, size: int) -> None:
    with database.write() as connection:
        store.add_checkpoint(connection, Checkpoint(ORIGIN, 8, bytes(32)), "first")
    with pytest.raises(LedgerError), database.write() as connection:
        store.add_checkpoint(connection, Checkpoint(ORIGIN, size, b"\1" * 32), "second")
    with database.read() as connection:
        assert store.newest_note(connection) == "first"


def test_the_projection_is_implied_by_the_bytes(database: Database) -> None:
    add(database, ENTRIES)
    with database.read() as connection:
        rows = [dict(row._mapping) for row in connection.execute(sa.select(record).order_by(record.c.idx))]
    assert rows == [store.projection(e) for e in ENTRIES]
    assert rows[4] == {"idx": 4, "edit": "e1", "kind": "approval"}
