"""Both transports, what they are asked in tests, and what a service in good order answers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from loopback import Act, Loopback, reply

from void_audit.errors import ReasoningError
from void_audit.model.reasoning import Exchange
from void_audit.model.seeing import GeminiSettings, OpenAiSettings
from void_audit.pipeline.reason.gemini import GeminiTransport
from void_audit.pipeline.reason.openai_compatible import OpenAiTransport
from void_audit.pipeline.reason.vlm.base import Medium, Question, Transport

KEY = "AIzaSy-not/a.real_key-0123456789abcdef"
ANSWER = '{"summary": "a shadow"}'
SCHEMA: Mapping[str, Any] = {
    "type": "object",
    "properties": {"summary": {"type": "string"}},
    "required": ["summary"],
    "additionalProperties": False,
}
PICTURE = Medium("image/jpeg", b"\xff\xd8\xff\xe0 picture \xfb\xfe\xff", "Frame 0 of 24.")
CLIP = Medium("video/mp4", b"\x00\x00\x00\x18ftypmp42", "The clip.", 12.0)
QUESTION = Question("Only what is seen counts.", (PICTURE, CLIP), "What did the ball cause? ü", SCHEMA)

KINDS = ("gemini", "openai-compatible")


def transport(kind: str, url: str, key: str | None = KEY, **settings: Any) -> Transport:
    """One of the two at an address."""
    if kind == "gemini":
        return GeminiTransport(GeminiSettings(base_url=url, **settings), key or "")
    return OpenAiTransport(OpenAiSettings(base_url=f"{url}/v1", **{"model": "qwen3-vl:8b", **settings}), key)


def good(kind: str, text: str = ANSWER, **headers: str) -> Act:
    """A reply in the service's form."""
    return reply(gemini_body(text) if kind == "gemini" else openai_body(text), headers=headers)


def gemini_body(text: str = ANSWER, **candidate: Any) -> dict[str, Any]:
    """As ai.google.dev/api/generate-content has it; written by hand."""
    return {
        "candidates": [
            {
                "content": {"parts": [{"text": text}], "role": "model"},
                "finishReason": "STOP",
                "index": 0,
                "safetyRatings": [{"category": "HARM_CATEGORY_HARASSMENT", "probability": "NEGLIGIBLE"}],
                **candidate,
            }
        ],
        "usageMetadata": {
            "promptTokenCount": 2640,
            "candidatesTokenCount": 12,
            "thoughtsTokenCount": 310,
            "totalTokenCount": 2962,
            "promptTokensDetails": [{"modality": "IMAGE", "tokenCount": 2580}],
        },
        "modelVersion": "gemini-3.8-flash",
        "responseId": "c2FtcGxl",
    }


def openai_body(text: str | None = ANSWER, finish: Any = "stop", **message: Any) -> dict[str, Any]:
    """As the chat-completions interface has it; written by hand."""
    return {
        "id": "chatcmpl-7",
        "object": "chat.completion",
        "created": 1760000000,
        "model": "qwen3-vl:8b",
        "system_fingerprint": "fp_ollama",
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": text, **message},
                "finish_reason": finish,
            }
        ],
        "usage": {
            "prompt_tokens": 1800,
            "completion_tokens": 40,
            "total_tokens": 1840,
            "completion_tokens_details": {"reasoning_tokens": 25},
        },
    }


def refusal(asked: Transport, code: str) -> tuple[ReasoningError, Exchange]:
    """The error of asking, which must have this code, an exchange, and no key in anything that it shows."""
    with pytest.raises(ReasoningError) as caught:
        asked.ask(QUESTION)
    error = caught.value
    assert error.code == code, (error.code, error.message)
    assert isinstance(error.exchange, Exchange)
    no_key_in(error, str(error), repr(error), error.args, error.message, error.hint, error.exchange)
    return error, error.exchange


def no_key_in(*things: object) -> None:
    """Neither the key nor half of it, in capitals or not."""
    for thing in things:
        said = thing if isinstance(thing, str) else repr(thing)
        assert KEY[: len(KEY) // 2].lower() not in said.lower()


def record_matches(server: Loopback, exchange: Exchange) -> None:
    """What is on record is what the server saw, once."""
    assert [seen.body for seen in server.seen] == [exchange.request]
