"""An auditor of a tlog-tiles directory: needs the log's key and nothing else, least of all its database.

Everything is recomputed from the bundles of entries, in constant memory: leaf hashes, every tile, the root
that the checkpoint signs.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from void_audit.canon import merkle
from void_audit.canon.checkpoint import Checkpoint, open_checkpoint
from void_audit.canon.note import MAX_NOTE, VerifierKey, parse
from void_audit.canon.tiles import (
    CHECKPOINT,
    ENTRIES,
    WIDTH,
    TileName,
    decode_bundle,
    level_tiles,
    parse_path,
)
from void_audit.errors import EvidenceError, LedgerError, NoteError
from void_audit.ledger.tile_paths import (
    CHECKPOINTS,
    MAX_TOKEN,
    TIMESTAMPS,
    checkpoint_size,
    stamped,
)
from void_audit.ledger.tile_store import TileStore
from void_audit.ledger.tiles import Tile, TileBuilder

Found = Callable[[str, str, str], None]
"""Told of each contradiction: a stable code, the file, and what is wrong with it."""

Each = Callable[[int, bytes], None]
"""Told of each entry, by its index, before the root above it is known."""

MAX_LISTED = 1_000_000
"""Leftover partial tiles and attestations that are looked at."""


@dataclass
class Inspected:
    """What a directory holds. ``checkpoint`` is None if it has none that can be used."""

    checkpoint: Checkpoint | None = None
    complete: bool = False
    """Whether the entries have the signed root: then every one of them is the log's."""
    roots: dict[int, bytes] = field(default_factory=dict)
    """Roots of the sizes asked for, as far as there are entries."""
    signed: dict[int, str] = field(default_factory=dict)
    """Checkpoints by size, with the log's own signature only: the newest one, and all that others vouched for."""
    lines: dict[int, set[str]] = field(default_factory=dict)
    """The other signature lines of these: not checked, for their keys are not known here."""
    tokens: dict[tuple[bytes, str], bytes] = field(default_factory=dict)
    """RFC 3161 tokens by what is stamped (SHA-256) and by whom."""


class TileReader:
    """Reads a log from its tiles alone. Every method raises StorageError as ``TileStore``."""

    def __init__(self, store: TileStore, key: VerifierKey) -> None:
        self.store = store
        self._key = key

    def checkpoint(self) -> tuple[str, Checkpoint] | None:
        """The note as it lies there, and what it says; None if there is none.

        Raises:
            NoteError: those of ``open_checkpoint``: it is not this log's.
        """
        data = self.store.read(CHECKPOINT, MAX_NOTE)
        return None if data is None else (_text(data), open_checkpoint(data, self._key))

    def inspect(
        self, found: Found, each: Each = lambda index, entry: None, wanted: set[int] | None = None
    ) -> Inspected:
        """Read and check all of it. What is wrong is told to ``found``, never raised.

        Codes: ``evidence-checkpoint``, ``evidence-missing``, ``evidence-malformed``, ``evidence-wrong``,
        ``evidence-root``.

        Args:
            found: told of each contradiction.
            each: told of each entry, in order.
            wanted: sizes whose roots are asked for.
        """
        result = Inspected()
        try:
            there = self.checkpoint()
        except NoteError as error:
            found("evidence-checkpoint", CHECKPOINT, error.message)
            return result
        if there is None:
            if any(parse_path(path) for path in self.store.paths("tile")):
                found("evidence-missing", CHECKPOINT, "there are tiles, but no checkpoint signs them")
            return result
        note, result.checkpoint = there
        notes = {CHECKPOINT: note, **self._older_notes(found)}
        sizes = {size for path in notes if (size := checkpoint_size(path)) is not None}
        walk = _Walk(self.store, result.checkpoint, found, each)
        walk.run((wanted or set()) | sizes | {result.checkpoint.size})
        result.complete, result.roots = walk.complete, walk.roots
        for path, text in notes.items():
            self._take_note(result, path, text, found)
        result.tokens = self._tokens(found)
        return result

    def _older_notes(self, found: Found) -> dict[str, str]:
        notes = {}
        for path in _some(self.store.paths(CHECKPOINTS)):
            note = self.store.read(path, MAX_NOTE)
            if checkpoint_size(path) is None or note is None:
                found("evidence-malformed", path, "no checkpoint has this name")
            else:
                notes[path] = _text(note)
        return notes

    def _take_note(self, result: Inspected, path: str, note: str, found: Found) -> None:
        try:
            signed, lines = open_checkpoint(note, self._key), cosignature_lines(note, self._key)
        except NoteError as error:
            found("evidence-checkpoint", path, error.message)
            return
        named, newest = checkpoint_size(path), result.checkpoint
        if newest is not None and signed.size > newest.size:
            return  # of an export that was interrupted before its checkpoint
        if named not in {None, signed.size} or result.roots.get(signed.size) != signed.root:
            if path != CHECKPOINT:  # for that one it has been said
                found("evidence-root", path, "the entries do not have the root that it signs")
            return
        result.lines.setdefault(signed.size, set()).update(lines)
        result.signed[signed.size] = "".join(line for line in note.splitlines(True) if line not in lines)

    def _tokens(self, found: Found) -> dict[tuple[bytes, str], bytes]:
        tokens = {}
        for path in _some(self.store.paths(TIMESTAMPS)):
            about, token = stamped(path), self.store.read(path, MAX_TOKEN)
            if about is None or token is None or len(token) > MAX_TOKEN:
                found("evidence-malformed", path, "no time stamp has this name or size")
            else:
                tokens[about] = token
        return tokens


