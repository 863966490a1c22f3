"""Both transports against servers that behave well, badly, and maliciously."""

from __future__ import annotations

import gzip
import json
import logging
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
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
    refuse_the_world,
    reply,
    serving,
    silence,
    trickle,
)
from transports import ANSWER, KEY, KINDS, QUESTION, good, no_key_in, record_matches, refusal, transport

from void_audit.errors import ReasoningError
from void_audit.pipeline.reason.call import Service
from void_audit.pipeline.reason.secret import Secret
from void_audit.pipeline.reason.vlm.asking import patiently
from void_audit.pipeline.reason.vlm.base import Medium, Question
from void_audit.pipeline.reason.wire import call

SHORT = 0.2
"""Seconds that a service gets which will not answer."""


@pytest.fixture(autouse=True)
def only_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    refuse_the_world(monkeypatch)


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def logged(caplog: pytest.LogCaptureFixture) -> Iterator[Callable[[], str]]:
    """Everything logged, by whomever, from DEBUG on; checked for the key at the end."""
    caplog.set_level(logging.DEBUG)
    yield lambda: "\n".join(record.getMessage() for record in caplog.records)
    no_key_in([vars(record) for record in caplog.get_records("call")])


def test_what_is_on_record_is_what_went_over_the_wire(kind: str, logged: Callable[[], str]) -> None:
    with serving(good(kind)) as server:
        answer = transport(kind, server.url).ask(QUESTION)
    record_matches(server, answer.exchange)
    assert answer.text == ANSWER
    assert ANSWER.replace('"', '\\"').encode() in answer.exchange.reply
    assert answer.exchange.attempts == 1
    assert [name for name, value in server.seen[0].headers.items() if KEY in value] == [
        "x-goog-api-key" if kind == "gemini" else "authorization"
    ]
    assert "[key]" not in str(server.seen[0].headers)
    assert KEY.encode() not in server.seen[0].body
    assert KEY not in server.seen[0].line
    assert "receive_response_headers" in logged()  # so the check for the key is not idle


def test_reply_bytes_are_kept_exactly(kind: str) -> None:
    odd = b'  {"candidates" : [ ], "choices":[],\r\n "x": "\\u00e9 \xc3\xa9 1.0e0" }  \n'
    with serving(reply(odd)) as server:
        _, exchange = refusal(transport(kind, server.url), "reply-malformed")
    assert exchange.reply == odd


def test_nothing_shows_the_key(kind: str) -> None:
    asked = transport(kind, "http://127.0.0.1:9")
    no_key_in(
        asked, asked.info, asked.settings, asked.info.model_dump_json(), asked.settings.model_dump_json()
    )


def test_first_busy_then_an_answer(kind: str) -> None:
    busy = reply({"error": {"code": 429, "message": "busy"}}, "429 Too Many Requests", {"Retry-After": "7"})
    slept: list[float] = []
    with serving(busy, good(kind)) as server:
        asked = transport(kind, server.url)
        answer = patiently(asked, QUESTION, sleep=slept.append)
    assert answer.text == ANSWER
    assert answer.exchange.attempts == 2
    assert sum(slept) == pytest.approx(7)
    assert server.seen[0].body == server.seen[1].body == answer.exchange.request


@pytest.mark.parametrize(
    ("status", "code"),
    [
        ("401 Unauthorized", "reasoner-key"),
        ("403 Forbidden", "reasoner-key"),
        ("404 Not Found", "reasoner-failed"),
        ("413 Content Too Large", "reasoner-failed"),
        ("429 Too Many Requests", "reasoner-quota"),
        ("500 Internal Server Error", "reasoner-unreachable"),
        ("503 Service Unavailable", "reasoner-unreachable"),
    ],
)
def test_errors_are_asked_once_and_kept(kind: str, status: str, code: str, logged: Callable[[], str]) -> None:
    body = {"error": {"message": "no such thing here", "status": "SAID"}}
    with serving(reply(body, status), good(kind)) as server:
        error, exchange = refusal(transport(kind, server.url), code)
    record_matches(server, exchange)  # no retry by a client that thinks itself helpful
    assert b"no such thing here" in exchange.reply
    assert "no such thing here" in error.message
    assert f"127.0.0.1:{server.port}" in error.message
    assert transport(kind, server.url).settings.model in error.message
    assert error.hint


