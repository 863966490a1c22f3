from __future__ import annotations

import json
import stat
import sys

import pytest
from cryptography.hazmat.primitives import asymmetric
from witnessing import HONEST, LOG_KEY, make_witness

from void_audit.canon.cosignature import CosignerKey
from void_audit.errors import IdentityError, VoidAuditError, WorkspaceError
from void_audit.ledger.witness_folder import WitnessFolder


def test_a_witness_has_two_keys_that_only_its_passphrase_opens(tmp_path) -> None:
    made = WitnessFolder.create(tmp_path / "w", "w.example/1", "correct horse")
    keys = [CosignerKey.parse(vkey) for vkey in made.vkeys]
    assert [(k.name, k.type) for k in keys] == [("w.example/1", 4), ("w.example/1", 6)]
    assert [c.key for c in WitnessFolder(tmp_path / "w").cosigners("correct horse")] == keys
    for phrase, code in ((None, "passphrase-needed"), ("wrong", "passphrase-wrong")):
        with pytest.raises(IdentityError) as caught:
            made.cosigners(phrase)
        assert caught.value.code == code
    for path in (tmp_path / "w" / "keys").glob("*.pem"):
        assert b"ENCRYPTED" in path.read_bytes()
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_it_cosigns_and_says_how_far(tmp_path) -> None:
    made = make_witness(tmp_path / "w")
    assert made.logs()[0].known.size == 0
    assert made.witness(None).add_checkpoint(HONEST.request(0, 9)).status == 200
    (log,) = WitnessFolder(tmp_path / "w").logs()
    assert (log.key, log.known.size) == (LOG_KEY, 9)


def test_a_witness_is_made_once(tmp_path) -> None:
    make_witness(tmp_path / "w")
    with pytest.raises(WorkspaceError) as caught:
        make_witness(tmp_path / "w")
    assert caught.value.code == "witness-exists"


@pytest.mark.parametrize("name", ["", "a b", "a+b", "x" * 256])
def test_a_name_that_no_key_can_have(tmp_path, name: str) -> None:
    with pytest.raises(VoidAuditError) as caught:
        WitnessFolder.create(tmp_path / "w", name, None)
    assert caught.value.code == "key-name"
    assert not (tmp_path / "w").exists()


@pytest.mark.parametrize(
    "data", [b"", b"[]", b"{}", b'{"format": "void-audit-witness/v1", "name": 1, "vkeys": []}']
)
def test_what_is_no_witness(tmp_path, data: bytes) -> None:
    with pytest.raises(WorkspaceError) as caught:
        WitnessFolder(tmp_path)
    assert caught.value.code == "witness-missing"
    (tmp_path / "witness.json").write_bytes(data)
    with pytest.raises(WorkspaceError):
        WitnessFolder(tmp_path)


def test_keys_of_another_witness_are_noticed(tmp_path) -> None:
    make_witness(tmp_path / "w")
    make_witness(tmp_path / "x")
    for name in ("ed25519.pem", "ml-dsa-44.pem"):
        (tmp_path / "x" / "keys" / name).replace(tmp_path / "w" / "keys" / name)
        with pytest.raises(IdentityError) as caught:
            WitnessFolder(tmp_path / "w").cosigners(None)
        assert caught.value.code == "key-unreadable"


@pytest.mark.parametrize("damage", [b"", b"-----BEGIN PRIVATE KEY-----\n", b"\xff" * 99])
def test_a_damaged_second_key(tmp_path, damage: bytes) -> None:
    made = make_witness(tmp_path / "w")
    (tmp_path / "w" / "keys" / "ml-dsa-44.pem").write_bytes(damage)
    with pytest.raises(IdentityError) as caught:
        made.cosigners(None)
    assert caught.value.code == "key-unreadable"


def test_without_ml_dsa_it_has_the_one_key_and_says_nothing_false(tmp_path, monkeypatch) -> None:
    monkeypatch.delattr(asymmetric, "mldsa")
    monkeypatch.setitem(sys.modules, "cryptography.hazmat.primitives.asymmetric.mldsa", None)
    made = make_witness(tmp_path / "w")
    assert [vkey.split("+")[0] for vkey in made.vkeys] == ["witness.example/w1"]
    assert json.loads((tmp_path / "w" / "witness.json").read_bytes())["vkeys"] == list(made.vkeys)
    assert made.witness(None).add_checkpoint(HONEST.request(0, 9)).body.count("\n") == 1
