"""Versions of the schema, and the way up from one to the next."""

from __future__ import annotations

import sqlalchemy as sa

from void_audit.errors import StorageError
from void_audit.ledger.tables import HEAD, SCHEMA

VERSIONS = "alembic_version"
"""The table that says which version the others have."""


def schema_version(connection: sa.Connection) -> str | None:
    """Version of the schema; None for an empty database."""
    if not sa.inspect(connection).has_table(VERSIONS, schema=schema_name(connection)):
        return None
    return connection.execute(sa.text(f"SELECT version_num FROM {VERSIONS}")).scalar()  # noqa: S608 - ours


def schema_name(connection: sa.Connection) -> str | None:
    """The PostgreSQL schema that holds the tables; None on SQLite."""
    return SCHEMA if connection.dialect.name == "postgresql" else None


def check_version(connection: sa.Connection, place: str) -> None:
    """Raises StorageError ``database-newer`` or ``database-older`` unless the schema is ``HEAD``."""
    version = schema_version(connection)
    if version != HEAD:
        raise _other_version(place, version)


def migrate(connection: sa.Connection, place: str, target: str = HEAD) -> bool:
    """Bring the schema to ``target`` inside the caller's transaction; ``ledger.upgrading`` checks it afterwards.

    Returns:
        Whether anything was changed.

    Raises:
        StorageError: ``database-newer``.
    """
    version = schema_version(connection)
    if version == target:
        return False
    # Alembic takes a while to load, and only this needs it.
    from alembic import command  # noqa: PLC0415
    from alembic.config import Config  # noqa: PLC0415
    from alembic.script import ScriptDirectory  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", "void_audit:migrations")
    config.attributes["connection"] = connection
    config.attributes["schema"] = schema_name(connection)
    known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
    if version is not None and version not in known:
        raise _other_version(place, version)
    command.upgrade(config, target)
    return True


def _other_version(place: str, version: str | None) -> StorageError:
    if version is not None and version > HEAD:
        return StorageError(
            "database-newer",
            f"{place} has schema {version}; this version knows {HEAD}.",
            "Update void-audit; nothing was changed.",
        )
    return StorageError(
        "database-older",
        f"{place} has schema {version or 'none'}; {HEAD} is needed.",
        "SQLite: open it once with its key. PostgreSQL: `void-audit ledger prepare`. That upgrades it.",
    )
