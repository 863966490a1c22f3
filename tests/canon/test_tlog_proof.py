"""C2SP tlog-proof: the text to the byte, and every change to it noticed."""

from __future__ import annotations

import base64

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from void_audit.canon import merkle, tlog_proof
from void_audit.canon.checkpoint import Checkpoint, sign_checkpoint
from void_audit.canon.note import VerifierKey
from void_audit.canon.tlog_proof import MAX_EXTRA, MAX_HASHES, MAX_PROOF, TlogProof
from void_audit.errors import NoteError, ProofError, VoidAuditError
from void_audit.identity.keys import FileSigner

ORIGIN = "newsroom.example/log"
SIGNER = FileSigner(Ed25519PrivateKey.from_private_bytes(b"\1" * 32))
KEY = VerifierKey.of(ORIGIN, SIGNER)
ENTRIES = [f"entry {n}".encode() for n in range(7)]
TREE = merkle.Tree(merkle.leaf_hash(entry) for entry in ENTRIES)
NOTE = sign_checkpoint(Checkpoint(ORIGIN, 7, TREE.root()), SIGNER)


def made(index: int, extra: bytes | None = None) -> TlogProof:
    return TlogProof(index, merkle.inclusion_proof(TREE.read, index, 7), NOTE, extra)


def test_the_text_to_the_byte():
    proof = made(2)
    hashes = "".join(base64.b64encode(digest).decode() + "\n" for digest in proof.path)
    assert str(proof) == f"c2sp.org/tlog-proof@v1\nindex 2\n{hashes}\n{NOTE}"
    assert str(made(2, b"\1\2\3")) == f"c2sp.org/tlog-proof@v1\nextra AQID\nindex 2\n{hashes}\n{NOTE}"


@pytest.mark.parametrize("extra", [None, b"", b"\0" * MAX_EXTRA])
@pytest.mark.parametrize("index", range(7))
def test_every_proof_is_read_back_and_verifies(index, extra):
    proof = tlog_proof.parse(str(made(index, extra)).encode())
    assert proof == made(index, extra)
    assert tlog_proof.verify(proof, ENTRIES[index], KEY).size == 7


def test_a_log_of_one_entry():
    note = sign_checkpoint(Checkpoint(ORIGIN, 1, merkle.leaf_hash(b"only")), SIGNER)
    proof = tlog_proof.parse(f"c2sp.org/tlog-proof@v1\nindex 0\n\n{note}".encode())
    assert proof.path == ()
    assert tlog_proof.verify(proof, b"only", KEY).size == 1


def test_every_byte_counts_but_those_of_extra():
    data = str(made(3, b"extra")).encode()
    start = data.index(b"extra ") + 6
    free = range(start, data.index(b"\n", start))
    kept = []
    for at in range(len(data)):
        for bit in (0, 5):
            spoilt = bytearray(data)
            spoilt[at] ^= 1 << bit
            try:
                tlog_proof.verify(tlog_proof.parse(bytes(spoilt)), ENTRIES[3], KEY)
            except VoidAuditError:
                continue
            kept.append(at)
    assert kept
    assert set(kept) <= set(free)


def test_another_entry_index_or_key_is_not_proven():
    for proof, entry in ((made(3), ENTRIES[2]), (TlogProof(2, made(3).path, NOTE), ENTRIES[3]),
                         (TlogProof(9, made(3).path, NOTE), ENTRIES[3])):  # fmt: skip
        with pytest.raises(ProofError):
            tlog_proof.verify(proof, entry, KEY)
    other = FileSigner(Ed25519PrivateKey.from_private_bytes(b"\2" * 32))
    with pytest.raises(NoteError):
        tlog_proof.verify(made(3), ENTRIES[3], VerifierKey.of(ORIGIN, other))


GOOD = str(made(3))
HASH = base64.b64encode(bytes(32)).decode()


@pytest.mark.parametrize(
    "text",
    ["", "\n\n", NOTE, GOOD.replace("@v1", "@v2"), GOOD.replace("index 3", "index 03"),
     GOOD.replace("index 3", "index -3"),
     GOOD.replace("index 3", "index 3 "), GOOD.replace("index 3\n", ""), GOOD.replace("index", "extra AA\nindex"),
     GOOD.replace("index", "extra\nindex"), GOOD.replace("index", "extra AQ==\nextra AQ==\nindex"),
     GOOD.replace("index 3\n", "index 3\nAAAA\n"), GOOD.replace("index 3\n", "index 3\n" + (HASH + "\n") * MAX_HASHES),
     GOOD.replace("index 3\n", f"index 3\n{HASH[:-2]}B=\n"), GOOD.replace("index 3\n", f"index 3\n{HASH} \n"),
     GOOD.replace("\n", "\r\n"), " " + GOOD, GOOD.partition("\n\n")[0], "x" * (MAX_PROOF + 1),
     GOOD.replace("index 3", "index " + "9" * 20)],
)  # fmt: skip
def test_texts_that_are_no_proof(text):
    with pytest.raises(ProofError) as caught:
        tlog_proof.parse(text.encode())
    assert caught.value.code == "tlog-proof-malformed"


def test_bytes_that_are_no_text():
    with pytest.raises(ProofError):
        tlog_proof.parse(b"c2sp.org/tlog-proof@v1\nindex 3\n\xff\n\n")
