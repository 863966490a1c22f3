"""The ledger of a team in PostgreSQL (spec/ledger 4): one database a log, in the schema ``void_audit``.

Writers take turns by an advisory lock of the *session* in which they then write. So a writer whose connection
breaks can commit nothing more, and whoever holds the lock next finds the outcome of its last commit settled: a
server lets go of a session's lock only when the session is over.
"""

from __future__ import annotations

import hashlib
import os
import select
import threading
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError, DisconnectionError

from void_audit.errors import InputError, StorageError, VoidAuditError
from void_audit.ledger import database as databases
from void_audit.ledger.database import Database, Fault
from void_audit.ledger.postgresql_url import parse_address
from void_audit.ledger.schema import schema_version
from void_audit.ledger.tables import SCHEMA, log

STATEMENT_SECONDS = 120
"""No statement of the ledger takes so long; pages bound them."""

LOCK_KEY = int.from_bytes(hashlib.sha256(b"void-audit ledger").digest()[:8], "big", signed=True)
"""PostgreSQL keeps advisory locks apart by database, and a database holds one log: all its writers, whatever they
believe its origin to be, must meet at one key."""


class PostgresqlDatabase(Database):
    """Connections to one PostgreSQL database, as a role that can only read and insert."""

    def __init__(self, url: str, *, writable: bool, owner: bool = False) -> None:
        """Nothing is connected before the first transaction.

        Args:
            url: ``postgresql://role@host/name``, without a password.
            writable: whether ``write`` may be used.
            owner: the role is the tables' owner: for preparing and rebuilding, never for appending.

        Raises:
            InputError: ``database-url``, ``database-url-password``, ``database-driver``.
        """
        address = parse_address(url)
        self.place = address.place
        self.writable = writable
        self.owner = owner
        self._turn = threading.Lock()
        self._held = threading.local()
        self._engine = _engine(address.parameters, _checks(self.place, writable, owner))
        weakref.finalize(self, _dispose, self._engine, os.getpid())
        self._reading = self._engine.execution_options(
            isolation_level="REPEATABLE READ", postgresql_readonly=True
        )

    def exists(self) -> bool:
        """Whether a log was begun there."""
        with self.read() as connection:
            version = schema_version(connection)
            return version is not None and connection.execute(sa.select(log.c.id)).first() is not None

    def prepare(self) -> None:
        """Nothing to make: the owner has (``ledger.preparing``)."""
        self.check_version()

    def close(self) -> None:
        """Release the connections."""
        self._engine.dispose()

    @contextmanager
    def read(self) -> Iterator[sa.Connection]:
        """See ``Database.read``: a read-only snapshot."""
        with self.translated(), self._reading.connect() as connection, connection.begin():
            yield connection

    @contextmanager
    def write(self, *, durable: bool = True) -> Iterator[sa.Connection]:
        """See ``Database.write``: READ COMMITTED, for the lock keeps writers apart."""
        if not self.writable:
            raise StorageError(
                "storage-unwritable", f"{self.place} was opened for reading.", "Open it with its key."
            )
        held: _Held | None = getattr(self._held, "session", None)
        with self.translated():
            if held is not None:
                held.check(self.place)
                yield from self._transaction(held.connection, durable)
            else:
                with self._engine.connect() as connection:
                    yield from self._transaction(connection, durable)

    def _transaction(self, connection: sa.Connection, durable: bool) -> Iterator[sa.Connection]:
        with connection.begin() as transaction:
            if not durable:
                connection.exec_driver_sql("SET LOCAL synchronous_commit TO off")
            yield connection
            try:
                transaction.commit()
            except DBAPIError as error:
                if not error.connection_invalidated:
                    raise
                from void_audit.ledger.postgresql_errors import commit_unknown  # noqa: PLC0415

                raise commit_unknown(self.place, error.orig or error) from error

    @contextmanager
    def lock(self) -> Iterator[None]:
        """See ``Database.lock``: threads wait here, sessions in the server."""
        if not self._turn.acquire(timeout=databases.LOCK_SECONDS):
            raise self._busy()
        try:
            with self.translated(), self._engine.connect() as connection:
                self._acquire(connection)
                self._held.session = _Held(connection)
                try:
                    yield
                finally:
                    del self._held.session
                    _release(connection)
        finally:
            self._turn.release()

    def _acquire(self, connection: sa.Connection) -> None:
        wait = f"{max(1, int(databases.LOCK_SECONDS * 1000))}ms"
        try:
            # Evaluated from left to right: the second waits for as long as the first says.
            _alone(
                connection,
                "SELECT set_config('lock_timeout', %s, false), pg_advisory_lock(%s)",
                wait,
                LOCK_KEY,
            )
        except DBAPIError as error:
            if getattr(error.orig, "sqlstate", None) == "55P03":
                raise self._busy() from error
            raise
        except BaseException:  # interrupted: whether this session got it is not known
            connection.invalidate()
            raise

    def faults(self, connection: sa.Connection) -> Iterator[Fault]:
        """See ``Database.faults``: the schema beside its recorded description, owners and grants."""
        from void_audit.ledger.postgresql_schema import schema_faults  # noqa: PLC0415

        return schema_faults(connection)

    def meaning(self, error: BaseException) -> VoidAuditError:
        """See ``postgresql_errors``."""
        from void_audit.ledger.postgresql_errors import meaning  # noqa: PLC0415 - it needs the driver

        return meaning(self.place, error)

    def _busy(self) -> StorageError:
        return StorageError("ledger-busy", f"Another process writes to {self.place}.", "Try again.")


