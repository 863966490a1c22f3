"""What a call came to."""

from __future__ import annotations

import json
from typing import Any

import pytest

from void_audit.errors import ReasoningError
from void_audit.model.reasoning import Exchange
from void_audit.pipeline.reason.service.call import Call, Fault, Service
from void_audit.pipeline.reason.service.verdict import checked_text, envelope

SERVICE = Service("some-model", "host.example:8000", 2.5, 100)


def judged(call: Call) -> ReasoningError:
    call.request = b"asked"
    with pytest.raises(ReasoningError) as caught:
        envelope(call, SERVICE)
    error = caught.value
    assert error.exchange == Exchange(b"asked", call.reply)
    assert error.message.startswith("some-model at host.example:8000 ")
    assert error.message.endswith(".")
    assert error.hint
    assert error.message.isprintable()
    return error


@pytest.mark.parametrize(
    ("fault", "code", "said"),
    [
        ("timeout", "reasoner-timeout", "2.5 seconds"),
        ("unreachable", "reasoner-unreachable", "{detail} of it"),
        ("untrusted", "reasoner-failed", "{detail} of it"),
        ("oversized", "reply-malformed", str(2 * 100 + 65_536)),
        ("compressed", "reply-malformed", "{detail} of it"),
    ],
)
def test_faults_come_before_statuses(fault: Fault, code: str, said: str) -> None:
    error = judged(Call(status=401, reply=b"{}", fault=fault, detail="{detail} of it"))
    assert error.code == code
    assert said in error.message


@pytest.mark.parametrize("status", range(300, 600))
def test_every_status_has_a_code(status: int) -> None:
    codes = {401: "reasoner-key", 403: "reasoner-key", 408: "reasoner-timeout", 429: "reasoner-quota"}
    codes[501] = "reasoner-failed"  # will not be there in a minute either
    other = "reasoner-unreachable" if status >= 500 else "reasoner-failed"
    error = judged(Call(status=status))
    assert error.code == codes.get(status, other)
    assert str(status) in error.message


@pytest.mark.parametrize("media_type", ["application/json", "application/problem+json", "text/json"])
def test_json_is_read_on(media_type: str) -> None:
    assert envelope(Call(status=200, media_type=media_type, reply=b'{"a": 1}'), SERVICE) == {"a": 1}


@pytest.mark.parametrize("media_type", ["", "text/html", "json", "application/jsonp", "application/x-ndjson"])
def test_other_media_are_not(media_type: str) -> None:
    assert judged(Call(status=200, media_type=media_type, reply=b"{}")).code == "reply-malformed"


@pytest.mark.parametrize("location", ["http://[bad/", "", "/elsewhere", "//h.example\x1b/", "x" * 9000])
def test_wherever_a_redirection_points(location: str) -> None:
    assert judged(Call(status=302, location=location)).code == "reasoner-failed"


@pytest.mark.parametrize(
    "details", [None, 7, "API_KEY_INVALID", [None], [{"reason": None}], {"reason": "API_KEY_INVALID"}]
)
def test_details_of_another_shape(details: Any) -> None:
    body = json.dumps({"error": {"message": "m", "details": details}}).encode()
    assert judged(Call(status=400, reply=body)).code == "reasoner-failed"


@pytest.mark.parametrize(
    "reply", [b"\xff\xfe", b"[" * 50_000, b"<h1>Bad Gateway</h1>", b"[]", b"null", b"\x1b[2J" * 900]
)
def test_error_pages_of_any_kind(reply: bytes) -> None:
    error = judged(Call(status=502, reply=reply))
    assert error.code == "reasoner-unreachable"
    assert len(error.message) < 700


@pytest.mark.parametrize(
    "call",
    [
        Call(fault="unreachable", detail="refused"),
        Call(status=302, location="https://elsewhere.example/v1"),
        Call(status=200, media_type="text/html", reply=b"<html>Please log in</html>"),
    ],
    ids=["down", "redirected", "login page"],
)
def test_an_address_is_called_as_the_option_that_gives_it(call: Call) -> None:
    hint = judged(call).hint
    assert "--reasoner-url" in hint
    assert "base_url" not in hint


def test_the_services_words_come_along() -> None:
    assert "Bad Gateway" in judged(Call(status=502, reply=b"<h1>Bad Gateway</h1>")).message


def test_pauses_by_header_and_body() -> None:
    body = json.dumps({"error": {"details": [{"retryDelay": "9.5s"}, {"retryDelay": "4s"}, {}]}}).encode()
    assert judged(Call(status=429, reply=body)).retry_after == 9.5
    assert judged(Call(status=429, reply=body, retry_after="12")).retry_after == 12
    assert judged(Call(status=429)).retry_after is None
    assert judged(Call(status=503, retry_after="3")).retry_after == 3


@pytest.mark.parametrize(
    ("text", "fine"), [("x" * 100, True), ("x" * 101, False), ("é" * 51, False), (" \n", False)]
)
def test_text_is_bounded_in_bytes(text: str, fine: bool) -> None:
    exchange = Exchange(b"q", b"a", model_version="v")
    if fine:
        assert checked_text(text, SERVICE, exchange) == text
        return
    with pytest.raises(ReasoningError) as caught:
        checked_text(text, SERVICE, exchange)
    assert caught.value.code == "reply-malformed"
    assert caught.value.exchange == exchange


def test_a_model_that_is_not_there_is_a_hint_of_its_own() -> None:
    assert "--reasoner-model" in judged(Call(status=404)).hint
    assert "--reasoner-frames" in judged(Call(status=400)).hint


DAY_ONE = [  # as the services' users report them; shortened
    (404, "This model models/x is no longer available to new users.", "reasoner-failed", "--reasoner-model"),
    (
        400,
        "A schema exceeds the maximum allowed nesting depth.",
        "reasoner-failed",
        "--no-reasoner-structured",
    ),
    (403, "Your API key was reported as leaked.", "reasoner-key", "key"),
    (503, "The model is overloaded. Please try again later.", "reasoner-unreachable", "try again later"),
    (400, "At most 1 image(s) may be provided in one request.", "reasoner-failed", "--reasoner-frames"),
    (400, "Maximum context length is 8192. You requested 22000", "reasoner-failed", "--reasoner-tokens"),
    (404, "model 'qwen3-vl' not found", "reasoner-failed", "--reasoner-model"),
    (
        400,
        "Failed to initialize samplers: failed to parse grammar",
        "reasoner-failed",
        "--no-reasoner-structured",
    ),
    (400, "unsupported content[].type", "reasoner-failed", "--no-reasoner-video"),
    (500, "image input is not supported - hint: provide the mmproj", "reasoner-unreachable", "its words"),
]


@pytest.mark.parametrize(("status", "said", "code", "hint"), DAY_ONE)
@pytest.mark.parametrize("wrapped", [True, False])
def test_what_goes_wrong_on_the_first_day_is_told_in_its_words_with_a_way_out(
    status: int, said: str, code: str, hint: str, wrapped: bool
) -> None:
    fields = {"code": status, "message": said, "type": "error"}
    body = {"error": fields} if wrapped else {"object": "error", **fields}
    error = judged(Call(status=status, media_type="application/json", reply=json.dumps(body).encode()))
    assert error.code == code
    assert error.message.endswith(f"answered HTTP {status}: {said.removesuffix('.')}.")
    assert hint in error.hint
