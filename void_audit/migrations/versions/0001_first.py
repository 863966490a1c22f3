"""Entries, full subtrees, checkpoints, the log's name, and the projection of entries by edit and kind.

The triggers are seat belts: evidence is in the signed checkpoints. On SQLite a trigger against UPDATE and
DELETE does not stop INSERT OR REPLACE, hence the guards on INSERT as well (spec/ledger 4). On PostgreSQL, which
came later than SQLite, they also stop TRUNCATE and fire whatever ``session_replication_role`` says.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision: str | None = None
branch_labels: str | None = None
depends_on: str | None = None

# INTEGER, not BIGINT, is what SQLite keeps as the row id itself.
COUNT = sa.BigInteger().with_variant(sa.Integer(), "sqlite")

INSERT_GUARDS = {
    "log": "(SELECT count(*) FROM log) > 0",
    "entry": "NEW.idx <> (SELECT coalesce(max(idx) + 1, 0) FROM entry)",
    "node": "EXISTS (SELECT 1 FROM node WHERE level = NEW.level AND position = NEW.position)",
    "checkpoint": "NEW.size <= (SELECT max(size) FROM checkpoint)",
}


def upgrade() -> None:
    """Create everything."""
    _log()
    _entry()
    _node()
    _checkpoint()
    _record()
    postgresql = op.get_context().dialect.name == "postgresql"
    if postgresql:
        op.execute(
            _function("refuse", "RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = '23001';")
        )
    for table, guard in INSERT_GUARDS.items():
        (_seal_postgresql if postgresql else _seal)(table, guard)


def downgrade() -> None:
    """Refused: nothing in a ledger is ever dropped."""
    raise NotImplementedError("a ledger has no way back; restore a backup instead")


def _log() -> None:
    op.create_table(
        "log",
        sa.Column("id", sa.Integer(), sa.CheckConstraint("id = 1"), primary_key=True, autoincrement=False),
        sa.Column("origin", sa.Text(), nullable=False),
        sa.Column("vkey", sa.Text(), nullable=False),
    )


def _entry() -> None:
    op.create_table(
        "entry",
        sa.Column("idx", COUNT, primary_key=True, autoincrement=False),
        sa.Column(
            "leaf_hash", sa.LargeBinary(), sa.CheckConstraint("length(leaf_hash) = 32"), nullable=False
        ),
        sa.Column(
            "body", sa.LargeBinary(), sa.CheckConstraint("length(body) BETWEEN 1 AND 65535"), nullable=False
        ),
    )
    op.create_index("entry_leaf_hash", "entry", ["leaf_hash"])


def _node() -> None:
    op.create_table(
        "node",
        sa.Column(
            "level", sa.Integer(), sa.CheckConstraint("level > 0"), primary_key=True, autoincrement=False
        ),
        sa.Column("position", COUNT, primary_key=True, autoincrement=False),
        sa.Column("hash", sa.LargeBinary(), sa.CheckConstraint("length(hash) = 32"), nullable=False),
    )


def _checkpoint() -> None:
    op.create_table(
        "checkpoint",
        sa.Column("size", COUNT, primary_key=True, autoincrement=False),
        sa.Column("root", sa.LargeBinary(), sa.CheckConstraint("length(root) = 32"), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
    )


def _record() -> None:
    op.create_table(
        "record",
        sa.Column("idx", COUNT, primary_key=True, autoincrement=False),
        sa.Column("edit", sa.Text(), nullable=True),
        sa.Column("kind", sa.Text(), nullable=False),
    )
    op.create_index("record_edit", "record", ["edit", "idx"])


def _seal(table: str, guard: str) -> None:
    refuse = f"BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
    op.execute(f"CREATE TRIGGER {table}_no_update BEFORE UPDATE ON {table} {refuse}")
    op.execute(f"CREATE TRIGGER {table}_no_delete BEFORE DELETE ON {table} {refuse}")
    op.execute(f"CREATE TRIGGER {table}_insert BEFORE INSERT ON {table} WHEN {guard} {refuse}")


def _seal_postgresql(table: str, guard: str) -> None:
    refuse = f"RAISE EXCEPTION '{table} is append-only' USING ERRCODE = '23001';"
    op.execute(_function(f"{table}_insert", f"IF {guard} THEN {refuse} END IF; RETURN NEW;"))
    for event in ("update", "delete", "truncate"):
        _trigger(table, f"{table}_no_{event}", f"BEFORE {event.upper()}", "STATEMENT", "refuse")
    _trigger(table, f"{table}_insert", "BEFORE INSERT", "ROW", f"{table}_insert")


def _function(name: str, body: str) -> str:
    # Its own search path: what a session calls a table must not matter.
    return (
        f"CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql SET search_path = void_audit, pg_temp"
        f" AS $$ BEGIN {body} END $$"
    )


def _trigger(table: str, name: str, when: str, each: str, function: str) -> None:
    op.execute(f"CREATE TRIGGER {name} {when} ON {table} FOR EACH {each} EXECUTE FUNCTION {function}()")
    op.execute(f"ALTER TABLE {table} ENABLE ALWAYS TRIGGER {name}")
