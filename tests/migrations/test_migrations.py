"""Every released version of the schema comes up to the newest one, on both databases, with each byte as it was."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg
import pytest
import sqlalchemy as sa
from alembic import command, op
from alembic.config import Config
from conftest_ledger import ORIGIN, Home, TeamHome, envelope
from postgres import OWNER, ROLE, Server

from void_audit.canon import merkle
from void_audit.errors import VoidAuditError
from void_audit.ledger import sqlite
from void_audit.ledger.log import Ledger
from void_audit.ledger.mark import Mark, begin_mark, read_mark
from void_audit.ledger.opening import open_database
from void_audit.ledger.preparing import prepare
from void_audit.ledger.schema import migrate, schema_version
from void_audit.ledger.tables import HEAD, metadata
from void_audit.ledger.upgrading import upgrade

FIXTURES = Path(__file__).parent / "fixtures"
VERSIONS = [f"{number:04}" for number in range(1, int(HEAD) + 1)]
OLD = [version for version in VERSIONS if version != HEAD]
SIZE = 7

TOUCHES = {"log": "id = 1", "entry": "body = body", "node": "hash = hash", "checkpoint": "note = note"}
"""Changes that change nothing: refused all the same."""

Make = Callable[[str], Home]


@pytest.fixture(params=["sqlite", "postgresql"])
def make(request: pytest.FixtureRequest, tmp_path: Path) -> Make:
    """From a version to the log that was written with it."""

    def at(version: str) -> Home:
        text = (FIXTURES / f"{request.param}-{version}.sql").read_text()
        home = Home(tmp_path)
        if request.param == "sqlite":
            home.folder.mkdir()
            with closing(sqlite3.connect(home.database)) as connection:
                connection.executescript(text)
        else:
            server: Server = request.getfixturevalue("server")
            home = TeamHome(tmp_path, server, server.new_database())
            with psycopg.connect(server.url(home.name, "postgres")) as connection:
                connection.execute(text.encode())
        root = merkle.root(merkle.leaf_hash(envelope(n)) for n in range(SIZE))
        home.mark.parent.mkdir()
        begin_mark(home.mark, Mark(ORIGIN, SIZE, root))
        return home

    return at


def bring_up(home: Home) -> None:
    """What an operator does after an update."""
    if isinstance(home, TeamHome):
        prepare(home.server.url(home.name, OWNER), ROLE)
    else:
        home.open().close()


def version_of(home: Home) -> str | None:
    database = home.connect(writable=False)
    with database.read() as connection:
        version = schema_version(connection)
    database.close()
    return version


def tables_of(home: Home) -> dict[str, list[Any]]:
    """Every row of the tables that were there from the start."""
    database = home.connect(writable=False)
    with database.read() as connection:
        rows = {
            name: [tuple(row) for row in connection.execute(sa.select(table).order_by(*table.primary_key))]
            for name, table in metadata.tables.items()
            if name in {"log", "entry", "node", "checkpoint", "record"}
        }
    database.close()
    return rows


@pytest.mark.parametrize("version", VERSIONS)
def test_every_version_comes_up_with_each_byte_as_it_was(make: Make, version: str) -> None:
    home = make(version)
    assert version_of(home) == version
    before, mark = tables_of(home), read_mark(home.mark)
    bring_up(home)
    assert (version_of(home), tables_of(home), read_mark(home.mark)) == (HEAD, before, mark)
    assert home.fsck().problems == ()
    ledger = home.open()
    assert [e.envelope for e in ledger.entries()] == [envelope(n) for n in range(SIZE)]
    assert ledger.append([envelope(SIZE)]) == [SIZE]
    assert home.fsck().ok


@pytest.mark.parametrize("version", VERSIONS)
def test_triggers_still_hold_afterwards(make: Make, version: str) -> None:
    home = make(version)
    bring_up(home)
    for table, touch in TOUCHES.items():
        for statement in (f"DELETE FROM {table}", f"UPDATE {table} SET {touch}"):  # noqa: S608
            with pytest.raises(Exception, match="append-only"):
                home.sql(statement)
    with pytest.raises(Exception, match="append-only"):
        home.sql(
            "INSERT INTO entry VALUES (3, zeroblob(32), X'00') ON CONFLICT (idx) DO UPDATE SET body = X'00'"
        )
    assert home.fsck().ok


@pytest.mark.parametrize("version", OLD)
def test_who_may_not_upgrade_touches_nothing(make: Make, version: str) -> None:
    home = make(version)
    with pytest.raises(VoidAuditError) as caught:
        Ledger.open(home.place)
    assert caught.value.code == "database-older"
    if isinstance(home, TeamHome):  # the application's role, with the key
        with pytest.raises(VoidAuditError) as caught:
            home.open()
        assert caught.value.code == "database-older"
        assert "ledger prepare" in caught.value.hint
    assert version_of(home) == version


def test_a_database_of_a_newer_version_is_not_touched(make: Make) -> None:
    home = make(HEAD)
    home.sql("UPDATE alembic_version SET version_num = '9999'")
    for use in (home.open, lambda: Ledger.open(home.place), lambda: bring_up(home)):
        with pytest.raises(VoidAuditError) as caught:
            use()
        assert caught.value.code == "database-newer"
    assert home.codes() == {"schema-version"}


@pytest.mark.parametrize("version", OLD)
@pytest.mark.parametrize("step", [1, 2])
def test_a_migration_that_fails_leaves_nothing(
    make: Make, version: str, step: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = make(version)
    before, real, calls = tables_of(home), op.create_table, []

    def failing(*args: Any, **kwargs: Any) -> None:
        calls.append(args)
        real(*args, **kwargs)
        if len(calls) == step:
            raise sa.exc.OperationalError("CREATE", {}, sqlite3.OperationalError("injected"))

    with monkeypatch.context() as patch:
        patch.setattr(op, "create_table", failing)
        with pytest.raises(VoidAuditError):
            bring_up(home)
    assert len(calls) == step
    assert (version_of(home), tables_of(home)) == (version, before)
    bring_up(home)
    assert (version_of(home), home.fsck().ok) == (HEAD, True)


@pytest.mark.parametrize("version", OLD)
@pytest.mark.parametrize(
    "damage",
    ["UPDATE entry SET body = X'00' WHERE idx = 3", "DELETE FROM node WHERE level = 1",
     "UPDATE record SET edit = 'other' WHERE idx = 2", "UPDATE checkpoint SET root = zeroblob(32) WHERE size = 3"],
)  # fmt: skip
def test_a_log_that_does_not_check_out_is_not_migrated(make: Make, version: str, damage: str) -> None:
    home = make(version)
    home.tamper(damage)
    before = tables_of(home)
    with pytest.raises(VoidAuditError) as caught:
        bring_up(home)
    assert caught.value.code == "migration-refused"
    assert (version_of(home), tables_of(home)) == (version, before)


@pytest.mark.parametrize("version", OLD)
def test_a_migration_that_drops_a_seat_belt_is_refused(
    make: Make, version: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    home, real = make(version), op.create_table

    def careless(name: str, *args: Any, **kwargs: Any) -> None:
        real(name, *args, **kwargs)
        table = " ON entry" if isinstance(home, TeamHome) else ""
        op.execute(f"DROP TRIGGER IF EXISTS entry_no_update{table}")

    with monkeypatch.context() as patch:
        patch.setattr(op, "create_table", careless)
        with pytest.raises(VoidAuditError) as caught:
            bring_up(home)
    assert caught.value.code == "migration-refused"
    assert version_of(home) == version


@pytest.mark.parametrize("version", OLD)
def test_two_processes_may_migrate_at_once(make: Make, version: str) -> None:
    home = make(version)
    children = []
    for _ in range(3):
        child = os.fork()
        if child == 0:
            try:
                bring_up(home)
                os._exit(0)
            finally:
                os._exit(1)
        children.append(child)
    assert [os.waitpid(child, 0)[1] for child in children] == [0, 0, 0]
    assert (version_of(home), home.fsck().ok) == (HEAD, True)


@pytest.mark.parametrize("version", VERSIONS)
def test_there_is_no_way_back(make: Make, version: str) -> None:
    home = make(version)
    before = tables_of(home)
    database = _as_owner(home)
    config = Config()
    config.set_main_option("script_location", "void_audit:migrations")
    config.attributes["schema"] = "void_audit" if isinstance(home, TeamHome) else None
    with pytest.raises(NotImplementedError), database.write() as connection:
        _downgrade(config, connection)
    database.close()
    assert (version_of(home), tables_of(home)) == (version, before)


def _downgrade(config: Config, connection: sa.Connection) -> None:
    config.attributes["connection"] = connection
    command.downgrade(config, "base")


def _as_owner(home: Home) -> Any:
    place = home.server.url(home.name, OWNER) if isinstance(home, TeamHome) else home.place
    return open_database(place, writable=True, owner=True)


@pytest.mark.parametrize("version", VERSIONS)
def test_a_released_migration_is_never_edited(make: Make, version: str, tmp_path: Path) -> None:
    """What the code makes today of a version is what was on the disks of those who had it."""
    home = make(version)
    if isinstance(home, TeamHome):
        fresh = TeamHome(tmp_path, home.server, home.server.new_database())
        assert _described(fresh, version) == _described(home, version)
        return
    fresh = Home(tmp_path / "fresh")
    fresh.folder.mkdir(parents=True)
    assert _objects(fresh, version) == _objects(home, version)


def _objects(home: Home, version: str) -> dict[str, str]:
    database = open_database(home.place, writable=True)
    with database.write() as connection:
        migrate(connection, database.place, version)
        found = sqlite._objects(connection)
    database.close()
    return found


def _described(home: TeamHome, version: str) -> list[str]:
    from void_audit.ledger.postgresql_schema import describe  # noqa: PLC0415

    database = _as_owner(home)
    with database.write() as connection:
        connection.exec_driver_sql("CREATE SCHEMA IF NOT EXISTS void_audit")
        migrate(connection, database.place, version)
        found = describe(connection)
    database.close()
    return found


def test_there_is_a_fixture_of_each_version() -> None:
    """After a new migration: ``python tests/migrations/make_fixtures.py``."""
    expected = {f"{backend}-{version}.sql" for backend in ("sqlite", "postgresql") for version in VERSIONS}
    assert {path.name for path in FIXTURES.iterdir()} == expected


def test_what_is_up_to_date_is_not_recomputed(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    home = make(HEAD)
    database = _as_owner(home)
    monkeypatch.setattr("void_audit.ledger.upgrading.problems_of", lambda *_: pytest.fail("recomputed"))
    with database.lock():
        assert not upgrade(database)
    database.close()
