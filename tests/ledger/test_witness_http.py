from __future__ import annotations

import socket
import time

import pytest
from rude_server import http, rude

from void_audit.ledger.witness_http import MAX_REPLY, Unanswered, exchange


def test_a_reply_is_taken_as_it_is() -> None:
    with rude(lambda request: http(418, b"tea", "Content-Type: text/x.tea")) as server:
        reply = exchange("POST", server.url + "/add-checkpoint", b"words", 2)
    assert (reply.status, reply.media_type, reply.body) == (418, "text/x.tea", b"tea")
    (sent,) = server.requests
    assert sent.startswith(b"POST /add-checkpoint HTTP/1.1\r\n")
    assert sent.endswith(b"\r\n\r\nwords")


def test_no_redirect_is_followed() -> None:
    with (
        rude(lambda request: http(200, b"")) as other,
        rude(lambda request: http(307, b"", f"Location: {other.url}/add-checkpoint")) as server,
    ):
        assert exchange("POST", server.url + "/x", b"words", 2).status == 307
    assert other.requests == []


def test_no_proxy_of_the_environment_is_used(monkeypatch) -> None:
    with (
        rude(lambda request: http(200, b"direct")) as server,
        rude(lambda request: http(200, b"proxy")) as proxy,
    ):
        for name in ("http_proxy", "HTTP_PROXY", "all_proxy"):
            monkeypatch.setenv(name, proxy.url)
        assert exchange("GET", server.url + "/x", None, 2).body == b"direct"


HUGE = b"x" * (MAX_REPLY + 1)


@pytest.mark.parametrize(
    "reply",
    [
        [b"HTTP/1.1 200 OK\r\n\r\n", *([b"x" * 60_000] * 40)],
        http(200, HUGE),
        [b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"ffffff\r\n" + HUGE],
        [b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 300 + b"\r\n"],
        [b"HTTP/1.1 200 OK\r\nX: " + b"y" * 100_000],
        [b"<html>not http</html>\r\n\r\n"],
        [b""],
        [b"HTTP/1.1 abc OK\r\n\r\n"],
        [b"\x00" * 1000],
        [b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"],
    ],
)
def test_what_is_no_reply_or_too_long_is_told_in_our_words(reply) -> None:
    with rude(lambda request: reply) as server, pytest.raises(Unanswered):
        exchange("GET", server.url + "/x", None, 2)


@pytest.mark.parametrize(
    "reply",
    [
        [1.2],
        [b"HTTP/1.1 200 OK\r\n", *[piece for n in range(60) for piece in (b"X: y\r\n", 0.05)]],
        [
            b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n",
            *[piece for n in range(60) for piece in (b"x", 0.05)],
        ],
        [b"HTTP/1.1 200 OK\r\n\r\n", *[piece for n in range(60) for piece in (b"x", 0.05)]],
        [piece for n in range(60) for piece in (b"HTTP/1.1 100 Continue\r\n\r\n", 0.05)],
    ],
    ids=["silence", "headers", "body", "body without an end", "continue"],
)
def test_a_trickle_is_hung_up_on_in_time_and_is_no_reply(reply) -> None:
    with rude(lambda request: reply) as server:
        began = time.monotonic()
        with pytest.raises(Unanswered, match="in time"):
            exchange("GET", server.url + "/x", None, 0.4)
        assert time.monotonic() - began < 1.5


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:1/x", "https://127.0.0.1:1/x", "http:///x", "http://a..b/x"]
)
def test_nobody_is_there(url: str) -> None:
    with pytest.raises(Unanswered):
        exchange("GET", url, None, 1)


def test_nobody_who_speaks_tls_is_there() -> None:
    with rude(lambda request: http(200, b"")) as server, pytest.raises(Unanswered):
        exchange("GET", server.url.replace("http:", "https:") + "/x", None, 1)


def test_a_connection_that_is_never_accepted() -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=0) as full:
        port = full.getsockname()[1]
        with pytest.raises(Unanswered):
            exchange("GET", f"http://127.0.0.1:{port}/x", None, 0.3)
