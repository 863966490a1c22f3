"""What this project writes, read by a program that shares nothing with it: Go's own transparency log library.

Every proof is accepted; every one that was changed, in any of its parts, is rejected.
"""

from __future__ import annotations

import base64
import json
import random
import shutil
from copy import deepcopy
from pathlib import Path

import pytest
from conftest_ledger import Home
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from evidence_of import entry, exporter, folder_of

from void_audit.canon import dsse, merkle, tlog_proof
from void_audit.canon.checkpoint import Checkpoint, sign_checkpoint
from void_audit.canon.cosignature import ED25519_COSIGNATURE, CosignerKey, cosign
from void_audit.canon.keys import raw_ed25519
from void_audit.canon.note import VerifierKey
from void_audit.canon.note import parse as parse_note
from void_audit.canon.tiles import tiles_at
from void_audit.identity.keys import FileSigner

VECTORS = Path(__file__).parents[1] / "vectors"
ORIGIN = "newsroom.example/void-audit/1"
LOG, EDITOR = (FileSigner(Ed25519PrivateKey.from_private_bytes(bytes([n]) * 32)) for n in (1, 2))
WITNESS = Ed25519PrivateKey.from_private_bytes(bytes([21]) * 32)
VKEY = str(VerifierKey.of(ORIGIN, LOG))
COSIGNER = CosignerKey("witness.example/w1", ED25519_COSIGNATURE, WITNESS.public_key().public_bytes_raw())


def entries(count):
    return [b"entry %d of the log" % n for n in range(count)]


def stored(count):
    """Leaf hashes of the first ``count`` entries, and a reader of their tree."""
    leaves = [merkle.leaf_hash(e) for e in entries(count)]
    return leaves, merkle.Tree(leaves)


def hexes(hashes):
    return [h.hex() for h in hashes]


def flip(text):
    """One bit of a hexadecimal hash, another one."""
    return f"{int(text[:2], 16) ^ 1:02x}" + text[2:]


def sizes(seed, most, count):
    chance = random.Random(seed)
    return [1, 2, 3, 255, 256, 257, most, *(chance.randint(1, most) for _ in range(count))]


def rejected(go, cases):
    verdicts = go([(kind, given) for _, kind, given in cases])
    wrong = [name for (name, _, _), verdict in zip(cases, verdicts, strict=True) if verdict["ok"]]
    assert not wrong
    return verdicts


def accepted(go, cases):
    verdicts = go(cases)
    assert [v["detail"] for v in verdicts if not v["ok"]] == []
    return verdicts


def inclusions(most=1000, count=60):
    chance = random.Random(5)
    for size in sizes(1, most, count):
        leaves, tree = stored(size)
        for index in {0, size - 1, chance.randrange(size)}:
            proof = merkle.inclusion_proof(tree.read, index, size)
            merkle.verify_inclusion(leaves[index], index, size, proof, tree.root())
            yield {
                "leaf": leaves[index].hex(), "index": index, "size": size, "proof": hexes(proof),
                "root": tree.root().hex(),
            }  # fmt: skip


def consistencies(most=1000, count=60):
    chance = random.Random(6)
    for new in sizes(2, most, count):
        leaves, tree = stored(new)
        for old in {0, 1, new, chance.randint(0, new)}:
            proof = merkle.consistency_proof(tree.read, old, new)
            yield {
                "old": old, "old_root": merkle.root(leaves[:old]).hex(), "new": new,
                "new_root": tree.root().hex(), "proof": hexes(proof),
            }  # fmt: skip


def spoilt_inclusion(good):
    yield "another entry", {**good, "leaf": flip(good["leaf"])}
    yield "another root", {**good, "root": flip(good["root"])}
    if good["size"] > 1:
        yield "another index", {**good, "index": good["index"] ^ 1}
    yield "index at size", {**good, "index": good["size"]}
    yield "negative index", {**good, "index": -1}
    yield "one hash more", {**good, "proof": [*good["proof"], good["leaf"]]}
    for place in range(len(good["proof"])):
        proof = list(good["proof"])
        proof[place] = flip(proof[place])
        yield f"hash {place} changed", {**good, "proof": proof}
        yield f"hash {place} left out", {**good, "proof": proof[:place] + proof[place + 1 :]}


def spoilt_consistency(good):
    if good["old"]:
        yield "another new root", {**good, "new_root": flip(good["new_root"])}
    yield "another old root", {**good, "old_root": flip(good["old_root"])}
    yield "shrinking", {**good, "old": good["new"] + 1}
    yield "negative", {**good, "old": -1}
    yield "one hash more", {**good, "proof": [*good["proof"], good["new_root"]]}
    for place in range(len(good["proof"])):
        proof = list(good["proof"])
        proof[place] = flip(proof[place])
        yield f"hash {place} changed", {**good, "proof": proof}
        yield f"hash {place} left out", {**good, "proof": proof[:place] + proof[place + 1 :]}


