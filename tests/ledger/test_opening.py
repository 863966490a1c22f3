from __future__ import annotations

from pathlib import Path

import pytest

from void_audit.errors import InputError
from void_audit.ledger.database import DATABASE
from void_audit.ledger.opening import open_database
from void_audit.ledger.postgresql import PostgresqlDatabase
from void_audit.ledger.sqlite import SqliteDatabase


def test_a_folder_holds_sqlite(tmp_path: Path) -> None:
    database = open_database(tmp_path, writable=False)
    assert isinstance(database, SqliteDatabase)
    assert database.path == tmp_path / DATABASE
    assert not database.exists()
    assert list(tmp_path.iterdir()) == []


def test_an_address_is_not_connected_before_it_is_used() -> None:
    database = open_database("postgresql://newsroom@db.invalid/ledger", writable=True)
    assert isinstance(database, PostgresqlDatabase)
    assert database.place == "postgresql://newsroom@db.invalid/ledger"
    assert (database.writable, database.owner) == (True, False)
    database.close()


def test_a_folder_given_as_text_is_no_address() -> None:
    with pytest.raises(InputError) as caught:
        open_database("/srv/ledger", writable=False)
    assert caught.value.code == "database-url"
