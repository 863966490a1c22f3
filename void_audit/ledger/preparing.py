"""What the owner of a PostgreSQL database does for the ledger, once and after every update of void-audit."""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa

from void_audit.errors import InputError, LedgerError, StorageError
from void_audit.ledger.postgresql import PostgresqlDatabase
from void_audit.ledger.schema import VERSIONS, schema_version
from void_audit.ledger.tables import HEAD, SCHEMA, metadata
from void_audit.ledger.upgrading import upgrade_within


@dataclass(frozen=True)
class Prepared:
    """What was done."""

    place: str
    owner: str
    """Role that owns schema and tables."""
    role: str
    """Role that reads and inserts."""
    before: str | None
    """Version of the schema that was found; None: there was none."""
    after: str
    statements: tuple[str, ...]
    """What was granted and revoked, as SQL."""


def prepare(url: str, role: str) -> Prepared:
    """Make or upgrade the schema, and give ``role`` exactly what the ledger needs. All or nothing; repeatable.

    Args:
        url: the database, as a role that owns the schema or may make it; without a password.
        role: the role that void-audit will use; it must be there, and be able to log in.

    Raises:
        InputError: ``database-url*``, ``database-driver``, ``database-role-missing``.
        StorageError: ``database-role-too-strong``, ``database-newer``, ``ledger-busy``, ``database-*``.
        LedgerError: ``migration-refused``.
    """
    database = PostgresqlDatabase(url, writable=True, owner=True)
    try:
        with database.lock(), database.write() as connection:
            return _prepare(database, connection, role)
    finally:
        database.close()


def _prepare(database: PostgresqlDatabase, connection: sa.Connection, role: str) -> Prepared:
    owner = str(connection.exec_driver_sql("SELECT current_user").scalar())
    _check_role(connection, role, database.place)
    connection.exec_driver_sql(f"CREATE SCHEMA IF NOT EXISTS {SCHEMA}")
    before = schema_version(connection)
    upgrade_within(database, connection)
    quoted = role.replace('"', '""')
    statements = _grants(f'"{quoted}"')
    for statement in statements:
        connection.exec_driver_sql(statement.replace("%", "%%"))
    faults = list(database.faults(connection))
    if faults:
        code, place, detail = faults[0]
        raise LedgerError(
            "migration-refused",
            f"{database.place} is not as it should be ({len(faults)} faults; the first: {code} at {place}: "
            f"{detail}). Nothing was changed.",
            "Find out who changed the schema; take back grants to others; then run it again.",
        )
    return Prepared(database.place, owner, role, before, HEAD, statements)


def _check_role(connection: sa.Connection, role: str, place: str) -> None:
    row = connection.execute(
        sa.text(
            "SELECT rolsuper, rolcreaterole, pg_has_role(oid, current_user, 'MEMBER'),"
            " pg_has_role(oid, (SELECT datdba FROM pg_database WHERE datname = current_database()), 'MEMBER')"
            " FROM pg_roles WHERE rolname = :role"
        ),
        {"role": role},
    ).first()
    if row is None:
        raise InputError(
            "database-role-missing",
            f"{place} has no role {role!r}.",
            "Make it first: CREATE ROLE name LOGIN, with a password unless it logs in another way.",
        )
    if any(row):
        raise StorageError(
            "database-role-too-strong",
            f"The role {role!r} of {place} could rewrite the log: it is a superuser, may create roles, or is a "
            "member of the owner.",
            "Name a role that is none of these; it will only read and insert.",
        )


def _grants(role: str) -> tuple[str, ...]:
    tables = ", ".join(f"{SCHEMA}.{name}" for name in metadata.tables)
    return (
        f"REVOKE ALL ON SCHEMA {SCHEMA} FROM PUBLIC, {role}",
        f"REVOKE ALL ON ALL TABLES IN SCHEMA {SCHEMA} FROM PUBLIC, {role}",
        f"REVOKE ALL ON ALL FUNCTIONS IN SCHEMA {SCHEMA} FROM PUBLIC, {role}",
        f"GRANT USAGE ON SCHEMA {SCHEMA} TO {role}",
        f"GRANT SELECT ON {tables}, {SCHEMA}.{VERSIONS} TO {role}",
        f"GRANT INSERT ON {tables} TO {role}",
    )
