"""What every database of a ledger promises, on each of them."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest
import sqlalchemy as sa
from conftest_ledger import Home, envelope

from void_audit.errors import InputError, LedgerError, StorageError
from void_audit.ledger import database as databases
from void_audit.ledger.database import Database
from void_audit.ledger.log import Ledger
from void_audit.ledger.tables import entry, record


@pytest.fixture
def database(home: Home, ledger: Ledger) -> Iterator[Database]:
    opened = home.connect()
    yield opened
    opened.close()


def rows(database: Database) -> int:
    with database.read() as connection:
        return connection.execute(sa.select(sa.func.count()).select_from(record)).scalar_one()


def add(connection: sa.Connection, *indices: int) -> None:
    for index in indices:
        connection.execute(sa.insert(record).values(idx=index, edit=None, kind="seal"))


@pytest.mark.parametrize("durable", [True, False])
def test_a_transaction_is_kept_whole_or_not_at_all(database: Database, durable: bool) -> None:
    with database.write(durable=durable) as connection:
        add(connection, 0)
    with pytest.raises(LedgerError), database.write(durable=durable) as connection:
        add(connection, 2, 2)
    assert rows(database) == 1


def test_the_lock_spans_several_transactions(database: Database, home: Home) -> None:
    other, order = home.connect(), []

    def wait() -> None:
        with other.lock():
            order.append(rows(other))

    thread = threading.Thread(target=wait)
    with database.lock():
        thread.start()
        for index in range(3):
            with database.write(durable=index == 1) as connection:
                add(connection, index)
            assert rows(database) == index + 1
        assert not order
    thread.join()
    assert order == [3]
    other.close()


def test_a_lock_that_another_holds_is_waited_for_then_refused(
    database: Database, home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(databases, "LOCK_SECONDS", 0.1)
    other = home.connect()
    with database.lock(), pytest.raises(StorageError) as caught, other.lock():
        pass
    assert caught.value.code == "ledger-busy"
    with other.lock():
        pass
    other.close()


@pytest.mark.parametrize("value", [2**63, -(2**63) - 1, 2**200])
def test_a_number_that_it_cannot_hold_is_an_error_of_ours(database: Database, value: int) -> None:
    with pytest.raises(InputError) as caught, database.write() as connection:
        add(connection, value)
    assert caught.value.code == "value-unusable"


def test_a_text_that_it_cannot_hold_is_an_error_of_ours(database: Database) -> None:
    with pytest.raises(InputError) as caught, database.write() as connection:
        connection.execute(sa.insert(record).values(idx=0, edit="\ud800", kind="seal"))
    assert caught.value.code == "value-unusable"
    assert rows(database) == 0


def test_a_question_that_makes_no_sense_is_an_error_of_ours(database: Database) -> None:
    with pytest.raises(LedgerError) as caught, database.read() as connection:
        connection.exec_driver_sql("SELECT nothing FROM nowhere")
    assert caught.value.code == "ledger-damaged"


@pytest.mark.parametrize(
    "statement", ["UPDATE entry SET body = X'00'", "DELETE FROM entry", "DELETE FROM node"]
)
def test_seat_belts_hold_whoever_pulls(home: Home, ledger: Ledger, statement: str) -> None:
    ledger.append([envelope(0), envelope(1)])
    with pytest.raises(Exception, match="append-only"):
        home.sql(statement)
    assert home.fsck().ok


@pytest.mark.parametrize(
    "values",
    ["(3, zeroblob(32), X'00')", "(-1, zeroblob(32), X'00')", "(0, zeroblob(32), X'00')",
     "(2, X'00', X'00')", "(2, zeroblob(32), X'')"],
)  # fmt: skip
@pytest.mark.parametrize(
    "conflict",
    ["", "ON CONFLICT (idx) DO NOTHING", "ON CONFLICT (idx) DO UPDATE SET body = excluded.body"],
)
def test_entries_are_neither_replaced_nor_skipped(
    home: Home, ledger: Ledger, values: str, conflict: str
) -> None:
    ledger.append([envelope(0), envelope(1)])
    with pytest.raises(Exception, match=r"append-only|constraint"):
        home.sql(f"INSERT INTO entry VALUES {values} {conflict}")  # noqa: S608
    assert home.fsck().ok


def test_readers_see_columns_of_the_tables_alone(database: Database) -> None:
    with database.read() as connection:
        assert list(connection.execute(sa.select(entry)).keys()) == ["idx", "leaf_hash", "body"]
