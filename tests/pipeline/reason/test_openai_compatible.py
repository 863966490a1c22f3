"""Servers with the chat-completions interface: what is asked, and how replies are read. All written by hand."""

from __future__ import annotations

import base64
import json
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest
from loopback import reply, serving
from transports import ANSWER, CLIP, KEY, PICTURE, QUESTION, SCHEMA, no_key_in, openai_body, refusal

from void_audit.errors import ReasoningError
from void_audit.model.seeing import OpenAiSettings
from void_audit.pipeline.reason.openai_compatible import OpenAiTransport, missing_packages
from void_audit.pipeline.reason.vlm.base import Answer
from void_audit.pipeline.reason.vlm.schema import in_words, inlined, json_schema

pytestmark = pytest.mark.usefixtures("only_this_machine")


def server_at(url: str, key: str | None = KEY, **settings: Any) -> OpenAiTransport:
    return OpenAiTransport(OpenAiSettings(base_url=url, **{"model": "Qwen/Qwen3-VL-8B", **settings}), key)


def answer_to(body: dict[str, Any]) -> Answer:
    with serving(reply(body)) as server:
        return server_at(server.url).ask(QUESTION)


def refused_for(body: dict[str, Any], code: str, status: str = "200 OK", **headers: str) -> ReasoningError:
    with serving(reply(body, status, headers)) as server:
        return refusal(server_at(server.url), code)[0]


def test_the_request() -> None:
    with serving(reply(openai_body())) as server:
        server_at(f"{server.url}/v1", seed=7, temperature=0.25, max_output_tokens=999).ask(QUESTION)
    seen = server.seen[0]
    assert seen.line == "POST /v1/chat/completions HTTP/1.1\r\n"
    assert seen.headers["authorization"] == f"Bearer {KEY}"
    assert seen.headers["content-type"] == "application/json"
    assert seen.json == {
        "model": "Qwen/Qwen3-VL-8B",
        "messages": [
            {"role": "system", "content": QUESTION.instructions},
            {
                "role": "user",
                "content": [
                    {"type": "text", "text": PICTURE.caption},
                    {"type": "image_url", "image_url": {"url": _data(PICTURE.data, "image/jpeg")}},
                    {"type": "text", "text": QUESTION.text},
                ],
            },
        ],
        "response_format": {
            "type": "json_schema",
            "json_schema": {"name": "consequences", "strict": True, "schema": SCHEMA},
        },
        "temperature": 0.25,
        "seed": 7,
        "max_tokens": 999,
        "stream": False,
    }


def _data(data: bytes, media_type: str) -> str:
    return f"data:{media_type};base64,{base64.b64encode(data).decode()}"


def test_a_clip_goes_along_if_it_may() -> None:
    with serving(reply(openai_body())) as server:
        server_at(server.url, video=True).ask(replace(QUESTION, media=(CLIP, PICTURE)))
    assert server.seen[0].json["messages"][1]["content"] == [
        {"type": "text", "text": CLIP.caption},
        {"type": "video_url", "video_url": {"url": _data(CLIP.data, "video/mp4")}},
        {"type": "text", "text": PICTURE.caption},
        {"type": "image_url", "image_url": {"url": _data(PICTURE.data, "image/jpeg")}},
        {"type": "text", "text": QUESTION.text},
    ]


def test_the_schema_is_written_out() -> None:
    """Grammars of servers are safer without references."""
    with serving(reply(openai_body())) as server:
        server_at(server.url).ask(replace(QUESTION, schema=json_schema()))
    sent = server.seen[0].json["response_format"]["json_schema"]["schema"]
    assert sent == inlined(json_schema())
    assert "$" not in json.dumps(sent)


def test_a_schema_in_words_for_servers_that_hold_no_model_to_one() -> None:
    with serving(reply(openai_body())) as server:
        server_at(server.url, structured=False).ask(QUESTION)
    sent = server.seen[0].json
    assert sent["response_format"] == {"type": "json_object"}
    assert sent["messages"][1]["content"][-1]["text"] == QUESTION.text + "\n" + in_words(SCHEMA)


@pytest.mark.parametrize(
    "text",
    [
        f"<think>It {{ falls.</think>{ANSWER}",
        f"\n<think>\nIt falls.\n</think>\n\n{ANSWER}",
        f"It falls.</think>{ANSWER}",
        f"</think>{ANSWER}",
    ],
)
def test_thoughts_in_front_are_no_answer(text: str) -> None:
    assert answer_to(openai_body(text)).text.strip() == ANSWER


