"""The sequencer: the only writer of a log (spec/ledger 4, ADR 0012).

The order of durable steps is what makes a fork impossible, whatever crashes in between:

    commit the entries -> raise the high-water mark -> sign -> store the checkpoint

The first two wait for the disk, the last does not. Why nothing that left is ever lost or contradicted:

* Nothing is signed before the mark, and the mark names nothing before its entries, is on the disk. So whatever
  was signed can be computed again from durable bytes: Ed25519 is deterministic, the very same note results.
* Databases keep the order of their log: a commit that waited brings every earlier one to the disk. A power cut may
  take the newest checkpoint, but only together with all that was committed after it, and then the entries
  end just where that checkpoint did. Opening the log signs it again.
* The key signs only what extends the mark, under a lock on the mark itself, so neither an older database nor a second
  copy of it, in use at the same moment, gets a signature that contradicts one that was given.

Before it signs, the log recomputes the root from the stored bytes, read back through another connection than the one
that wrote them. Threads that append at once share these steps: the first one takes along whatever the others
have brought, and they wait for it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import NamedTuple

import sqlalchemy as sa

from void_audit.canon import merkle, proof
from void_audit.canon.checkpoint import Checkpoint, open_checkpoint, sign_checkpoint
from void_audit.canon.note import VerifierKey
from void_audit.errors import LedgerError, OrderError, StorageError
from void_audit.ledger import store
from void_audit.ledger.combining import Combiner
from void_audit.ledger.database import Database
from void_audit.ledger.mark import HeldMark, Mark, held_mark
from void_audit.model.proof import LoggedEntry, StoredEntry
from void_audit.model.signing import LogSigner

Nodes = Mapping[tuple[int, int], bytes]
"""Hashes of full subtrees by level and position."""


@dataclass(frozen=True)
class Submitted:
    """A receipt: entries that are durable and under a signed checkpoint. Reads nothing from the database."""

    indices: range
    checkpoint: str
    """The signed note, verbatim."""
    _size: int
    _envelopes: tuple[bytes, ...] = field(repr=False)
    _nodes: Nodes = field(repr=False)

    def proofs(self) -> tuple[LoggedEntry, ...]:
        """Every entry with its inclusion proof in ``checkpoint``."""
        return tuple(
            proof.pack(index, body, merkle.inclusion_proof(self._read, index, self._size))
            for index, body in zip(self.indices, self._envelopes, strict=True)
        )

    def _read(self, level: int, position: int) -> bytes:
        return self._nodes[level, position]


class Batch(NamedTuple):
    """What one caller appends, all or none; its first entry must get the index ``at`` if that is given."""

    entries: Sequence[StoredEntry]
    at: int | None


class _Tree(NamedTuple):
    """A tree of ``size`` entries, as far as growing it and proving its newest entries needs it."""

    size: int
    root: bytes
    nodes: Nodes

    @classmethod
    def of(cls, frontier: merkle.Frontier, nodes: Nodes) -> _Tree:
        return cls(frontier.size, frontier.root(), nodes)

    def frontier(self) -> merkle.Frontier:
        return merkle.Frontier.load(lambda level, position: self.nodes[level, position], self.size)

    def edge(self) -> Nodes:
        """The nodes that cover the whole tree."""
        return {place: self.nodes[place] for place in merkle.edge(self.size)}


class _Signed(NamedTuple):
    """A tree and the note of its checkpoint; None if nothing has been signed yet."""

    tree: _Tree
    note: str | None

    def trimmed(self) -> _Signed:
        """Without the nodes that growing it does not need."""
        return _Signed(self.tree._replace(nodes=self.tree.edge()), self.note)


class _StaleError(StorageError):
    """What is remembered of the log is not what is stored: another process has written, or a backup was restored."""

    def __init__(self) -> None:
        super().__init__("database-busy", "The database has changed under the log's lock.", "Try again.")


class Sequencer:
    """Writes one log, for any number of threads; other processes may write it at the same time."""

    def __init__(self, database: Database, key: VerifierKey, signer: LogSigner, mark: Path) -> None:
        self._database = database
        self._key = key
        self._signer = signer
        self._mark = mark
        self._combiner = Combiner[Batch, Submitted](self._sequence)
        self._known: _Signed | None = None
        """What this process left signed. Only under the locks, and only for as long as mark and database agree."""

    def submit(self, entries: Sequence[StoredEntry], at: int | None = None) -> Submitted:
        """Append entries, all or none (``Ledger.append``), or only sign what is unsigned if there are none."""
        return self._combiner.submit(Batch(entries, at))

    def _sequence(self, group: Sequence[Batch]) -> list[Submitted | OrderError]:
        """Take a group of batches through all steps: what each one gets."""
        with self._database.lock(), held_mark(self._mark) as held:
            try:
                # Who only settles asks for what others may have left; who appends would notice it anyway.
                if self._database.replaced() or not any(batch.entries for batch in group):
                    self._known = None
                return self._grown(group, held)
            except _StaleError:
                self._known = None
                return self._grown(group, held)
            except BaseException:
                self._known = None  # whatever was done of it will be read again
                raise

    def _grown(self, group: Sequence[Batch], held: HeldMark) -> list[Submitted | OrderError]:
        before = self._settled(held)
        if not any(batch.entries for batch in group):
            return [self._receipt(batch, before.tree.size, before) for batch in group]
        # Opened before the commit and first used after it: a connection that did not write reads what is stored.
        with self._database.read() as connection:
            grown, starts = self._commit(group, before)
            stored = self._read_back(connection, before)
        if stored.root != grown.root:
            raise contradiction(f"what is stored is not what was appended, up to entry {grown.size}")
        if self._database.replaced():
            raise _swapped()
        note = self._publish(held, stored) if before.tree.size < grown.size else before.note
        after = _Signed(grown, note)
        self._known = after.trimmed()
        return [
            start if isinstance(start, OrderError) else self._receipt(batch, start, after)
            for batch, start in zip(group, starts, strict=True)
        ]

    def _receipt(self, batch: Batch, start: int, signed: _Signed) -> Submitted:
        bodies = tuple(entry.envelope for entry in batch.entries)
        indices = range(start, start + len(bodies))
        return Submitted(indices, signed.note or "", signed.tree.size, bodies, signed.tree.nodes)

    def _commit(self, group: Sequence[Batch], before: _Signed) -> tuple[_Tree, list[int | OrderError]]:
        """Step 1: the entries, durably. Returns the tree with them, and where each batch begins."""
        frontier, nodes = before.tree.frontier(), dict(before.tree.nodes)
        with self._database.write() as connection:
            if store.head(connection) != (before.tree.size, before.note):
                raise _StaleError
            entries, starts = _placed(group, before.tree.size)
            if entries:
                nodes.update(store.add_entries(connection, entries, frontier))
        return _Tree.of(frontier, nodes), starts

    def _read_back(self, connection: sa.Connection, before: _Signed) -> _Tree:
        """The tree that the stored bytes make of ``before``; the stored tree must agree with it.

        A bit that flips before it is signed would otherwise be signed for ever (spec/ledger 2).
        """
        size, note = store.head(connection)
        if note != before.note:
            raise contradiction("the newest checkpoint has changed since it was stored")
        frontier, nodes = before.tree.frontier(), dict(before.tree.nodes)
        for index, body, leaf_hash in store.bodies(connection, frontier.size, size):
            leaf = merkle.leaf_hash(body)
            if (index, leaf_hash) != (frontier.size, leaf):
                raise contradiction(f"entry {frontier.size} is missing or another")
            nodes.update(_named(frontier.append(leaf)))
        tree = _Tree.of(frontier, nodes)
        inner = {place: digest for place, digest in tree.edge().items() if place[0]}
        if frontier.size != size or store.nodes_at(connection, list(inner)) != inner:
            raise contradiction(f"the stored tree is not that of the stored bytes up to entry {size}")
        return tree

    def _publish(self, held: HeldMark, tree: _Tree) -> str:
        """Steps 2 to 4: mark, signature, checkpoint. Returns the note."""
        held.raise_to(Mark(self._key.name, tree.size, tree.root))
        head = Checkpoint(self._key.name, tree.size, tree.root)
        note = sign_checkpoint(head, self._signer)
        with self._database.write(durable=False) as connection:
            store.add_checkpoint(connection, head, note)
        return note

    def _settled(self, held: HeldMark) -> _Signed:
        """The log with everything stored under a checkpoint: as remembered, or from the database."""
        mark = held.mark
        if mark.origin != self._key.name:
            raise other_mark(self._mark, mark)
        if self._known is None or (mark.size, mark.root) != self._known.tree[:2]:
            with self._database.read() as connection:
                before = self._loaded(connection)
                _trust(mark, connection, before.tree)
                stored = self._read_back(connection, before)
            note = before.note
            if note is None or before.tree.size < stored.size:
                note = self._publish(held, stored)
            self._known = _Signed(stored, note).trimmed()
        return self._known

    def _loaded(self, connection: sa.Connection) -> _Signed:
        """The tree under the newest stored checkpoint, whose signature is checked and which has its root."""
        size, note = store.head(connection)
        if note is None:
            return _Signed(_Tree(0, merkle.EMPTY_ROOT, {}), None)
        signed = open_checkpoint(note, self._key)
        if signed.size > size:
            raise contradiction(f"{signed.size} entries are signed, {size} are stored")
        nodes = store.nodes_at(connection, merkle.edge(signed.size))
        if _root(nodes, signed.size) != signed.root:
            raise contradiction(f"the signed root of {signed.size} entries is not that of the stored tree")
        return _Signed(_Tree(signed.size, signed.root, nodes), note)


def _placed(group: Iterable[Batch], size: int) -> tuple[list[StoredEntry], list[int | OrderError]]:
    """The entries of a group in their places, and where each batch begins or why it does not."""
    entries: list[StoredEntry] = []
    starts: list[int | OrderError] = []
    for batch in group:
        start = size + len(entries)
        if batch.at is not None and batch.at != start:
            starts.append(_moved(start, batch.at))
            continue
        starts.append(start)
        entries += (replace(entry, index=start + n) for n, entry in enumerate(batch.entries))
    return entries, starts


def _trust(mark: Mark, connection: sa.Connection, signed: _Tree) -> None:
    """The stored tree must extend the mark."""
    size = store.entry_count(connection)
    nodes = signed.nodes
    if (mark.size, mark.root) == (signed.size, signed.root):
        return
    if mark.size <= size:
        nodes = store.nodes_at(connection, merkle.edge(mark.size))
    if mark.size > size or _root(nodes, mark.size) != mark.root:
        raise rollback(mark, size)


def _root(nodes: Nodes, size: int) -> bytes | None:
    """Root of a tree from the nodes of its edge; None if one is missing."""
    if not all(place in nodes for place in merkle.edge(size)):
        return None
    return merkle.root_of(lambda level, position: nodes[level, position], size)


def _named(completed: Iterable[merkle.Node]) -> Iterator[tuple[tuple[int, int], bytes]]:
    return (((node.level, node.position), node.digest) for node in completed)


def _moved(size: int, at: int) -> OrderError:
    return OrderError("ledger-moved", f"The log has {size} entries, not {at}.", "Read it again, then append.")


def _swapped() -> StorageError:
    return StorageError(
        "database-replaced",
        "Another database was put in place while entries were written. Nothing was signed.",
        "Put back the newest copy; look whether the entries are there, and if not, append them again.",
    )


def rollback(mark: Mark, size: int) -> LedgerError:
    """The database is behind the mark, or beside it."""
    return LedgerError(
        "ledger-rollback",
        f"The key has signed {mark.size} entries that the stored log of {size} does not extend.",
        "The database is older than the log, or was changed: restore the newest copy. Nothing was signed.",
    )


def other_mark(path: Path, mark: Mark) -> LedgerError:
    """The mark of another log."""
    return LedgerError(
        "ledger-mark-other", f"{path} is the mark of {mark.origin}.", "Give the mark of this log."
    )


def contradiction(why: str) -> LedgerError:
    """Stored bytes that contradict one another."""
    return LedgerError(
        "ledger-root", f"Nothing was signed: {why}.", "Run fsck to see what is damaged; restore a backup."
    )
