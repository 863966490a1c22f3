"""Entries, full subtrees, checkpoints, the log's name, and the projection of entries by edit and kind.

The triggers are seat belts: evidence is in the signed checkpoints. On SQLite a trigger against UPDATE and
DELETE does not stop INSERT OR REPLACE, hence the guards on INSERT as well (spec/ledger 4).
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
    if op.get_context().dialect.name == "sqlite":
        for table, guard in INSERT_GUARDS.items():
            _seal(table, guard)


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
