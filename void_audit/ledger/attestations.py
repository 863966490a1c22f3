"""What others say of the log, stored beside it: cosignatures and time-stamp tokens. Nothing is checked here."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa

from void_audit.canon.timestamp import note_digest
from void_audit.ledger.tables import checkpoint, cosignature, timestamp

LOOK_BACK = 10_000
"""Checkpoints among which the newest stamped one is looked for."""


def add_cosignatures(connection: sa.Connection, size: int, lines: Sequence[str]) -> None:
    """Keep signature lines of the checkpoint of ``size``; those that are there already stay once."""
    known = set(cosignatures(connection, size))
    for line in dict.fromkeys(lines):
        if line not in known:
            connection.execute(sa.insert(cosignature).values(size=size, line=line))


def cosignatures(connection: sa.Connection, size: int) -> list[str]:
    """Signature lines of the checkpoint of ``size``, each with its line feed."""
    query = sa.select(cosignature.c.line).where(cosignature.c.size == size).order_by(cosignature.c.line)
    return [str(line) for line in connection.execute(query).scalars()]


def add_token(connection: sa.Connection, digest: bytes, authority: str, token: bytes) -> None:
    """Keep an authority's token; its first one stays."""
    if authority not in dict(tokens(connection, digest)):
        connection.execute(sa.insert(timestamp).values(digest=digest, authority=authority, token=token))


def tokens(connection: sa.Connection, digest: bytes) -> list[tuple[str, bytes]]:
    """Authority and token (DER) of everything that covers ``digest``."""
    query = sa.select(timestamp).where(timestamp.c.digest == digest).order_by(timestamp.c.authority)
    return [(row.authority, bytes(row.token)) for row in connection.execute(query)]


def newest_stamped(connection: sa.Connection) -> tuple[int, bytes] | None:
    """Size of the newest checkpoint that has a token, and one of its tokens."""
    stamped = set(map(bytes, connection.execute(sa.select(timestamp.c.digest)).scalars()))
    if not stamped:
        return None
    query = (
        sa.select(checkpoint.c.size, checkpoint.c.note).order_by(checkpoint.c.size.desc()).limit(LOOK_BACK)
    )
    for row in connection.execute(query):
        digest = note_digest(row.note)
        if digest in stamped:
            return int(row.size), tokens(connection, digest)[0][1]
    return None
