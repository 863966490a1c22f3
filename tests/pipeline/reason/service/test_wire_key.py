"""The key is sent, in one header, and shown nowhere, whatever a server does with it."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import pytest
from loopback import (
    cut,
    raw,
    reply,
    serving,
)
from transports import (
    KEY,
    QUESTION,
    good,
    no_key_in,
    refusal,
    transport,
)

from void_audit.errors import ReasoningError
from void_audit.pipeline.reason.service.call import Service
from void_audit.pipeline.reason.service.secret import Secret
from void_audit.pipeline.reason.service.wire import call
from void_audit.pipeline.reason.vlm.base import Question

pytestmark = pytest.mark.usefixtures("only_this_machine")


def test_nothing_shows_the_key(kind: str) -> None:
    asked = transport(kind, "http://127.0.0.1:9")
    no_key_in(
        asked, asked.info, asked.settings, asked.info.model_dump_json(), asked.settings.model_dump_json()
    )


ECHOES = {
    "plain": KEY,
    "percent": "".join(f"%{ord(c):02X}" for c in KEY),
    "json": "".join(f"\\u{ord(c):04x}" for c in KEY),
    "slashes": KEY.replace("/", "\\/"),
    "page": KEY.replace("/", "&#x2F;").replace("_", "&#95;"),
    "part": KEY[:20] + "*****",
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
    assert b"[key] is bad" in getattr(exchange, "reply", b"").replace(b"*", b"")
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


SERVICE = Service("m", "h", 5.0, 1000)


def test_a_client_that_fails_before_sending_is_an_error_of_its_own() -> None:
    def send(http: Any) -> None:
        raise ValueError(f"bad {KEY}")

    with pytest.raises(ReasoningError, match=r"ValueError, bad \[key\]") as caught:
        call(SERVICE, Secret(KEY), ("x", ""), send)
    assert caught.value.code == "reasoner-failed"


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
