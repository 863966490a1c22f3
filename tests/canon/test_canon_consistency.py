"""Consistency proofs as text."""

from __future__ import annotations

import base64

import pytest

from void_audit.canon import merkle
from void_audit.canon.consistency import MAX_CONSISTENCY, ConsistencyProof, parse
from void_audit.errors import ProofError

HASH = base64.b64encode(bytes(32)).decode()
GOOD = f"void-audit/consistency@v1\nold 3\nnew 7\n{HASH}\n{HASH}\n"


def test_the_text_to_the_byte():
    assert str(ConsistencyProof(3, 7, (bytes(32), bytes(32)))) == GOOD
    assert parse(GOOD.encode()) == ConsistencyProof(3, 7, (bytes(32), bytes(32)))


def test_every_pair_of_sizes_is_read_back():
    tree = merkle.Tree(merkle.leaf_hash(bytes([n])) for n in range(20))
    for new in range(21):
        for old in range(new + 1):
            made = ConsistencyProof(old, new, merkle.consistency_proof(tree.read, old, new))
            assert parse(str(made).encode()) == made


@pytest.mark.parametrize(
    "text",
    ["", GOOD[:-1], GOOD + "\n", GOOD + "AAAA\n", GOOD.replace("old 3", "old 03"), GOOD.replace("@v1", "@v2"),
     GOOD.replace("new 7\n", ""), GOOD + f"{HASH[:-2]}B=\n", GOOD.replace("\n", "\r\n"), GOOD + f"{HASH}\n" * 70,
     "x" * (MAX_CONSISTENCY + 1), GOOD.replace("3", "9" * 20)],
)  # fmt: skip
def test_texts_that_are_no_proof(text):
    with pytest.raises(ProofError) as caught:
        parse(text.encode())
    assert caught.value.code == "consistency-malformed"


def test_bytes_that_are_no_text():
    with pytest.raises(ProofError):
        parse(b"\xff" + GOOD.encode())
