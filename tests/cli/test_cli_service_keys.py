"""A house whose log and seal keys are on a token: from init to a sealed file that verifies."""

from __future__ import annotations

import pytest
from cli.terminal import Terminal
from softhsm import PIN, Token, module

from void_audit.cli.service_keys import LOG, SERVICE, KeyAccess, log_key, log_reference, seal_reference
from void_audit.errors import IdentityError
from void_audit.identity import pkcs11


@pytest.fixture(scope="module")
def token(tmp_path_factory):
    module()
    token = Token(tmp_path_factory.mktemp("softhsm"))
    token.make("log", "ed25519", 1)
    token.make("seal", "p256", 2)
    return token


def forget():
    """As if the next command ran in a process of its own."""
    for session in pkcs11._open.values():
        session.handle.close()
    pkcs11._open.clear()
    pkcs11._refused.clear()


@pytest.fixture(autouse=True)
def _fresh():
    yield
    forget()


def init(token, folder):
    terminal = Terminal(folder)
    terminal.env["VOID_AUDIT_PIN"] = PIN
    terminal(
        f"init --no-passphrase --admin chief --pack base --log-key '{token.uri('log')}' "
        f"--seal-key '{token.uri('seal')}'"
    )
    return terminal


def test_an_edit_from_init_to_verify(token, tmp_path):
    desk = init(token, tmp_path)
    place = tmp_path / ".void-audit"
    assert not (place / "keys" / "log.pem").exists()
    assert log_reference(place).read_text() == token.uri("log") + "\n"
    assert b"PRIVATE" not in (place / "seal" / "leaf.pem").read_bytes()
    assert seal_reference(place).is_file()
    for name, role in (("lois", "editor"), ("perry", "approver")):
        desk(f"keys add {name} --role {role}")
    edit = desk.approved()
    desk(f"run {edit} --out clean.mp4")
    report = desk.json("verify clean.mp4")
    answers = {f["number"] if "number" in f else f["obligation"]: f["state"] for f in report["findings"]}
    assert "fail" not in answers.values()
    assert desk.json("ledger fsck")["ok"]
    for held in place.rglob("*"):
        assert not held.is_file() or PIN.encode() not in held.read_bytes() or held.stat().st_size > 2_000


def test_a_wrong_pin_changes_nothing(token, tmp_path):
    desk = init(token, tmp_path)
    forget()
    said = desk.refused("keys add lois --role editor", 2, "token-pin", VOID_AUDIT_PIN="000000")
    assert "000000" not in said
    forget()
    desk("keys add lois --role editor")


def test_a_passphrase_is_never_tried_as_a_pin(token, tmp_path):
    desk = init(token, tmp_path)
    forget()
    desk.refused(
        "keys add lois --role editor", 2, "passphrase-needed", VOID_AUDIT_PIN="", VOID_AUDIT_PASSPHRASE=PIN
    )


def test_a_token_key_that_cannot_be_used_leaves_no_workspace(token, tmp_path):
    desk = Terminal(tmp_path)
    desk.env["VOID_AUDIT_PIN"] = PIN
    for uri, code in (
        (token.uri("nobody"), "key-missing"),
        (token.uri("seal"), "key-type"),
        ("pkcs11:token=house;object=log", "token-uri-malformed"),
        (token.uri("log") + "&pin-value=1234", "token-uri-pin"),
    ):
        desk.refused(f"init --no-passphrase --log-key '{uri}'", 2, code)
    assert not (tmp_path / ".void-audit").exists()


def test_two_log_keys_are_one_too_many(token, tmp_path):
    desk = init(token, tmp_path)
    place = tmp_path / ".void-audit"
    (place / "keys" / f"{LOG}.pem").write_text("another")
    desk.refused("keys add lois --role editor", 2, "key-ambiguous")
    with pytest.raises(IdentityError):
        log_key(place, lambda holder: holder == SERVICE or None, KeyAccess())


def test_another_key_than_the_logs_own(token, tmp_path):
    desk = init(token, tmp_path)
    token.make("other", "ed25519", 9)
    reference = log_reference(tmp_path / ".void-audit")
    reference.write_text(token.uri("other") + "\n")
    desk.refused("keys add lois --role editor", 1, "log-key-other")
    reference.write_text(token.uri("log") + "\n")
    desk("keys add lois --role editor")
