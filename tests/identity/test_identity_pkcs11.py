"""Keys on a real token: SoftHSM."""

from __future__ import annotations

import threading

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, utils
from softhsm import PIN, Token, module

from void_audit.canon.keys import ed25519_valid, raw_ed25519
from void_audit.errors import IdentityError
from void_audit.identity import pkcs11 as ours
from void_audit.identity.keys import verify
from void_audit.identity.token_uri import TokenUri


@pytest.fixture(scope="module")
def token(tmp_path_factory):
    module()
    token = Token(tmp_path_factory.mktemp("softhsm"))
    for name, kind, number in (
        ("log", "ed25519", 1),
        ("seal", "p256", 2),
        ("big", "p384", 3),
        ("old", "rsa", 4),
    ):
        token.make(name, kind, number)
    for number in (5, 6):
        token.make("twin", "ed25519", number)
    token.make("half", "ed25519", 7)
    token.destroy("half", public=False)
    token.make("blind", "ed25519", 8)
    token.destroy("blind", private=False)
    return token


@pytest.fixture(autouse=True)
def _fresh():
    """Each test as a process of its own would be."""
    yield
    for session in ours._open.values():
        session.handle.close()
    ours._open.clear()
    ours._refused.clear()


def pin(label):
    assert label == "house"
    return PIN


def log_key(token, name="log", **more):
    return ours.open_log_key(TokenUri.parse(token.uri(name, **more)), pin)


def seal_key(token, name="seal"):
    return ours.open_seal_key(TokenUri.parse(token.uri(name)), pin)


def test_a_log_key_signs_like_one_in_a_file(token):
    key = log_key(token)
    signature = key.sign(b"data")
    verify(key.public_der, b"data", signature)
    assert key.sign(b"data") == signature  # Ed25519 is deterministic: opening a log signs the same note again
    assert ed25519_valid(raw_ed25519(key.public_der), b"data", signature)
    assert len(key.key_id) == 64
    assert PIN not in repr(key)


def test_a_seal_key_signs_es256(token):
    key = seal_key(token)
    signature = key.sign(b"data")
    r, s = int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big")
    key.public_key().verify(utils.encode_dss_signature(r, s), b"data", ec.ECDSA(hashes.SHA256()))
    assert len(signature) == 64


def test_a_key_by_its_id(token):
    by_id = ours.open_log_key(TokenUri.parse(f"pkcs11:token=house;id=%01?module-path={token.module}"), pin)
    assert by_id.public_der == log_key(token).public_der
    assert log_key(token, "twin", id="%05").public_der != log_key(token, "twin", id="%06").public_der


@pytest.mark.parametrize(
    ("name", "code", "says"),
    [
        ("nobody", "key-missing", "nobody"),
        ("twin", "key-ambiguous", "2 objects"),
        ("half", "key-missing", "private key"),
        ("blind", "key-missing", "public key"),
        ("seal", "key-type", "Ed25519"),
        ("old", "key-type", "Ed25519"),
    ],
)  # fmt: skip
def test_what_is_not_a_log_key(token, name, code, says):
    with pytest.raises(IdentityError, match=says) as caught:
        log_key(token, name)
    assert caught.value.code == code
    assert caught.value.hint


@pytest.mark.parametrize("name", ["log", "big", "old"])
def test_what_is_not_a_seal_key(token, name):
    with pytest.raises(IdentityError) as caught:
        seal_key(token, name)
    assert caught.value.code == "key-type"


def test_the_pin_is_asked_for_once_for_both_keys(token):
    asked = []

    def ask(label):
        asked.append(label)
        return PIN

    for uri, opened in (("log", ours.open_log_key), ("seal", ours.open_seal_key)):
        opened(TokenUri.parse(token.uri(uri)), ask)
    assert asked == ["house"]


