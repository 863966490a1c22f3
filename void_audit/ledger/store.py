"""The queries, over a connection that the caller has opened."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache
from typing import Any

import sqlalchemy as sa

from void_audit.canon.checkpoint import Checkpoint
from void_audit.canon.merkle import Frontier, ReadNode
from void_audit.errors import LedgerError
from void_audit.ledger.tables import checkpoint, entry, node, record
from void_audit.model.proof import StoredEntry

PAGE = 256
"""Entries fetched at a time: at most 16 MiB."""

# Built once: proofs and appends ask them by the dozen.
_LEAF = sa.select(entry.c.leaf_hash).where(entry.c.idx == sa.bindparam("at"))
_NODE = sa.select(node.c.hash).where(
    node.c.level == sa.bindparam("at_level"), node.c.position == sa.bindparam("at")
)
_LAST = sa.select(sa.func.max(entry.c.idx))
_NOTE = sa.select(checkpoint.c.note).order_by(checkpoint.c.size.desc()).limit(1)
_HEAD = sa.select(_LAST.scalar_subquery(), _NOTE.scalar_subquery())
_BODIES = (
    sa.select(entry.c.idx, entry.c.body, entry.c.leaf_hash)
    .where(entry.c.idx >= sa.bindparam("first"), entry.c.idx < sa.bindparam("stop"))
    .order_by(entry.c.idx)
)
_ADD_ENTRY, _ADD_NODE, _ADD_RECORD = sa.insert(entry), sa.insert(node), sa.insert(record)
_ADD_CHECKPOINT = sa.insert(checkpoint)


@cache
def _nodes_query(count: int) -> sa.Select[Any]:
    """``count`` nodes at once. A list of pairs would do as well, but SQLite then reads the whole table."""
    columns = node.c.level, node.c.position
    wanted = [
        sa.and_(*(column == sa.bindparam(f"{column.name}{n}") for column in columns)) for n in range(count)
    ]
    return sa.select(*columns, node.c.hash).where(sa.or_(*wanted))


def entry_count(connection: sa.Connection) -> int:
    """Number of entries, signed or not."""
    last = connection.execute(_LAST).scalar()
    return 0 if last is None else last + 1


def node_reader(connection: sa.Connection) -> ReadNode:
    """Full subtrees as stored. The reader raises LedgerError ``node-missing``."""

    def read(level: int, position: int) -> bytes:
        query = _LEAF if level == 0 else _NODE
        found = connection.execute(query, {"at_level": level, "at": position}).scalar()
        if found is None:
            raise LedgerError(
                "node-missing", f"The tree has no node at level {level}, position {position}.", "Run fsck."
            )
        return bytes(found)

    return read


def head(connection: sa.Connection) -> tuple[int, str | None]:
    """Number of entries, and the note of the largest checkpoint."""
    last, note = connection.execute(_HEAD).one()
    return 0 if last is None else last + 1, note


def nodes_at(connection: sa.Connection, places: Sequence[tuple[int, int]]) -> dict[tuple[int, int], bytes]:
    """Those of the full subtrees at these levels and positions (at most 64) that are stored."""
    found = {}
    if inner := [place for place in places if place[0]]:
        values = {f"level{n}": level for n, (level, _) in enumerate(inner)}
        values |= {f"position{n}": position for n, (_, position) in enumerate(inner)}
        for level, position, digest in connection.execute(_nodes_query(len(inner)), values):
            found[level, position] = bytes(digest)
    for level, position in places:
        if level == 0 and (leaf := connection.execute(_LEAF, {"at": position}).scalar()) is not None:
            found[level, position] = bytes(leaf)
    return found


def add_entries(
    connection: sa.Connection, entries: Sequence[StoredEntry], frontier: Frontier | None = None
) -> dict[tuple[int, int], bytes]:
    """Insert entries with the subtrees that they complete and their projection, in one transaction.

    Args:
        connection: of the transaction.
        entries: with their indices, which go on where the log ends.
        frontier: edge of the tree so far, which grows; without it, it is read.

    Returns:
        All subtrees completed, the leaves too, by level and position.
    """
    if frontier is None:
        frontier = Frontier.load(node_reader(connection), entries[0].index)
    completed = [n for e in entries for n in frontier.append(bytes.fromhex(e.leaf_hash))]
    nodes = [n for n in completed if n.level]
    connection.execute(
        _ADD_ENTRY,
        [{"idx": e.index, "leaf_hash": bytes.fromhex(e.leaf_hash), "body": e.envelope} for e in entries],
    )
    if nodes:
        connection.execute(
            _ADD_NODE, [{"level": n.level, "position": n.position, "hash": n.digest} for n in nodes]
        )
    connection.execute(_ADD_RECORD, [projection(e) for e in entries])
    return {(n.level, n.position): n.digest for n in completed}


def projection(stored: StoredEntry) -> dict[str, object]:
    """The row of ``record`` that an entry's bytes imply."""
    predicate = stored.statement.predicate
    return {"idx": stored.index, "edit": predicate.edit, "kind": str(stored.statement.kind)}


def bodies(connection: sa.Connection, start: int, stop: int) -> Iterator[tuple[int, bytes, bytes]]:
    """Index, body and stored leaf hash of entries ``start`` to ``stop``, a page at a time."""
    for first in range(start, stop, PAGE):
        rows = connection.execute(_BODIES, {"first": first, "stop": min(first + PAGE, stop)}).all()
        yield from ((row.idx, bytes(row.body), bytes(row.leaf_hash)) for row in rows)


def newest_note(connection: sa.Connection) -> str | None:
    """The note of the largest checkpoint."""
    return connection.execute(_NOTE).scalar()


def note_at(connection: sa.Connection, size: int) -> str | None:
    """The note of the checkpoint of exactly ``size`` entries."""
    return connection.execute(sa.select(checkpoint.c.note).where(checkpoint.c.size == size)).scalar()


def published_size(connection: sa.Connection) -> int:
    """Entries covered by a stored checkpoint."""
    return connection.execute(sa.select(sa.func.max(checkpoint.c.size))).scalar() or 0


def add_checkpoint(connection: sa.Connection, signed: Checkpoint, note: str) -> None:
    """Store a signed checkpoint."""
    connection.execute(_ADD_CHECKPOINT, {"size": signed.size, "root": signed.root, "note": note})
