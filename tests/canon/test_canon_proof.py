from __future__ import annotations

import base64

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from void_audit.canon import merkle
from void_audit.canon.checkpoint import Checkpoint
from void_audit.canon.dsse import seal
from void_audit.canon.proof import pack, verify_logged
from void_audit.canon.statement import encode
from void_audit.errors import EnvelopeError, ProofError
from void_audit.identity.keys import FileSigner
from void_audit.model.proof import LoggedEntry
from void_audit.model.records import Approval, Statement

ALICE = FileSigner(Ed25519PrivateKey.from_private_bytes(bytes([7]) * 32))


def envelope(edit: str) -> bytes:
    approval = Approval(claimed_time="t", edit=edit, plan="ab" * 32)
    return seal(encode(Statement(subjects=(), predicate=approval)), [ALICE])


BODIES = [*(envelope(f"e{i}") for i in range(6)), b"no envelope"]
TREE = merkle.Tree(merkle.leaf_hash(body) for body in BODIES)
CHECKPOINT = Checkpoint("log.example/1", len(BODIES), TREE.root())


def logged(index: int) -> LoggedEntry:
    return pack(index, BODIES[index], merkle.inclusion_proof(TREE.read, index, len(BODIES)))


def test_a_logged_entry_is_read_once_it_is_proved() -> None:
    entry = verify_logged(logged(3), CHECKPOINT)
    assert (entry.index, entry.envelope, entry.key_ids) == (3, BODIES[3], (ALICE.key_id,))
    assert entry.statement.predicate.edit == "e3"
    assert entry.leaf_hash == merkle.leaf_hash(BODIES[3]).hex()


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"index": 2}, "inclusion-unproven"),
        ({"index": 7}, "proof-index"),
        ({"envelope": base64.b64encode(BODIES[2]).decode()}, "inclusion-unproven"),
        ({"envelope": "!"}, "entry-malformed"),
        ({"proof": ()}, "inclusion-unproven"),
    ],
)
def test_any_other_value_is_refused(changes: dict[str, object], code: str) -> None:
    with pytest.raises(ProofError) as caught:
        verify_logged(logged(3).model_copy(update=changes), CHECKPOINT)
    assert caught.value.code == code


def test_inclusion_alone_makes_no_record() -> None:
    with pytest.raises(EnvelopeError):
        verify_logged(logged(6), CHECKPOINT)
