"""Writes a small log in each version of the schema as SQL text, for ``test_migrations``.

Run it once for every new version, with the code that has it: ``python tests/migrations/make_fixtures.py``. What is
there already is never written again: it is what houses have on their disks.
"""

from __future__ import annotations

import sqlite3
import sys
import tempfile
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

TESTS = Path(__file__).parents[1]
sys.path[:0] = [str(TESTS), str(TESTS / "ledger")]

import sqlalchemy as sa  # noqa: E402
from conftest_ledger import Home, envelope  # noqa: E402
from postgres import OWNER, ROLE, Server, running  # noqa: E402

from void_audit.ledger.schema import migrate  # noqa: E402
from void_audit.ledger.tables import HEAD, metadata  # noqa: E402

FOLDER = Path(__file__).parent / "fixtures"
VERSIONS = [f"{number:04}" for number in range(1, int(HEAD) + 1)]
BATCHES = ([0], [1, 2], [3], [4, 5, 6])
COSIGNATURE = "\N{EM DASH} witness.example/1 q8MNVwAAAABl\n"


def contents(root: Path) -> dict[str, list[dict[str, object]]]:
    """Rows of every table of a log with seven entries; always the same."""
    home = Home(root)
    ledger = home.create()
    for batch in BATCHES:
        ledger.append([envelope(n) for n in batch])
    ledger.add_cosignatures(3, [COSIGNATURE])
    ledger.add_token(bytes(range(32)), "tsa.example", b"\x30\x03token")
    ledger.close()
    database = home.connect(writable=False)
    with database.read() as connection:
        rows = {
            name: [dict(row) for row in connection.execute(sa.select(table)).mappings()]
            for name, table in metadata.tables.items()
        }
    database.close()
    return rows


def fill(
    connection: sa.Connection, version: str, rows: dict[str, list[dict[str, object]]], schema: str | None
) -> None:
    """Make the schema of ``version``, and what of the rows it can hold."""
    migrate(connection, "a fixture", version)
    there = sa.inspect(connection).get_table_names(schema=schema)
    for name, found in rows.items():
        if name in there and found:
            connection.execute(sa.insert(metadata.tables[name]), found)


def sqlite_dump(version: str, rows: dict[str, list[dict[str, object]]]) -> str:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "fixture.sqlite"
        engine = sa.create_engine(f"sqlite:///{path}")
        with engine.begin() as connection:
            fill(connection, version, rows, None)
        engine.dispose()
        with closing(sqlite3.connect(path)) as plain:
            return "\n".join(plain.iterdump()) + "\n"


def postgresql_dump(server: Server, version: str, rows: dict[str, list[dict[str, object]]]) -> str:
    name = server.new_database()
    url = server.url(name, OWNER).replace("postgresql://", "postgresql+psycopg://")
    engine = sa.create_engine(url, connect_args={"options": "-c search_path=void_audit"})
    with engine.begin() as connection:
        connection.exec_driver_sql("CREATE SCHEMA void_audit")
        fill(connection, version, rows, "void_audit")
        connection.exec_driver_sql(f"GRANT USAGE ON SCHEMA void_audit TO {ROLE}")
        connection.exec_driver_sql(f"GRANT SELECT, INSERT ON ALL TABLES IN SCHEMA void_audit TO {ROLE}")
        connection.exec_driver_sql(f"REVOKE INSERT ON void_audit.alembic_version FROM {ROLE}")
    engine.dispose()
    text = server.program(
        "pg_dump", "-h", str(server.folder), "-p", str(server.port), "-U", "postgres", "--inserts", name
    ).decode()  # fmt: skip
    # psql's own commands and comments are of no use to a driver.
    kept = [line for line in text.splitlines() if not line.startswith(("--", "\\"))]
    return "\n".join(kept) + "\n"


def main() -> None:
    FOLDER.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, running() as server:
        rows = contents(Path(folder))
        makers: dict[str, Callable[[str], str]] = {
            "sqlite": lambda version: sqlite_dump(version, rows),
            "postgresql": lambda version: postgresql_dump(server, version, rows),
        }
        for backend, make in makers.items():
            for version in VERSIONS:
                path = FOLDER / f"{backend}-{version}.sql"
                if not path.exists():
                    path.write_text(make(version))
                    print(path.name)  # noqa: T201


if __name__ == "__main__":
    main()
