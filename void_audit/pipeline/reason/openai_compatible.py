"""Any server with the chat-completions interface, e.g. vLLM, Ollama, llama.cpp: a ``vlm.base.Transport``.

What each of these takes and how to start it, with sources: docs/reasoners.md.
"""

from __future__ import annotations

import json
from base64 import b64encode
from dataclasses import replace
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from void_audit.model.engine import EngineInfo
from void_audit.model.reasoning import Exchange
from void_audit.model.seeing import OpenAiSettings
from void_audit.pipeline.reason.service.call import Call, Service
from void_audit.pipeline.reason.service.host import host_of, is_local, way_to
from void_audit.pipeline.reason.service.secret import Secret
from void_audit.pipeline.reason.service.untrusted import Json, at, counts_at, items_at, text_at
from void_audit.pipeline.reason.service.verdict import checked_text, cut_off, envelope, malformed, refused
from void_audit.pipeline.reason.vlm.base import Answer, Medium, Question
from void_audit.pipeline.reason.vlm.schema import inlined

if TYPE_CHECKING:
    import httpx2

HEADER = ("authorization", "Bearer ")
PACKAGES = ("httpx2",)
SCHEMA_NAME = "consequences"

_THOUGHTS = ("reasoning_content", "reasoning")
"""Where llama.cpp and DeepSeek, and where Ollama and vLLM put them."""
_USAGE: dict[str, tuple[str, ...]] = {
    "prompt": ("usage", "prompt_tokens"),
    "completion": ("usage", "completion_tokens"),
    "reasoning": ("usage", "completion_tokens_details", "reasoning_tokens"),
    "total": ("usage", "total_tokens"),
}


def missing_packages() -> tuple[str, ...]:
    """Packages that this engine needs and that are not installed. Loads none."""
    return tuple(name for name in PACKAGES if find_spec(name) is None)


