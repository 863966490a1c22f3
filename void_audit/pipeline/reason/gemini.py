"""Google's Gemini, through ``google-genai``: a ``vlm.base.Transport``.

The package makes the request. What comes back is read here, from the very bytes that are recorded, and not from
what the package makes of them. What the service takes and what not, with sources: docs/reasoners.md.
"""

from __future__ import annotations

import re
from dataclasses import replace
from importlib import metadata
from importlib.util import find_spec
from ssl import PROTOCOL_TLS_CLIENT, SSLContext
from typing import TYPE_CHECKING

from void_audit.model.engine import EngineInfo
from void_audit.model.reasoning import Exchange
from void_audit.model.seeing import GeminiSettings
from void_audit.pipeline.reason.service.call import Call, Service
from void_audit.pipeline.reason.service.host import host_of, way_to
from void_audit.pipeline.reason.service.secret import MASK, Secret
from void_audit.pipeline.reason.service.untrusted import Json, at, counts_at, items_at, printable, text_at
from void_audit.pipeline.reason.service.verdict import checked_text, cut_off, envelope, malformed, refused
from void_audit.pipeline.reason.vlm.base import Answer, Medium, Question

if TYPE_CHECKING:
    import httpx2
    from google.genai import types

GOOGLE = "https://generativelanguage.googleapis.com"
API_VERSION = "v1beta"
"""The one with structured output by JSON Schema. Named here because the package takes it from the environment."""
HEADER = ("x-goog-api-key", "")
MOST_LOOKS = 24.0
"""Pictures per second of a clip that the service can be told to look at."""
PACKAGES = {"google-genai": "google.genai", "httpx2": "httpx2"}
"""As they are installed, and as they are imported."""

_MODEL = re.compile(r"((models|tunedModels)/)?[A-Za-z0-9][A-Za-z0-9._-]*")
"""It becomes part of the address."""
_REFUSALS = {
    "SAFETY",
    "RECITATION",
    "LANGUAGE",
    "BLOCKLIST",
    "PROHIBITED_CONTENT",
    "SPII",
    "ESCALATION",
    "PUP_LIMITED_DISABLED",
    "IMAGE_SAFETY",
    "IMAGE_PROHIBITED_CONTENT",
    "IMAGE_RECITATION",
}
"""Finish reasons that are rules of the service."""
_USAGE: dict[str, tuple[str, ...]] = {
    "prompt": ("usageMetadata", "promptTokenCount"),
    "candidates": ("usageMetadata", "candidatesTokenCount"),
    "thoughts": ("usageMetadata", "thoughtsTokenCount"),
    "cached": ("usageMetadata", "cachedContentTokenCount"),
    "total": ("usageMetadata", "totalTokenCount"),
}


def missing_packages() -> tuple[str, ...]:
    """Packages that this engine needs and that are not installed. Loads none."""
    return tuple(name for name, module in PACKAGES.items() if not _is_here(module))


