"""Versions; what each migration does is tested in ``tests/migrations``."""

from __future__ import annotations

import pytest
from conftest_ledger import Home

from void_audit.errors import StorageError
from void_audit.ledger.log import Ledger
from void_audit.ledger.schema import migrate, schema_version
from void_audit.ledger.tables import HEAD


def test_an_empty_database_has_no_version_and_gets_the_newest(home: Home) -> None:
    home.folder.mkdir()
    database = home.connect()
    with database.write() as connection:
        assert schema_version(connection) is None
        assert migrate(connection, database.place)
        assert schema_version(connection) == HEAD
        assert not migrate(connection, database.place)
    database.close()


@pytest.mark.parametrize(
    ("stored", "code"), [("9999", "database-newer"), ("0000", "database-older"), ("", "database-older")]
)
def test_another_version_is_said(copy: Home, stored: str, code: str) -> None:
    copy.sql(f"UPDATE alembic_version SET version_num = '{stored}'")  # noqa: S608
    with pytest.raises(StorageError) as caught:
        Ledger.open(copy.place)
    assert caught.value.code == code
    assert HEAD in caught.value.message
