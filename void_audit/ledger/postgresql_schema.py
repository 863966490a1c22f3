"""What the schema ``void_audit`` must be like on PostgreSQL, and how a stored one differs.

The catalogue's own words for every object are compared with those recorded from a fresh database: a rule, a child
table, a policy or a trigger that is switched off could otherwise hide or add rows.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from importlib.resources import files

import sqlalchemy as sa

from void_audit.ledger.database import Fault
from void_audit.ledger.schema import VERSIONS
from void_audit.ledger.tables import SCHEMA

RECORDED = "postgresql_schema.txt"
"""What ``describe`` says of a fresh database, one object a line."""

_SPACE = f"(SELECT oid FROM pg_namespace WHERE nspname = '{SCHEMA}')"  # noqa: S608 - made of constants

_DESCRIBE = f"""
SELECT concat_ws(' ', 'relation', relname, relkind, relpersistence, relrowsecurity, relhasrules,
    (SELECT count(*) FROM pg_inherits WHERE inhparent = c.oid OR inhrelid = c.oid))
  FROM pg_class c WHERE relnamespace = {_SPACE}
UNION ALL SELECT concat_ws(' ', 'column', relname, attnum, attname, format_type(atttypid, atttypmod), attnotnull,
    attidentity, attgenerated, pg_get_expr(adbin, adrelid))
  FROM pg_class c JOIN pg_attribute ON attrelid = c.oid
    LEFT JOIN pg_attrdef ON adrelid = c.oid AND adnum = attnum
  WHERE relnamespace = {_SPACE} AND relkind IN ('r', 'p', 'f', 'v', 'm') AND attnum > 0 AND NOT attisdropped
UNION ALL SELECT concat_ws(' ', 'constraint', conrelid::regclass, conname, convalidated, pg_get_constraintdef(oid))
  FROM pg_constraint WHERE connamespace = {_SPACE} AND contype <> 'n'
UNION ALL SELECT concat_ws(' ', 'index', indisvalid, indisunique, pg_get_indexdef(indexrelid))
  FROM pg_index JOIN pg_class c ON c.oid = indrelid WHERE relnamespace = {_SPACE}
UNION ALL SELECT concat_ws(' ', 'trigger', tgenabled, pg_get_triggerdef(t.oid))
  FROM pg_trigger t JOIN pg_class c ON c.oid = tgrelid WHERE relnamespace = {_SPACE} AND NOT tgisinternal
UNION ALL SELECT concat_ws(' ', 'function', proname, lanname, provolatile, prosecdef, proconfig, prosrc)
  FROM pg_proc JOIN pg_language l ON l.oid = prolang WHERE pronamespace = {_SPACE}
UNION ALL SELECT concat_ws(' ', 'rule', ev_class::regclass, rulename, ev_enabled)
  FROM pg_rewrite JOIN pg_class c ON c.oid = ev_class WHERE relnamespace = {_SPACE}
UNION ALL SELECT concat_ws(' ', 'policy', polrelid::regclass, polname)
  FROM pg_policy JOIN pg_class c ON c.oid = polrelid WHERE relnamespace = {_SPACE}
"""  # noqa: S608

_OWNERS = f"""
SELECT 'the schema' AS name, nspowner AS owner FROM pg_namespace WHERE nspname = '{SCHEMA}'
UNION ALL SELECT relname, relowner FROM pg_class WHERE relnamespace = {_SPACE}
UNION ALL SELECT proname, proowner FROM pg_proc WHERE pronamespace = {_SPACE}
"""  # noqa: S608

_GRANTS = f"""
SELECT name, coalesce(rolname, 'everybody'), privilege FROM (
  SELECT relname AS name, relowner AS owner, a.grantee, a.privilege_type AS privilege
    FROM pg_class, aclexplode(relacl) a WHERE relnamespace = {_SPACE}
  UNION ALL SELECT relname, relowner, a.grantee, a.privilege_type || ' of a column'
    FROM pg_attribute JOIN pg_class c ON c.oid = attrelid, aclexplode(attacl) a WHERE relnamespace = {_SPACE}
  UNION ALL SELECT 'the schema', nspowner, a.grantee, a.privilege_type
    FROM pg_namespace, aclexplode(nspacl) a WHERE nspname = '{SCHEMA}'
) granted LEFT JOIN pg_roles r ON r.oid = grantee WHERE grantee <> owner
"""  # noqa: S608

_HARMLESS = {"SELECT", "INSERT", "USAGE"}


def schema_faults(connection: sa.Connection) -> Iterator[Fault]:
    """Every difference, as ``Database.faults`` has it: ``schema-changed``, ``schema-owner``, ``schema-grant``."""
    stored, fresh = set(describe(connection)), set(recorded())
    for line in sorted(stored ^ fresh):
        state = "unknown or changed" if line in stored else "missing or changed"
        yield "schema-changed", " ".join(line.split()[:3]), f"{state}: {line[:200]}"
    rows = connection.exec_driver_sql(_OWNERS).all()
    owners = {row.owner for row in rows}
    if len(owners) > 1:
        yield "schema-owner", SCHEMA, f"its {len(rows)} objects belong to {len(owners)} roles, not to one"
    for name, role, privilege in sorted(tuple(row) for row in connection.exec_driver_sql(_GRANTS)):
        if privilege not in _HARMLESS or role == "everybody" or (name, privilege) == (VERSIONS, "INSERT"):
            yield "schema-grant", str(name), f"{role} may {privilege}"


def describe(connection: sa.Connection) -> list[str]:
    """Every object of the schema in the catalogue's words, sorted."""
    rows = connection.exec_driver_sql(_DESCRIBE.replace("%", "%%")).scalars()
    return sorted(" ".join(str(row).split()) for row in rows)


@cache
def recorded() -> tuple[str, ...]:
    """The same of a fresh database, as it was recorded with the newest migration."""
    return tuple(files("void_audit.ledger").joinpath(RECORDED).read_text().splitlines())
