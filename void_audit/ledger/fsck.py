"""Check a stored log against itself: everything is recomputed from the entries' bytes.

Nothing stored is believed: leaf hashes, subtrees and projection follow from the bodies, the bodies from the
signed checkpoints. The log's key must come from the caller, never from the database that is checked.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.exc import SQLAlchemyError

from void_audit.canon import merkle
from void_audit.canon.checkpoint import open_checkpoint
from void_audit.canon.merkle import Frontier, Node
from void_audit.canon.note import VerifierKey
from void_audit.canon.statement import read_entry
from void_audit.errors import NoteError, VoidAuditError
from void_audit.ledger import store
from void_audit.ledger.blobs import BlobStore
from void_audit.ledger.database import UNREACHED, Database, Place
from void_audit.ledger.fsck_blobs import BlobCheck
from void_audit.ledger.mark import Mark, read_mark
from void_audit.ledger.opening import open_database
from void_audit.ledger.schema import schema_version
from void_audit.ledger.tables import HEAD, checkpoint, entry, log, node, record
from void_audit.ledger.tile_fsck import EvidenceCheck, EvidenceState
from void_audit.ledger.tile_store import TileStore

MAX_PROBLEMS = 1000
"""Problems listed; one damaged entry can contradict thousands of rows."""

_UNREADABLE = (VoidAuditError, SQLAlchemyError, TypeError, ValueError, OverflowError)
"""What stored values of another type or range than the schema's can make a query or a hash raise."""


@dataclass(frozen=True)
class Problem:
    """One contradiction: a stable code, the row or file, and what is wrong with it."""

    code: str
    where: str
    detail: str


@dataclass(frozen=True)
class FsckReport:
    """What was checked and what was found."""

    entries: int
    checkpoints: int
    blobs: int
    problems: tuple[Problem, ...]
    """At most ``MAX_PROBLEMS``, in the order found."""
    evidence: EvidenceState | None = None
    """How far the tiles are, where they were checked."""
    erased: int = 0
    """Of ``blobs``: gone on purpose, as the log says."""

    @property
    def ok(self) -> bool:
        """Whether the log is consistent."""
        return not self.problems


def fsck(
    place: Place,
    vkey: str,
    blobs: BlobStore | None = None,
    mark: Path | None = None,
    tiles: TileStore | None = None,
) -> FsckReport:
    """Check the ledger at ``place``. Damage is reported, never raised.

    Problem codes: ``database-unreadable``, ``database-corrupt``, ``schema-version``, ``schema-changed``,
    ``schema-owner``, ``schema-grant``, ``log-key``, ``entry-missing``, ``entry-leaf-hash``,
    ``entry-unreadable``, ``node-missing``, ``node-wrong``, ``node-extra``, ``record-wrong``,
    ``checkpoint-signature``, ``checkpoint-columns``, ``checkpoint-root``, ``tail-unsigned``,
    ``mark-unreadable``, ``mark-contradicted``, those of ``BlobCheck``; of the tiles
    ``evidence-unreadable``, ``evidence-ahead``, ``evidence-fork``, ``evidence-unknown`` and those of
    ``TileReader.inspect``.

    Args:
        place: the ledger's folder, or the URL of its PostgreSQL database.
        vkey: the log's verifier key, from outside the ledger.
        blobs: where the content lies; without it blobs are not checked.
        mark: the high-water mark; without it a truncated log cannot be told from a younger one.
        tiles: the exported tiles; without it they are not checked.

    Raises:
        NoteError: ``vkey-malformed``, ``vkey-type``: the key given is none.
        InputError: ``database-url*``, ``database-driver``.
        StorageError: a server could not be reached (``database.UNREACHED``): nothing is known, not even damage.
    """
    key = VerifierKey.parse(vkey)
    database = open_database(place, writable=False)
    check = _Check(database, key, blobs)
    if mark is not None:
        check.read_mark(mark)
    if tiles is not None:  # before the database, which may only be further
        check.evidence = EvidenceCheck(tiles, key, check.found)
    try:
        with database.read() as connection:
            check.run(connection)
    except VoidAuditError as error:
        if error.code in UNREACHED:
            raise
        check.found("database-unreadable", database.place, error.message)
    finally:
        database.close()
    state = check.evidence.compare(check.entries, check.roots) if check.evidence else None
    checked, erased = (check.blobs.checked, check.blobs.erased) if check.blobs else (0, 0)
    problems = tuple(check.problems)
    return FsckReport(check.entries, check.checkpoints, checked, problems, state, erased)


