"""What a PostgreSQL server and role must be like before a ledger is written there."""

from __future__ import annotations

import psycopg

from void_audit.errors import StorageError
from void_audit.ledger import postgresql_errors
from void_audit.ledger.tables import SCHEMA

_DURABLE = {"fsync": {"on"}, "full_page_writes": {"on"}, "synchronous_commit": {"on", "remote_apply"}}
"""Settings that make a commit durable when it returns (PostgreSQL 15, 20.5)."""

_ME = "(SELECT oid FROM pg_roles WHERE rolname IN (session_user, current_user))"

# Rights of every role that this one is a member of, whether inherited or only by SET ROLE.
_TOO_STRONG = f"""
WITH me AS {_ME},
mine AS (SELECT DISTINCT r.oid, r.rolname FROM pg_roles r, me WHERE pg_has_role(me.oid, r.oid, 'MEMBER')),
space AS (SELECT oid, nspacl, nspowner FROM pg_namespace WHERE nspname = '{SCHEMA}'),
rights AS (
  SELECT relname AS name, a.grantee, a.privilege_type AS right
    FROM pg_class, aclexplode(relacl) a WHERE relnamespace IN (SELECT oid FROM space)
  UNION ALL
  SELECT relname, a.grantee, a.privilege_type
    FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid, aclexplode(attacl) a
    WHERE relnamespace IN (SELECT oid FROM space)
  UNION ALL SELECT 'the schema', a.grantee, a.privilege_type FROM space, aclexplode(nspacl) a
  UNION ALL SELECT 'the database', a.grantee, a.privilege_type
    FROM pg_database, aclexplode(datacl) a WHERE datname = current_database()
)
SELECT 'is a superuser' FROM pg_roles WHERE rolsuper AND oid IN (SELECT oid FROM me)
UNION ALL SELECT 'may create roles' FROM pg_roles WHERE rolcreaterole AND oid IN (SELECT oid FROM mine)
UNION ALL SELECT 'owns ' || relname FROM pg_class
  WHERE relkind IN ('r', 'p') AND relnamespace IN (SELECT oid FROM space) AND relowner IN (SELECT oid FROM mine)
UNION ALL SELECT 'owns the schema' FROM space WHERE nspowner IN (SELECT oid FROM mine)
UNION ALL SELECT 'owns the database' FROM pg_database
  WHERE datname = current_database() AND datdba IN (SELECT oid FROM mine)
UNION ALL SELECT 'has the rights of ' || rolname FROM mine
  WHERE rolname IN ('pg_write_all_data', 'pg_write_server_files', 'pg_execute_server_program')
UNION ALL SELECT 'may ' || "right" || ' ' || name FROM rights
  WHERE (grantee = 0 OR grantee IN (SELECT oid FROM mine))
    AND "right" IN ('UPDATE', 'DELETE', 'TRUNCATE', 'TRIGGER', 'REFERENCES', 'CREATE')
"""  # noqa: S608 - made of constants


def check_server(connection: psycopg.Connection[tuple[object, ...]], place: str) -> None:
    """Refuse a server on which a commit is not durable, or a lock not ours.

    Raises:
        StorageError: ``database-not-durable``, ``database-read-only``, ``database-pooler``.
    """
    row = connection.execute(
        "SELECT pg_is_in_recovery(), pg_backend_pid(), current_setting('fsync'),"
        " current_setting('full_page_writes'), current_setting('synchronous_commit'),"
        " current_setting('transaction_read_only')"
    ).fetchone()
    standby, backend, *settings, read_only = row or ()
    if standby or read_only == "on":
        raise postgresql_errors.standby(place)
    if backend != connection.info.backend_pid:
        raise StorageError(
            "database-pooler",
            f"Between here and {place} is a connection pooler, through which the log cannot be locked.",
            "Give the address of the PostgreSQL server itself.",
        )
    for (name, allowed), found in zip(_DURABLE.items(), settings, strict=True):
        if found not in allowed:
            raise StorageError(
                "database-not-durable",
                f"{place} has {name} = {found}: a commit could be lost.",
                f"Set {name} = on, for the server, this database and this role.",
            )


def check_role(connection: psycopg.Connection[tuple[object, ...]], place: str) -> None:
    """Refuse a role that could rewrite the log; the triggers alone would not stop an owner.

    Raises:
        StorageError: ``database-role-too-strong``.
    """
    rights = list(dict.fromkeys(str(row[0]) for row in connection.execute(_TOO_STRONG).fetchall()))
    if rights:
        more = f" and {len(rights) - 3} more" if len(rights) > 3 else ""
        raise StorageError(
            "database-role-too-strong",
            f"The role of {place} could rewrite the log: it {', '.join(rights[:3])}{more}.",
            "Use a role that only reads and inserts: `void-audit ledger prepare --database OWNER --role ROLE`.",
        )