class _Walk:
    """One pass over the bundles. Mismatches are named at its end, when the root says which side is right."""

    def __init__(self, store: TileStore, checkpoint: Checkpoint, found: Found, each: Each) -> None:
        self._store, self._checkpoint, self._found, self._each = store, checkpoint, found, each
        self._wrong: list[TileName] = []
        self._leftover: dict[tuple[int, int], list[TileName]] = defaultdict(list)
        self.roots: dict[int, bytes] = {0: merkle.EMPTY_ROOT}
        self.complete = False

    def run(self, wanted: set[int]) -> None:
        size, builder = self._checkpoint.size, TileBuilder()
        self._list_leftovers(size)
        for name in level_tiles(ENTRIES, 0, size):
            entries = self._bundle(name)
            if entries is None:
                return
            for entry in entries:
                self._each(builder.size, entry)
                for tile in builder.append(entry):
                    self._compare(tile)
                if builder.size in wanted:
                    self.roots[builder.size] = builder.root()
        for tile in builder.rest():
            self._compare(tile)
        self.complete = builder.root() == self._checkpoint.root
        self._judge()

    def _bundle(self, name: TileName) -> list[bytes] | None:
        data = self._read(name)
        if data is None:
            self._found("evidence-missing", name.path, "it is gone: nothing after it can be checked")
            return None
        try:
            return decode_bundle(data, name.width)
        except EvidenceError as error:
            self._found("evidence-malformed", name.path, f"{error.message} Nothing after it can be checked.")
            return None

    def _read(self, name: TileName) -> bytes | None:
        """A tile; a partial one that is gone from the full one (C2SP tlog-tiles: "MAY delete")."""
        data = self._store.read(name.path, name.max_bytes)
        if data is None and name.width < WIDTH:
            full = self._store.read(name.full.path, name.full.max_bytes)
            return None if full is None else _cut(Tile(name.full, full), name.width)
        return data

    def _compare(self, tile: Tile) -> None:
        """A tile as the entries make it with what lies there, and with what is left of it when it was partial."""
        name, data = tile
        if name.level != ENTRIES:  # bundles are where the entries come from
            there = self._read(name)
            if there is None:
                self._found("evidence-missing", name.path, "it is gone; `ledger export` writes it again")
            elif there != data:
                self._wrong.append(name)
        for left in self._leftover.pop((name.level, name.number), []):
            there = self._store.read(left.path, len(data))
            if there is not None and there != _cut(tile, left.width):
                self._wrong.append(left)

    def _list_leftovers(self, size: int) -> None:
        """Partial tiles of earlier sizes. What lies beyond the checkpoint an export has not finished yet."""
        for path in _some(self._store.paths("tile")):
            name = parse_path(path)
            if name is None:
                self._found("evidence-malformed", path, "no tile has this name")
                continue
            here = (size >> name.tree_level) - name.number * WIDTH
            if name.width < WIDTH and name.width < here:
                self._leftover[name.level, name.number].append(name)

    def _judge(self) -> None:
        if self.complete:
            for name in self._wrong:
                self._found("evidence-wrong", name.path, "it is not what the signed entries make it")
            return
        self._found("evidence-root", CHECKPOINT, "the entries do not have the root that it signs")
        for name in self._wrong:
            if name.level <= 0:
                path = TileName(ENTRIES, name.number, name.width).path
                self._found(
                    "evidence-wrong", path, f"its entries do not hash to {name.path}, or that is wrong"
                )


def require(reader: TileReader) -> tuple[str, Checkpoint]:
    """The checkpoint of a directory that must have one.

    Raises:
        LedgerError: ``evidence-missing``.
        NoteError: as ``TileReader.checkpoint``.
    """
    there = reader.checkpoint()
    if there is None:
        raise LedgerError(
            "evidence-missing",
            f"There is no checkpoint in {reader.store.name}.",
            "Name the folder or address that holds `checkpoint` and `tile`.",
        )
    return there


def cosignature_lines(note: str, key: VerifierKey) -> list[str]:
    """Signature lines of a note that are not the log's own, each with its line feed.

    Raises:
        NoteError: ``note-malformed``, ``note-too-large``.
    """
    own = (key.name, key.key_hash)
    return [s.line() for s in parse(note).signatures if (s.name, s.key_hash) != own]


def _cut(tile: Tile, width: int) -> bytes:
    """The same tile when it held less."""
    if tile.name.level != ENTRIES:
        return tile.data[: width * merkle.HASH_SIZE]
    end = 0
    for _ in range(width):
        end += 2 + int.from_bytes(tile.data[end : end + 2], "big")
    return tile.data[:end]


def _some(paths: Iterator[str]) -> Iterator[str]:
    for number, path in enumerate(paths):
        if number >= MAX_LISTED:
            raise LedgerError(
                "evidence-crowded", f"More than {MAX_LISTED} files.", "Remove what is not the log's."
            )
        yield path


def _text(data: bytes) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError:
        return ""  # which no key has signed
