# ruff: noqa: S608
"""The tables that queries are written for are the ones that the migrations make."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator

import pytest
import sqlalchemy as sa
from alembic.config import Config
from alembic.script import ScriptDirectory
from conftest_ledger import Home

from void_audit.ledger import tables
from void_audit.ledger.log import Ledger
from void_audit.ledger.tables import HEAD, metadata


@pytest.fixture
def inspector(copy: Home) -> Iterator[sa.Inspector]:
    engine = sa.create_engine(f"sqlite:///{copy.database}")
    yield sa.inspect(engine)
    engine.dispose()


def test_the_code_knows_the_newest_migration() -> None:
    config = Config()
    config.set_main_option("script_location", "void_audit:migrations")
    assert ScriptDirectory.from_config(config).get_heads() == [HEAD]


def test_a_database_is_marked_with_the_version_of_its_tables(copy: Home) -> None:
    engine = sa.create_engine(f"sqlite:///{copy.database}")
    with engine.connect() as connection:
        assert connection.execute(sa.text("SELECT version_num FROM alembic_version")).scalars().all() == [
            HEAD
        ]
    engine.dispose()


def test_there_are_no_other_tables(inspector: sa.Inspector) -> None:
    assert set(inspector.get_table_names()) == {*metadata.tables, "alembic_version"}


@pytest.mark.parametrize("name", metadata.tables)
def test_columns_have_the_names_types_and_keys_of_the_database(inspector: sa.Inspector, name: str) -> None:
    table, found = metadata.tables[name], {c["name"]: c for c in inspector.get_columns(name)}
    assert set(found) == {c.name for c in table.columns}
    assert inspector.get_pk_constraint(name)["constrained_columns"] == [c.name for c in table.primary_key]
    for column in table.columns:
        # e.g. BLOB is a LargeBinary, BIGINT an Integer
        assert isinstance(found[column.name]["type"], type(column.type)), column
        if not column.primary_key:
            assert found[column.name]["nullable"] is column.nullable, column


@pytest.mark.parametrize("name", metadata.tables)
def test_a_row_with_a_hole_is_refused(copy: Home, name: str) -> None:
    """An index may be null only where a record belongs to no edit."""
    required = [c.name for c in metadata.tables[name].columns if not c.nullable and not c.primary_key]
    for hole in required:
        columns = [c.name for c in metadata.tables[name].columns]
        values = ["NULL" if c == hole else "zeroblob(32)" if c in {"leaf_hash", "hash", "root"} else "7"
                  for c in columns]  # fmt: skip
        with pytest.raises(sqlite3.IntegrityError, match=f"NOT NULL constraint failed: {name}.{hole}"):
            copy.tamper(f"INSERT INTO {name} VALUES ({', '.join(values)})")


def test_only_the_projection_may_be_rewritten_and_no_entry_is_lost_with_it(copy: Home) -> None:
    before = [e.envelope for e in Ledger.open(copy.folder).entries()]
    copy.sql("DELETE FROM record")
    reader = Ledger.open(copy.folder)
    assert [e.envelope for e in reader.entries()] == before
    assert list(reader.entries(edit="e1")) == []
    assert copy.codes() == {"record-wrong"}
    copy.sql(*(f"INSERT INTO record VALUES ({n}, 'e{n % 3}', 'approval')" for n in range(7)))
    assert copy.fsck().ok


def test_every_table_is_reached_by_its_name() -> None:
    named = {name: value for name, value in vars(tables).items() if isinstance(value, sa.Table)}
    assert {name: table.name for name, table in named.items()} == {name: name for name in metadata.tables}