@pytest.mark.parametrize("text", ['{"summary": "</think> {}"}', f"Sure! {ANSWER}", f"```json\n{ANSWER}\n```"])
def test_nothing_else_is_taken_out_of_prose(text: str) -> None:
    assert answer_to(openai_body(text)).text == text


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (None, {"reasoning_content": ANSWER}),
        ("", {"reasoning": "It falls."}),
        ("<think>It falls.</think>", {}),
    ],
)
def test_thoughts_alone_are_said_to_be_that(text: Any, message: dict[str, Any]) -> None:
    error = refused_for(openai_body(text, **message), "reply-malformed")
    assert "thought" in error.message
    assert "without thinking" in error.hint


def test_what_a_server_cannot_do_is_not_asked_for_again() -> None:
    refused_for({"error": "no pictures"}, "reasoner-failed", "501 Not Implemented")


def test_without_a_key_none_is_sent() -> None:
    with serving(reply(openai_body())) as server:
        OpenAiTransport(OpenAiSettings(base_url=server.url, model="m")).ask(QUESTION)
    assert "authorization" not in server.seen[0].headers


@pytest.mark.parametrize("end", ["", "/"])
def test_an_address_may_end_with_a_slash(end: str) -> None:
    with serving(reply(openai_body())) as server:
        server_at(f"{server.url}/a/v1{end}").ask(QUESTION)
    assert server.seen[0].path == "/a/v1/chat/completions"


@pytest.mark.parametrize("key", ["", "EMPTY", "two words here", "ends-with-line\n"])
def test_keys_that_are_none(key: str) -> None:
    with pytest.raises(ReasoningError) as caught:
        server_at("http://127.0.0.1:9", key)
    assert caught.value.code == "reasoner-key"


@pytest.mark.parametrize(
    ("url", "remote"),
    [
        ("http://localhost:11434/v1", False),
        ("http://LOCALHOST:11434/v1", False),
        ("http://127.0.0.1:8000/v1", False),
        ("http://127.9.8.7/v1", False),
        ("https://[::1]:8080/v1", False),
        ("http://128.0.0.1/v1", True),
        ("http://10.0.0.5:8000/v1", True),
        ("http://0.0.0.0:8000/v1", True),
        ("http://localhost.example/v1", True),
        ("http://127.0.0.1.example/v1", True),
        ("http://127.1/v1", True),
        ("http://[fe80::1]/v1", True),
        ("https://api.example/127.0.0.1", True),
    ],
)
def test_whether_pictures_leave_this_machine(url: str, remote: bool) -> None:
    info = server_at(url).info
    assert info.remote is remote
    assert ("on this machine" in info.description) is not remote
    assert ("not encrypted" in info.description) is (remote and url.startswith("http:"))


@pytest.mark.parametrize("model", ["gpt-oss:120b-cloud", "qwen3-vl:cloud"])
def test_a_local_ollama_passes_cloud_models_on(model: str) -> None:
    info = server_at("http://localhost:11434/v1", model=model).info
    assert info.remote
    assert "over the network" in info.description


def test_what_it_is() -> None:
    info = server_at("http://127.0.0.1:8000/v1").info
    assert (info.name, info.kind, info.version) == ("openai-compatible", "model", "Qwen/Qwen3-VL-8B")
    assert "127.0.0.1:8000" in info.description
    assert server_at("http://127.0.0.1:8000/v1", model="m" * 200).info.version == "m" * 200


def test_a_name_of_this_machine_that_leads_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """/etc/hosts can say anything of ``localhost``; the record says that nothing leaves this machine."""
    monkeypatch.setattr("void_audit.pipeline.reason.service.network.is_loopback", lambda address: False)
    with serving(reply(openai_body())) as server:
        error, _ = refusal(server_at(f"http://localhost:{server.port}/v1"), "reasoner-unreachable")
    assert server.seen == []
    assert "not this machine" in error.message


def test_what_the_server_says_of_itself() -> None:
    exchange = answer_to(openai_body()).exchange
    assert exchange.usage == {"prompt": 1800, "completion": 40, "reasoning": 25, "total": 1840}
    assert exchange.model_version == "qwen3-vl:8b fp_ollama"
    assert exchange.safety == "finish stop"


def test_another_model_that_answers_is_on_record() -> None:
    body = {**openai_body(), "model": "tiny", "system_fingerprint": None}
    assert answer_to(body).exchange.model_version == "tiny"


@pytest.mark.parametrize("text", [None, "", "  \n", 5, [{"type": "text", "text": ANSWER}]])
def test_answers_without_text(text: Any) -> None:
    refused_for(openai_body(text), "reply-malformed")


@pytest.mark.parametrize("count", [0, 2])
def test_one_answer_and_no_other_number(count: int) -> None:
    refused_for({**openai_body(), "choices": openai_body()["choices"] * count}, "reply-malformed")


