"""What is refused; that every released version comes up is tested in ``tests/migrations``."""

from __future__ import annotations

import pytest
from conftest_ledger import Home

from void_audit.errors import LedgerError
from void_audit.ledger.upgrading import check, upgrade


def test_a_log_that_checks_out_is_accepted(copy: Home) -> None:
    database = copy.connect()
    with database.write() as connection:
        check(database, connection)
    assert not upgrade(database)
    database.close()


def test_a_tail_that_nobody_signed_yet_is_no_obstacle(copy: Home) -> None:
    copy.tamper("DELETE FROM checkpoint WHERE size = 7")
    assert copy.codes() == {"tail-unsigned"}
    database = copy.connect()
    with database.write() as connection:
        check(database, connection)
    database.close()


def test_a_log_that_contradicts_itself_is_refused_with_the_first_reason(copy: Home) -> None:
    copy.tamper("UPDATE entry SET body = X'00' WHERE idx = 3")
    database = copy.connect()
    with pytest.raises(LedgerError) as caught, database.write() as connection:
        check(database, connection)
    assert caught.value.code == "migration-refused"
    assert "entry 3" in caught.value.message
    database.close()


def test_an_empty_database_is_made_without_a_check(home: Home) -> None:
    database = home.connect()
    home.folder.mkdir()
    assert upgrade(database)
    assert not upgrade(database)
    database.close()
