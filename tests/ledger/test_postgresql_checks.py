"""That a server and a role are refused is tested through the log (``test_postgresql``); here, what is allowed."""

from __future__ import annotations

import psycopg
import pytest
from conftest_ledger import TeamHome
from postgres import OWNER, Server

from void_audit.errors import StorageError
from void_audit.ledger.postgresql_checks import check_role, check_server


def test_a_role_that_was_prepared_is_accepted(team: TeamHome) -> None:
    with psycopg.connect(team.place) as connection:
        check_server(connection, team.name)
        check_role(connection, team.name)


def test_remote_apply_is_more_than_enough(team: TeamHome) -> None:
    with psycopg.connect(team.place, options="-c synchronous_commit=remote_apply") as connection:
        check_server(connection, team.name)


@pytest.mark.parametrize("setting", ["off", "local", "remote_write"])
def test_less_than_on_is_not_enough(team: TeamHome, setting: str) -> None:
    with (
        psycopg.connect(team.place, options=f"-c synchronous_commit={setting}") as connection,
        pytest.raises(StorageError) as caught,
    ):
        check_server(connection, team.name)
    assert caught.value.code == "database-not-durable"


def test_a_borrowed_role_does_not_hide_the_real_one(team: TeamHome, server: Server) -> None:
    """SET ROLE can be taken back by RESET ROLE at any time."""
    url = server.url(team.name, "postgres")
    with (
        psycopg.connect(url, options="-c role=newsroom") as connection,
        pytest.raises(StorageError) as caught,
    ):
        check_role(connection, team.name)
    assert "superuser" in caught.value.message


def test_the_strongest_reason_is_said_first(team: TeamHome, server: Server) -> None:
    url = server.url(team.name, OWNER)
    with psycopg.connect(url) as connection, pytest.raises(StorageError) as caught:
        check_role(connection, team.name)
    assert "it owns " in caught.value.message
    assert " more." in caught.value.message
