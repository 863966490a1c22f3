"""Asking with patience, and the reasoner made of a transport: pictures, question, answer, check."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from random import SystemRandom

from void_audit.errors import ReasoningError
from void_audit.model.base import Scalar
from void_audit.model.clip import Clip
from void_audit.model.engine import EngineInfo, Progress, no_progress
from void_audit.model.reasoning import Consequences, Exchange, Reasoning
from void_audit.model.request import EditRequest
from void_audit.model.track import Track
from void_audit.pipeline.reason.vlm.base import Answer, Question, Transport
from void_audit.pipeline.reason.vlm.media import Shown, gather
from void_audit.pipeline.reason.vlm.question import VERSION, question_for
from void_audit.pipeline.reason.vlm.reply import read_reply
from void_audit.pipeline.reason.vlm.telling import gaps

TEMPORARY = frozenset({"reasoner-quota", "reasoner-unreachable", "reasoner-timeout"})
"""Codes of errors that may pass if one waits."""

FIRST_PAUSE = 2.0
LONGEST_PAUSE = 60.0
PATIENCE = 300.0
"""Seconds. A service that asks for a longer pause is not waited for."""

Sleep = Callable[[float], None]
Random = Callable[[], float]
"""A number from 0 to 1, so that many who were turned away together do not come back together."""

_RANDOM = SystemRandom()


def patiently(
    transport: Transport,
    question: Question,
    progress: Progress = no_progress,
    *,
    sleep: Sleep = time.sleep,
    random: Random = _RANDOM.random,
) -> Answer:
    """Put the question until it is answered, at most ``transport.settings.attempts`` times.

    Only what may pass is asked again: quota, unreachable, timeout. Pauses double from 2 to at most 60 seconds, of
    which up to half is left out by chance; a pause that the service asks for (``error.retry_after``) is kept,
    unless it is longer than 5 minutes. ``progress`` is called before each attempt and every second of a pause:
    ``Cancelled`` raised there ends it.

    Raises:
        ReasoningError: the last one, its exchange counting all attempts.
    """
    most = transport.settings.attempts
    for attempt in range(1, most + 1):
        progress("asking the model", attempt - 1, most)
        try:
            answer = transport.ask(question)
        except ReasoningError as error:
            pause = _pause(error, attempt, random())
            if error.code not in TEMPORARY or attempt == most or pause > PATIENCE:
                raise _after(error, attempt) from error
            _wait(pause, progress, sleep)
        else:
            progress("asking the model", most, most)
            return replace(answer, exchange=replace(answer.exchange, attempts=attempt))
    raise AssertionError("settings allow no attempt")


def _pause(error: ReasoningError, attempt: int, chance: float) -> float:
    own = min(LONGEST_PAUSE, FIRST_PAUSE * 2.0 ** (attempt - 1)) * (1 - chance / 2)
    return max(own, error.retry_after or 0.0)  # in this order NaN loses


def _wait(seconds: float, progress: Progress, sleep: Sleep) -> None:
    """In parts of at most a second."""
    parts = math.ceil(seconds)
    for part in range(parts):
        progress("waiting to ask again", part, parts)
        sleep(seconds / parts)


def _after(error: ReasoningError, attempts: int) -> ReasoningError:
    exchange = error.exchange if isinstance(error.exchange, Exchange) else Exchange()
    times = f" It was asked {attempts} times." if attempts > 1 else ""
    asked = error.retry_after or 0.0
    wait = f" It wants to be asked again in {asked:.0f} seconds at the earliest." if asked > PATIENCE else ""
    message = f"{error.message}{times}{wait}"
    last = ReasoningError(error.code, message, error.hint, replace(exchange, attempts=attempts))
    last.retry_after = error.retry_after
    return last


class VlmReasoner:
    """Implements ``Reasoner`` over any service that takes pictures and a JSON schema."""

    def __init__(
        self, transport: Transport, *, sleep: Sleep = time.sleep, random: Random = _RANDOM.random
    ) -> None:
        self._transport, self._sleep, self._random = transport, sleep, random

    @property
    def info(self) -> EngineInfo:
        """The service and model."""
        return self._transport.info

    @property
    def settings(self) -> Mapping[str, Scalar]:
        """The transport's settings and the version of the question; what is not set is left out. No secret."""
        given = self._transport.settings.model_dump(mode="json", exclude_none=True)
        return {**given, "question": VERSION}

    def reason(
        self, clip: Clip, track: Track, request: EditRequest, progress: Progress = no_progress
    ) -> Reasoning:
        """Consequences of removing the tracked object, as the model says and as far as they pass the checks.

        A reply that does not pass is refused and not asked for again: with the same settings the same is to be
        expected, and every question is the decision of a person.

        Raises:
            MaskError: ``track-mismatch``.
            ReasoningError: with its exchange; see ``gather``, ``Transport.ask`` and ``read_reply``.
        """
        shown = gather(clip, track, self._transport.settings, progress)
        question = question_for(request, clip.info, shown)
        answer = patiently(self._transport, question, progress, sleep=self._sleep, random=self._random)
        try:
            consequences = self._read(answer, clip, request, shown)
        except ReasoningError as error:
            raise ReasoningError(error.code, error.message, error.hint, answer.exchange) from error
        except (ValueError, RecursionError) as error:  # no reply is known to do this; if one does, it is kept
            raise ReasoningError(
                "reply-malformed",
                f"The reply cannot be read: {type(error).__name__}.",
                "Ask again, or draw the affected region by hand.",
                answer.exchange,
            ) from error
        return Reasoning(
            consequences=consequences,
            exchange=answer.exchange,
            engine=self.info,
            settings=self.settings,
            warnings=(*shown.warnings, *self._other_model(answer.exchange), *gaps(consequences)),
        )

    def _other_model(self, exchange: Exchange) -> tuple[str, ...]:
        """Services answer with a dated version of what was asked for, or with something else."""
        asked, answered = self._transport.settings.model, exchange.model_version
        if not answered or answered.startswith(asked) or asked.endswith(answered):
            return ()
        return (
            "The service says that another model answered than the one that was asked; the record names both.",
        )

    def _read(self, answer: Answer, clip: Clip, request: EditRequest, shown: Shown) -> Consequences:
        settings = self._transport.settings
        return read_reply(
            answer.text,
            info=clip.info,
            grid=shown.grid,
            sampled=shown.sampled,
            instruction=request.instruction,
            said_by=f"{self.info.name} ({settings.model})",
            most_bytes=settings.max_reply_bytes,
        )
