"""Asking with patience, and the reasoner made of a transport: pictures, question, answer, check."""

from __future__ import annotations

import math
import re
import time
from collections.abc import Callable, Mapping, Sequence
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
from void_audit.pipeline.reason.vlm.plain import plain
from void_audit.pipeline.reason.vlm.question import VERSION, question_for
from void_audit.pipeline.reason.vlm.reply import read_reply
from void_audit.pipeline.reason.vlm.telling import gaps

TEMPORARY = frozenset({"reasoner-quota", "reasoner-unreachable", "reasoner-timeout"})
"""Codes of errors that may pass if one waits."""

FIRST_PAUSE = 2.0
LONGEST_PAUSE = 60.0
PATIENCE = 300.0
"""Seconds. A service that asks for a longer pause is not waited for."""

LATEST = 600.0
"""Seconds beyond the time-out of one attempt after which none begins any more: all of them together end within twice
the time-out and ten minutes."""

Sleep = Callable[[float], None]
Clock = Callable[[], float]
"""Seconds, rising."""
Random = Callable[[], float]
"""A number from 0 to 1, so that many who were turned away together do not come back together."""

_RANDOM = SystemRandom()
_VERSION = re.compile(r"([-@]\d{1,8}(-\d{2,4}){0,2}|:latest)?")

CHARACTERS = 8
"""Of English in a token, more than any tokenizer reaches."""
LEAST_OF_PICTURE = 16
"""Tokens of a picture, fewer than any model makes of one."""


def patiently(
    transport: Transport,
    question: Question,
    progress: Progress = no_progress,
    *,
    sleep: Sleep = time.sleep,
    random: Random = _RANDOM.random,
    clock: Clock = time.monotonic,
) -> Answer:
    """Put the question until it is answered, at most ``transport.settings.attempts`` times.

    Only what may pass is asked again: quota, unreachable, timeout. Pauses double from 2 to at most 60 seconds, of
    which up to half is left out by chance; a pause that the service asks for (``error.retry_after``) is kept,
    unless it is longer than 5 minutes, or would end later than 10 minutes after the time-out of the first attempt.
    ``progress`` is called before each attempt and every second of a pause: ``Cancelled`` raised there ends it.

    Raises:
        ReasoningError: the last one, its exchange counting all attempts.
    """
    most, latest = transport.settings.attempts, clock() + transport.settings.timeout + LATEST
    failures: list[str] = []
    for attempt in range(1, most + 1):
        progress("asking the model", attempt - 1, most)
        try:
            answer = transport.ask(question)
        except ReasoningError as error:
            pause = _pause(error, attempt, random())
            late = clock() + pause > latest
            if error.code not in TEMPORARY or attempt == most or pause > PATIENCE or late:
                raise _after(error, failures) from error
            failures.append(error.code)
            _wait(pause, error.code, progress, sleep)
        else:
            progress("asking the model", most, most)
            return replace(answer, exchange=_counted(answer.exchange, failures))
    raise AssertionError("settings allow no attempt")


def _counted(exchange: Exchange, failures: Sequence[str]) -> Exchange:
    return replace(exchange, attempts=len(failures) + 1, failures=tuple(failures))


def _pause(error: ReasoningError, attempt: int, chance: float) -> float:
    own = min(LONGEST_PAUSE, FIRST_PAUSE * 2.0 ** (attempt - 1)) * (1 - chance / 2)
    return max(own, error.retry_after or 0.0)  # in this order NaN loses


def _wait(seconds: float, code: str, progress: Progress, sleep: Sleep) -> None:
    """In parts of at most a second, saying why."""
    what, parts = f"waiting to ask again ({code})", math.ceil(seconds)
    for part in range(parts):
        progress(what, part, parts)
        sleep(seconds / parts)
    progress(what, parts, parts)


def _after(error: ReasoningError, failures: Sequence[str]) -> ReasoningError:
    exchange = error.exchange if isinstance(error.exchange, Exchange) else Exchange()
    times = f" It was asked {len(failures) + 1} times; before: {', '.join(failures)}." if failures else ""
    asked = error.retry_after or 0.0
    wait = f" It wants to be asked again in {asked:.0f} seconds at the earliest." if asked > PATIENCE else ""
    message = f"{error.message}{times}{wait}"
    last = ReasoningError(error.code, message, error.hint, _counted(exchange, failures))
    last.retry_after = error.retry_after
    return last


def is_version_of(asked: str, answered: str) -> bool:
    """Whether a service that names ``answered`` answered with the model ``asked``.

    Either may have a folder in front (``models/``, ``Qwen/``). The answer may add a date or number (``-002``,
    ``@2026-09-01``) or ``:latest``, and a fingerprint after a blank. ``-lite`` or ``.5`` is another model.
    """
    asked, answered = (name.partition(" ")[0].rpartition("/")[2].lower() for name in (asked, answered))
    added = answered.removeprefix(asked) if answered.startswith(asked) else "other"
    return bool(_VERSION.fullmatch(added)) or asked == f"{answered}:latest"


def _said_before(exchange: Exchange) -> tuple[str, ...]:
    """What became of earlier attempts; of their replies only the last one's is kept."""
    if not exchange.failures:
        return ()
    return (f"It was asked {exchange.attempts} times; before it answered: {', '.join(exchange.failures)}.",)


def _shortened(exchange: Exchange, question: Question) -> tuple[str, ...]:
    """Whether the service counts fewer tokens than the question has: Ollama cuts what is too long, and says nothing.

    What it leaves then is half of its context and 2 (ollama/ollama #17427, #17889).
    """
    counted = exchange.usage.get("prompt")
    least = len(question.instructions + question.text) // CHARACTERS + LEAST_OF_PICTURE * len(question.media)
    if counted is None or (counted >= least and counted % 1024 != 2):
        return ()
    return (
        f"The service counts {counted} tokens of the question: it was probably cut to fit the model's context, and the "
        "answer is to a part of it. Start the server with a larger one (docs/reasoners.md), and ask again.",
    )


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
        progress("preparing the question", 1, 1)
        answer = patiently(self._transport, question, progress, sleep=self._sleep, random=self._random)
        try:
            consequences = self._read(answer, clip, request, shown)
        except ReasoningError as error:
            raise ReasoningError(error.code, error.message, error.hint, answer.exchange) from error
        except (ValueError, RecursionError) as error:  # no reply is known to do this; if one does, it is kept
            raise ReasoningError(
                "reply-malformed",
                f"The reply cannot be read: {type(error).__name__}.",
                "Ask again; or plan with the embedded rules (without --reasoner).",
                answer.exchange,
            ) from error
        return Reasoning(
            consequences=consequences,
            exchange=answer.exchange,
            engine=self.info,
            settings=self.settings,
            warnings=(
                *shown.warnings,
                *_said_before(answer.exchange),
                *self._other_model(answer.exchange),
                *_shortened(answer.exchange, question),
                *gaps(consequences),
            ),
        )

    def _other_model(self, exchange: Exchange) -> tuple[str, ...]:
        """Services answer with a dated version of what was asked for, or with something else."""
        asked, answered = self._transport.settings.model, exchange.model_version
        if not answered or is_version_of(asked, answered):
            return ()
        return (
            f"The service says that another model answered ({plain(answered)}) than the one that was asked "
            f"({plain(asked)}); the record names both.",
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