def problems_of(database: Database, connection: sa.Connection, vkey: str) -> tuple[Problem, ...]:
    """The core of ``fsck``, without blobs and mark, in a transaction of the caller. Raises as ``fsck``."""
    check = _Check(database, VerifierKey.parse(vkey), None)
    check.run(connection)
    return tuple(check.problems)


class _Check:
    """One run: collects problems and the roots that the bodies imply."""

    def __init__(self, database: Database, key: VerifierKey, blobs: BlobStore | None) -> None:
        self.database = database
        self.key = key
        self.blobs = BlobCheck(blobs, self.found) if blobs is not None else None
        self.problems: list[Problem] = []
        self.entries = self.checkpoints = 0
        self.roots: dict[int, bytes] = {}
        self.mark: Mark | None = None
        self.evidence: EvidenceCheck | None = None

    def found(self, code: str, where: str, detail: str) -> None:
        if len(self.problems) < MAX_PROBLEMS:
            self.problems.append(Problem(code, where, detail))

    def run(self, connection: sa.Connection) -> None:
        parts = (
            self._schema,
            self._name,
            self._tree,
            self._extra_rows,
            self._checkpoints,
            self._attestations,
        )
        for part in parts:
            try:
                part(connection)
            except _UNREADABLE as error:
                self.found("database-unreadable", part.__name__[1:], f"{type(error).__name__}: {error}"[:300])
        if self.blobs is not None:
            self.blobs.finish()
        if self.mark is not None:
            self._compare_mark(self.mark)

    def read_mark(self, path: Path) -> None:
        try:
            self.mark = read_mark(path)
        except VoidAuditError as error:
            self.found("mark-unreadable", str(path), error.message)
            return
        if self.mark is None:
            self.found("mark-unreadable", str(path), "the high-water mark is missing")

    def _schema(self, connection: sa.Connection) -> None:
        version = schema_version(connection)
        if version != HEAD:
            self.found("schema-version", "alembic_version", f"schema {version}; this version knows {HEAD}")
            return
        for fault in self.database.faults(connection):
            self.found(*fault)

    def _name(self, connection: sa.Connection) -> None:
        row = connection.execute(sa.select(log.c.origin, log.c.vkey)).first()
        if row is None or (row.origin, row.vkey) != (self.key.name, str(self.key)):
            self.found("log-key", "log", "the stored origin or key is not the one given")

    def _tree(self, connection: sa.Connection) -> None:
        """Bodies to leaf hashes to subtrees to roots, a page at a time."""
        wanted = set(connection.execute(sa.select(checkpoint.c.size)).scalars())
        if self.mark is not None:
            wanted.add(self.mark.size)
        if self.evidence is not None:
            wanted.add(self.evidence.size)
        frontier = Frontier()
        self.roots = {0: frontier.root()}
        for page in _pages(connection):
            expected: list[Node] = []
            for index, body, leaf_hash in page:
                if index != frontier.size:
                    self.found("entry-missing", f"entry {frontier.size}", f"the next stored entry is {index}")
                    return  # nothing beyond a gap has a place in the tree
                leaf = merkle.leaf_hash(body)
                if leaf != leaf_hash:
                    self.found("entry-leaf-hash", f"entry {index}", "the body does not hash to its leaf hash")
                expected += frontier.append(leaf)[1:]
                if frontier.size in wanted:
                    self.roots[frontier.size] = frontier.root()
            self.entries = frontier.size
            self._nodes(connection, expected)
            self._contents(connection, page)

    def _nodes(self, connection: sa.Connection, expected: Iterable[Node]) -> None:
        by_level = groupby(sorted(expected), key=lambda n: n.level)
        for level, group in by_level:
            nodes = list(group)
            rows = connection.execute(
                sa.select(node.c.position, node.c.hash).where(
                    node.c.level == level,
                    node.c.position.between(nodes[0].position, nodes[-1].position),
                )
            ).all()
            stored = {row.position: bytes(row.hash) for row in rows}
            for _, position, digest in nodes:
                where = f"node {level}/{position}"
                if position not in stored:
                    self.found("node-missing", where, "a complete subtree is not stored")
                elif stored[position] != digest:
                    self.found("node-wrong", where, "the stored hash is not that of the entries below it")

    def _contents(self, connection: sa.Connection, page: list[tuple[int, bytes, bytes]]) -> None:
        first, last = page[0][0], page[-1][0]
        rows = connection.execute(
            sa.select(record.c.idx, record.c.edit, record.c.kind).where(record.c.idx.between(first, last))
        )
        projected = {row.idx: dict(row._mapping) for row in rows}
        for index, body, _ in page:
            try:
                stored = read_entry(index, body)
            except VoidAuditError as error:
                self.found("entry-unreadable", f"entry {index}", f"{error.code}: {error.message}")
                continue
            if projected.get(index) != store.projection(stored):
                self.found("record-wrong", f"record {index}", "the projection does not follow from the entry")
            if self.blobs is not None:
                self.blobs.entry(stored)

    def _extra_rows(self, connection: sa.Connection) -> None:
        """Rows that belong to no entry."""
        end = (node.c.position + 1).bitwise_lshift(node.c.level)
        stray = sa.or_(end > self.entries, node.c.position < 0, node.c.level < 1, node.c.level > 62)
        extra = sa.select(node.c.level, node.c.position).where(stray).limit(MAX_PROBLEMS)
        for row in connection.execute(extra):
            self.found("node-extra", f"node {row.level}/{row.position}", "no complete subtree is there")
        for index in connection.execute(
            sa.select(record.c.idx)
            .where(sa.or_(record.c.idx >= self.entries, record.c.idx < 0))
            .limit(MAX_PROBLEMS)
        ).scalars():
            self.found("record-wrong", f"record {index}", "there is no such entry")

    def _checkpoints(self, connection: sa.Connection) -> None:
        newest = 0
        for row in connection.execute(sa.select(checkpoint).order_by(checkpoint.c.size)):
            self.checkpoints += 1
            self._checkpoint(row.size, bytes(row.root), row.note)
            newest = row.size
        if newest < self.entries or not self.checkpoints:
            detail = f"no checkpoint covers entries {newest} to {self.entries}: open the ledger with its key"
            self.found("tail-unsigned", f"entry {newest}", detail)

    def _checkpoint(self, size: int, root: bytes, note: str) -> None:
        where = f"checkpoint {size}"
        try:
            signed = open_checkpoint(note, self.key)
        except NoteError as error:
            self.found("checkpoint-signature", where, error.message)
            return
        if (signed.size, signed.root) != (size, root):
            self.found("checkpoint-columns", where, "size or root is not what the signed note says")
        if self.roots.get(signed.size) != signed.root:
            self.found("checkpoint-root", where, "the stored entries do not have the signed root")

    def _attestations(self, connection: sa.Connection) -> None:
        if self.evidence is not None:
            self.evidence.compare_attestations(connection)

    def _compare_mark(self, mark: Mark) -> None:
        if mark.origin != self.key.name or self.roots.get(mark.size) != mark.root:
            where = f"mark {mark.size}"
            self.found("mark-contradicted", where, "the entries do not extend what the key has signed")


def _pages(connection: sa.Connection) -> Iterator[list[tuple[int, bytes, bytes]]]:
    """All entries in order, gaps and all."""
    start = -(2**63)
    query = sa.select(entry.c.idx, entry.c.body, entry.c.leaf_hash).order_by(entry.c.idx).limit(store.PAGE)
    while rows := connection.execute(query.where(entry.c.idx >= start)).all():
        yield [(row.idx, bytes(row.body), bytes(row.leaf_hash)) for row in rows]
        start = rows[-1].idx + 1
