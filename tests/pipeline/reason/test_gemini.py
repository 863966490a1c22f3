"""Gemini through google-genai itself: what is asked, and how its replies are read. All replies written by hand."""

from __future__ import annotations

import base64
import json
import subprocess
import sys
from dataclasses import replace
from typing import Any

import pytest
from loopback import reply, serving
from transports import ANSWER, CLIP, KEY, PICTURE, QUESTION, SCHEMA, gemini_body, no_key_in, refusal

from void_audit.errors import ReasoningError
from void_audit.model.seeing import GeminiSettings
from void_audit.pipeline.reason.gemini import GeminiTransport, missing_packages
from void_audit.pipeline.reason.vlm.base import Answer, Question
from void_audit.pipeline.reason.vlm.schema import in_words, json_schema

pytestmark = pytest.mark.usefixtures("only_this_machine")


def gemini(url: str, **settings: Any) -> GeminiTransport:
    return GeminiTransport(GeminiSettings(base_url=url, **settings), KEY)


def answer_to(body: dict[str, Any]) -> Answer:
    with serving(reply(body)) as server:
        return gemini(server.url).ask(QUESTION)


def refused_for(body: dict[str, Any], code: str, status: str = "200 OK", **headers: str) -> ReasoningError:
    with serving(reply(body, status, headers)) as server:
        return refusal(gemini(server.url), code)[0]


def test_the_request() -> None:
    with serving(reply(gemini_body())) as server:
        gemini(server.url, seed=7, temperature=0.25, max_output_tokens=999, timeout=12).ask(QUESTION)
    seen = server.seen[0]
    assert seen.line == "POST /v1beta/models/gemini-3.8-flash:generateContent HTTP/1.1\r\n"
    assert seen.headers["x-goog-api-key"] == KEY
    assert seen.headers["x-server-timeout"] == "12"
    assert seen.json == {
        "systemInstruction": {"parts": [{"text": QUESTION.instructions}], "role": "user"},
        "contents": [
            {
                "role": "user",
                "parts": [
                    {"text": PICTURE.caption},
                    _inline(PICTURE.data, "image/jpeg"),
                    {"text": CLIP.caption},
                    {**_inline(CLIP.data, "video/mp4"), "videoMetadata": {"fps": 12.0}},
                    {"text": QUESTION.text},
                ],
            }
        ],
        "generationConfig": {
            "temperature": 0.25,
            "seed": 7,
            "maxOutputTokens": 999,
            "responseMimeType": "application/json",
            "responseJsonSchema": SCHEMA,
        },
    }


def _inline(data: bytes, media_type: str) -> dict[str, Any]:
    return {"inlineData": {"data": base64.urlsafe_b64encode(data).decode(), "mime_type": media_type}}


def asked_with(question: Question = QUESTION, **settings: Any) -> Any:
    with serving(reply(gemini_body())) as server:
        gemini(server.url, **settings).ask(question)
    return server.seen[0].json


def test_temperature_nought_is_sent() -> None:
    assert asked_with(temperature=0)["generationConfig"]["temperature"] == 0.0


def test_by_default_it_is_asked_as_models_of_today_are_made_for() -> None:
    """One of them refuses to be told how many answers; none runs at another temperature than 1."""
    config = asked_with()["generationConfig"]
    assert (config["temperature"], config["seed"], config["maxOutputTokens"]) == (1.0, 42, 65_536)
    assert "candidateCount" not in config


@pytest.mark.parametrize(("looks", "said"), [(0.5, 0.5), (11.988, 11.988), (60.0, 24.0)])
def test_how_often_it_looks_at_the_clip(looks: float, said: float) -> None:
    """Once a second, unless it is told: four looks at a clip of four seconds."""
    question = replace(QUESTION, media=(replace(CLIP, looks=looks),))
    assert asked_with(question)["contents"][0]["parts"][1]["videoMetadata"] == {"fps": said}


def test_the_schema_has_named_parts_of_little_depth() -> None:
    """Google counts what is written out, and refuses what is nested too deeply."""
    sent = asked_with(replace(QUESTION, schema=json_schema()))["generationConfig"]["responseJsonSchema"]
    assert sent == json_schema()
    assert max(map(depth, [sent, *sent["$defs"].values()])) <= 3