def test_a_wrong_pin_is_tried_once_and_named_nowhere(token):
    asked = []

    def wrong(label):
        asked.append(label)
        return "987654"

    for _ in range(5):
        with pytest.raises(IdentityError) as caught:
            ours.open_log_key(TokenUri.parse(token.uri("log")), wrong)
        assert caught.value.code == "token-pin"
        assert "987654" not in str(caught.value) + repr(caught.value.__cause__)
    assert asked == ["house"]  # so five attempts do not lock the token


@pytest.mark.parametrize("given", [None, ""])
def test_no_pin(token, given):
    with pytest.raises(IdentityError) as caught:
        ours.open_log_key(TokenUri.parse(token.uri("log")), lambda label: given)
    assert caught.value.code == "token-pin"


@pytest.mark.parametrize("flag", ["USER_PIN_FINAL_TRY", "USER_PIN_LOCKED"])
def test_where_one_more_wrong_pin_would_lock_the_token_none_is_tried(flag):
    from pkcs11 import TokenFlag  # noqa: PLC0415

    class Worn:
        flags = TokenFlag[flag] | TokenFlag.LOGIN_REQUIRED

    uri = TokenUri("/x.so", token="house", label="log")
    with pytest.raises(IdentityError) as caught:
        ours._refuse_last_try(Worn(), uri)
    assert caught.value.code == "token-pin-final"
    Worn.flags = TokenFlag.USER_PIN_COUNT_LOW
    ours._refuse_last_try(Worn(), uri)


def test_another_token_no_token_and_no_library(token, tmp_path):
    (tmp_path / "not.so").write_text("no library")
    for uri, code in (
        (token.uri("log").replace("token=house", "token=other"), "token-missing"),
        (f"pkcs11:serial=00;object=log?module-path={token.module}", "token-missing"),
        ("pkcs11:token=house;object=log?module-path=/nowhere/lib.so", "token-module"),
        (f"pkcs11:token=house;object=log?module-path={tmp_path / 'not.so'}", "token-module"),
    ):
        with pytest.raises(IdentityError) as caught:
            ours.open_log_key(TokenUri.parse(uri), pin)
        assert caught.value.code == code


def test_a_lying_token_is_caught(token, monkeypatch):
    log, seal = log_key(token), seal_key(token)
    for reply in (b"", b"\0" * 64, b"\1" * 64, seal.sign(b"other"), b"\1" * 65):
        monkeypatch.setattr(ours.TokenKey, "_sign", lambda key, data, mechanism, reply=reply: reply)
        for key in (log, seal):
            with pytest.raises(IdentityError) as caught:
                key.sign(b"data")
            assert caught.value.code == "token-signature"
        monkeypatch.undo()


def test_a_session_that_is_gone(token):
    key = log_key(token)
    key._session.handle.close()
    with pytest.raises(IdentityError) as caught:
        key.sign(b"data")
    assert caught.value.code == "token-failed"
    log_key(token).sign(b"data")  # the next command opens another


def test_threads_share_a_session(token):
    log, seal, errors = log_key(token), seal_key(token), []

    def work(number):
        try:
            for n in range(10):
                log.sign(b"%d %d" % (number, n))
                seal.sign(b"%d %d" % (number, n))
        except IdentityError as error:
            errors.append(error)

    threads = [threading.Thread(target=work, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []


def test_a_point_with_and_without_its_wrapping():
    raw = bytes(range(32))
    assert ours._unwrapped(b"\x04\x20" + raw, 32) == raw == ours._unwrapped(raw, 32)
    assert ours._unwrapped(raw[:-1], 32) == raw[:-1]


def test_without_the_extra(monkeypatch):
    import sys  # noqa: PLC0415

    monkeypatch.setitem(sys.modules, "pkcs11", None)
    with pytest.raises(IdentityError) as caught:
        ours.open_log_key(TokenUri("/x.so", token="house", label="log"), pin)
    assert (caught.value.code, "void-audit[hsm]" in caught.value.hint) == ("extra-missing", True)
