"""What others say of the log: cosignatures of witnesses, tokens of time-stamping authorities.

They prove themselves, and can be asked for again: neither frozen nor guarded.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision: str | None = "0001"
branch_labels: str | None = None
depends_on: str | None = None

COUNT = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Add two tables."""
    op.create_table(
        "cosignature",
        sa.Column("size", COUNT, primary_key=True, autoincrement=False),
        sa.Column("line", sa.Text(), primary_key=True),
    )
    op.create_table(
        "timestamp",
        sa.Column("digest", sa.LargeBinary(), sa.CheckConstraint("length(digest) = 32"), primary_key=True),
        sa.Column("authority", sa.Text(), primary_key=True),
        sa.Column("token", sa.LargeBinary(), nullable=False),
    )


def downgrade() -> None:
    """Refused: nothing in a ledger is ever dropped."""
    raise NotImplementedError("a ledger has no way back; restore a backup instead")