def depth(node: dict[str, Any]) -> int:
    children = [*node.get("properties", {}).values(), *([node["items"]] if "items" in node else [])]
    return ("$ref" not in node and node["type"] in ("object", "array")) + max(map(depth, children), default=0)


def test_a_schema_in_words_where_it_is_refused() -> None:
    sent = asked_with(structured=False)
    assert "responseJsonSchema" not in sent["generationConfig"]
    assert sent["generationConfig"]["responseMimeType"] == "application/json"
    assert sent["contents"][0]["parts"][-1]["text"] == QUESTION.text + "\n" + in_words(SCHEMA)
    assert json.dumps(SCHEMA, separators=(",", ":")) in in_words(SCHEMA)


@pytest.mark.parametrize("slash", ["", "/"])
def test_a_gateway_with_a_path(slash: str) -> None:
    with serving(reply(gemini_body())) as server:
        gemini(f"{server.url}/to/gemini{slash}", model="models/gemini-x").ask(QUESTION)
    assert server.seen[0].path == "/to/gemini/v1beta/models/gemini-x:generateContent"


@pytest.mark.parametrize(
    "model", ["a b", "x?key=1", "../v1/files", "x:y", "x/y", "é", "-", "models/", "x\n", "x%2f"]
)
def test_models_that_would_be_other_addresses(model: str) -> None:
    with pytest.raises(ReasoningError) as caught:
        gemini("http://127.0.0.1:9", model=model)
    assert caught.value.code == "reasoner-failed"


@pytest.mark.parametrize(
    "key", ["", "short", "with blank in it", "line-ends-here\n", "ключ-из-букв", "a" * 2000]
)
def test_keys_that_are_none(key: str) -> None:
    with pytest.raises(ReasoningError) as caught:
        GeminiTransport(GeminiSettings(), key)
    assert caught.value.code == "reasoner-key"
    assert not key or key not in str(caught.value)


def test_without_an_address_it_is_google(monkeypatch: pytest.MonkeyPatch) -> None:
    import socket  # noqa: PLC0415

    asked: list[Any] = []

    def unknown(host: Any, port: Any, *args: Any, **kwargs: Any) -> Any:
        asked.append((host, port))
        raise socket.gaierror(-2, "unknown")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    monkeypatch.setenv("GOOGLE_GEMINI_BASE_URL", "http://127.0.0.1:1")
    transport = GeminiTransport(GeminiSettings(), KEY)
    refusal(transport, "reasoner-unreachable")
    assert asked == [("generativelanguage.googleapis.com", 443)]
    assert "generativelanguage.googleapis.com" in transport.info.description


def test_what_it_is() -> None:
    info = gemini("http://127.0.0.1:9", model="m" * 200).info
    assert (info.name, info.kind, info.remote) == ("gemini", "model", True)  # whoever forwards it
    assert info.version.startswith("m" * 200)
    assert "google-genai 3." in gemini("http://127.0.0.1:9").info.version
    assert "gemini-3.8-flash" in gemini("http://127.0.0.1:9").info.version
    assert "not encrypted" in gemini("http://gateway.example").info.description
    assert "not encrypted" not in gemini("https://gateway.example").info.description


def test_what_the_service_says_of_itself() -> None:
    body = gemini_body(finishMessage="done")
    body["promptFeedback"] = {"safetyRatings": [{"category": "HARM_CATEGORY_VIOLENCE", "probability": "LOW"}]}
    exchange = answer_to(body).exchange
    assert exchange.usage == {"prompt": 2640, "candidates": 12, "thoughts": 310, "total": 2962}
    assert exchange.model_version == "gemini-3.8-flash"
    assert exchange.safety == (
        "question rated VIOLENCE LOW; finish STOP; done; answer rated HARASSMENT NEGLIGIBLE"
    )


def test_another_model_that_answers_is_on_record() -> None:
    assert (
        answer_to({**gemini_body(), "modelVersion": "gemini-1.0-nano"}).exchange.model_version
        == "gemini-1.0-nano"
    )


