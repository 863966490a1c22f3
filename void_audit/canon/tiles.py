"""C2SP tlog-tiles v0.1.0: a log as static files, tiles of 256 hashes and bundles of 256 entries.

A tile of level L holds hashes of the full subtrees of tree level 8 L; level L + 1 holds the roots of full
tiles of level L. Paths are relative to the log's prefix: ``tile/<L>/<N>[.p/<W>]``, ``tile/entries/<N>[.p/<W>]``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from void_audit.canon.merkle import HASH_SIZE
from void_audit.errors import EvidenceError

HEIGHT = 8
WIDTH = 1 << HEIGHT
"""Hashes in a full tile, entries in a full bundle."""

MAX_LEVEL = 7
"""A log of 2**63 entries has tiles up to this level."""

MAX_ENTRY = 0xFFFF
"""Bytes: an entry's length is written as two bytes."""

MAX_BUNDLE = WIDTH * (2 + MAX_ENTRY)
"""Bytes of the largest bundle."""

CHECKPOINT = "checkpoint"
"""Path of the newest signed checkpoint."""

ENTRIES = -1
"""In place of a level: the bundles of entries."""

_PATH = re.compile(
    r"tile/(?P<level>entries|0|[1-9])/(?P<index>(?:x[0-9]{3}/){0,6}[0-9]{3})"
    r"(?:\.p/(?P<width>[1-9][0-9]{0,2}))?"
)


class TileName(NamedTuple):
    """A tile or bundle: its level (``ENTRIES`` for a bundle), number in it, and how many things it holds, 1 to 256."""

    level: int
    number: int
    width: int = WIDTH

    @property
    def path(self) -> str:
        """Path below the log's prefix, such as ``tile/0/x001/x234/067.p/8``."""
        level = "entries" if self.level == ENTRIES else str(self.level)
        partial = "" if self.width == WIDTH else f".p/{self.width}"
        return f"tile/{level}/{_index(self.number)}{partial}"

    @property
    def full(self) -> TileName:
        """The same tile when it is full."""
        return TileName(self.level, self.number)

    @property
    def tree_level(self) -> int:
        """Level of the tree whose hashes it holds; bundles lie beside level 0."""
        return HEIGHT * max(self.level, 0)

    @property
    def max_bytes(self) -> int:
        """The largest size that it can have."""
        return self.width * (2 + MAX_ENTRY if self.level == ENTRIES else HASH_SIZE)


def parse_path(path: str) -> TileName | None:
    """What a path names, or None if no tile has this path."""
    match = _PATH.fullmatch(path)
    if match is None:
        return None
    level = ENTRIES if match["level"] == "entries" else int(match["level"])
    name = TileName(level, int(re.sub("[x/]", "", match["index"])), int(match["width"] or WIDTH))
    # Only the one way to write it: no needless leading x000, no width of 256 or more.
    return name if name.path == path and name.width <= WIDTH and level <= MAX_LEVEL else None


def tiles_at(size: int) -> Iterator[TileName]:
    """Every tile and bundle of a log of ``size`` entries, level by level, bundles first; partial ones last."""
    for level in range(ENTRIES, MAX_LEVEL + 1):
        yield from level_tiles(level, 0, size)


def level_tiles(level: int, start: int, size: int) -> Iterator[TileName]:
    """Tiles of one level that a log of ``size`` entries has, but not one of ``start`` entries."""
    shift = HEIGHT * max(level, 0)
    if start >> shift == size >> shift:
        return
    full, partial = divmod(size >> shift, WIDTH)
    for index in range((start >> shift) // WIDTH, full):
        yield TileName(level, index)
    if partial:
        yield TileName(level, full, partial)


def encode_bundle(entries: Sequence[bytes]) -> bytes:
    """1 to 256 entries, each after its length in two bytes, big-endian.

    Raises:
        EvidenceError: ``bundle-malformed``: an entry is empty or too long, or there are too many.
    """
    if not 1 <= len(entries) <= WIDTH or not all(1 <= len(e) <= MAX_ENTRY for e in entries):
        raise _malformed("bundle", f"{len(entries)} entries, or one that is empty or too long")
    return b"".join(len(entry).to_bytes(2, "big") + entry for entry in entries)


def decode_bundle(data: bytes, count: int) -> list[bytes]:
    """The ``count`` entries of a bundle; nothing may be left over.

    Raises:
        EvidenceError: ``bundle-malformed``.
    """
    entries: list[bytes] = []
    at = 0
    for _ in range(count):
        stop = at + 2 + int.from_bytes(data[at : at + 2], "big")
        if stop > len(data) or stop == at + 2:
            raise _malformed("bundle", f"entry {len(entries)} of {count} is cut off or empty")
        entries.append(data[at + 2 : stop])
        at = stop
    if at != len(data):
        raise _malformed("bundle", f"{len(data) - at} bytes after {count} entries")
    return entries


def encode_tile(hashes: Sequence[bytes]) -> bytes:
    """1 to 256 hashes of 32 bytes, one after the other.

    Raises:
        EvidenceError: ``tile-malformed``.
    """
    if not 1 <= len(hashes) <= WIDTH or any(len(h) != HASH_SIZE for h in hashes):
        raise _malformed("tile", f"{len(hashes)} hashes, or one that has not 32 bytes")
    return b"".join(hashes)


def decode_tile(data: bytes, width: int) -> list[bytes]:
    """The ``width`` hashes of a tile.

    Raises:
        EvidenceError: ``tile-malformed``.
    """
    if len(data) != width * HASH_SIZE:
        raise _malformed("tile", f"{len(data)} bytes are not {width} hashes")
    return [data[at : at + HASH_SIZE] for at in range(0, len(data), HASH_SIZE)]


def _index(number: int) -> str:
    digits = f"{number:03d}"
    digits = digits.rjust(-(-len(digits) // 3) * 3, "0")
    groups = [digits[at : at + 3] for at in range(0, len(digits), 3)]
    return "/".join([*(f"x{group}" for group in groups[:-1]), groups[-1]])


def _malformed(what: str, why: str) -> EvidenceError:
    return EvidenceError(
        f"{what}-malformed", f"Not a {what} of a log: {why}.", "It was damaged or is something else."
    )
