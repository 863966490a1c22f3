"""Runs the published files of vectors: what any implementation of the formats must answer."""

from __future__ import annotations

import base64
import struct
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from vector_files import VECTORS, Case, cases, check, check_regenerated

from void_audit.canon import checkpoint, dsse, jcs, merkle, note, statement
from void_audit.canon.note import VerifierKey
from void_audit.identity.keys import FileSigner


def signer(seed: str) -> FileSigner:
    return FileSigner(Ed25519PrivateKey.from_private_bytes(bytes.fromhex(seed)))


def hashes(hexes: list[str]) -> list[bytes]:
    return [bytes.fromhex(h) for h in hexes]


def leaf(given: Case) -> str:
    return merkle.leaf_hash(bytes.fromhex(given["entry"])).hex()


def node(given: Case) -> str:
    leaves = [merkle.leaf_hash(entry) for entry in hashes(given["entries"])]
    assert merkle.Tree(leaves).root() == merkle.root(leaves)
    return merkle.root(leaves).hex()


def inclusion(given: Case) -> str:
    leaf_hash, root = hashes([given["leaf"], given["root"]])
    merkle.verify_inclusion(leaf_hash, given["index"], given["size"], hashes(given["proof"]), root)
    return "ok"


def consistency(given: Case) -> str:
    old_root, new_root = hashes([given["old_root"], given["new_root"]])
    merkle.verify_consistency(given["old"], old_root, given["new"], new_root, hashes(given["proof"]))
    return "ok"


def envelope(given: Case) -> Case:
    if "payload_type" in given:
        pae = dsse.pae(given["payload_type"], base64.b64decode(given["payload"]))
        return {"pae": base64.b64encode(pae).decode()}
    if "seeds" in given:
        data = dsse.seal(base64.b64decode(given["payload"]), [signer(s) for s in given["seeds"]])
    else:
        data = base64.b64decode(given["envelope"])
    entry = statement.read_entry(0, data)
    text = base64.b64encode(data).decode()
    return {"envelope": text, "leaf": entry.leaf_hash, "kind": str(entry.statement.kind)}


def signed_note(given: Case) -> str:
    key = VerifierKey.parse(given["vkey"])
    parsed, signed = note.verify(given["note"], [key])
    assert str(parsed) == given["note"]
    assert signed == (key,)
    if "seed" in given:
        assert str(note.sign(parsed.text, key.name, signer(given["seed"]))) == given["note"]
    return parsed.text


def log_checkpoint(given: Case) -> Case:
    found = checkpoint.open_checkpoint(given["note"], VerifierKey.parse(given["vkey"]))
    if "seed" in given:
        assert checkpoint.sign_checkpoint(found, signer(given["seed"])) == given["note"]
    return {**vars(found), "root": found.root.hex(), "extensions": list(found.extensions)}


def canonical(given: Case) -> str:
    if "double" in given:
        (value,) = struct.unpack(">d", bytes.fromhex(given["double"]))
    else:
        value = jcs.parse(base64.b64decode(given["json"]))
    return base64.b64encode(jcs.canonical(value)).decode()


RUN: dict[str, Callable[[Case], object]] = {
    "leaf": leaf, "node": node, "inclusion": inclusion, "consistency": consistency, "envelope": envelope,
    "note": signed_note, "checkpoint": log_checkpoint, "jcs": canonical,
}  # fmt: skip


@pytest.mark.parametrize(("name", "case"), cases(VECTORS, RUN))
def test_vector(name: str, case: Case) -> None:
    check(RUN[name], case)


def test_vectors_are_what_the_generator_writes(tmp_path: Path) -> None:
    check_regenerated(VECTORS, RUN, tmp_path)