def test_every_inclusion_proof_is_accepted_and_every_changed_one_rejected(go):
    good = list(inclusions())
    accepted(go, [("inclusion", g) for g in good])
    bad = [
        (f"{g['index']} of {g['size']}: {name}", "inclusion", b)
        for g in good
        for name, b in spoilt_inclusion(g)
    ]
    assert len(bad) > 2000
    rejected(go, bad)


def test_every_consistency_proof_is_accepted_and_every_changed_one_rejected(go):
    good = list(consistencies())
    accepted(go, [("consistency", g) for g in good])
    bad = [
        (f"{g['old']} to {g['new']}: {name}", "consistency", b)
        for g in good
        for name, b in spoilt_consistency(g)
    ]
    assert len(bad) > 2000
    rejected(go, bad)


def checkpoint_note(size=40):
    return sign_checkpoint(Checkpoint(ORIGIN, size, stored(size)[1].root()), LOG)


def every_bit_of(text, parts=lambda text: range(len(text))):
    """The text with one byte changed, once for every byte."""
    data = text.encode()
    for place in parts(data):
        changed = bytearray(data)
        changed[place] ^= 1
        try:
            yield place, changed.decode()
        except UnicodeDecodeError:  # JSON carries text only
            continue


def test_a_checkpoint_is_accepted_and_no_byte_of_it_can_be_changed(go):
    note = checkpoint_note()
    (verdict,) = accepted(go, [("checkpoint", {"vkey": VKEY, "note": note})])
    root = stored(40)[1].root().hex()
    assert verdict["detail"] == f"{ORIGIN} 40 {root}"
    rejected(go, [(str(p), "checkpoint", {"vkey": VKEY, "note": bent}) for p, bent in every_bit_of(note)])


def test_a_cosignature_is_accepted_and_names_its_time(go):
    note = checkpoint_note()
    line = cosign(parse_note(note).text, COSIGNER, WITNESS.sign, 1_767_600_000).line()
    (verdict,) = accepted(go, [("cosignature", {"vkey": str(COSIGNER), "note": note + line})])
    assert verdict["detail"] == "1767600000"
    assert go([("checkpoint", {"vkey": VKEY, "note": note + line})])[0]["ok"]
    own = range(len(note.encode()), len((note + line).encode()))
    text = range(len(parse_note(note).text.encode()))
    bent = every_bit_of(note + line, lambda data: [*text, *own])
    rejected(go, [(str(p), "cosignature", {"vkey": str(COSIGNER), "note": b}) for p, b in bent])


def test_an_envelope_is_accepted_and_no_byte_of_it_can_be_changed(go):
    payload = json.dumps({"_type": "https://in-toto.io/Statement/v1", "n": 1}).encode()
    data = dsse.seal(payload, [EDITOR, LOG])
    keys = {s.key_id: base64.b64encode(raw_ed25519(s.public_der)).decode() for s in (EDITOR, LOG)}
    given = {"envelope": base64.b64encode(data).decode(), "keys": keys}
    (verdict,) = accepted(go, [("envelope", given)])
    assert verdict["detail"].encode() == payload
    bent = []
    for place in range(len(data)):
        changed = bytearray(data)
        changed[place] ^= 1
        bent.append(
            (str(place), "envelope", {**given, "envelope": base64.b64encode(bytes(changed)).decode()})
        )
    bent.append(("an unknown signer", "envelope", {**given, "keys": {EDITOR.key_id: keys[EDITOR.key_id]}}))
    rejected(go, bent)


