"""The tiles of a log, made from its entries one after the other in constant memory."""

from __future__ import annotations

from typing import NamedTuple

from void_audit.canon.merkle import Frontier, ReadNode, leaf_hash, root
from void_audit.canon.tiles import (
    ENTRIES,
    HEIGHT,
    MAX_LEVEL,
    WIDTH,
    TileName,
    encode_bundle,
    encode_tile,
)


class Tile(NamedTuple):
    """A tile or bundle with its bytes."""

    name: TileName
    data: bytes


class TileBuilder:
    """Takes entries, gives each tile and bundle when it is full; holds at most 256 things a level."""

    def __init__(self, size: int = 0, levels: list[list[bytes]] | None = None) -> None:
        """Begin after ``size`` entries, a multiple of 256; see ``load``.

        Args:
            size: entries that are in full tiles of level 0 already.
            levels: by level, the hashes that are in no full tile yet.
        """
        self._levels = levels or [[] for _ in range(MAX_LEVEL + 1)]
        self._bundle: list[bytes] = []
        self._frontier = Frontier(size, _edge(self._levels))

    @classmethod
    def load(cls, read: ReadNode, size: int) -> TileBuilder:
        """Begin at the last full tile of level 0 of the first ``size`` entries of a stored tree.

        Nothing that ``read`` gives is believed before ``root`` has been compared with a signed one.
        """
        start = size - size % WIDTH
        levels = []
        for level in range(MAX_LEVEL + 1):
            count = start >> HEIGHT * level
            levels.append([read(HEIGHT * level, n) for n in range(count - count % WIDTH, count)])
        return cls(start, levels)

    @property
    def size(self) -> int:
        """Entries so far."""
        return self._frontier.size

    def root(self) -> bytes:
        """Root of the entries so far."""
        return self._frontier.root()

    def append(self, entry: bytes) -> list[Tile]:
        """Add an entry. Returns what it completes: bundle and tiles, lowest level first."""
        self._bundle.append(entry)
        full = []
        if len(self._bundle) == WIDTH:
            full.append(Tile(TileName(ENTRIES, self.size // WIDTH), encode_bundle(self._bundle)))
            self._bundle = []
        return full + self._grow(leaf_hash(entry))

    def rest(self) -> list[Tile]:
        """The partial bundle and tiles of the entries so far."""
        tiles = []
        if self._bundle:
            name = TileName(ENTRIES, self.size // WIDTH, len(self._bundle))
            tiles.append(Tile(name, encode_bundle(self._bundle)))
        for level, hashes in enumerate(self._levels):
            if hashes:
                number = self.size >> HEIGHT * (level + 1)
                tiles.append(Tile(TileName(level, number, len(hashes)), encode_tile(hashes)))
        return tiles

    def _grow(self, leaf: bytes) -> list[Tile]:
        full = []
        for node in self._frontier.append(leaf):
            level, between = divmod(node.level, HEIGHT)
            if between:
                continue
            hashes = self._levels[level]
            hashes.append(node.digest)
            if len(hashes) == WIDTH:
                full.append(Tile(TileName(level, node.position // WIDTH), encode_tile(hashes)))
                hashes.clear()
        return full


def _edge(levels: list[list[bytes]]) -> list[bytes]:
    """The largest full subtrees over the hashes of partial tiles, from left to right."""
    edge = []
    for hashes in reversed(levels):
        at = 0
        for bit in reversed(range(HEIGHT)):
            if len(hashes) >> bit & 1:
                edge.append(root(hashes[at : at + (1 << bit)]))
                at += 1 << bit
    return edge
