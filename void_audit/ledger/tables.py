"""The ledger's tables as queries see them. The schema itself is made by ``void_audit.migrations``."""

from __future__ import annotations

import sqlalchemy as sa

SCHEMA = "void_audit"
"""The PostgreSQL schema that holds the tables, so that no other object can take the place of one."""

HEAD = "0002"
"""The newest schema version that this code knows."""

COUNT = sa.Integer().with_variant(sa.BigInteger(), "postgresql")
"""Numbers of entries: 64 bits on both."""

metadata = sa.MetaData()

log = sa.Table(
    "log",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("origin", sa.Text, nullable=False),
    sa.Column("vkey", sa.Text, nullable=False),
)
"""One row: the log's name and public key. For convenience; checkers bring their own vkey."""

entry = sa.Table(
    "entry",
    metadata,
    sa.Column("idx", COUNT, primary_key=True),
    sa.Column("leaf_hash", sa.LargeBinary, nullable=False),
    sa.Column("body", sa.LargeBinary, nullable=False),
)
"""The log: exact envelope bytes, numbered from 0 without a gap."""

node = sa.Table(
    "node",
    metadata,
    sa.Column("level", sa.Integer, primary_key=True),
    sa.Column("position", COUNT, primary_key=True),
    sa.Column("hash", sa.LargeBinary, nullable=False),
)
"""Full subtrees from level 1 up (level 0 is ``entry.leaf_hash``); see ``canon.merkle``."""

checkpoint = sa.Table(
    "checkpoint",
    metadata,
    sa.Column("size", COUNT, primary_key=True),
    sa.Column("root", sa.LargeBinary, nullable=False),
    sa.Column("note", sa.Text, nullable=False),
)
"""Signed notes. The columns repeat what the note says."""

record = sa.Table(
    "record",
    metadata,
    sa.Column("idx", COUNT, primary_key=True),
    sa.Column("edit", sa.Text),
    sa.Column("kind", sa.Text, nullable=False),
)
"""Projection: which entries belong to an edit. Rebuilt from entry bytes at will, so not append-only."""

cosignature = sa.Table(
    "cosignature",
    metadata,
    sa.Column("size", COUNT, primary_key=True),
    sa.Column("line", sa.Text, primary_key=True),
)
"""Signature lines of witnesses, by the size of the checkpoint that they cosigned."""

timestamp = sa.Table(
    "timestamp",
    metadata,
    sa.Column("digest", sa.LargeBinary, primary_key=True),
    sa.Column("authority", sa.Text, primary_key=True),
    sa.Column("token", sa.LargeBinary, nullable=False),
)
"""RFC 3161 tokens by what they cover: the SHA-256 of a checkpoint's signed text, or of a finished file."""
