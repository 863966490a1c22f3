"""``void-audit ledger prepare``: what the owner of a PostgreSQL database does before a ledger is kept there."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from void_audit.cli.console import JsonOption, emit, guarded, say
from void_audit.errors import WorkspaceError
from void_audit.ledger.opening import open_database


@guarded
def prepare(
    database: Annotated[
        str,
        typer.Option(
            "--database",
            metavar="OWNER_URL",
            help="postgresql://OWNER@HOST/NAME, as the role that owns the tables, or will; without a password.",
        ),
    ],
    role: Annotated[str, typer.Option("--role", help="The role that void-audit will use; it must be there.")],
    as_json: JsonOption = False,
) -> None:
    """Make or upgrade the ledger's schema in PostgreSQL, and grant a role what the ledger needs: reading, inserting.

    All or nothing, and repeatable: run it once, and after every update of void-audit. The password comes from
    ~/.pgpass, a connection service file, or PGPASSWORD.

    Example: void-audit ledger prepare --database postgresql://owner@db.example/ledger --role newsroom
    """
    from void_audit.ledger.preparing import prepare as prepare_at  # noqa: PLC0415 - needs the driver

    done = prepare_at(database, role)
    if as_json:
        emit(asdict(done))
        return
    say(f"{done.place}: schema void_audit of {done.owner}, {_versions(done.before, done.after)}.")
    for statement in done.statements:
        say(f"  {statement}")
    say(f"Role {done.role} can read and insert; it can neither change nor remove what is there.")
    say("Next: void-audit init --database URL, or go on working; URL names that role, without a password.")


def check_new(url: str) -> None:
    """Refuse a database in which a new log cannot begin, before anything is made.

    Raises:
        WorkspaceError: ``ledger-exists``.
        InputError: ``database-url*``, ``database-driver``.
        StorageError: ``database-*``.
    """
    database = open_database(url, writable=True)
    try:
        database.check_version()
        if database.exists():
            raise WorkspaceError(
                "ledger-exists",
                f"There is a ledger in {database.place} already.",
                "A workspace needs a database of its own.",
            )
    finally:
        database.close()


def _versions(before: str | None, after: str) -> str:
    if before is None:
        return f"made in version {after}"
    return f"version {after} as before" if before == after else f"upgraded from version {before} to {after}"