class _Held:
    """The session that holds the lock. SQLAlchemy would replace a broken one silently: without the lock."""

    def __init__(self, connection: sa.Connection) -> None:
        self.connection = connection
        self._session = connection.connection.driver_connection

    def check(self, place: str) -> None:
        connection = self.connection
        if connection.invalidated or connection.connection.driver_connection is not self._session:
            raise StorageError(
                "database-unreachable",
                f"The connection to {place} broke, and with it the lock.",
                "Try again.",
            )


def _alone(connection: sa.Connection, statement: str, *values: object) -> None:
    """One statement without a transaction around it: one message and its answer, not three."""
    connection.execution_options(isolation_level="AUTOCOMMIT")
    connection.exec_driver_sql(statement, values)
    connection.commit()
    # Not after an error: asking a broken connection for anything makes a new one.
    connection.execution_options(isolation_level="READ COMMITTED")


def _release(connection: sa.Connection) -> None:
    """Let go of the lock, or of the session that holds it."""
    if connection.invalidated:
        return
    try:
        _alone(connection, "SELECT pg_advisory_unlock(%s)", LOCK_KEY)
    except BaseException as error:
        connection.invalidate()
        if not isinstance(error, DBAPIError):  # with the session the lock is gone too: nothing is wrong
            raise


def _dispose(engine: sa.Engine, process: int) -> None:
    """Say good-bye to the server for a ``Database`` that nobody closed; a fork must not, for its parent."""
    if os.getpid() == process:
        engine.dispose()


def _checks(place: str, writable: bool, owner: bool) -> Callable[[Any], None]:
    """What every new connection must pass."""

    def check(connection: Any) -> None:  # noqa: ANN401 - psycopg's, which may be absent
        from void_audit.ledger import postgresql_checks as checks  # noqa: PLC0415

        if writable:
            checks.check_server(connection, place)
            if not owner:
                checks.check_role(connection, place)

    return check


def _engine(parameters: dict[str, str], check: Callable[[Any], None]) -> sa.Engine:
    try:
        engine = sa.create_engine(
            "postgresql+psycopg://",
            connect_args={**_SAFE, **parameters, "options": _options()},
            pool_size=8,
            max_overflow=24,
            pool_timeout=60,
        )
    except ImportError as error:
        raise InputError(
            "database-driver",
            "PostgreSQL needs the psycopg package, which is not installed.",
            'Install it: pip install "void-audit[postgresql]"',
        ) from error

    @sa.event.listens_for(engine, "connect")
    def _connect(connection: Any, record: Any) -> None:  # noqa: ANN401
        record.info["process"] = os.getpid()
        connection.autocommit = True
        check(connection)
        connection.autocommit = False

    @sa.event.listens_for(engine, "checkout")
    def _checkout(connection: Any, record: Any, proxy: Any) -> None:  # noqa: ANN401
        if record.info["process"] != os.getpid():  # a fork must leave its parent's session alone
            record.dbapi_connection = proxy.dbapi_connection = None
            raise DisconnectionError
        if connection.closed or _readable(connection.fileno()):
            raise DisconnectionError  # the server has hung up (or restarted): the pool connects anew

    return engine


def _readable(descriptor: int) -> bool:
    """Whether the server has said something unasked: it only does to say good-bye."""
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    return bool(poll.poll(0))


_SAFE = {
    "connect_timeout": "10",
    "application_name": "void-audit",
    "client_encoding": "UTF8",
    "keepalives_idle": "30",
    "keepalives_interval": "10",
    "keepalives_count": "3",
    "tcp_user_timeout": "60000",
}


def _options() -> str:
    """Settings of every session. The server, too, must notice when this side is gone: it would keep the lock."""
    settings = {
        "search_path": f"{SCHEMA},pg_temp",  # last, so that no temporary table takes a table's place
        "statement_timeout": f"{STATEMENT_SECONDS}s",
        "lock_timeout": "60s",
        "tcp_keepalives_idle": "30",
        "tcp_keepalives_interval": "10",
        "tcp_keepalives_count": "3",
        "client_min_messages": "warning",
    }
    return " ".join(f"-c {name}={value}" for name, value in settings.items())
