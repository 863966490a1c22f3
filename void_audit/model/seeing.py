"""Which engines look at the footage, and how they are set: what segments it, and what reasons about it."""

from __future__ import annotations

from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field

from void_audit.model.base import Name, Value


class ClickSettings(Value):
    """The embedded segmenter."""

    engine: Literal["click"] = "click"


Sam2Size = Literal["tiny", "small", "base-plus", "large"]


class Sam2Settings(Value):
    """SAM 2.1 (arXiv 2408.00714). Its checkpoint lies in the model store, approved by digest."""

    engine: Literal["sam2"] = "sam2"
    size: Sam2Size = "large"
    model: Annotated[str, Field(max_length=200)] = ""
    """Folder of the model store; by default ``sam2.1-hiera-<size>``."""

    @property
    def folder(self) -> str:
        """Folder of the model store."""
        return self.model or f"sam2.1-hiera-{self.size}"


class ContactSettings(Value):
    """The embedded rules."""

    engine: Literal["contact"] = "contact"


def _with_host(url: str) -> str:
    parts = urlsplit(url)  # raises ValueError itself for brackets that hold no address
    if not parts.hostname or parts.port == 0:  # so does ``port`` for what is none
        raise ValueError("no host, or no port that there is")
    return url


Url = Annotated[str, Field(pattern=r"^https?://[!$-;=A-~]{1,300}$"), AfterValidator(_with_host)]
"""Without user, password, query or fragment, in printable ASCII: it goes on record."""


class VlmSettings(Value):
    """What every vision-language model is asked with."""

    model: Name
    temperature: Annotated[float, Field(ge=0, le=2)] = 0.0
    seed: Annotated[int, Field(ge=0, le=2**31 - 1)] = 42
    frames: Annotated[int, Field(ge=1, le=32)] = 10
    """Pictures with the grid drawn on them, evenly spread over the clip."""
    grid: Annotated[int, Field(ge=4, le=32)] = 8
    """Cells on the short side (VOID asks with 8)."""
    video: bool = True
    """Whether the clip itself is sent along."""
    max_media_bytes: Annotated[int, Field(ge=100_000, le=20_000_000)] = 14_000_000
    """All pictures and the clip, before base64; what does not fit is sent smaller, or left out and said so."""
    max_reply_bytes: Annotated[int, Field(ge=1_000, le=4_000_000)] = 1_000_000
    max_output_tokens: Annotated[int, Field(ge=256, le=65_536)] = 16_384
    """Of the answer and of the thoughts before it, where a model thinks."""
    timeout: Annotated[float, Field(gt=0, le=3600)] = 600.0
    """Seconds for one attempt: a model on a laptop writes a few thousand tokens at ten a second."""
    structured: bool = True
    """Whether the service is to hold the model to the schema. If not, the schema goes along as words only; what comes
    back is checked as strictly."""
    attempts: Annotated[int, Field(ge=1, le=10)] = 4
    """How often a question is sent at most, with growing pauses, while the service is busy or out of reach."""


class GeminiSettings(VlmSettings):
    """Google's Gemini through ``google-genai``. Why these defaults: docs/reasoners.md."""

    engine: Literal["gemini"] = "gemini"
    model: Name = "gemini-3.8-flash"
    temperature: Annotated[float, Field(ge=0, le=2)] = 1.0
    """Models from 3.6 on run at 1 whatever is asked for; those before are made for it."""
    max_output_tokens: Annotated[int, Field(ge=256, le=65_536)] = 65_536
    timeout: Annotated[float, Field(gt=0, le=3600)] = 300.0
    base_url: Url | None = None
    """Another address than Google's own: a proxy of the house."""


class OpenAiSettings(VlmSettings):
    """Any server with the chat-completions interface: vLLM, Ollama, llama.cpp and the like."""

    engine: Literal["openai-compatible"] = "openai-compatible"
    base_url: Url
    """Up to and with the version, e.g. ``http://localhost:8000/v1``."""
    video: bool = False
    """Few open servers take video; frames they take."""


SegmenterSettings = Annotated[ClickSettings | Sam2Settings, Field(discriminator="engine")]
ReasonerSettings = Annotated[ContactSettings | GeminiSettings | OpenAiSettings, Field(discriminator="engine")]


class Seeing(Value):
    """How the footage is looked at. A request that is looked at otherwise is another edit."""

    segmenter: SegmenterSettings = Field(default_factory=ClickSettings)
    reasoner: ReasonerSettings = Field(default_factory=ContactSettings)
