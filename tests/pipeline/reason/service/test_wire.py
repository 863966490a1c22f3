"""Both transports: what goes over the wire and what is kept of it."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from loopback import (
    raw,
    reply,
    serving,
)
from transports import (
    ANSWER,
    KEY,
    QUESTION,
    gemini_body,
    good,
    openai_body,
    record_matches,
    refusal,
    transport,
)

from void_audit.pipeline.reason.service.call import Service
from void_audit.pipeline.reason.service.secret import Secret
from void_audit.pipeline.reason.service.wire import call, tls
from void_audit.pipeline.reason.vlm.asking import patiently

pytestmark = pytest.mark.usefixtures("only_this_machine")

SERVICE = Service("m", "h", 5.0, 1000)


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


@pytest.mark.parametrize(
    "media_type", ["Application/JSON", "application/json ;charset=utf-8", " application/json"]
)
def test_media_types_in_any_case(kind: str, media_type: str) -> None:
    body = gemini_body() if kind == "gemini" else openai_body()
    with serving(reply(body, media_type=media_type)) as server:
        assert transport(kind, server.url).ask(QUESTION).text == ANSWER


def test_a_redirection_is_not_followed(kind: str) -> None:
    with serving(good(kind)) as other:
        away = reply(b"", "307 Temporary Redirect", {"Location": f"{other.url}/v1/{KEY}"})
        with serving(away, good(kind)) as server:
            error, exchange = refusal(transport(kind, server.url), "reasoner-failed")
        assert other.seen == []
    record_matches(server, exchange)
    assert f"127.0.0.1:{other.port}" in error.message


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
    for name in ("SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "SSLKEYLOGFILE"):
        monkeypatch.setenv(name, str(tmp_path / "nothing" / name))
    monkeypatch.setenv("GOOGLE_API_USE_MTLS_ENDPOINT", "always")
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
    assert seen.path in ("/v1beta/models/gemini-3.8-flash:generateContent", "/v1/chat/completions")


def test_no_file_of_the_environment_says_whom_to_trust(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Nor does one get the secrets of the connection."""
    before = tls().cert_store_stats()
    for name in ("SSL_CERT_FILE", "SSL_CERT_DIR", "SSLKEYLOGFILE"):
        monkeypatch.setenv(name, str(tmp_path / name))
    assert tls().cert_store_stats() == before
    assert tls().keylog_filename is None
    assert list(tmp_path.iterdir()) == []


def test_over_ipv6(kind: str) -> None:
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        pytest.skip("this machine has no IPv6")
    with serving(good(kind), host="::1") as server:
        asked = transport(kind, server.url)
        assert asked.ask(QUESTION).text == ANSWER
    assert asked.info.remote == (kind == "gemini")
    assert server.seen[0].headers["host"] == f"[::1]:{server.port}"


def test_a_client_that_sends_again_cannot() -> None:
    def send(http: Any) -> None:
        for _ in range(3):
            http.post(f"{server.url}/x", content=b"footage")

    with serving(reply({}), reply({})) as server:
        made = call(SERVICE, Secret(None), ("x", ""), send)
    assert len(server.seen) == 1
    assert made.settled
