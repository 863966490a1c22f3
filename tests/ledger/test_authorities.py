"""Asking time-stamping authorities: fallback, and everything that a hostile one answers."""

from __future__ import annotations

import hashlib
import socket
import threading
import time
from base64 import b64decode

import pytest
from conftest_ledger import envelope
from tsa import Tsa, response, serving

from void_audit.canon.timestamp import note_digest, verify_token
from void_audit.errors import LedgerError, TokenError
from void_audit.ledger import authorities
from void_audit.ledger.authorities import (
    Authorities,
    checkpoint_tokens,
    file_tokens,
    stamp_checkpoint,
    stamp_digest,
)

TSA = Tsa()
DIGEST = hashlib.sha256(b"a file").digest()


def asking(*servers, patience=5.0, roots=TSA.root_pem):
    return Authorities(tuple(s.url for s in servers), roots, patience)


def refusal(*servers, digest=DIGEST, **options):
    with pytest.raises(TokenError) as caught:
        asking(*servers, **options).stamp(digest)
    assert caught.value.code == "authority-failed"
    assert caught.value.hint
    return caught.value.message


def test_an_authority_gives_a_token_that_holds():
    with serving(TSA.reply) as server:
        stamped = asking(server).stamp(DIGEST)
    assert stamped.authority == f"127.0.0.1:{server.server_port}"
    assert verify_token(stamped.token, DIGEST, TSA.root_pem) == stamped.stamp


def test_the_next_is_asked_where_one_fails():
    with serving(TSA.reply) as good, serving(lambda asked: b"no") as bad, serving(TSA.reply) as never:
        stamped = asking(bad, good, never).stamp(DIGEST)
    assert str(good.server_port) in stamped.authority
    assert (bad.asked, good.asked, never.asked) == (1, 1, 0)


def test_where_all_fail_each_is_named_with_its_reason():
    stranger = Tsa(name="Stranger", seed=5)
    with serving(lambda asked: response(None, status=2)) as one, serving(stranger.reply) as two:
        message = refusal(one, two)
    assert f"{one.server_port}: The authority gives no token: status 2" in message
    assert f"{two.server_port}: The token is of CN=Stranger" in message


def test_nobody_to_ask_is_said():
    with pytest.raises(TokenError) as caught:
        Authorities((), TSA.root_pem).stamp(DIGEST)
    assert caught.value.code == "authority-missing"
    assert "settings.toml" in caught.value.hint


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"nonce": 5}, "another question"),
        ({"nonce": None}, "another question"),
        ({"digest": bytes(32)}, "covers something else"),
        ({"accuracy": {"seconds": 90_000}}, "only certain"),
    ],
)
def test_a_reply_to_another_question_is_no_answer(changes, words):
    with serving(lambda asked: TSA.reply(asked, **changes)) as server:
        assert words in refusal(server)


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        (Tsa(not_after=TSA.not_before.replace(year=2021)), "expired"),
        (Tsa(name="Other", seed=4), "not pinned"),
        (Tsa(root_seed=9), "does not hold"),
        (Tsa(usages=()), "purpose"),
    ],
    ids=["expired", "other CA", "forged CA", "no EKU"],
)
def test_a_certificate_that_is_not_good_for_it_is_no_answer(bad, words):
    with serving(bad.reply) as server:
        assert words in refusal(server)


def test_a_token_from_before_is_not_taken_for_this_answer():
    with serving(TSA.reply) as server:
        old = response(asking(server).stamp(DIGEST).token)
        server.answer = lambda asked: old
        assert "another question" in refusal(server)


def test_the_answer_must_be_a_time_stamp_reply():
    with serving(TSA.reply) as server:
        for status, kind in (
            (500, server.kind),
            (404, server.kind),
            (200, "text/html"),
            (204, server.kind),
            (200, ""),
        ):
            server.status, server.kind = status, kind
            assert f"HTTP {status}" in refusal(server)


def test_a_parameter_of_the_content_type_is_no_matter():
    with serving(TSA.reply) as server:
        server.kind = "Application/Timestamp-Reply; charset=binary"
        assert asking(server).stamp(DIGEST)


def test_a_redirect_is_not_followed():
    with serving(TSA.reply) as elsewhere, serving(TSA.reply) as server:
        server.status, server.headers = 307, {"Location": elsewhere.url}
        assert "HTTP 307" in refusal(server)
    assert elsewhere.asked == 0


def test_a_proxy_of_the_environment_is_not_used(monkeypatch):
    with serving(TSA.reply) as server, serving(TSA.reply) as proxy:
        monkeypatch.setenv("http_proxy", proxy.url)
        assert asking(server).stamp(DIGEST)
    assert proxy.asked == 0


def test_a_huge_answer_is_not_read_to_its_end():
    with serving(lambda asked: TSA.reply(asked) + bytes(50_000_000)) as server:
        assert "bytes" in refusal(server)


def test_an_answer_that_drips_ends_when_time_is_up():
    with serving(TSA.reply) as server:
        server.pause = 0.05
        began = time.monotonic()
        refusal(server, patience=0.5)
        assert time.monotonic() - began < 15  # all of it would take forty


