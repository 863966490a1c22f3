"""Tiles made entry by entry are those of the naive tree."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from void_audit.canon import merkle
from void_audit.canon.tiles import ENTRIES, tiles_at
from void_audit.ledger.tiles import TileBuilder

BODIES = [b"%d" % n for n in range(1400)]
LEAVES = [merkle.leaf_hash(body) for body in BODIES]


def naive(size: int) -> dict[str, bytes]:
    """By the definition: hash i of tile n at level l is MTH(D[(n * 256 + i) * 256**l : (n * 256 + i + 1) * 256**l])."""
    tiles = {}
    for name in tiles_at(size):
        first = name.number * 256
        if name.level == ENTRIES:
            part = BODIES[first : first + name.width]
            tiles[name.path] = b"".join(len(b).to_bytes(2, "big") + b for b in part)
        else:
            span = 256**name.level
            starts = range(first * span, (first + name.width) * span, span)
            tiles[name.path] = b"".join(merkle.root(LEAVES[at : at + span]) for at in starts)
    return tiles


def grown(builder: TileBuilder, stop: int) -> dict[str, bytes]:
    full = [tile for body in BODIES[builder.size : stop] for tile in builder.append(body)]
    return {tile.name.path: tile.data for tile in (*full, *builder.rest())}


@pytest.mark.parametrize("size", [0, 1, 2, 255, 256, 257, 511, 512, 513, 1400])
def test_tiles_are_those_of_the_definition(size):
    builder = TileBuilder()
    assert grown(builder, size) == naive(size)
    assert (builder.size, builder.root()) == (size, merkle.root(LEAVES[:size]))


@settings(max_examples=40)
@given(st.integers(0, 1400), st.integers(0, 1400))
def test_a_builder_that_begins_later_gives_what_is_new(one, other):
    start, size = sorted((one, other))
    builder = TileBuilder.load(merkle.Tree(LEAVES[:start]).read, start)
    assert builder.size == start - start % 256
    new = grown(builder, size)
    assert builder.root() == merkle.root(LEAVES[:size])
    whole = naive(size)
    assert new.items() <= whole.items()
    before = naive(start)
    assert whole.items() - new.items() <= before.items()


def test_hashes_of_another_tree_make_another_root():
    tree = merkle.Tree([*LEAVES[:5], b"\1" * 32, *LEAVES[6:600]])
    builder = TileBuilder.load(tree.read, 600)
    grown(builder, 600)
    assert builder.root() != merkle.root(LEAVES[:600])
