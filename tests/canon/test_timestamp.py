"""RFC 3161 tokens: what one proves, and everything that must not count as one."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import random
import shutil
import subprocess
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from asn1crypto import tsp
from cryptography.x509.oid import ExtendedKeyUsageOID
from hypothesis import given
from hypothesis import strategies as st
from rfc3161_client import decode_timestamp_response
from tsa import CLOSED, FOUNDED, NOON, STAMPING, Tsa, response

from void_audit.canon import timestamp
from void_audit.canon.timestamp import claimed_time, note_digest, open_reply, verify_token
from void_audit.errors import IdentityError, NoteError, TokenError, VoidAuditError

DIGEST = hashlib.sha256(b"a checkpoint").digest()
OTHER = hashlib.sha256(b"another").digest()
TSA = Tsa()
TOKEN = TSA.token(DIGEST)


def refused(code, *args):
    with pytest.raises(TokenError) as caught:
        verify_token(*args)
    assert caught.value.code == code
    assert caught.value.hint
    return caught.value


def test_a_token_proves_that_a_digest_was_there_at_a_time():
    stamp = verify_token(TOKEN, DIGEST, TSA.root_pem)
    assert stamp.time == NOON
    assert stamp.accuracy == timedelta(seconds=1)
    assert stamp.authority == "CN=Test TSA"
    assert NOON < stamp.latest <= NOON + timedelta(seconds=2)


def test_any_of_several_pinned_authorities_counts():
    second = Tsa(name="Second TSA", seed=2, middle=True)
    roots = TSA.root_pem + second.root_pem
    assert verify_token(TOKEN, DIGEST, roots).authority == "CN=Test TSA"
    assert verify_token(second.token(DIGEST), DIGEST, roots).authority == "CN=Second TSA"


def test_a_token_of_an_authority_that_is_not_pinned_is_untrusted_not_broken():
    stranger = Tsa(name="Stranger", seed=3)
    refused("token-untrusted", stranger.token(DIGEST), DIGEST, TSA.root_pem)
    own_root = stranger.token(DIGEST, extra=(stranger.root,))
    refused("token-untrusted", own_root, DIGEST, TSA.root_pem)


def test_a_root_of_the_same_name_with_another_key_is_no_root():
    refused("token-invalid", replace(TSA, root_seed=7).token(DIGEST), DIGEST, TSA.root_pem)


def test_a_token_covers_one_digest():
    refused("token-imprint", TOKEN, OTHER, TSA.root_pem)
    sha512 = {"hash_algorithm": {"algorithm": "sha512"}, "hashed_message": DIGEST}
    refused("token-imprint", TSA.token(DIGEST, message_imprint=sha512), DIGEST, TSA.root_pem)


@pytest.mark.parametrize(
    "bad",
    [
        Tsa(usages=()),
        Tsa(critical=False),
        Tsa(usages=(ExtendedKeyUsageOID.SERVER_AUTH,)),
        Tsa(usages=(*STAMPING, ExtendedKeyUsageOID.CODE_SIGNING)),
    ],
    ids=["none", "not critical", "another", "one more"],
)
def test_a_certificate_for_anything_but_time_stamping_is_refused(bad):
    assert "purpose" in refused("token-invalid", bad.token(DIGEST), DIGEST, bad.root_pem).message


def test_the_chain_is_judged_at_the_time_of_the_token():
    closing = Tsa(not_after=FOUNDED + timedelta(days=400))  # expired for years when this runs
    good = closing.token(DIGEST, FOUNDED + timedelta(days=399))
    assert verify_token(good, DIGEST, closing.root_pem).time < closing.not_after
    for when in (FOUNDED + timedelta(days=401), CLOSED):
        assert (
            "expired"
            in refused("token-invalid", closing.token(DIGEST, when), DIGEST, closing.root_pem).message
        )
    early = Tsa(not_before=NOON)
    refused("token-invalid", early.token(DIGEST, NOON - timedelta(days=1)), DIGEST, early.root_pem)


def test_a_second_certificate_in_the_signers_name_is_no_way_in():
    """One library could look at the purpose of the one, another at the key of the other."""
    twin = Tsa(usages=(ExtendedKeyUsageOID.SERVER_AUTH,)).chain[0]
    refused("token-malformed", TSA.token(DIGEST, extra=(twin,)), DIGEST, TSA.root_pem)


@pytest.mark.parametrize("seconds", [-1, 7200, 2**62, 2**80])
def test_an_accuracy_that_says_nothing_is_refused(seconds):
    with pytest.raises(TokenError) as caught:
        verify_token(TSA.token(DIGEST, accuracy={"seconds": seconds}), DIGEST, TSA.root_pem)
    assert caught.value.code in {"token-accuracy", "token-malformed"}


def test_without_an_accuracy_only_rounding_is_left():
    stamp = verify_token(TSA.token(DIGEST, accuracy=None), DIGEST, TSA.root_pem)
    assert stamp.latest == NOON + timedelta(seconds=1)


def test_fractions_of_a_second_count_upwards():
    when = NOON + timedelta(milliseconds=900)
    stamp = verify_token(TSA.token(DIGEST, when, accuracy={"millis": 5}), DIGEST, TSA.root_pem)
    assert stamp.latest >= when + timedelta(milliseconds=5)


@pytest.mark.parametrize(
    "token", [b"", b"0", TOKEN[:-1], TOKEN + b"\0", response(TOKEN), b"\x30\x80" + TOKEN, bytes(30_001)]
)
def test_what_is_no_token_is_malformed(token):
    refused("token-malformed", token, DIGEST, TSA.root_pem)
    with pytest.raises(TokenError):
        claimed_time(token)


def test_the_claimed_time_is_whatever_it_says():
    assert claimed_time(Tsa(name="Stranger", seed=3).token(DIGEST)) == NOON


def test_roots_that_are_none_are_the_verifiers_fault_not_the_tokens():
    for roots in ("", "hello", TSA.root_pem[:-30]):
        with pytest.raises(IdentityError):
            verify_token(TOKEN, DIGEST, roots)


def test_no_byte_of_what_is_signed_can_be_changed():
    """Unsigned: versions and algorithm names of the container, which say nothing."""
    held = []
    for place in range(len(TOKEN)):
        spoilt = bytearray(TOKEN)
        spoilt[place] ^= 0x41
        try:
            stamp = verify_token(bytes(spoilt), DIGEST, TSA.root_pem)
        except TokenError:
            continue
        held.append(place)
        assert stamp == verify_token(TOKEN, DIGEST, TSA.root_pem)
    assert len(held) < 20


def test_nothing_hostile_raises_anything_else():
    chance = random.Random(1)
    for _ in range(500):
        data = bytearray(TOKEN)
        for _ in range(chance.randint(1, 4)):
            place = chance.randrange(len(data))
            data[place : place + chance.randrange(3)] = chance.randbytes(chance.randrange(4))
        for check in (lambda d: verify_token(d, DIGEST, TSA.root_pem), claimed_time):
            with contextlib.suppress(VoidAuditError):
                check(bytes(data))


@given(st.binary(max_size=200))
def test_no_bytes_raise_anything_else(data):
    for check in (
        lambda d: verify_token(d, DIGEST, TSA.root_pem),
        lambda d: open_reply(d, DIGEST, 1, TSA.root_pem),
    ):
        with pytest.raises(TokenError):
            check(data)


# Asking.


@given(st.binary(min_size=32, max_size=32), st.integers(0, 2**64 - 1))
def test_a_request_is_what_another_parser_reads(digest, nonce):
    asked = tsp.TimeStampReq.load(timestamp.request(digest, nonce), strict=True)
    assert asked.native == {
        "version": "v1",
        "message_imprint": {
            "hash_algorithm": {"algorithm": "sha256", "parameters": None},
            "hashed_message": digest,
        },
        "req_policy": None, "nonce": nonce, "cert_req": True, "extensions": None,
    }  # fmt: skip
    assert asked.dump(force=True) == timestamp.request(digest, nonce)


def test_nonces_differ():
    assert len({timestamp.new_nonce() for _ in range(50)}) == 50


def test_a_reply_is_opened_with_the_question_it_answers():
    asked = timestamp.request(DIGEST, 77)
    token, stamp = open_reply(TSA.reply(asked), DIGEST, 77, TSA.root_pem)
    assert stamp == verify_token(token, DIGEST, TSA.root_pem)
    assert decode_timestamp_response(TSA.reply(asked)).time_stamp_token() == token


def test_a_reply_to_another_question_is_refused():
    asked = timestamp.request(DIGEST, 77)
    for reply, code in [
        (TSA.reply(asked, nonce=78), "token-nonce"),
        (TSA.reply(asked, nonce=None), "token-nonce"),
        (TSA.reply(asked, digest=OTHER), "token-imprint"),
        (response(None, status=2), "token-refused"),
        (response(TOKEN, status=2), "token-refused"),
        (response(None), "token-malformed"),
        (TSA.reply(asked) + bytes(40_000), "token-malformed"),
        (b"<html>sign in</html>", "token-malformed"),
        (b"", "token-malformed"),
    ]:
        with pytest.raises(TokenError) as caught:
            open_reply(reply, DIGEST, 77, TSA.root_pem)
        assert caught.value.code == code


@pytest.mark.skipif(shutil.which("openssl") is None, reason="needs the openssl command")
def test_openssl_agrees(tmp_path):
    """A second reading of the same token, by a program that is not ours."""
    (tmp_path / "token").write_bytes(TOKEN)
    (tmp_path / "root.pem").write_text(TSA.root_pem)
    at = str(int(NOON.timestamp()))
    for digest, verdict in ((DIGEST, 0), (OTHER, 1)):
        found = subprocess.run(
            ["openssl", "ts", "-verify", "-token_in", "-in", "token", "-CAfile", "root.pem",
             "-attime", at, "-digest", digest.hex()],
            cwd=tmp_path, capture_output=True, check=False,
        )  # fmt: skip
        assert found.returncode == verdict


def test_what_is_stamped_of_a_checkpoint_is_its_signed_text():
    note = "log\n1\nAAAA\n\n\u2014 log " + base64.b64encode(bytes(72)).decode() + "\n"
    more = note + "\u2014 witness " + base64.b64encode(bytes(80)).decode() + "\n"
    assert note_digest(note) == note_digest(more) == hashlib.sha256(b"log\n1\nAAAA\n").digest()
    with pytest.raises(NoteError):
        note_digest("no note")


def test_the_time_is_in_utc():
    assert verify_token(TOKEN, DIGEST, TSA.root_pem).time.tzinfo == UTC
    assert claimed_time(TOKEN) == datetime(2026, 3, 1, 12, tzinfo=UTC)


def test_what_is_too_large_is_not_even_parsed():
    large = response(TSA.token(DIGEST) + bytes(31_000))
    for check in (
        lambda: verify_token(bytes(30_001), DIGEST, TSA.root_pem),
        lambda: claimed_time(bytes(30_001)),
        lambda: open_reply(large, DIGEST, 7, TSA.root_pem),
    ):
        with pytest.raises(TokenError, match=r"it has 3\d{4} bytes"):
            check()


def test_a_root_that_was_made_anew_under_its_name_does_not_hide_the_old_one():
    """Whichever of the two comes first among the pins."""
    old, new = Tsa(name="X", seed=1), Tsa(name="X", seed=1, root_seed=9)
    for pins in (old.root_pem + new.root_pem, new.root_pem + old.root_pem):
        for tsa in (old, new):
            assert verify_token(tsa.token(bytes(32)), bytes(32), pins).authority == "CN=X"
    with pytest.raises(TokenError):
        verify_token(old.token(bytes(32)), bytes(32), new.root_pem)
