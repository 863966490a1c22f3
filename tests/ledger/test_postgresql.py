"""The log of a team: one PostgreSQL server, many writers, and everything that can go wrong between them."""

from __future__ import annotations

import os
import signal
import threading
import time
from pathlib import Path

import psycopg
import pytest
import sqlalchemy as sa
from conftest_ledger import ORIGIN, TeamHome, envelope, key
from postgres import OWNER, PASSWORD, ROLE, Server, binaries, running

from void_audit.canon import merkle
from void_audit.canon.checkpoint import open_checkpoint
from void_audit.canon.note import VerifierKey
from void_audit.errors import InputError, LedgerError, StorageError, VoidAuditError
from void_audit.ledger import database as databases
from void_audit.ledger.database import Database
from void_audit.ledger.log import Ledger
from void_audit.ledger.mark import adopt_mark
from void_audit.ledger.opening import open_database
from void_audit.ledger.postgresql import PostgresqlDatabase
from void_audit.ledger.tables import entry


def count(connection: sa.Connection) -> int:
    return connection.execute(sa.select(sa.func.count()).select_from(entry)).scalar_one()


def refused(use) -> VoidAuditError:
    with pytest.raises(VoidAuditError) as caught:
        use()
    return caught.value


def test_reading_sees_one_moment_and_can_change_nothing(team: TeamHome) -> None:
    ledger = team.create()
    reader = team.connect(writable=False)
    with reader.read() as connection:
        before = count(connection)
        ledger.append([envelope(0)])
        assert count(connection) == before == 0
    with reader.read() as connection:
        assert count(connection) == 1
    inserting = sa.insert(entry).values(idx=1, leaf_hash=bytes(32), body=b"x")
    with pytest.raises(StorageError) as caught, reader.read() as connection:
        connection.execute(inserting)
    assert caught.value.code == "database-read-only"
    with pytest.raises(StorageError) as caught, reader.write():
        pass
    assert caught.value.code == "storage-unwritable"
    assert team.fsck().ok


def test_commits_wait_for_the_disk_unless_they_need_not(team: TeamHome) -> None:
    database = team.connect()
    asked = "SELECT current_setting('synchronous_commit'), current_setting('transaction_isolation')"
    with database.write() as connection:
        assert tuple(connection.exec_driver_sql(asked).one()) == ("on", "read committed")
    with database.write(durable=False) as connection:
        assert connection.exec_driver_sql(asked).one()[0] == "off"
    with database.write() as connection:
        assert connection.exec_driver_sql(asked).one()[0] == "on"
    with database.read() as connection:
        assert connection.exec_driver_sql(asked).one()[1] == "repeatable read"
    database.close()


def test_a_table_of_the_session_takes_no_tables_place(team: TeamHome) -> None:
    team.create().append([envelope(0)])
    database = team.connect()
    with database.write() as connection:
        connection.exec_driver_sql("CREATE TEMPORARY TABLE entry (idx bigint, leaf_hash bytea, body bytea)")
        assert count(connection) == 1
    database.close()


@pytest.mark.parametrize("setting", ["fsync", "full_page_writes", "synchronous_commit"])
@pytest.mark.skipif(binaries() is None, reason="no PostgreSQL server")
def test_a_server_that_may_lose_commits_is_refused(setting: str, team: TeamHome, server: Server) -> None:
    if setting == "synchronous_commit":
        server.sql(f"ALTER DATABASE {team.name} SET synchronous_commit = off")
    else:
        server.sql(f"ALTER SYSTEM SET {setting} = off", "SELECT pg_reload_conf()", "SELECT pg_sleep(0.1)")
    try:
        error = refused(team.create)
    finally:
        server.sql(f"ALTER SYSTEM RESET {setting}", "SELECT pg_reload_conf()", "SELECT pg_sleep(0.1)")
    assert error.code == "database-not-durable"
    assert setting in error.message
    if setting == "synchronous_commit":
        server.sql(f"ALTER DATABASE {team.name} RESET synchronous_commit")
    assert team.create().append([envelope(0)]) == [0]


def test_a_database_that_may_only_be_read_is_not_written(team: TeamHome, server: Server) -> None:
    team.create().close()
    server.sql(f"ALTER DATABASE {team.name} SET default_transaction_read_only = on")
    assert refused(team.open).code == "database-read-only"
    assert Ledger.open(team.place).size == 0


