"""Between what is asked and how a service is reached: a question, and a transport that puts it once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from void_audit.model.engine import EngineInfo
from void_audit.model.reasoning import Exchange
from void_audit.model.seeing import VlmSettings
from void_audit.pipeline.reason.vlm.schema import in_words


@dataclass(frozen=True)
class Medium:
    """A picture or a clip that goes with a question: ``image/jpeg``, ``image/png`` or ``video/mp4``."""

    media_type: str
    data: bytes
    caption: str
    """What it shows, as the model is told directly before it."""
    looks: float = 1.0
    """Of a clip: how many of its pictures per second are worth looking at, for services that let one say so."""


@dataclass(frozen=True)
class Question:
    """What a model is asked, whatever service it runs in."""

    instructions: str
    """The system's part: rules that hold whatever is seen or written in the pictures."""
    media: tuple[Medium, ...]
    text: str
    schema: Mapping[str, Any]
    """JSON Schema of the reply, in the subset that all services take; its objects are named in ``$defs``."""

    def asked(self, structured: bool) -> str:
        """What is asked at the end: with the schema in words, where the service does not hold the model to it."""
        return self.text if structured else f"{self.text}\n{in_words(self.schema)}"


@dataclass(frozen=True)
class Answer:
    """What a model said: ``text`` should be JSON of the question's schema, and is hostile until checked."""

    text: str
    exchange: Exchange


class Transport(Protocol):
    """One service."""

    @property
    def info(self) -> EngineInfo:
        """The engine as it is recorded: kind ``model``, ``remote`` unless it runs on this machine."""

    @property
    def settings(self) -> VlmSettings:
        """How it is asked."""

    def ask(self, question: Question) -> Answer:
        """Put the question once and wait at most ``settings.timeout`` seconds.

        Raises:
            ReasoningError: with the exchange as far as it went. ``reasoner-quota``, ``reasoner-unreachable``,
                ``reasoner-timeout`` may pass if one waits; ``reasoner-key``, ``reasoner-refused``,
                ``reasoner-failed`` and ``reply-malformed`` do not. Where the service says how long to wait,
                the error's ``retry_after`` holds the seconds.
        """
