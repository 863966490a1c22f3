"""Runs the vectors of witnesses, and what no vector can say: signing, and a library without ML-DSA."""

from __future__ import annotations

import json
import struct
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import asymmetric
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from void_audit.canon import ml_dsa
from void_audit.canon import note as notes
from void_audit.canon.checkpoint import Checkpoint
from void_audit.canon.cosignature import CosignerKey, cosign, signed_data, time_of
from void_audit.canon.ml_dsa import MlDsaKey
from void_audit.canon.note import MAX_SIGNATURES, Note, NoteSignature
from void_audit.errors import NoteError, VoidAuditError

VECTORS = Path(__file__).parents[1] / "vectors" / "witness"
SEED = bytes([21]) * 32
ED = Ed25519PrivateKey.from_private_bytes(SEED)
ED_KEY = CosignerKey("witness.example/w1", 4, ED.public_key().public_bytes_raw())
PQ = MlDsaKey(bytes([22]) * 32)
PQ_KEY = CosignerKey("witness.example/w1", 6, PQ.public)
TEXT = Checkpoint("newsroom.example/void-audit/1", 5, bytes(range(32))).text


def cases(name: str) -> list[Any]:
    return [
        pytest.param(case, id=case["name"]) for case in json.loads((VECTORS / f"{name}.json").read_text())
    ]


def checked(case: dict[str, Any], answer) -> None:
    if "error" in case:
        with pytest.raises(VoidAuditError) as caught:
            answer()
        assert caught.value.code == case["error"]
    else:
        assert answer() == case["expected"]


@pytest.mark.parametrize("case", cases("cosignature"))
def test_cosignature(case) -> None:
    key = CosignerKey.parse(case["input"]["vkey"])
    checked(case, lambda: [time_of(s) for s in notes.signatures_of(notes.parse(case["input"]["note"]), key)])
    if "seed" in case:
        sign = Ed25519PrivateKey.from_private_bytes(bytes.fromhex(case["seed"])).sign
        note = notes.parse(case["input"]["note"])
        assert cosign(note.text, key, sign, case["expected"][0]) in note.signatures


@pytest.mark.parametrize("case", cases("vkey"))
def test_vkey(case) -> None:
    def read() -> list[object]:
        key = CosignerKey.parse(case["input"])
        assert str(key) == case["input"]
        return [key.name, key.type, key.key_hash.hex()]

    checked(case, read)


def test_vectors_are_what_their_generator_writes(tmp_path: Path) -> None:
    subprocess.run([sys.executable, VECTORS / "generate.py", tmp_path], check=True)
    assert {p.name: p.read_bytes() for p in tmp_path.iterdir()} == {
        p.name: p.read_bytes() for p in VECTORS.glob("*.json")
    }


@pytest.mark.parametrize(("key", "sign"), [(ED_KEY, ED.sign), (PQ_KEY, PQ.sign)], ids=["04", "06"])
def test_what_is_signed_is_verified_and_no_other_text(key, sign) -> None:
    line = cosign(TEXT, key, sign, 7)
    assert time_of(line.signature) == 7
    assert key.verifies(TEXT, line.signature)
    assert not key.verifies(TEXT.replace("5", "6", 1), line.signature)
    assert not CosignerKey("another.example", key.type, key.public).verifies("", line.signature)


def test_ml_dsa_signs_the_witness_s_name_and_ed25519_does_not() -> None:
    renamed = CosignerKey("another.example", 6, PQ.public)
    assert not renamed.verifies(TEXT, cosign(TEXT, PQ_KEY, PQ.sign, 7).signature)
    assert b"witness.example" not in signed_data(ED_KEY, TEXT, 7)


@pytest.mark.parametrize("place", range(0, 72, 5))
def test_no_bit_of_a_cosignature_can_change(place: int) -> None:
    changed = bytearray(cosign(TEXT, ED_KEY, ED.sign, 7).signature)
    changed[place] ^= 0x10
    assert not ED_KEY.verifies(TEXT, bytes(changed))


@given(st.binary(max_size=100), st.text(max_size=40))
def test_any_bytes_are_no_cosignature(signature: bytes, text: str) -> None:
    assert not ED_KEY.verifies(text, signature)


@pytest.mark.parametrize("at", [0, -1, 2**63])
def test_nothing_is_cosigned_without_a_usable_time(at: int) -> None:
    with pytest.raises(NoteError) as caught:
        cosign(TEXT, ED_KEY, ED.sign, at)
    assert caught.value.code == "cosignature-time"


def test_a_faulty_signer_is_noticed_before_its_signature_is_used() -> None:
    with pytest.raises(NoteError) as caught:
        cosign(TEXT, ED_KEY, lambda data: bytes(64), 7)
    assert caught.value.code == "note-signature-bad"


def test_a_name_that_ml_dsa_cannot_sign() -> None:
    with pytest.raises(NoteError) as caught:
        cosign(TEXT, CosignerKey("w" * 256, 6, PQ.public), PQ.sign, 7)
    assert caught.value.code == "key-name"


def test_only_checkpoints_are_cosigned() -> None:
    with pytest.raises(NoteError) as caught:
        cosign("words\n", ED_KEY, ED.sign, 7)
    assert caught.value.code == "checkpoint-malformed"


def test_a_note_may_have_many_signatures_and_a_false_one_of_a_known_key_condemns_it() -> None:
    strangers = [NoteSignature(f"w{n}.example", bytes([n]) * 4, bytes(72)) for n in range(MAX_SIGNATURES - 2)]
    good = cosign(TEXT, ED_KEY, ED.sign, 7)
    again = cosign(TEXT, ED_KEY, ED.sign, 8)
    note, signed = notes.verify(str(Note(TEXT, (*strangers, good, again))), [ED_KEY, PQ_KEY])
    assert signed == (ED_KEY,)
    assert [time_of(s) for s in notes.signatures_of(note, ED_KEY)] == [7, 8]
    false = NoteSignature(good.name, good.key_hash, struct.pack(">Q", 9) + good.signature[8:])
    with pytest.raises(NoteError) as caught:
        notes.verify(str(Note(TEXT, (*strangers, good, false))), [ED_KEY])
    assert caught.value.code == "note-signature-bad"


def test_a_library_without_ml_dsa_is_said_and_ed25519_still_works(monkeypatch) -> None:
    monkeypatch.delattr(asymmetric, "mldsa")
    monkeypatch.setitem(sys.modules, "cryptography.hazmat.primitives.asymmetric.mldsa", None)
    with pytest.raises(VoidAuditError) as caught:
        CosignerKey.parse(str(PQ_KEY))
    assert (caught.value.code, caught.value.exit_code) == ("ml-dsa-missing", 2)
    assert "04" in caught.value.hint
    with pytest.raises(VoidAuditError):
        ml_dsa.valid(PQ.public, b"", bytes(2420))
    assert CosignerKey.parse(str(ED_KEY)) == ED_KEY