@pytest.mark.parametrize("bad", [b"", b"{", b"\xff\xfe{\x00}\x00", b"[" * 30_000, b'{"a": NaN', b"1" * 6000])
def test_replies_that_are_no_json(kind: str, bad: bytes) -> None:
    with serving(reply(bad)) as server:
        _, exchange = refusal(transport(kind, server.url), "reply-malformed")
    assert exchange.reply == bad


@pytest.mark.parametrize("odd", [[], {}, None, 7, "text", [[]], {"candidates": {}, "choices": "x"}])
def test_json_of_another_shape(kind: str, odd: Any) -> None:
    with serving(reply(json.dumps(odd).encode())) as server:
        refusal(transport(kind, server.url), "reply-malformed")


def test_a_page_is_no_answer(kind: str) -> None:
    with serving(reply(b"<html>Sign in</html>", media_type="text/html")) as server:
        error, exchange = refusal(transport(kind, server.url), "reply-malformed")
    assert "text/html" in error.message
    assert exchange.reply == b"<html>Sign in</html>"


def test_a_redirection_is_not_followed(kind: str) -> None:
    with serving(good(kind)) as other:
        away = reply(b"", "307 Temporary Redirect", {"Location": f"{other.url}/v1/{KEY}"})
        with serving(away, good(kind)) as server:
            error, exchange = refusal(transport(kind, server.url), "reasoner-failed")
        assert other.seen == []
    record_matches(server, exchange)
    assert f"127.0.0.1:{other.port}" in error.message


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
        assert time.monotonic() - begun < SHORT + 1.0
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


ECHOES = {
    "plain": KEY,
    "percent": "".join(f"%{ord(c):02X}" for c in KEY),
    "json": "".join(f"\\u{ord(c):04x}" for c in KEY),
    "slashes": KEY.replace("/", "\\/"),
    "mixed": KEY[:6] + "%2d" + KEY[7:].replace("/", "\\u002F"),
}


@pytest.mark.parametrize(
    ("status", "spelling"),
    [
        *(("400 Bad Request", spelling) for spelling in ECHOES.values()),
        *((status, KEY) for status in ("200 OK", "401 Unauthorized", "503 Busy")),
    ],
)
def test_a_key_sent_back_is_masked(kind: str, status: str, spelling: str, logged: Callable[[], str]) -> None:
    body = ('{"error": {"message": "key ' + spelling + ' is bad", "code": "' + spelling + '"}}').encode()
    echo = {"X-Echo": KEY, "Retry-After": KEY, "Location": f"http://{KEY}/"}
    with serving(reply(body, f"{status} {KEY}", echo)) as server, pytest.raises(ReasoningError) as caught:
        transport(kind, server.url).ask(QUESTION)
    exchange = caught.value.exchange
    no_key_in(
        str(caught.value), repr(caught.value), exchange, caught.value.__context__, caught.value.__cause__
    )
    assert b"[key] is bad" in getattr(exchange, "reply", b"")
    assert spelling not in repr(exchange)


def test_a_key_in_a_broken_header_is_masked(kind: str, logged: Callable[[], str]) -> None:
    with serving(raw(f"HTTP/1.1 200 OK\r\n{KEY}\r\n\r\n".encode())) as server:
        error, _ = refusal(transport(kind, server.url), "reasoner-unreachable")
    assert "[key]" in error.message
    assert logged()


def test_a_key_in_the_answer_is_masked_there_too(kind: str) -> None:
    with serving(good(kind, f'{{"summary": "{KEY}"}}')) as server:
        answer = transport(kind, server.url).ask(QUESTION)
    assert answer.text == '{"summary": "[key]"}'
    no_key_in(answer)


@pytest.mark.parametrize("shown", range(6, len(KEY), 7))
def test_a_key_cut_in_two_is_masked(kind: str, shown: int) -> None:
    with serving(cut(b'{"key": "', KEY[:shown].encode())) as server:
        _, exchange = refusal(transport(kind, server.url), "reasoner-unreachable")
    assert exchange.reply == b'{"key": "[key]'


def test_a_key_that_a_person_typed_is_masked_on_record(kind: str) -> None:
    question = Question("r", (), f"Remove the ball. My key is {KEY}.", {"type": "object"})
    with serving(good(kind)) as server:
        answer = transport(kind, server.url).ask(question)
    assert answer.exchange.request == server.seen[0].body.replace(KEY.encode(), b"[key]")