class OpenAiTransport:
    """Implements ``vlm.base.Transport``.

    Args:
        settings: address, model, sampling, bounds.
        key: what the server was started with, if it asks for one. Sent to ``base_url`` and nowhere else.

    Raises:
        ReasoningError: ``reasoner-key`` if the key cannot be one.
    """

    def __init__(self, settings: OpenAiSettings, key: str | None = None) -> None:
        self._settings = settings
        self._secret = Secret(key)
        self._service = Service(
            settings.model, host_of(settings.base_url), settings.timeout, settings.max_reply_bytes
        )

    @property
    def settings(self) -> OpenAiSettings:
        """How it is asked."""
        return self._settings

    @property
    def info(self) -> EngineInfo:
        """The engine as it is recorded. Local is a loopback address, and no model that such a server passes on.

        An Ollama on this machine hands questions for its models named ``...cloud`` to its maker's service
        (docs.ollama.com/cloud). What another local server passes on cannot be known.
        """
        remote = not is_local(self._settings.base_url) or self._settings.model.endswith("cloud")
        way = way_to(self._settings.base_url, remote)
        return EngineInfo(
            name="openai-compatible",
            version=self._settings.model,
            kind="model",
            description=f"A vision-language model, asked {way} at {self._service.host}: says what the object "
            "caused and where, in cells of a grid. An answer, not a measurement.",
            remote=remote,
        )

    def ask(self, question: Question) -> Answer:
        """Put the question once. Raises ReasoningError as ``vlm.base.Transport.ask`` says."""
        from void_audit.pipeline.reason.service import wire  # noqa: PLC0415

        call = wire.call(
            self._service,
            self._secret,
            HEADER,
            lambda http: self._send(http, question),
            only_here=is_local(self._settings.base_url),
        )
        return self._answer(call, envelope(call, self._service))

    def _send(self, http: httpx2.Client, question: Question) -> None:
        url = self._settings.base_url.rstrip("/") + "/chat/completions"
        headers = {"content-type": "application/json", "accept": "application/json"}
        http.post(url, content=json.dumps(self._request(question)).encode(), headers=headers)

    def _request(self, question: Question) -> dict[str, Any]:
        """``max_tokens``, not its successor ``max_completion_tokens``.

        Ollama does not list that one (docs.ollama.com/api/openai-compatibility), and llama.cpp's server ignored it
        (ggml-org/llama.cpp #13700); vLLM takes both.
        """
        return {
            "model": self._settings.model,
            "messages": [
                {"role": "system", "content": question.instructions},
                {"role": "user", "content": self._content(question)},
            ],
            "response_format": self._form(question),
            "temperature": self._settings.temperature,
            "seed": self._settings.seed,
            "max_tokens": self._settings.max_output_tokens,
            "stream": False,
        }

    def _form(self, question: Question) -> dict[str, Any]:
        if not self._settings.structured:
            return {"type": "json_object"}
        schema = {"name": SCHEMA_NAME, "strict": True, "schema": inlined(question.schema)}
        return {"type": "json_schema", "json_schema": schema}

    def _content(self, question: Question) -> list[dict[str, Any]]:
        """Each picture after its caption, then the question; a clip, with its caption, only if settings say so."""
        media = [m for m in question.media if self._settings.video or not m.media_type.startswith("video/")]
        text = question.asked(self._settings.structured)
        return [*(part for medium in media for part in _parts(medium)), _text_part(text)]

    def _answer(self, call: Call, body: Json) -> Answer:
        exchange = _understood(call, body)
        failure = text_at(body, "error", "message") or text_at(body, "error")
        if failure:  # some gateways say 200 all the same
            raise self._service.error(
                "reasoner-failed", f"failed: {failure}.", "Check the server's own log.", exchange
            )
        choices = items_at(body, "choices")
        if len(choices) != 1:
            raise malformed(self._service, f"gave {len(choices)} answers, not one.", exchange)
        self._insist_on_end(choices[0], exchange)
        return Answer(checked_text(self._text(choices[0], exchange), self._service, exchange), exchange)

    def _text(self, choice: Json, exchange: Exchange) -> str:
        """The answer without thoughts, which some servers leave in front of it.

        Raises:
            ReasoningError: ``reply-malformed`` if there is nothing but thoughts.
        """
        content = at(choice, "message", "content")
        said = content if isinstance(content, str) else ""
        text = without_thoughts(said)
        if not text.strip() and (said.strip() or any(text_at(choice, "message", name) for name in _THOUGHTS)):
            hint = "Have the server run the model without thinking, or tell it how this model marks its thoughts."
            raise malformed(self._service, "thought, and then answered nothing.", exchange, hint)
        return text

    def _insist_on_end(self, choice: Json, exchange: Exchange) -> None:
        reason = text_at(choice, "finish_reason")
        if text_at(choice, "message", "refusal") or reason == "content_filter":
            raise refused(self._service, exchange.safety, exchange)
        if reason == "length":
            raise cut_off(self._service, exchange)
        if reason != "stop":
            raise malformed(self._service, f"did not finish its answer ({exchange.safety}).", exchange)


def without_thoughts(text: str) -> str:
    """What follows the first ``</think>``, where the text does not begin with an object.

    vLLM and llama.cpp leave thoughts in the text where no reasoning parser is set, some templates without the
    opening mark.
    """
    if text.lstrip().startswith("{"):
        return text
    _, mark, answer = text.partition("</think>")
    return answer if mark else text


def _parts(medium: Medium) -> tuple[dict[str, Any], dict[str, Any]]:
    """``video_url`` is vLLM's."""
    kind = "video_url" if medium.media_type.startswith("video/") else "image_url"
    url = f"data:{medium.media_type};base64,{b64encode(medium.data).decode()}"
    return _text_part(medium.caption), {"type": kind, kind: {"url": url}}


def _text_part(text: str) -> dict[str, Any]:
    return {"type": "text", "text": text}


def _understood(call: Call, body: Json) -> Exchange:
    """The exchange with what the server says of itself."""
    names = text_at(body, "model", limit=200), text_at(body, "system_fingerprint", limit=100)
    return replace(
        call.exchange,
        model_version=" ".join(name for name in names if name),
        usage=counts_at(body, _USAGE),
        safety=_safety(at(body, "choices", 0)),
    )


def _safety(choice: Json) -> str:
    reason, refusal = text_at(choice, "finish_reason", limit=100), text_at(choice, "message", "refusal")
    said = [f"finish {reason}" if reason else "", refusal]
    return "; ".join(words for words in said if words)
