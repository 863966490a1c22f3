"""Upgrading a schema: whatever a migration did, the log must still check out, or nothing was done."""

from __future__ import annotations

import sqlalchemy as sa

from void_audit.errors import LedgerError
from void_audit.ledger.database import Database
from void_audit.ledger.fsck import problems_of
from void_audit.ledger.schema import migrate, schema_version
from void_audit.ledger.tables import HEAD, log


def upgrade(database: Database) -> bool:
    """Bring the schema to ``HEAD`` and recompute the whole log from its bytes, in one transaction.

    A log that is up to date is not recomputed. The caller holds ``Database.lock``.

    Returns:
        Whether anything was changed.

    Raises:
        StorageError: ``database-newer``; ``database-older`` where only the tables' owner may upgrade;
            ``storage-*``, ``database-*``.
        LedgerError: ``migration-refused``: the log would not check out afterwards; nothing was changed.
    """
    with database.read() as connection:
        if schema_version(connection) == HEAD:
            return False
    if not database.owner:
        database.check_version()
    with database.write() as connection:
        return upgrade_within(database, connection)


def upgrade_within(database: Database, connection: sa.Connection) -> bool:
    """As ``upgrade``, in the caller's transaction, which must be rolled back if this raises."""
    empty = schema_version(connection) is None
    changed = migrate(connection, database.place)
    if changed and not empty:
        check(database, connection)
    return changed


def check(database: Database, connection: sa.Connection) -> None:
    """Recompute the log. Raises LedgerError ``migration-refused``."""
    vkey = connection.execute(sa.select(log.c.vkey)).scalar()
    if vkey is None:  # a start that was interrupted: there is no log yet
        return
    problems = [p for p in problems_of(database, connection, vkey) if p.code != "tail-unsigned"]
    if problems:
        first = problems[0]
        raise LedgerError(
            "migration-refused",
            f"{database.place} does not check out after its upgrade ({len(problems)} problems; the first: "
            f"{first.code} at {first.where}: {first.detail}). Nothing was changed.",
            "Run `void-audit ledger fsck` with the version that it was written with; restore a backup.",
        )