@pytest.mark.parametrize(
    "grant",
    [
        "GRANT UPDATE ON void_audit.record TO newsroom",
        "GRANT DELETE ON void_audit.entry TO newsroom",
        "GRANT TRUNCATE ON void_audit.checkpoint TO PUBLIC",
        "GRANT UPDATE (note) ON void_audit.checkpoint TO newsroom",
        "GRANT TRIGGER ON void_audit.entry TO newsroom",
        "GRANT CREATE ON SCHEMA void_audit TO newsroom",
        "ALTER TABLE void_audit.entry OWNER TO newsroom",
    ],
)
def test_a_role_that_could_rewrite_the_log_is_refused(team: TeamHome, grant: str) -> None:
    ledger = team.create()
    ledger.append([envelope(0)])
    ledger.close()
    team.sql(grant)
    error = refused(team.open)
    assert error.code == "database-role-too-strong"
    assert "prepare" in error.hint
    assert team.codes() & {"schema-grant", "schema-owner"}
    assert Ledger.open(team.place).size == 1  # who only reads may be strong


@pytest.mark.parametrize(
    "change",
    [
        "GRANT ledger_owner TO {role}",
        "GRANT pg_write_all_data TO {role}",
        "ALTER ROLE {role} NOINHERIT; GRANT pg_write_all_data TO {role}",
        "ALTER ROLE {role} SUPERUSER",
        "ALTER ROLE {role} CREATEROLE",
        "ALTER DATABASE {name} OWNER TO {role}",
        "GRANT CREATE ON DATABASE {name} TO {role}",
    ],
)
def test_a_role_that_could_become_strong_is_refused(team: TeamHome, server: Server, change: str) -> None:
    role = f"role_{team.name}"
    server.sql(f"CREATE ROLE {role} LOGIN", f"GRANT {ROLE} TO {role}")
    url = server.url(team.name, role)
    ledger = Ledger.create(url, ORIGIN, team.signer, team.mark)
    ledger.append([envelope(0)])
    ledger.close()
    server.sql(*change.format(role=role, name=team.name).split("; "))
    error = refused(lambda: Ledger.open(url, team.signer, team.mark))
    assert error.code == "database-role-too-strong"


@pytest.mark.parametrize("role", [OWNER, "postgres"])
def test_owner_and_superuser_do_not_append(team: TeamHome, server: Server, role: str) -> None:
    url = server.url(team.name, role)
    assert (
        refused(lambda: Ledger.create(url, ORIGIN, team.signer, team.mark)).code == "database-role-too-strong"
    )


def test_a_role_without_the_rights_is_told_what_to_do(team: TeamHome, server: Server) -> None:
    team.create().close()
    team.sql("REVOKE INSERT ON void_audit.entry FROM newsroom")
    error = refused(lambda: team.open().append([envelope(0)]))
    assert error.code == "database-privileges"
    assert "ledger prepare" in error.hint


def test_the_application_itself_can_change_nothing(team: TeamHome, server: Server) -> None:
    team.create().append([envelope(0)])
    for statement in (
        "UPDATE entry SET body = 'x'", "DELETE FROM entry", "TRUNCATE entry", "DROP TABLE entry",
        "ALTER TABLE entry DISABLE TRIGGER ALL", "CREATE TABLE void_audit.other (x int)",
        "DELETE FROM record", "UPDATE alembic_version SET version_num = 'x'", "TRUNCATE checkpoint",
        "SET session_replication_role = replica", "CREATE TRIGGER t BEFORE INSERT ON entry EXECUTE FUNCTION refuse()",
    ):  # fmt: skip
        with psycopg.connect(team.place, options="-c search_path=void_audit") as connection:  # noqa: SIM117
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute(statement)


def test_a_server_that_was_restarted_is_connected_again(team: TeamHome, server: Server) -> None:
    ledger, reader = team.create(), Ledger.open(team.place)
    ledger.append([envelope(0)])
    assert reader.size == 1
    server.restart()
    assert reader.size == 1
    assert ledger.append([envelope(1)]) == [1]
    server.kill()
    server.start()
    assert ledger.append([envelope(2)]) == [2]
    assert reader.size == 3
    assert team.fsck().ok


