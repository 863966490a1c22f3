"""RFC 6962 section 2.1 Merkle trees over SHA-256: roots, inclusion and consistency.

A *full subtree* is the tree over the leaves ``position << level`` up to ``(position + 1) << level``; it never
changes once it is complete. Every hash of every tree of every size is made of O(log n) of them, so a
store that keeps full subtrees appends and proves in O(log n): see ``ReadNode`` and ``Frontier``.
Checking follows RFC 9162 section 2.1.3.2 and 2.1.4.2.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from void_audit.errors import ProofError

HASH_SIZE = 32

EMPTY_ROOT = hashlib.sha256(b"").digest()
"""Root of the tree without leaves."""

ReadNode = Callable[[int, int], bytes]
"""``read(level, position)``: hash of a full subtree; level 0 holds the leaf hashes."""


class Node(NamedTuple):
    """A full subtree and its hash."""

    level: int
    position: int
    digest: bytes


def leaf_hash(entry: bytes) -> bytes:
    """SHA-256(00 || entry)."""
    return hashlib.sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """SHA-256(01 || left || right)."""
    return hashlib.sha256(b"\x01" + left + right).digest()


def edge(size: int) -> list[tuple[int, int]]:
    """Level and position of the largest full subtrees that cover ``size`` leaves, from left to right."""
    levels = (level for level in reversed(range(size.bit_length())) if size >> level & 1)
    return [(level, (size >> level) - 1) for level in levels]


class Frontier:
    """The right edge of a growing tree: the largest full subtrees that cover it, from left to right.

    Holds at most 63 hashes, whatever the size of the tree.
    """

    def __init__(self, size: int = 0, hashes: Iterable[bytes] = ()) -> None:
        self.size = size
        self._hashes = list(hashes)

    @classmethod
    def load(cls, read: ReadNode, size: int) -> Frontier:
        """The edge of the first ``size`` leaves of a stored tree."""
        return cls(size, [read(level, position) for level, position in edge(size)])

    def append(self, leaf: bytes) -> list[Node]:
        """Add a leaf hash. Returns the full subtrees that it completes, the leaf itself first."""
        completed = [Node(0, self.size, leaf)]
        while completed[-1].position & 1:  # a right child: its left sibling is the last hash of the edge
            level, position, right = completed[-1]
            completed.append(Node(level + 1, position >> 1, node_hash(self._hashes.pop(), right)))
        self._hashes.append(completed[-1].digest)
        self.size += 1
        return completed

    def root(self) -> bytes:
        """Root of the tree so far."""
        if not self._hashes:
            return EMPTY_ROOT
        *lefts, edge = self._hashes
        for left in reversed(lefts):
            edge = node_hash(left, edge)
        return edge


class Tree:
    """All full subtrees of a tree, in memory: 64 bytes a leaf. For masks, tests and short logs."""

    def __init__(self, leaf_hashes: Iterable[bytes] = ()) -> None:
        self._frontier = Frontier()
        self._nodes: dict[tuple[int, int], bytes] = {}
        for leaf in leaf_hashes:
            self.append(leaf)

    def __len__(self) -> int:
        return self._frontier.size

    def append(self, leaf: bytes) -> None:
        """Add a leaf hash."""
        for level, position, digest in self._frontier.append(leaf):
            self._nodes[level, position] = digest

    def read(self, level: int, position: int) -> bytes:
        """A ``ReadNode``."""
        return self._nodes[level, position]

    def root(self) -> bytes:
        """Root of all leaves."""
        return self._frontier.root()


def root(leaf_hashes: Iterable[bytes]) -> bytes:
    """Root of the tree over these leaf hashes, in O(log n) memory."""
    frontier = Frontier()
    for leaf in leaf_hashes:
        frontier.append(leaf)
    return frontier.root()


def root_of(read: ReadNode, size: int) -> bytes:
    """Root of the first ``size`` leaves of a stored tree."""
    return Frontier.load(read, size).root()


def inclusion_proof(read: ReadNode, index: int, size: int) -> tuple[bytes, ...]:
    """Audit path of leaf ``index`` in the tree of the first ``size`` leaves, leaf to root.

    Raises:
        ProofError: ``proof-index`` unless 0 <= index < size.
    """
    if not 0 <= index < size:
        raise ProofError("proof-index", f"There is no leaf {index} in a tree of {size}.")
    path: list[bytes] = []
    start, stop = 0, size
    while stop - start > 1:
        middle = start + _split(stop - start)
        if index < middle:
            path.append(_range_hash(read, middle, stop))
            stop = middle
        else:
            path.append(_range_hash(read, start, middle))
            start = middle
    return tuple(reversed(path))


def consistency_proof(read: ReadNode, old: int, new: int) -> tuple[bytes, ...]:
    """Proof that the tree of ``old`` leaves is a prefix of the tree of ``new`` leaves.

    Empty when ``old`` is 0 or equal to ``new``.

    Raises:
        ProofError: ``proof-index`` unless 0 <= old <= new.
    """
    if not 0 <= old <= new:
        raise ProofError("proof-index", f"A tree of {old} cannot grow into one of {new}.")
    if old in {0, new}:
        return ()
    path: list[bytes] = []
    start, stop = 0, new
    while old != stop:
        middle = start + _split(stop - start)
        if old <= middle:
            path.append(_range_hash(read, middle, stop))
            stop = middle
        else:
            path.append(_range_hash(read, start, middle))
            start = middle
    if start:  # the old root itself is known to whoever checks; a smaller part of it is not
        path.append(_range_hash(read, start, stop))
    return tuple(reversed(path))


def verify_inclusion(leaf: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes) -> None:
    """Check an audit path; returns only if it is good.

    Raises:
        ProofError: ``proof-index``, ``proof-malformed`` or ``inclusion-unproven``.
    """
    if not 0 <= index < size:
        raise ProofError("proof-index", f"There is no leaf {index} in a tree of {size}.")
    _check_hashes(leaf, root, *proof)
    inner, last, digest = index, size - 1, leaf
    for sibling in proof:
        if last == 0:
            raise _unproven("inclusion-unproven", f"The path of entry {index} is too long.")
        if inner & 1 or inner == last:
            digest = node_hash(sibling, digest)
            while not inner & 1 and inner:
                inner, last = inner >> 1, last >> 1
        else:
            digest = node_hash(digest, sibling)
        inner, last = inner >> 1, last >> 1
    if last != 0 or digest != root:
        raise _unproven("inclusion-unproven", f"Entry {index} is not shown to be in the tree of {size}.")


def verify_consistency(old: int, old_root: bytes, new: int, new_root: bytes, proof: Sequence[bytes]) -> None:
    """Check that the tree of ``new`` leaves extends that of ``old`` leaves; returns only if it does.

    Raises:
        ProofError: ``proof-index``, ``proof-malformed`` or ``consistency-unproven``.
    """
    if not 0 <= old <= new:
        raise ProofError("proof-index", f"A tree of {old} cannot grow into one of {new}.")
    _check_hashes(old_root, new_root, *proof)
    if old in {0, new}:
        expected = EMPTY_ROOT if old == 0 else new_root
        if proof or old_root != expected or (new == 0 and new_root != EMPTY_ROOT):
            raise _inconsistent(old, new)
        return
    path = list(proof) if old & (old - 1) else [old_root, *proof]
    if not path or _climb(old, new, path) != (old_root, new_root):
        raise _inconsistent(old, new)


def _climb(old: int, new: int, path: list[bytes]) -> tuple[bytes, bytes] | None:
    """Both roots that a consistency path leads to; None if its length is wrong."""
    inner, last = old - 1, new - 1
    while inner & 1:
        inner, last = inner >> 1, last >> 1
    left = right = path[0]
    for sibling in path[1:]:
        if last == 0:
            return None
        if inner & 1 or inner == last:
            left, right = node_hash(sibling, left), node_hash(sibling, right)
            while not inner & 1 and inner:
                inner, last = inner >> 1, last >> 1
        else:
            right = node_hash(right, sibling)
        inner, last = inner >> 1, last >> 1
    return (left, right) if last == 0 else None


def _split(size: int) -> int:
    """Largest power of two smaller than ``size``."""
    return 1 << (size - 1).bit_length() - 1


def _range_hash(read: ReadNode, start: int, stop: int) -> bytes:
    """Hash over leaves ``start`` to ``stop``; ``start`` is aligned as in any RFC 6962 tree."""
    size = stop - start
    if size & (size - 1) == 0:
        level = size.bit_length() - 1
        return read(level, start >> level)
    middle = start + _split(size)
    return node_hash(_range_hash(read, start, middle), _range_hash(read, middle, stop))


def _check_hashes(*hashes: bytes) -> None:
    for digest in hashes:
        if len(digest) != HASH_SIZE:
            raise ProofError("proof-malformed", f"A hash of {len(digest)} bytes where 32 are needed.")


def _unproven(code: str, message: str) -> ProofError:
    return ProofError(code, message, "The entry, the proof or the checkpoint is not the one of this log.")


def _inconsistent(old: int, new: int) -> ProofError:
    return _unproven("consistency-unproven", f"The tree of {new} is not shown to extend the tree of {old}.")