def test_thoughts_are_no_answer() -> None:
    parts = [
        {"text": "Hm {", "thought": True},
        {"text": '{"a":'},
        {"text": " 1}", "thoughtSignature": "eA=="},
    ]
    assert answer_to(gemini_body(content={"parts": parts})).text == '{"a": 1}'


@pytest.mark.parametrize(
    "parts",
    [[], [{"text": "thinking", "thought": True}], [{"functionCall": {"name": "rm"}}], [{"text": 3}], None],
)
def test_answers_without_text(parts: Any) -> None:
    refused_for(gemini_body(content={"parts": parts}), "reply-malformed")


def test_half_characters() -> None:
    refused_for(gemini_body("\ud800"), "reply-malformed")


@pytest.mark.parametrize("count", [0, 2, 3])
def test_one_answer_and_no_other_number(count: int) -> None:
    body = {**gemini_body(), "candidates": gemini_body()["candidates"] * count}
    assert f"{count} answers" in refused_for(body, "reply-malformed").message


def test_a_question_that_is_blocked() -> None:
    body = {
        "promptFeedback": {"blockReason": "PROHIBITED_CONTENT", "blockReasonMessage": "against the rules"},
        "usageMetadata": {"promptTokenCount": 12, "totalTokenCount": 12},
        "modelVersion": "gemini-3.8-flash",
    }
    error = refused_for(body, "reasoner-refused")
    assert "PROHIBITED_CONTENT" in error.message
    assert "against the rules" in error.message
    assert getattr(error.exchange, "usage", None) == {"prompt": 12, "total": 12}


def test_a_question_that_is_blocked_with_an_answer_all_the_same() -> None:
    refused_for({**gemini_body(), "promptFeedback": {"blockReason": "OTHER"}}, "reasoner-refused")


@pytest.mark.parametrize(
    "reason", ["SAFETY", "RECITATION", "PROHIBITED_CONTENT", "SPII", "BLOCKLIST", "ESCALATION"]
)
def test_an_answer_that_is_held_back(reason: str) -> None:
    ratings = [{"category": "HARM_CATEGORY_DANGEROUS_CONTENT", "probability": "HIGH", "blocked": True}]
    error = refused_for(gemini_body(finishReason=reason, safetyRatings=ratings), "reasoner-refused")
    assert reason in error.message
    assert "DANGEROUS_CONTENT HIGH (blocked)" in getattr(error.exchange, "safety", "")


def test_an_answer_that_is_cut_off() -> None:
    error = refused_for(gemini_body('{"summary": "a sha', finishReason="MAX_TOKENS"), "reply-malformed")
    assert "--reasoner-tokens" in error.hint
    assert getattr(error.exchange, "usage", {})["thoughts"] == 310


@pytest.mark.parametrize(
    "reason", ["OTHER", "MALFORMED_RESPONSE", "UNEXPECTED_TOOL_CALL", "", "stop", None, 7]
)
def test_an_answer_that_did_not_end(reason: Any) -> None:
    refused_for(gemini_body(finishReason=reason), "reply-malformed")


def test_a_key_that_google_does_not_know() -> None:
    body = {
        "error": {
            "code": 400,
            "message": "API key not valid. Please pass a valid API key.",
            "status": "INVALID_ARGUMENT",
            "details": [
                {
                    "@type": "type.googleapis.com/google.rpc.ErrorInfo",
                    "reason": "API_KEY_INVALID",
                    "domain": "googleapis.com",
                }
            ],
        }
    }
    assert "API key not valid" in refused_for(body, "reasoner-key", "400 Bad Request").message


def test_a_model_that_is_retired() -> None:
    body = {"error": {"code": 404, "message": "models/gemini-3.8-flash is not found", "status": "NOT_FOUND"}}
    error = refused_for(body, "reasoner-failed", "404 Not Found")
    assert "is not found" in error.message
    assert "retired" in error.hint


