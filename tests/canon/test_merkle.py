from __future__ import annotations

import hashlib

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from void_audit.canon import merkle
from void_audit.errors import ProofError

LEAVES = [merkle.leaf_hash(b"%d" % i) for i in range(130)]
WHOLE = merkle.Tree(LEAVES)
SIZES = st.integers(1, len(LEAVES))


def naive(leaves: list[bytes]) -> bytes:
    """RFC 6962 2.1, word for word."""
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return leaves[0]
    k = 1
    while k * 2 < len(leaves):
        k *= 2
    return hashlib.sha256(b"\x01" + naive(leaves[:k]) + naive(leaves[k:])).digest()


def test_every_size_has_the_naive_root() -> None:
    for size in range(len(LEAVES) + 1):
        expected = naive(LEAVES[:size])
        assert merkle.root(LEAVES[:size]) == expected
        assert merkle.root_of(WHOLE.read, size) == expected


def test_the_frontier_completes_exactly_the_full_subtrees() -> None:
    frontier = merkle.Frontier()
    nodes = [n for leaf in LEAVES[:64] for n in frontier.append(leaf)]
    places = {(n.level, n.position) for n in nodes}
    assert places == {(level, p) for level in range(7) for p in range(64 >> level)}
    for level, position, digest in nodes:
        assert digest == naive(LEAVES[position << level : (position + 1) << level])


@given(SIZES, st.data())
@settings(max_examples=100)
def test_inclusion_proofs_hold_and_mutated_ones_do_not(size: int, data: st.DataObject) -> None:
    index = data.draw(st.integers(0, size - 1))
    root = naive(LEAVES[:size])
    path = list(merkle.inclusion_proof(WHOLE.read, index, size))
    merkle.verify_inclusion(LEAVES[index], index, size, path, root)
    mutated = data.draw(mutations(path))
    with pytest.raises(ProofError):
        merkle.verify_inclusion(LEAVES[index], index, size, mutated, root)
    other = data.draw(st.integers(0, size - 1))
    assume(other != index)
    with pytest.raises(ProofError):
        merkle.verify_inclusion(LEAVES[index], other, size, path, root)
    with pytest.raises(ProofError):
        merkle.verify_inclusion(LEAVES[other], index, size, path, root)


@given(SIZES, st.data())
@settings(max_examples=100)
def test_consistency_proofs_hold_and_mutated_ones_do_not(new: int, data: st.DataObject) -> None:
    old = data.draw(st.integers(1, new))
    old_root, new_root = naive(LEAVES[:old]), naive(LEAVES[:new])
    path = list(merkle.consistency_proof(WHOLE.read, old, new))
    merkle.verify_consistency(old, old_root, new, new_root, path)
    with pytest.raises(ProofError):
        merkle.verify_consistency(old, old_root, new, new_root, data.draw(mutations(path)))
    with pytest.raises(ProofError):
        merkle.verify_consistency(old, LEAVES[-1], new, new_root, path)
    with pytest.raises(ProofError):
        merkle.verify_consistency(old, old_root, new, LEAVES[-1], path)


@st.composite
def mutations(draw: st.DrawFn, path: list[bytes]) -> list[bytes]:
    """The path with one hash flipped, removed, added or moved."""
    place = draw(st.integers(0, max(len(path) - 1, 0)))
    kind = draw(st.sampled_from(["flip", "drop", "add", "swap"]))
    changed = list(path)
    if kind == "add" or not path:
        changed.insert(place, LEAVES[draw(st.integers(0, 9))])
    elif kind == "drop":
        del changed[place]
    elif kind == "flip":
        byte, bit = draw(st.integers(0, 31)), draw(st.integers(0, 7))
        spoilt = bytearray(changed[place])
        spoilt[byte] ^= 1 << bit
        changed[place] = bytes(spoilt)
    else:
        changed.reverse()
    assume(changed != path)
    return changed


@pytest.mark.parametrize(("index", "size"), [(-1, 3), (3, 3), (0, 0)])
def test_no_proof_for_a_leaf_that_is_not_there(index: int, size: int) -> None:
    with pytest.raises(ProofError) as caught:
        merkle.inclusion_proof(WHOLE.read, index, size)
    assert caught.value.code == "proof-index"


def test_no_consistency_proof_for_a_tree_that_shrinks() -> None:
    with pytest.raises(ProofError) as caught:
        merkle.consistency_proof(WHOLE.read, 4, 3)
    assert caught.value.code == "proof-index"


def test_a_log_of_a_billion_entries_is_proved_with_few_reads() -> None:
    reads: list[tuple[int, int]] = []

    def read(level: int, position: int) -> bytes:
        reads.append((level, position))
        return merkle.leaf_hash(b"%d/%d" % (level, position))

    size = 10**9
    path = merkle.inclusion_proof(read, 123_456_789, size)
    assert len(path) <= 30
    assert len(reads) <= 60
    assert merkle.Frontier.load(read, size).size == size


def test_a_frontier_that_is_loaded_grows_like_one_that_never_stopped() -> None:
    for size in (0, 1, 2, 3, 63, 64, 77):
        frontier = merkle.Frontier.load(WHOLE.read, size)
        for leaf in LEAVES[size:100]:
            frontier.append(leaf)
        assert frontier.root() == naive(LEAVES[:100])
