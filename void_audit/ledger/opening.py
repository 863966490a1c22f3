"""From where a ledger is kept to its database."""

from __future__ import annotations

from pathlib import Path

from void_audit.ledger.database import DATABASE, Database, Place
from void_audit.ledger.sqlite import SqliteDatabase


def open_database(place: Place, *, writable: bool, owner: bool = False) -> Database:
    """The database at ``place``; nothing is touched before its first transaction.

    Args:
        place: a folder for SQLite in it, or a URL like ``postgresql://role@host/name``, without a password.
        writable: whether ``write`` may be used.
        owner: on PostgreSQL, the URL's role owns the tables: for what appending never does.

    Raises:
        InputError: ``database-url``, ``database-url-password``, ``database-driver``.
        StorageError: ``database-not-durable``.
    """
    if isinstance(place, Path):
        return SqliteDatabase(place / DATABASE, writable=writable)
    # Only a team's ledger needs the driver.
    from void_audit.ledger.postgresql import PostgresqlDatabase  # noqa: PLC0415

    return PostgresqlDatabase(place, writable=writable, owner=owner)