@pytest.mark.parametrize("media_type", [KEY, f"text/{KEY}", "x" * 5000, "a\tb"])
def test_media_types_are_quoted_with_care(kind: str, media_type: str) -> None:
    with serving(reply(b"{}", media_type=media_type)) as server:
        error, _ = refusal(transport(kind, server.url), "reply-malformed")
    assert len(error.message) < 400


@pytest.mark.parametrize("status", ["204 No Content", "206 Partial Content", "302 Found", "418 I'm a teapot"])
def test_other_statuses_fail(kind: str, status: str) -> None:
    with serving(reply(b"", status)) as server:
        refusal(transport(kind, server.url), "reasoner-failed")


def test_an_upgrade_is_no_answer(kind: str) -> None:
    with serving(
        raw(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n")
    ) as server:
        refusal(transport(kind, server.url), "reasoner-unreachable")


def test_the_environment_changes_nothing(kind: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    elsewhere = "http://192.0.2.1:9"
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "all_proxy"):
        monkeypatch.setenv(name, elsewhere)
    for name in ("GOOGLE_GEMINI_BASE_URL", "GOOGLE_VERTEX_BASE_URL", "OPENAI_BASE_URL"):
        monkeypatch.setenv(name, elsewhere)
    for name in ("GOOGLE_GENAI_USE_VERTEXAI", "GOOGLE_GENAI_USE_ENTERPRISE"):
        monkeypatch.setenv(name, "true")
    for name in ("GOOGLE_API_KEY", "GEMINI_API_KEY", "OPENAI_API_KEY"):
        monkeypatch.setenv(name, "another-key-of-the-environment")
    monkeypatch.setenv("GOOGLE_GENAI_CLIENT_MODE", "replay")
    monkeypatch.setenv("GOOGLE_GENAI_API_VERSION", "v9")
    monkeypatch.setenv("GOOGLE_CLOUD_PROJECT", "theirs")
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login somebody password else\n")
    monkeypatch.setenv("NETRC", str(netrc))
    with serving(good(kind)) as server:
        transport(kind, server.url).ask(QUESTION)
    seen = server.seen[0]
    assert "another-key" not in str(seen)
    assert "Basic" not in str(seen)
    assert seen.path in ("/v1beta/models/gemini-2.5-pro:generateContent", "/v1/chat/completions")


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
        error, exchange = refusal(asked, "reasoner-unreachable")
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


SERVICE = Service("m", "h", 5.0, 1000)


def test_a_client_that_fails_before_sending_is_an_error_of_its_own() -> None:
    def send(http: Any) -> None:
        raise ValueError(f"bad {KEY}")

    with pytest.raises(ReasoningError, match=r"ValueError, bad \[key\]") as caught:
        call(SERVICE, Secret(KEY), ("x", ""), send)
    assert caught.value.code == "reasoner-failed"


def test_a_client_that_sends_again_cannot() -> None:
    def send(http: Any) -> None:
        for _ in range(3):
            http.post(f"{server.url}/x", content=b"footage")

    with serving(reply({}), reply({})) as server:
        made = call(SERVICE, Secret(None), ("x", ""), send)
    assert len(server.seen) == 1
    assert made.settled


def test_the_client_sees_no_key_and_only_masked_bytes() -> None:
    seen: list[str] = []

    def send(http: Any) -> None:
        answer = http.post(f"{server.url}/x", content=b"{}", headers={"X-Api-Key": "client's own"})
        seen.append(repr((answer.text, answer.headers, answer.request.headers, answer.extensions)))

    with serving(reply({"key": KEY}, headers={"X-Echo": KEY})) as server:
        call(SERVICE, Secret(KEY), ("x-api-key", ""), send)
    no_key_in(*seen)
    assert "[key]" in seen[0]
    assert server.seen[0].headers["x-api-key"] == KEY


def test_logs_are_left_as_they_were() -> None:
    before = {name: list(logging.getLogger(name).filters) for name in logging.root.manager.loggerDict}
    with serving(good("gemini")) as server:
        transport("gemini", server.url).ask(QUESTION)
    after = {name: list(logging.getLogger(name).filters) for name in logging.root.manager.loggerDict}
    assert {name: after[name] for name in before} == before
    assert not any(after[name] for name in after if name.startswith("httpcore2"))