class GeminiTransport:
    """Implements ``vlm.base.Transport``.

    Args:
        settings: model, sampling, bounds, and another address than Google's.
        key: of an account with Google, or of the house's gateway. Sent to ``base_url`` and nowhere else.

    Raises:
        ReasoningError: ``reasoner-key`` if the key cannot be one, ``reasoner-failed`` if the model's name cannot.
    """

    def __init__(self, settings: GeminiSettings, key: str) -> None:
        self._settings = settings
        self._secret = Secret(key)
        self._url = settings.base_url or GOOGLE
        self._service = Service(
            settings.model, host_of(self._url), settings.timeout, settings.max_reply_bytes
        )
        if not _MODEL.fullmatch(settings.model):
            raise self._service.error(
                "reasoner-failed", "is no model: its name has other characters.", "Correct it.", Exchange()
            )

    @property
    def settings(self) -> GeminiSettings:
        """How it is asked."""
        return self._settings

    @property
    def info(self) -> EngineInfo:
        """The engine as it is recorded. What it is given leaves this machine, whoever passes it on."""
        version = metadata.version("google-genai") if not missing_packages() else "not installed"
        return EngineInfo(
            name="gemini",
            version=f"{self._settings.model} by google-genai {version}"[:200],
            kind="model",
            description=f"Google's vision-language model, asked {way_to(self._url, True)} at "
            f"{self._service.host}: says what the object caused and where, in cells of a grid. "
            "An answer, not a measurement.",
            remote=True,
        )

    def ask(self, question: Question) -> Answer:
        """Put the question once. Raises ReasoningError as ``vlm.base.Transport.ask`` says."""
        from void_audit.pipeline.reason.service import wire  # noqa: PLC0415

        call = wire.call(self._service, self._secret, HEADER, lambda http: self._send(http, question))
        return self._answer(call, envelope(call, self._service))

    def _send(self, http: httpx2.Client, question: Question) -> None:
        """One request by the package, which takes nothing from the environment and holds no key."""
        import httpx2  # noqa: PLC0415
        from google.genai import Client, types  # noqa: PLC0415
        from google.genai.client import DebugConfig  # noqa: PLC0415

        unused = httpx2.AsyncClient(transport=httpx2.MockTransport(lambda _: httpx2.Response(500)))
        options = types.HttpOptions(
            base_url=self._url,
            api_version=API_VERSION,
            timeout=max(1, round(self._settings.timeout * 1000)),
            httpx_client=http,
            httpx_async_client=unused,
            # Never used, but else made from SSL_CERT_FILE.
            async_client_args={"ssl": SSLContext(PROTOCOL_TLS_CLIENT)},
            retry_options=types.HttpRetryOptions(attempts=1),
        )
        debug = DebugConfig(client_mode=None, replays_directory=None, replay_id=None)
        client = Client(api_key=MASK, vertexai=False, debug_config=debug, http_options=options)
        client.models.generate_content(
            model=self._settings.model,
            contents=_contents(question, self._settings.structured),
            config=self._config(question),
        )

    def _config(self, question: Question) -> types.GenerateContentConfig:
        """Without a number of answers, which models from 3 on do not take: one is what they give."""
        from google.genai import types  # noqa: PLC0415

        return types.GenerateContentConfig(
            system_instruction=question.instructions,
            temperature=self._settings.temperature,
            seed=self._settings.seed,
            max_output_tokens=self._settings.max_output_tokens,
            response_mime_type="application/json",
            response_json_schema=dict(question.schema) if self._settings.structured else None,
            automatic_function_calling=types.AutomaticFunctionCallingConfig(disable=True),
        )

    def _answer(self, call: Call, body: Json) -> Answer:
        exchange = _understood(call, body)
        blocked = text_at(body, "promptFeedback", "blockReason")
        if blocked:
            raise refused(self._service, f"the question is blocked ({exchange.safety})", exchange)
        candidates = items_at(body, "candidates")
        if len(candidates) != 1:
            raise malformed(self._service, f"gave {len(candidates)} answers, not one.", exchange)
        self._insist_on_end(candidates[0], exchange)
        return Answer(checked_text(_text(candidates[0]), self._service, exchange), exchange)

    def _insist_on_end(self, candidate: Json, exchange: Exchange) -> None:
        reason = text_at(candidate, "finishReason")
        if reason == "MAX_TOKENS":
            raise cut_off(self._service, exchange)
        if reason in _REFUSALS:
            raise refused(self._service, f"the answer is held back ({exchange.safety})", exchange)
        if reason != "STOP":
            raise malformed(self._service, f"did not finish its answer ({exchange.safety}).", exchange)


def _contents(question: Question, structured: bool) -> list[types.Content]:
    """One turn of the user: each picture or clip after its caption, then the question."""
    from google.genai import types  # noqa: PLC0415

    parts = [part for medium in question.media for part in _parts(medium)]
    asked = types.Part.from_text(text=question.asked(structured))
    return [types.Content(role="user", parts=[*parts, asked])]


def _parts(medium: Medium) -> list[types.Part]:
    from google.genai import types  # noqa: PLC0415

    data = types.Part.from_bytes(data=medium.data, mime_type=medium.media_type)
    if medium.media_type.startswith("video/"):  # it looks once a second unless told otherwise
        data.video_metadata = types.VideoMetadata(fps=min(medium.looks, MOST_LOOKS))
    return [types.Part.from_text(text=medium.caption), data]


def _understood(call: Call, body: Json) -> Exchange:
    """The exchange with what the service says of itself."""
    return replace(
        call.exchange,
        model_version=text_at(body, "modelVersion", limit=200),
        usage=counts_at(body, _USAGE),
        safety=_safety(body),
    )


def _safety(body: Json) -> str:
    """Block reason, finish reason and ratings, in the service's words."""
    feedback, candidate = at(body, "promptFeedback"), at(body, "candidates", 0)
    said = [
        ("question blocked", text_at(feedback, "blockReason", limit=100)),
        ("", text_at(feedback, "blockReasonMessage")),
        ("question rated", _ratings(feedback)),
        ("finish", text_at(candidate, "finishReason", limit=100)),
        ("", text_at(candidate, "finishMessage")),
        ("answer rated", _ratings(candidate)),
    ]
    return printable("; ".join(f"{what} {words}".strip() for what, words in said if words), 2000)


def _ratings(value: Json) -> str:
    return ", ".join(_rating(rating) for rating in items_at(value, "safetyRatings"))


def _rating(rating: Json) -> str:
    category = text_at(rating, "category", limit=60).removeprefix("HARM_CATEGORY_")
    blocked = " (blocked)" if at(rating, "blocked") is True else ""
    return f"{category} {text_at(rating, 'probability', limit=40)}{blocked}"


def _text(candidate: Json) -> str:
    """The parts that are answer: thoughts are not."""
    parts = [part for part in items_at(candidate, "content", "parts") if at(part, "thought") is not True]
    texts = [at(part, "text") for part in parts]
    return "".join(text for text in texts if isinstance(text, str))


def _is_here(module: str) -> bool:
    try:
        return find_spec(module) is not None
    except ModuleNotFoundError:  # its parent is not there
        return False
