"""One request to a service: who is asked, and what became of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from void_audit.errors import ReasoningError
from void_audit.model.reasoning import Exchange
from void_audit.pipeline.reason.service.untrusted import printable

Fault = Literal["", "timeout", "unreachable", "untrusted", "oversized", "compressed"]
_ENVELOPE = 65_536


@dataclass
class Call:
    """What went over the wire, the key masked in all of it."""

    request: bytes = b""
    reply: bytes = b""
    """The body, as far as it was read."""
    status: int = 0
    """Of HTTP; 0 if no reply began."""
    media_type: str = ""
    """Without parameters, in lower case."""
    location: str = ""
    """Where a redirection points."""
    retry_after: str = ""
    fault: Fault = ""
    detail: str = ""
    """The fault in words."""
    settled: bool = False
    """Whether the fields above say how it ended."""

    @property
    def exchange(self) -> Exchange:
        """For the record, before anything of it is understood."""
        return Exchange(self.request, self.reply)


@dataclass(frozen=True)
class Service:
    """Who is asked, as errors name it, and its bounds."""

    model: str
    host: str
    timeout: float
    """Seconds for the whole call."""
    max_reply_bytes: int
    """Of the model's own text."""

    @property
    def max_body_bytes(self) -> int:
        """JSON within JSON escapes each quote and line end; tokens, ratings and signatures come on top."""
        return 2 * self.max_reply_bytes + _ENVELOPE

    def error(
        self, code: str, said: str, hint: str, exchange: Exchange, retry_after: float | None = None
    ) -> ReasoningError:
        """An error that names model and host. ``said`` follows them and is bounded and printable already."""
        message = f"{printable(self.model, 200)} at {printable(self.host, 300)} {said}"
        error = ReasoningError(code, message, hint, exchange)
        error.retry_after = retry_after
        return error
