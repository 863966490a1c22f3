"""Both transports against servers that do not end, break off, or are not there."""

from __future__ import annotations

import gzip
import signal
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from loopback import (
    HEAD_WITHOUT_LENGTH,
    Act,
    cut,
    flood,
    raw,
    reply,
    serving,
    silence,
    trickle,
)
from transports import (
    QUESTION,
    good,
    record_matches,
    refusal,
    transport,
)

from void_audit.errors import ReasoningError
from void_audit.pipeline.reason.vlm.asking import patiently
from void_audit.pipeline.reason.vlm.base import Medium, Question

pytestmark = pytest.mark.usefixtures("only_this_machine")


SHORT = 0.2
"""Seconds that a service gets which will not answer."""


@pytest.mark.parametrize(
    "act",
    [
        silence(),
        trickle(byte=b"H"),
        trickle(b"HTTP/1.1 200 OK\r\n", b"X"),
        trickle(HEAD_WITHOUT_LENGTH + b"{"),
        trickle(b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
        trickle(HEAD_WITHOUT_LENGTH[:-2] + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\n \r\n"),
    ],
    ids=["silence", "no-line", "header", "body", "continue", "chunks"],
)
def test_the_time_is_for_all_of_it(kind: str, act: Act) -> None:
    with serving(act) as server:
        asked = transport(kind, server.url, timeout=SHORT)
        begun = time.monotonic()
        error, _ = refusal(asked, "reasoner-timeout")
        assert time.monotonic() - begun < SHORT + 3.0  # google-genai may be loaded first
    assert "0.2 seconds" in error.message


def test_time_runs_out_while_sending(kind: str) -> None:
    """A server that accepts and never reads."""
    large = Question("r", (Medium("image/png", bytes(8_000_000), "large"),), "?", {"type": "object"})
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        asked = transport(kind, f"http://127.0.0.1:{deaf.getsockname()[1]}", timeout=SHORT)
        with pytest.raises(ReasoningError) as caught:
            asked.ask(large)
    assert caught.value.code == "reasoner-timeout"
    assert len(getattr(caught.value.exchange, "request", b"")) > 8_000_000


def test_a_gateway_that_takes_no_more_is_heard_while_sending(kind: str) -> None:
    """It says 413 after the head and reads no further, as nginx does: not to be sent three times more."""
    large = Question("r", (Medium("image/png", bytes(4_000_000), "large"),), "?", {"type": "object"})
    body = b'{"error": "too large"}'
    head = f"HTTP/1.1 413 Too Large\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"

    def refuse(listening: socket.socket) -> None:
        connection, _ = listening.accept()
        with connection, suppress(OSError):
            connection.recv(2000)
            connection.sendall(head.encode() + body)
            connection.shutdown(socket.SHUT_WR)
            connection.settimeout(5)
            while connection.recv(65536):
                pass

    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=refuse, args=[listening])
        thread.start()
        asked = transport(kind, f"http://127.0.0.1:{listening.getsockname()[1]}", timeout=10)
        with pytest.raises(ReasoningError) as caught:
            asked.ask(large)
        thread.join()
    assert caught.value.code == "reasoner-failed"
    assert "HTTP 413: too large" in caught.value.message


@pytest.fixture
def ctrl_c() -> Iterator[None]:
    """Ctrl-C does what it does at a terminal; a test process in the background may have been told to ignore it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.parametrize(
    "acts",
    [[silence()], [trickle(HEAD_WITHOUT_LENGTH)], [reply(b"", "429 Busy", {"Retry-After": "60"})]],
    ids=["hung", "slow", "between attempts"],
)
@pytest.mark.usefixtures("ctrl_c")
def test_whoever_presses_ctrl_c_does_not_wait(kind: str, acts: list[Act]) -> None:
    with serving(*acts) as server:
        asked = transport(kind, server.url, timeout=30)
        begun = time.monotonic()
        alarm = threading.Timer(0.3, signal.pthread_kill, [threading.get_ident(), signal.SIGINT])
        alarm.start()
        with pytest.raises(KeyboardInterrupt):
            patiently(asked, QUESTION)
        assert time.monotonic() - begun < 4.0
        alarm.join()


def test_what_came_before_the_time_ran_out_is_kept(kind: str) -> None:
    with serving(trickle(HEAD_WITHOUT_LENGTH + b'{"begun": "')) as server:
        _, exchange = refusal(transport(kind, server.url, timeout=SHORT), "reasoner-timeout")
    assert exchange.reply.startswith(b'{"begun": "')


@pytest.mark.parametrize(
    "head", [HEAD_WITHOUT_LENGTH, HEAD_WITHOUT_LENGTH[:-2] + b"Content-Length: 4000000000\r\n\r\n"]
)
def test_a_reply_has_a_bound(kind: str, head: bytes) -> None:
    sent: list[int] = []
    with serving(flood(head, b" " * 65536, 1_000_000_000, sent)) as server:
        asked = transport(kind, server.url, max_reply_bytes=1000)
        error, exchange = refusal(asked, "reply-malformed")
    assert len(exchange.reply) == 2 * 1000 + 65_536
    assert sent[0] < 50_000_000
    assert "67536" in error.message


def test_the_bound_on_text_is_not_the_bound_on_the_body(kind: str) -> None:
    with serving(
        good(kind, '{"a": "' + "x" * 992 + '"}'), good(kind, '{"a": "' + "é" * 992 + '"}')
    ) as server:
        asked = transport(kind, server.url, max_reply_bytes=1001)
        assert len(asked.ask(QUESTION).text) == 1001
        refusal(asked, "reply-malformed")


def test_headers_have_a_bound(kind: str) -> None:
    sent: list[int] = []
    with serving(
        flood(b"HTTP/1.1 200 OK\r\n", b"X-Junk: " + b"y" * 9000 + b"\r\n", 500_000_000, sent)
    ) as server:
        refusal(transport(kind, server.url), "reasoner-unreachable")
    assert sent[0] < 50_000_000


def test_a_bomb_is_not_unpacked(kind: str) -> None:
    bomb = gzip.compress(b" " * 50_000_000)
    with serving(reply(bomb, headers={"Content-Encoding": "gzip"})) as server:
        error, exchange = refusal(transport(kind, server.url), "reply-malformed")
    assert server.seen[0].headers["accept-encoding"] == "identity"
    assert "gzip" in error.message
    assert exchange.reply == b""  # the key could hide in it


@pytest.mark.parametrize("second", ["Content-Encoding: identity", "content-encoding:"])
def test_no_second_header_makes_it_plain(kind: str, second: str) -> None:
    """The bytes would be kept, with whatever is packed in them."""
    body = gzip.compress(b"{}")
    head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Encoding: gzip\r\n{second}\r\n"
    with serving(raw(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)) as server:
        error, exchange = refusal(transport(kind, server.url), "reply-malformed")
    assert "gzip" in error.message
    assert exchange.reply == b""


FRAMES = {
    "two lengths": b"Content-Length: 2\r\nContent-Length: 900\r\n\r\n{}",
    "length and chunks": b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n{}",
    "chunks twice": b"Transfer-Encoding: chunked, chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
    "negative": b"Content-Length: -2\r\n\r\n{}",
    "blank in a name": b"Content-Length : 2\r\n\r\n{}",
    "a line with nothing": b": x\r\n\r\n{}",
    "nul": b"X-\0: 1\r\n\r\n{}",
    "huge chunk": b"Transfer-Encoding: chunked\r\n\r\n" + b"f" * 40 + b"\r\n{}",
}


@pytest.mark.parametrize("rest", FRAMES.values(), ids=FRAMES)
def test_framing_that_two_readers_would_read_differently(kind: str, rest: bytes) -> None:
    with serving(raw(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n" + rest)) as server:
        with pytest.raises(ReasoningError) as caught:
            transport(kind, server.url).ask(QUESTION)
        assert caught.value.code in ("reasoner-unreachable", "reply-malformed")
    record_matches(server, caught.value.exchange)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "act",
    [
        cut(b'{"candidates": [', b""),
        cut(b"", b""),
        raw(b""),
        raw(b"SSH-2.0-OpenSSH_9.6\r\n"),
        raw(HEAD_WITHOUT_LENGTH[:-2] + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\nzz\r\n"),
    ],
    ids=["mid-body", "no-body", "nothing", "not-http", "bad-chunk"],
)
def test_connections_that_break(kind: str, act: Act) -> None:
    with serving(act) as server:
        _, exchange = refusal(transport(kind, server.url), "reasoner-unreachable")
    record_matches(server, exchange)


def test_what_came_before_the_break_is_kept(kind: str) -> None:
    with serving(cut(b'{"candidates": [', b"")) as server:
        _, exchange = refusal(transport(kind, server.url), "reasoner-unreachable")
    assert exchange.reply == b'{"candidates": ['


def test_nobody_listens(kind: str) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound, not listening: refused
        error, exchange = refusal(
            transport(kind, f"http://127.0.0.1:{taken.getsockname()[1]}"), "reasoner-unreachable"
        )
    assert exchange.request
    assert exchange.reply == b""
    assert "refused" in error.message.lower()


def test_a_name_that_nobody_knows(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*args: Any, **kwargs: Any) -> Any:
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    error, _ = refusal(transport(kind, "http://no-such-host.invalid"), "reasoner-unreachable")
    assert "no-such-host.invalid" in error.message


def test_a_certificate_of_nobody_is_not_trusted(kind: str, tmp_path: Path) -> None:
    tls, taken = _own_certificate(tmp_path), []

    def accept(listening: socket.socket) -> None:
        connection, _ = listening.accept()
        with connection, suppress(OSError), tls.wrap_socket(connection, server_side=True) as secure:
            taken.append(secure.recv(1))

    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=accept, args=[listening])
        thread.start()
        asked = transport(kind, f"https://127.0.0.1:{listening.getsockname()[1]}")
        error, exchange = refusal(asked, "reasoner-failed")
        thread.join()
    assert taken in ([], [b""])  # not one byte of the question
    assert "certificate" in error.message.lower()
    assert exchange.reply == b""


def _own_certificate(folder: Path) -> ssl.SSLContext:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    pem, private = folder / "c.pem", folder / "k.pem"
    pem.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    private.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem, private)
    return context
