"""What others said of the log, taken from the database to the tiles: cosigned and time-stamped checkpoints."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import sqlalchemy as sa

from void_audit.canon.note import parse
from void_audit.ledger import attestations
from void_audit.ledger.tables import checkpoint, cosignature, timestamp
from void_audit.ledger.tile_paths import CHECKPOINTS, TIMESTAMPS, checkpoint_path, token_path
from void_audit.ledger.tile_store import TileStore

RECENT = 16
"""Cosigned checkpoints that are compared each time: witnesses that answered late cosigned one of these."""


@dataclass(frozen=True)
class Said:
    """One file of them. A token never changes, a checkpoint may get further cosignatures."""

    path: str
    data: bytes
    final: bool


class Attestations:
    """Remembers what lies at the target, so that little has to be asked each time."""

    def __init__(self, target: TileStore) -> None:
        self._target = target
        self._there: set[str] = set()
        self._listed = False

    def look(self, whole: bool = False) -> None:
        """See what lies there, if that is not known or ``whole``. Apart: no transaction waits for a slow bucket."""
        if whole or not self._listed:
            self._there = {*self._target.paths(CHECKPOINTS), *self._target.paths(TIMESTAMPS)}
            self._listed = True

    def missing(self, connection: sa.Connection, newest: int, whole: bool = False) -> list[Said]:
        """What is to be written for a log of ``newest`` entries; ``whole`` compares all of it again."""
        said = list(self._stamped(connection, newest, set() if whole else self._there))
        sizes = connection.execute(
            sa.select(cosignature.c.size).distinct().where(cosignature.c.size <= newest)
        ).scalars()
        cosigned = sorted(sizes)
        recent = set(cosigned if whole else cosigned[-RECENT:])
        said += [
            self._checkpoint(connection, size)
            for size in cosigned
            if size in recent or checkpoint_path(size) not in self._there
        ]
        return said

    def write(self, said: Iterable[Said]) -> int:
        """Write them. Returns how many were new, or new versions."""
        written = 0
        for one in said:
            if one.final:
                written += self._target.put(one.path, one.data)
            elif one.path not in self._there or self._target.read(one.path, len(one.data)) != one.data:
                self._target.replace(one.path, one.data)
                written += 1
            self._there.add(one.path)
        return written

    def _stamped(self, connection: sa.Connection, newest: int, there: set[str]) -> Iterator[Said]:
        """Tokens that are not ``there`` yet, each after the checkpoint that it covers, if it covers one."""
        new: dict[bytes, list[Said]] = {}
        for row in connection.execute(sa.select(timestamp).order_by(timestamp.c.digest)):
            path = token_path(bytes(row.digest), row.authority)
            if path not in there:
                new.setdefault(bytes(row.digest), []).append(Said(path, bytes(row.token), final=True))
        for size, digest in _digests(connection, set(new)):
            if size > newest:  # its turn comes with its checkpoint
                del new[digest]
            else:
                yield self._checkpoint(connection, size)
        for tokens in new.values():
            yield from tokens

    def _checkpoint(self, connection: sa.Connection, size: int) -> Said:
        query = sa.select(checkpoint.c.note).where(checkpoint.c.size == size)
        note = connection.execute(query).scalar_one()
        lines = attestations.cosignatures(connection, size)
        return Said(checkpoint_path(size), (note + "".join(lines)).encode(), final=False)


def _digests(connection: sa.Connection, wanted: set[bytes]) -> Iterator[tuple[int, bytes]]:
    """Sizes of the checkpoints with these digests, newest first; most are of files, and of no checkpoint."""
    if not wanted:
        return
    query = sa.select(checkpoint.c.size, checkpoint.c.note).order_by(checkpoint.c.size.desc())
    for row in connection.execution_options(yield_per=256).execute(query):
        digest = hashlib.sha256(parse(row.note).text.encode()).digest()
        if digest in wanted:
            yield row.size, digest