def test_a_refusal_is_the_models_own_word() -> None:
    error = refused_for(openai_body(None, refusal="I can't help with that."), "reasoner-refused")
    assert "I can't help with that." in error.message
    assert "I can't help with that." in getattr(error.exchange, "safety", "")


def test_a_refusal_beside_an_answer_is_a_refusal() -> None:
    refused_for(openai_body(ANSWER, refusal="No."), "reasoner-refused")


def test_an_empty_refusal_is_none() -> None:
    assert answer_to(openai_body(refusal=None)).text == ANSWER
    assert answer_to(openai_body(refusal="")).text == ANSWER


def test_a_filtered_answer() -> None:
    assert "content_filter" in refused_for(openai_body(finish="content_filter"), "reasoner-refused").message


@pytest.mark.parametrize("name", ["content_filter", "content_policy_violation"])
def test_a_filtered_question(name: str) -> None:
    body = {"error": {"message": "triggered our policy", "code": name}}
    assert "triggered our policy" in refused_for(body, "reasoner-refused", "400 Bad Request").message


def test_an_answer_that_is_cut_off() -> None:
    assert "--reasoner-tokens" in refused_for(openai_body('{"su', finish="length"), "reply-malformed").hint


@pytest.mark.parametrize("finish", ["tool_calls", "", None, "STOP", 1])
def test_an_answer_that_did_not_end(finish: Any) -> None:
    refused_for(openai_body(finish=finish), "reply-malformed")


@pytest.mark.parametrize("error", [{"message": "out of memory", "code": 500}, "out of memory"])
def test_an_error_called_success(error: Any) -> None:
    assert "out of memory" in refused_for({"error": error}, "reasoner-failed").message


@pytest.mark.parametrize(
    "body",
    [
        {"error": {"message": "model not there", "type": "NotFoundError", "code": 404}},
        {"error": "model not there"},
        {"object": "error", "message": "model not there"},
        {"detail": "model not there"},
        [{"error": {"message": "model not there"}}],
    ],
)
def test_every_way_to_say_that_it_failed(body: Any) -> None:
    assert "HTTP 404: model not there." in refused_for(body, "reasoner-failed", "404 Not Found").message


def test_a_failure_without_words() -> None:
    assert refused_for({}, "reasoner-failed", "404 Not Found").message.endswith("answered HTTP 404.")


def in_seconds(seconds: float) -> str:
    return format_datetime(datetime.now(UTC) + timedelta(seconds=seconds), usegmt=True)


@pytest.mark.parametrize(
    ("said", "seconds"),
    [
        ("120", 120.0),
        ("0", 0.0),
        ("9" * 12, 86_400.0),
        ("-5", None),
        ("nan", None),
        ("1e3", None),
        ("٣", None),
        ("", None),
    ],
)
def test_when_to_ask_again(said: str, seconds: float | None) -> None:
    said = said.encode().decode("latin-1")
    headers = {"Retry-After": said}
    assert refused_for({}, "reasoner-quota", "429 Too Many Requests", **headers).retry_after == seconds


def test_when_to_ask_again_as_a_date() -> None:
    soon = {"Retry-After": in_seconds(100)}
    assert refused_for({}, "reasoner-unreachable", "503 Busy", **soon).retry_after == pytest.approx(
        100, abs=5
    )
    gone = {"Retry-After": in_seconds(-100)}
    assert refused_for({}, "reasoner-quota", "429 Busy", **gone).retry_after == 0
    far = {"Retry-After": "Fri, 31 Dec 9999 23:59:59 GMT"}
    assert refused_for({}, "reasoner-quota", "429 Busy", **far).retry_after == 86_400
    for odd in (
        "Fri, 31 Dec 99999 23:59:59 GMT",
        "Fri, 31 Dec 2100 23:59:59",
        "Fri, 31 Dec 2100 23:59:59 -0000",
    ):
        assert refused_for({}, "reasoner-quota", "429 Busy", **{"Retry-After": odd}).retry_after is None


@pytest.mark.parametrize("odd", [None, True, -1, 1.5, "9", [], {}, 2**60])
def test_facts_of_another_kind_are_left_out(odd: Any) -> None:
    body = {
        **openai_body(),
        "usage": {"prompt_tokens": odd, "completion_tokens_details": odd, "total_tokens": 0},
    }
    assert answer_to(body).exchange.usage == {"total": 0}


def test_settings_are_its_own() -> None:
    transport = server_at("http://127.0.0.1:9/v1", seed=5)
    assert transport.settings.seed == 5
    no_key_in(transport, vars(transport), transport.settings)


def test_missing_packages_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    assert missing_packages() == ()
    monkeypatch.setitem(sys.modules, "httpx2", None)
    assert missing_packages() == ("httpx2",)
