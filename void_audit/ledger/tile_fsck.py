"""The tiles beside the database: both must be the same log, and the tiles may only be behind."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import sqlalchemy as sa

from void_audit.canon.note import VerifierKey
from void_audit.canon.tiles import CHECKPOINT
from void_audit.errors import StorageError, VoidAuditError
from void_audit.ledger import attestations
from void_audit.ledger.tables import timestamp
from void_audit.ledger.tile_paths import checkpoint_path, stamped, token_path
from void_audit.ledger.tile_reader import Found, Inspected, TileReader
from void_audit.ledger.tile_store import TileStore


@dataclass(frozen=True)
class EvidenceState:
    """How far the tiles are. ``behind`` is no contradiction: the next export catches up."""

    place: str
    entries: int
    """Under the checkpoint there; 0 if there is none that can be used."""
    behind: int
    """Entries that only the database has."""
    unread: str | None = None
    """Why the tiles could not be read, if so: then nothing is known of them."""


class EvidenceCheck:
    """The tiles checked alone, then compared with what the database's entries imply."""

    def __init__(self, tiles: TileStore, key: VerifierKey, found: Found) -> None:
        """Read and recompute all of it; what is wrong is told to ``found``, as in ``TileReader.inspect``."""
        self._place, self._found = tiles.name, found
        self.seen, self._unread = Inspected(), ""
        try:
            self.seen = TileReader(tiles, key).inspect(found)
        except StorageError as error:
            self._unread = str(error)
        except VoidAuditError as error:
            found("evidence-unreadable", tiles.name, error.message)

    @property
    def size(self) -> int:
        """Entries under the checkpoint there; 0 if there is none."""
        return self.seen.checkpoint.size if self.seen.checkpoint else 0

    def compare(self, entries: int, roots: Mapping[int, bytes]) -> EvidenceState:
        """With the database's number of entries and its roots, that of ``size`` among them.

        Codes: ``evidence-ahead``, ``evidence-fork``.
        """
        if self._unread:
            return EvidenceState(self._place, 0, 0, self._unread)
        head = self.seen.checkpoint
        if head is not None and head.size > entries:
            self._found(
                "evidence-ahead", CHECKPOINT, f"it signs {head.size} entries; the database has {entries}"
            )
        elif head is not None and roots.get(head.size) != head.root:
            self._found("evidence-fork", CHECKPOINT, f"the database's first {head.size} entries are others")
        return EvidenceState(self._place, self.size, max(0, entries - self.size))

    def compare_attestations(self, connection: sa.Connection) -> None:
        """With the database's cosignatures and tokens. Code: ``evidence-unknown``."""
        for size, lines in self.seen.lines.items():
            if lines - set(attestations.cosignatures(connection, size)):
                path = CHECKPOINT if size == self.size else checkpoint_path(size)
                self._found("evidence-unknown", path, "it has cosignatures that the database does not know")
        known = {
            stamped(token_path(bytes(row.digest), row.authority)): bytes(row.token)
            for row in connection.execute(sa.select(timestamp))
        }
        for (digest, authority), token in self.seen.tokens.items():
            if known.get((digest, authority)) != token:
                path = token_path(digest, authority)
                self._found("evidence-unknown", path, "the database does not know this token")