def test_a_log_proof_is_accepted_for_its_entry_and_no_other(go):
    cases, bad = [], []
    for size in (1, 2, 40, 257):
        _, tree = stored(size)
        for index in {0, size // 2, size - 1}:
            path = merkle.inclusion_proof(tree.read, index, size)
            proof = tlog_proof.TlogProof(index, path, checkpoint_note(size))
            given = {
                "proof": str(proof),
                "entry": base64.b64encode(entries(size)[index]).decode(),
                "vkey": VKEY,
            }
            cases.append(("tlog-proof", given))
            other = base64.b64encode(b"another").decode()
            bad.append((f"{index} of {size}", "tlog-proof", {**given, "entry": other}))
    with_extra = deepcopy(cases[-1][1])
    proof = tlog_proof.parse(with_extra["proof"].encode())
    with_extra["proof"] = str(tlog_proof.TlogProof(proof.index, proof.path, proof.checkpoint, b"outside"))
    accepted(go, [*cases, ("tlog-proof", with_extra)])
    sample = cases[3][1]
    bad += [
        (f"byte {p}", "tlog-proof", {**sample, "proof": bent}) for p, bent in every_bit_of(sample["proof"])
    ]
    rejected(go, bad)


# The log as static files: what is left when there is no database and nobody who runs this project.


def exported(root, size):
    home = Home(root)
    ledger = home.create()
    for start in range(0, size, 100):
        ledger.append([entry(n) for n in range(start, min(start + 100, size))])
    exporter(home).catch_up()
    ledger.close()
    return home, {"folder": str(folder_of(home)), "vkey": home.vkey}


@pytest.mark.parametrize("size", [1, 255, 256, 257, 600])
def test_a_whole_exported_log_is_rebuilt_from_its_files(go, tmp_path, size):
    _, given = exported(tmp_path / "log", size)
    (verdict,) = accepted(go, [("tiles", given)])
    assert verdict["detail"] == f"{size} entries"
    needed = {name.path for name in tiles_at(size)} | {"checkpoint"}
    bent = []
    for place in sorted(needed):
        for offset in (0, -1):
            copy = tmp_path / f"bent{len(bent)}"
            shutil.copytree(given["folder"], copy)
            data = bytearray((copy / place).read_bytes())
            data[offset] ^= 1
            (copy / place).write_bytes(data)
            bent.append((f"{place} {offset}", "tiles", {**given, "folder": str(copy)}))
        copy = tmp_path / f"without{len(bent)}"
        shutil.copytree(given["folder"], copy)
        (copy / place).unlink()
        bent.append((f"{place} missing", "tiles", {**given, "folder": str(copy)}))
    bent.append(("another log's key", "tiles", {**given, "vkey": VKEY.replace("1+", "2+", 1)}))
    rejected(go, bent)


def test_no_byte_of_a_small_exported_log_can_be_changed(go, tmp_path):
    _, given = exported(tmp_path / "log", 3)
    bent = []
    for name in tiles_at(3):
        whole = (Path(given["folder"]) / name.path).read_bytes()
        for offset in range(0, len(whole), 7):
            copy = tmp_path / f"bent{len(bent)}"
            shutil.copytree(given["folder"], copy)
            data = bytearray(whole)
            data[offset] ^= 0x10
            (copy / name.path).write_bytes(data)
            bent.append((f"{name.path} {offset}", "tiles", {**given, "folder": str(copy)}))
    rejected(go, bent)


# The vectors, with the answers that any implementation must give.

STRICTER_HERE = {
    # x/mod takes a key's first signature and passes over its others; here one bad signature condemns the note.
    ("note", "good signature, then a bad one"),
}
"""What Go accepts and this project does not. The other way round there is nothing."""

FILES = {"leaf": "leaf", "inclusion": "inclusion", "consistency": "consistency", "note": "note",
         "checkpoint": "checkpoint", "witness/cosignature": "cosignature",
         "ledger/tlog-proof": "tlog-proof"}  # fmt: skip


def vectors(file, kind):
    for case in json.loads((VECTORS / f"{file}.json").read_text()):
        post_quantum = kind == "cosignature" and "ML-DSA" in case["name"]
        if not post_quantum:  # Go 1.19 has none
            yield case


@pytest.mark.parametrize(("file", "kind"), list(FILES.items()))
def test_vectors_have_the_same_answers(go, file, kind):
    cases = list(vectors(file, kind))
    verdicts = go([(kind, case["input"]) for case in cases])
    for case, verdict in zip(cases, verdicts, strict=True):
        good = "error" not in case and case["expected"] != []
        if (kind, case["name"]) in STRICTER_HERE:
            assert verdict["ok"]
            continue
        assert verdict["ok"] == good, (case["name"], verdict)
        if kind == "leaf":
            assert verdict["detail"] == case["expected"]
        if kind == "cosignature" and good:
            assert verdict["detail"] == str(case["expected"][0])


def test_vectors_of_envelopes_are_signed_as_they_say(go):
    for case in json.loads((VECTORS / "envelope.json").read_text()):
        seeds = case["input"].get("seeds")
        if seeds:
            signers = [FileSigner(Ed25519PrivateKey.from_private_bytes(bytes.fromhex(s))) for s in seeds]
            keys = {s.key_id: base64.b64encode(raw_ed25519(s.public_der)).decode() for s in signers}
            accepted(go, [("envelope", {"envelope": case["expected"]["envelope"], "keys": keys})])