def test_a_silent_or_absent_authority_ends_when_time_is_up():
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/"
        with pytest.raises(TokenError, match="did not answer"):
            Authorities((url,), TSA.root_pem, 0.3).stamp(DIGEST)
    with pytest.raises(TokenError, match="did not answer"):  # now nobody listens there
        Authorities((url,), TSA.root_pem, 5).stamp(DIGEST)


@pytest.mark.parametrize(
    "answer", [b"", b"\0\0\0\0", b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 500, b"hello\r\n\r\n"]
)
def test_what_is_no_http_is_no_answer(answer):
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def speak():
            peer, _ = listening.accept()
            with peer:
                peer.recv(10_000)
                peer.sendall(answer)

        threading.Thread(target=speak, daemon=True).start()
        url = f"http://127.0.0.1:{listening.getsockname()[1]}/"
        with pytest.raises(TokenError, match="did not answer"):
            Authorities((url,), TSA.root_pem, 5).stamp(DIGEST)


@pytest.mark.parametrize(
    "url",
    ["", "tsa.example", "ftp://tsa.example", "file:///etc/passwd", "http://", "http://a b/", "http://x:99999/",
     "http://me:secret@tsa.example/", "http://[::1/", "http://tsa.example/\r\nX: y", "http://x:0/"],
)  # fmt: skip
def test_an_address_that_is_none_is_not_asked_and_keeps_its_secret(url):
    with pytest.raises(TokenError) as caught:
        Authorities((url,), TSA.root_pem).stamp(DIGEST)
    assert "no http or https address" in caught.value.message
    assert "secret" not in caught.value.message


def test_a_certificate_of_https_is_checked():
    """Speaking plain HTTP, or under a certificate that the system does not know, is no answer."""
    with serving(TSA.reply) as server:
        url = server.url.replace("http:", "https:")
        with pytest.raises(TokenError, match="SSLError"):
            Authorities((url,), TSA.root_pem, 5).stamp(DIGEST)


# Beside the log.


def test_a_checkpoint_is_stamped_once_and_its_token_kept(ledger):
    ledger.append([envelope(1), envelope(2)])
    with serving(TSA.reply) as server:
        assert stamp_checkpoint(ledger, asking(server), 2)
        assert stamp_checkpoint(ledger, asking(server), 2) is None
        assert server.asked == 1
    (kept,) = checkpoint_tokens(ledger, 2)
    assert kept.covers == "checkpoint"
    assert verify_token(b64decode(kept.token), note_digest(ledger.checkpoint()), TSA.root_pem)
    assert checkpoint_tokens(ledger, 0) == ()


def test_cosignatures_that_come_later_leave_the_token_good(ledger):
    with serving(TSA.reply) as server:
        stamp_checkpoint(ledger, asking(server), 0)
    ledger.add_cosignatures(0, ["\u2014 witness.example AAAAAAA=\n"])
    (kept,) = checkpoint_tokens(ledger, 0)
    assert verify_token(b64decode(kept.token), note_digest(ledger.cosigned(0)), TSA.root_pem)


def test_a_file_is_stamped_by_its_digest(ledger):
    with serving(TSA.reply) as server:
        stamp_digest(ledger, asking(server), DIGEST)
    (kept,) = file_tokens(ledger, DIGEST.hex())
    assert kept.covers == "file"
    assert verify_token(b64decode(kept.token), DIGEST, TSA.root_pem)


def test_what_does_not_hold_is_not_kept(ledger):
    with serving(Tsa(name="Other", seed=4).reply) as server, pytest.raises(TokenError):
        stamp_digest(ledger, asking(server), DIGEST)
    assert file_tokens(ledger, DIGEST.hex()) == ()


def test_a_checkpoint_that_is_not_there_cannot_be_stamped(ledger):
    with pytest.raises(LedgerError) as caught:
        stamp_checkpoint(ledger, Authorities((), TSA.root_pem), 99)
    assert caught.value.code == "checkpoint-missing"


def test_the_whole_exchange_is_bounded_by_what_a_token_can_be():
    assert authorities.MAX_REPLY < 40_000


def test_the_newest_stamped_checkpoint_is_found_whatever_else_was_stamped(ledger):
    assert ledger.newest_stamped() is None
    with serving(TSA.reply) as server:
        stamp_digest(ledger, asking(server), DIGEST)  # a file
        assert ledger.newest_stamped() is None
        ledger.append([envelope(1)])
        stamp_checkpoint(ledger, asking(server), 1)
        ledger.append([envelope(2)])
        stamp_checkpoint(ledger, asking(server), 0)  # an old one, later
    (kept,) = checkpoint_tokens(ledger, 1)
    assert ledger.newest_stamped() == (1, b64decode(kept.token))


def test_what_can_be_no_token_is_left_out(ledger):
    ledger.add_token(bytes(32), "https://tsa.example", b"x" * 35_000)
    ledger.add_token(bytes(32), "https://other.example", b"perhaps")
    assert [token.authority for token in file_tokens(ledger, "00" * 32)] == ["https://other.example"]