def quota(delay: Any) -> dict[str, Any]:
    info = {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": delay}
    details = [{"@type": "type.googleapis.com/google.rpc.QuotaFailure", "violations": []}, info]
    return {"error": {"code": 429, "message": "quota", "status": "RESOURCE_EXHAUSTED", "details": details}}


@pytest.mark.parametrize(
    ("delay", "seconds"),
    [
        ("34.4s", 34.4),
        ("9s", 9.0),
        ("0s", 0.0),
        ("99999999s", 86_400.0),
        ("soon", None),
        ("٣s", None),
        ("-3s", None),
        (5, None),
    ],
)
def test_when_to_ask_again(delay: Any, seconds: float | None) -> None:
    assert refused_for(quota(delay), "reasoner-quota", "429 Too Many Requests").retry_after == seconds


def test_the_longer_of_two_pauses_counts() -> None:
    headers = {"Retry-After": "60"}
    assert refused_for(quota("3s"), "reasoner-quota", "429 Too Many Requests", **headers).retry_after == 60


HOSTILE: list[Any] = [None, True, -1, 1.5, "9", [], {}, 2**60]


@pytest.mark.parametrize("odd", HOSTILE)
def test_facts_of_another_kind_are_left_out(odd: Any) -> None:
    body = {
        **gemini_body(safetyRatings=odd),
        "usageMetadata": {"promptTokenCount": odd, "totalTokenCount": 3},
        "modelVersion": odd if odd != "9" else None,
        "promptFeedback": odd,
    }
    exchange = answer_to(body).exchange
    assert exchange.usage == {"total": 3}
    assert exchange.model_version == ""
    assert exchange.safety == "finish STOP"


def test_what_it_says_is_bounded_and_plain() -> None:
    long = "\u202e\x1b[31mred\n" + "y" * 5_000
    ratings = [{"category": long, "probability": long}] * 100
    exchange = answer_to(
        {**gemini_body(safetyRatings=ratings, finishMessage=long), "modelVersion": long}
    ).exchange
    assert len(exchange.safety) <= 2000
    assert len(exchange.model_version) <= 200
    assert (exchange.safety + exchange.model_version).isprintable()


def test_error_messages_are_bounded_and_plain() -> None:
    error = refused_for(
        {"error": {"message": "\x1b[2J\u202e" + "n" * 9999}}, "reasoner-failed", "400 Bad Request"
    )
    assert len(error.message) < 700
    assert error.message.isprintable()


def test_the_package_never_holds_the_key(monkeypatch: pytest.MonkeyPatch) -> None:
    from google import genai  # noqa: PLC0415

    made: list[genai.Client] = []

    class Watched(genai.Client):
        def __init__(self, **given: Any) -> None:
            super().__init__(**given)
            made.append(self)

    monkeypatch.setattr(genai, "Client", Watched)
    answer_to(gemini_body())
    inner = made[0]._api_client
    no_key_in(inner.api_key, inner._http_options, vars(inner))


def test_settings_are_its_own() -> None:
    settings = GeminiSettings(seed=5)
    transport = GeminiTransport(settings, KEY)
    assert transport.settings == settings
    no_key_in(transport, vars(transport), transport.settings)


def test_nothing_heavy_is_loaded_before_asking() -> None:
    code = (
        "import sys\n"
        "import void_audit.pipeline.reason\n"
        "from void_audit.pipeline.reason import gemini, openai_compatible\n"
        "from void_audit.model.seeing import GeminiSettings, OpenAiSettings\n"
        "assert not gemini.missing_packages() and not openai_compatible.missing_packages()\n"
        "gemini.GeminiTransport(GeminiSettings(), 'a' * 20).info\n"
        "openai_compatible.OpenAiTransport(OpenAiSettings(model='m', base_url='http://[::1]/v1')).info\n"
        "assert not {'google.genai', 'httpx2', 'httpcore2'} & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-W", "error", "-c", code], check=True)


def test_missing_packages_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    assert missing_packages() == ()
    for module in ("google", "google.genai", "httpx2"):
        monkeypatch.delitem(sys.modules, module, raising=False)
        monkeypatch.setitem(sys.modules, module, None)
    assert missing_packages() == ("google-genai", "httpx2")
    assert "not installed" in gemini("http://127.0.0.1:9").info.version


def test_answers_are_what_the_model_wrote() -> None:
    assert answer_to(gemini_body()).text == ANSWER
