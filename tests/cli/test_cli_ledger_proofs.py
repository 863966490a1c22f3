"""``ledger checkpoint``, ``entry``, ``proof``, ``check-proof``, ``consistency``: also on another desk, offline."""

from __future__ import annotations

import base64
import json

import pytest
from cli.terminal import Terminal

from void_audit.canon import merkle, tlog_proof
from void_audit.canon.note import VerifierKey


@pytest.fixture(scope="module")
def handed_out(desk, tmp_path_factory):
    """What a newsroom hands to a rival: a proof, the entry, two checkpoints, a proof between them, the log's key."""
    folder = tmp_path_factory.mktemp("handed")
    size = desk.json("ledger fsck")["entries"]
    for line in (f"ledger entry 5 --raw --out {folder}/entry", f"ledger proof 5 --out {folder}/proof",
                 f"ledger checkpoint --out {folder}/new", f"ledger checkpoint --size 4 --out {folder}/old",
                 f"ledger consistency 4 {size} --out {folder}/grown"):  # fmt: skip
        assert "Written" in desk(line).output
    key = (desk.folder / ".void-audit" / "trust" / "log.vkey").read_text()
    (folder / "log.vkey").write_text(key)
    return folder


@pytest.fixture
def stranger(handed_out):
    """A desk without any workspace."""
    return Terminal(handed_out)


def test_an_entry_is_the_leaf(desk, handed_out):
    said = desk.json("ledger entry 5")
    envelope = base64.b64decode(said["envelope"])
    assert envelope == (handed_out / "entry").read_bytes()
    assert merkle.leaf_hash(envelope).hex() == said["leaf_hash"]
    assert said["statement"]["_type"] == "https://in-toto.io/Statement/v1"
    assert json.loads(desk("ledger entry 5").stdout)["keys"] == said["keys"]
    desk.refused("ledger entry 100000", 1, "entry-missing")


def test_a_proof_is_a_tlog_proof(desk, handed_out):
    text = desk("ledger proof 5").stdout
    assert text == (handed_out / "proof").read_text()
    assert text.startswith("c2sp.org/tlog-proof@v1\nindex 5\n")
    key = VerifierKey.parse((handed_out / "log.vkey").read_text().strip())
    size = tlog_proof.verify(tlog_proof.parse(text.encode()), (handed_out / "entry").read_bytes(), key).size
    assert size == desk.json("ledger proof 5")["size"]
    assert desk.json("ledger proof 2 --size 4")["size"] == 4
    desk.refused("ledger proof 5 --size 4", 2, "proof-index")
    desk.refused("ledger proof 100000", 2, "proof-index")


def test_a_stranger_checks_a_proof_offline(stranger):
    assert "is entry 5 of" in stranger("ledger check-proof proof entry --log-key log.vkey").output
    key = (stranger.folder / "log.vkey").read_text().strip()
    assert stranger.json(f"ledger check-proof proof entry --log-key {key}")["index"] == 5
    stranger.refused("ledger check-proof proof entry", 2, "log-key-missing")


def test_a_changed_entry_or_proof_is_not_believed(stranger, tmp_path):
    entry, proof = (stranger.folder / name for name in ("entry", "proof"))
    (tmp_path / "entry").write_bytes(entry.read_bytes().replace(b"e", b"f", 1))
    stranger.refused(f"ledger check-proof proof {tmp_path}/entry --log-key log.vkey", 1, "inclusion-unproven")
    (tmp_path / "proof").write_text(proof.read_text().replace("index 5", "index 6"))
    stranger.refused(f"ledger check-proof {tmp_path}/proof entry --log-key log.vkey", 1, "inclusion-unproven")
    stranger.refused("ledger check-proof entry entry --log-key log.vkey", 1, "tlog-proof-malformed")
    stranger.refused("ledger check-proof nothing entry --log-key log.vkey", 2, "file-unreadable")
    stranger.refused("ledger check-proof proof entry --log-key entry", 1, "vkey-malformed")
    (tmp_path / "big").write_bytes(b"x" * 70_000)
    stranger.refused(f"ledger check-proof proof {tmp_path}/big --log-key log.vkey", 2, "file-too-large")
    stranger.refused(f"ledger check-proof proof entry --log-key {tmp_path}/big", 2, "file-too-large")


def test_the_extra_line_is_named_as_outside_of_what_is_signed(stranger, tmp_path):
    text = (stranger.folder / "proof").read_text().replace("index 5", "extra AQID\nindex 5")
    (tmp_path / "proof").write_text(text)
    said = stranger(f"ledger check-proof {tmp_path}/proof entry --log-key log.vkey").output
    assert "not authenticated" in said


def test_a_stranger_compares_two_checkpoints_offline(stranger):
    said = stranger("ledger consistency old new --proof grown --log-key log.vkey").output
    assert "begin with the 4 signed before, unchanged" in said
    assert stranger.json("ledger consistency new new --log-key log.vkey")["consistent"] is True
    assert stranger.json("ledger consistency old new --proof grown --log-key log.vkey")["old"] == 4


def test_a_newsroom_makes_the_proof_itself(desk, handed_out):
    assert "unchanged" in desk(f"ledger consistency {handed_out}/old {handed_out}/new").output
    desk(f"ledger consistency {handed_out}/old {handed_out}/new --out {handed_out}/again")
    assert (handed_out / "again").read_text() == (handed_out / "grown").read_text()
    size = desk.json("ledger fsck")["entries"]
    assert desk(f"ledger consistency 4 {size}").stdout == (handed_out / "grown").read_text()
    assert len(desk.json(f"ledger consistency 4 {size}")["hashes"]) > 1
    desk.refused(f"ledger consistency {size} 4", 2, "proof-index")


def test_histories_that_do_not_continue_each_other(stranger, tmp_path):
    grown = (stranger.folder / "grown").read_text()
    lines = grown.splitlines(keepends=True)
    (tmp_path / "proof").write_text("".join([*lines[:-1], f"{base64.b64encode(bytes(32)).decode()}\n"]))
    line = f"ledger consistency old new --proof {tmp_path}/proof --log-key log.vkey"
    stranger.refused(line, 1, "consistency-unproven")
    (tmp_path / "proof").write_text(grown.replace("old 4", "old 5"))
    stranger.refused(line, 2, "proof-other")
    (tmp_path / "proof").write_text("no proof")
    stranger.refused(line, 1, "consistency-malformed")
    stranger.refused("ledger consistency 4 new --log-key log.vkey", 2, "checkpoint-mixed")
    stranger.refused("ledger consistency entry new --log-key log.vkey", 1, "note-malformed")


def test_two_checkpoints_of_one_size_that_differ(stranger, own, tmp_path):
    """A split view: what two readers were shown cannot both be true."""
    from void_audit.canon.checkpoint import Checkpoint, sign_checkpoint  # noqa: PLC0415
    from void_audit.identity import keys  # noqa: PLC0415

    signer = keys.load(own.folder / ".void-audit" / "keys" / "log.pem", None)
    origin, size = (stranger.folder / "new").read_text().split("\n")[:2]
    (tmp_path / "fork").write_text(sign_checkpoint(Checkpoint(origin, int(size), bytes(32)), signer))
    stranger.refused(f"ledger consistency new {tmp_path}/fork --log-key log.vkey", 1, "consistency-unproven")


def test_checkpoints_by_size(desk):
    assert desk("ledger checkpoint --size 4").stdout.split("\n")[1] == "4"
    desk.refused("ledger checkpoint --size 100000", 1, "checkpoint-missing")