def test_a_server_that_is_gone_is_an_error_of_ours(team: TeamHome, server: Server) -> None:
    ledger, reader = team.create(), Ledger.open(team.place)
    server.stop()
    try:
        for use in (lambda: ledger.append([envelope(0)]), reader.checkpoint, team.open, team.fsck):
            assert refused(use).code == "database-unreachable"
    finally:
        server.start()
    assert ledger.append([envelope(0)]) == [0]


def end_sessions(server: Server, name: str) -> None:
    server.sql(f"SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = '{name}'")  # noqa: S608


def test_who_loses_the_lock_commits_nothing(team: TeamHome, server: Server) -> None:
    team.create().close()
    database, other = team.connect(), team.connect()
    with database.lock():
        with database.write() as connection:
            assert count(connection) == 0
        end_sessions(server, team.name)
        with other.lock():  # the server has let go of it
            for _ in range(2):  # and does not come back by itself
                with pytest.raises(StorageError) as caught, database.write() as connection:
                    count(connection)
                assert caught.value.code == "database-unreachable"
    with database.lock(), database.write() as connection:
        assert count(connection) == 0
    database.close()
    other.close()


def test_a_lock_is_waited_for_by_threads_and_sessions_alike(
    team: TeamHome, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(databases, "LOCK_SECONDS", 0.2)
    one, other = team.connect(), team.connect()
    with one.lock():
        for waiting in (one, other):
            began = time.monotonic()
            with pytest.raises(StorageError) as caught, waiting.lock():
                pass
            assert caught.value.code == "ledger-busy"
            assert 0.15 < time.monotonic() - began < 5
    with other.lock(), pytest.raises(StorageError), one.lock():
        pass
    with one.lock():
        pass
    one.close()
    other.close()


def test_an_exception_lets_go_of_the_lock(team: TeamHome) -> None:
    one, other = team.connect(), team.connect()
    with pytest.raises(KeyError), one.lock(), one.write():
        raise KeyError
    with other.lock(), other.write() as connection:
        assert count(connection) == 0
    one.close()
    other.close()


class BrokenCommit:
    """Breaks the connection around COMMIT: before the server reads it, or before its answer arrives."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, server: Server, name: str, reaches: bool) -> None:
        real, self.armed = psycopg.Connection.commit, True

        def commit(connection: psycopg.Connection) -> None:
            if self.armed and self._appends(connection):
                self.armed = False
                if reaches:
                    connection.execute("COMMIT")
                server.sql(f"SELECT pg_terminate_backend({connection.info.backend_pid}, 5000)")
                connection.close()
                raise psycopg.OperationalError("server closed the connection unexpectedly")
            real(connection)

        monkeypatch.setattr(psycopg.Connection, "commit", commit)

    def _appends(self, connection: psycopg.Connection) -> bool:
        if connection.info.transaction_status != psycopg.pq.TransactionStatus.INTRANS:
            return False
        row = connection.execute("SELECT pg_current_xact_id_if_assigned() IS NOT NULL").fetchone()
        return bool(row and row[0])


@pytest.mark.parametrize("reaches", [True, False])
def test_a_connection_lost_in_a_commit_neither_doubles_nor_forks(
    team: TeamHome, server: Server, monkeypatch: pytest.MonkeyPatch, reaches: bool
) -> None:
    ledger = team.create()
    ledger.append([envelope(0)])
    old = ledger.checkpoint()
    with monkeypatch.context() as patch:
        broken = BrokenCommit(patch, server, team.name, reaches)
        try:
            ledger.append([envelope(1)])
        except StorageError as error:
            assert error.code == "database-commit-unknown"  # noqa: PT017
    assert not broken.armed
    leaf = merkle.leaf_hash(envelope(1)).hex()
    ledger.settle()
    if ledger.find(leaf) is None:
        assert ledger.append([envelope(1)]) == [1]
    ledger.append([envelope(2)])
    assert [e.envelope for e in ledger.entries()] == [envelope(n) for n in range(3)]
    extends(team, old)
    assert team.fsck().ok


def test_the_outcome_of_a_commit_is_settled_before_the_next_writer_looks(
    team: TeamHome, server: Server
) -> None:
    """A backend that is still committing holds the lock of its session until it is done."""
    team.create().close()
    writer, other = team.connect(), team.connect()
    with writer.lock(), writer.write() as connection:
        backend = connection.exec_driver_sql("SELECT pg_backend_pid()").scalar()
        os.kill(backend, signal.SIGSTOP)
        try:
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(databases, "LOCK_SECONDS", 0.2)
                with pytest.raises(StorageError) as caught, other.lock():
                    pass
            assert caught.value.code == "ledger-busy"
        finally:
            os.kill(backend, signal.SIGCONT)
    with other.lock():
        pass
    writer.close()
    other.close()


def extends(team: TeamHome, old_note: str) -> None:
    reader, log_key = Ledger.open(team.place), VerifierKey.parse(team.vkey)
    old, new = open_checkpoint(old_note, log_key), open_checkpoint(reader.checkpoint(), log_key)
    merkle.verify_consistency(old.size, old.root, new.size, new.root, reader.consistency(old.size, new.size))


def test_a_full_disk_is_an_error_of_ours(team: TeamHome, monkeypatch: pytest.MonkeyPatch) -> None:
    database = team.connect()
    with pytest.raises(StorageError) as caught, database.write() as connection:
        connection.exec_driver_sql("DO $$ BEGIN RAISE 'no space left' USING ERRCODE = 'disk_full'; END $$")
    assert caught.value.code == "storage-full"
    database.close()


@pytest.mark.parametrize(
    ("state", "code"),
    [
        ("53200", "storage-full"), ("58030", "storage-failed"), ("40001", "database-busy"),
        ("57P01", "database-unreachable"), ("XX001", "ledger-damaged"), ("42P01", "ledger-damaged"),
        ("23505", "ledger-append-only"), ("22003", "value-unusable"), ("25006", "database-read-only"),
    ],
)  # fmt: skip
def test_whatever_the_server_says_is_an_error_of_ours(team: TeamHome, state: str, code: str) -> None:
    database = team.connect()
    with pytest.raises(VoidAuditError) as caught, database.write() as connection:
        connection.exec_driver_sql(f"DO $$ BEGIN RAISE 'injected' USING ERRCODE = '{state}'; END $$")
    assert caught.value.code == code
    database.close()


def test_who_may_not_log_in_is_told_without_the_password(
    team: TeamHome, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    team.create().append([envelope(0)])
    url = server.tcp_url(team.name)
    assert refused(lambda: Ledger.open(url)).code == "database-authentication"
    monkeypatch.setenv("PGPASSWORD", "wrong sesame")
    error = refused(lambda: Ledger.open(url))
    assert error.code == "database-authentication"
    assert "sesame" not in str(error)
    monkeypatch.setenv("PGPASSWORD", PASSWORD)
    assert Ledger.open(url).size == 1
    assert refused(lambda: Ledger.open(server.tcp_url("nowhere"))).code == "database-missing"
    assert refused(lambda: Ledger.open(url + "?sslmode=require")).code == "database-certificate"


def test_a_database_that_nobody_prepared_says_so(server: Server, team: TeamHome) -> None:
    url = server.url(server.new_database())
    error = refused(lambda: Ledger.create(url, ORIGIN, team.signer, team.mark))
    assert error.code == "database-older"
    assert "ledger prepare" in error.hint
    assert refused(lambda: Ledger.open(url)).code == "ledger-missing"
    assert refused(lambda: Ledger.open(team.place)).code == "ledger-missing"


def test_without_the_driver_the_recipe_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "psycopg", None)
    with pytest.raises(InputError) as caught:
        open_database("postgresql://newsroom@/ledger", writable=False)
    assert caught.value.code == "database-driver"
    assert "void-audit[postgresql]" in caught.value.hint


def test_nobody_listens_behind_a_pooler(team: TeamHome, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(psycopg.ConnectionInfo, "backend_pid", property(lambda self: 1))
    assert refused(team.create).code == "database-pooler"


def test_a_process_that_forks_leaves_its_parents_session_alone(team: TeamHome) -> None:
    ledger, reader = team.create(), team.connect(writable=False)
    ledger.append([envelope(0)])
    parent = _backend(reader)
    child = os.fork()
    if child == 0:
        try:
            ledger.append([envelope(1)])
            os._exit(0 if _backend(reader) != parent else 2)
        finally:
            os._exit(1)
    assert os.waitpid(child, 0)[1] == 0
    assert _backend(reader) == parent
    assert ledger.append([envelope(2)]) == [2]
    assert team.fsck().ok
    reader.close()


def _backend(database: Database) -> int:
    with database.read() as connection:
        return int(connection.exec_driver_sql("SELECT pg_backend_pid()").scalar_one())


def test_many_readers_wait_for_one_another(team: TeamHome) -> None:
    ledger = team.create()
    ledger.append([envelope(n) for n in range(5)])
    reader, found = Ledger.open(team.place), []
    threads = [threading.Thread(target=lambda: found.append(reader.prove(3).index)) for _ in range(48)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [3] * 48


def test_a_dump_that_was_restored_is_never_signed(team: TeamHome, server: Server, tmp_path: Path) -> None:
    ledger = team.create()
    ledger.append([envelope(0)])
    dump = server.program(
        "pg_dump", "-h", str(server.folder), "-p", str(server.port), "-U", "postgres", team.name
    )
    ledger.append([envelope(1)])
    ledger.close()
    restored = TeamHome(team.root, server, server.new_database())
    (server.folder / "dump.sql").write_bytes(dump)
    (server.folder / "dump.sql").chmod(0o644)
    server.program(
        "psql", "-h", str(server.folder), "-p", str(server.port), "-U", "postgres", "-q", "-v", "ON_ERROR_STOP=1",
        "-f", str(server.folder / "dump.sql"), restored.name,
    )  # fmt: skip
    error = refused(restored.open)
    assert error.code == "ledger-rollback"
    assert "mark-contradicted" in restored.codes()
    assert restored.codes() == {"mark-contradicted"}  # schema, triggers and grants came with it
    assert Ledger.open(restored.place).size == 1
    reopened = team.open()
    assert reopened.append([envelope(2)]) == [2]


@pytest.mark.parametrize("url", ["postgresql://a:b@h/x", "mysql://h/x", "postgresql://h"])
def test_an_address_that_cannot_be_used_connects_to_nothing(url: str) -> None:
    with pytest.raises(InputError):
        PostgresqlDatabase(url, writable=False)


@pytest.mark.slow
@pytest.mark.skipif(binaries() is None, reason="no PostgreSQL server")
def test_what_was_acknowledged_survives_kill_9_of_the_server(tmp_path: Path) -> None:
    """On the real disk, with several writers, the server killed while they append."""
    with running() as server:
        team = TeamHome(tmp_path, server, server.new_database(template="prepared_ledger"))
        team.create().close()
        acknowledged = [tmp_path / f"acknowledged{n}" for n in range(2)]
        for path in acknowledged:
            path.touch()
        for number in range(6):
            children = [_writer(team, path, number) for path in acknowledged]
            _grown(acknowledged)
            time.sleep(0.037 * number)
            server.kill()
            for child in children:
                os.kill(child, signal.SIGKILL)
                os.waitpid(child, 0)
            server.start()
            opened = team.open()
            assert team.fsck().ok
            promised = [line.split(":") for path in acknowledged for line in path.read_text().split()]
            assert len({index for index, _ in promised}) == len(promised)
            for index, leaf in promised:
                assert opened.entry(int(index)).leaf_hash == leaf
            opened.close()
        assert len(promised) >= 12


def _grown(paths: list[Path]) -> None:
    """Wait until every writer has been acknowledged something."""
    before, end = [path.stat().st_size for path in paths], time.monotonic() + 30
    while any(path.stat().st_size == size for path, size in zip(paths, before, strict=True)):
        assert time.monotonic() < end
        time.sleep(0.01)


def _writer(team: TeamHome, acknowledged: Path, number: int) -> int:
    child = os.fork()
    if child:
        return child
    try:
        opened, n = team.open(), 0
        with acknowledged.open("a") as stream:
            while True:
                body = envelope(number * 1_000_000 + os.getpid() * 1000 + n)
                n += 1
                (index,) = opened.append([body])
                stream.write(f"{index}:{merkle.leaf_hash(body).hex()}\n")
                stream.flush()
    except LedgerError:
        os.write(2, b"a LedgerError in a writer\n")
    except VoidAuditError:
        time.sleep(60)  # the server is gone; so are we, soon
    finally:
        os._exit(1)


def test_the_key_of_another_log_is_refused(team: TeamHome) -> None:
    team.create().close()
    with pytest.raises(LedgerError) as caught:
        Ledger.open(team.place, key(9), team.mark)
    assert caught.value.code == "log-key-other"
    adopt_mark(team.mark)
