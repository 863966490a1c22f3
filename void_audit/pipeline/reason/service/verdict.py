"""What a call came to: JSON to be read on, or an error with its code."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit

from void_audit.errors import ReasoningError
from void_audit.model.reasoning import Exchange
from void_audit.pipeline.reason.service.call import Call, Service
from void_audit.pipeline.reason.service.untrusted import Json, at, items_at, parsed, printable, text_at

LONGEST_WAIT = 86_400.0
"""Seconds. Whatever pause a service asks for, it is taken to mean no more."""

ASK_AGAIN = "Ask again; if it stays so, ask another model."

_FAULTS = {
    "timeout": (
        "reasoner-timeout",
        "gave no whole answer within {service.timeout:g} seconds.",
        "Try again later, or allow more time with --reasoner-timeout.",
    ),
    "unreachable": (
        "reasoner-unreachable",
        "could not be reached: {call.detail}.",
        "Check that the service runs and that its address is right. Proxies that the environment names are not "
        "used; --reasoner-url can name a gateway of the house.",
    ),
    "untrusted": (
        "reasoner-failed",
        "shows a certificate that is not trusted here: {call.detail}.",
        "Nothing was sent. Check the address; a house's own authority must be among this machine's roots.",
    ),
    "oversized": (
        "reply-malformed",
        "sent more than {service.max_body_bytes} bytes.",
        "No answer is so long. Ask again; if it stays so, ask another model.",
    ),
    "compressed": (
        "reply-malformed",
        "sent a compressed reply ({call.detail}), which it was asked not to do.",
        "Check what stands between here and the service. Such a reply is not unpacked, and not kept.",
    ),
}
_HINTS = {
    "reasoner-key": "Check the key: it may be wrong, expired, or not allowed to use this model.",
    "reasoner-quota": "Wait, or ask whoever holds the account for a higher quota.",
    "reasoner-unreachable": "If its words name nothing that you can mend, the fault is its own: try again later.",
    "reasoner-timeout": "Try again later.",
    "reasoner-refused": "Word the instruction otherwise, or use the rules engine `contact`.",
    "reasoner-failed": "Check what the server takes (docs/reasoners.md): how many pictures (--reasoner-frames), a clip "
    "(--no-reasoner-video), so many tokens (--reasoner-tokens), or a JSON schema (--no-reasoner-structured).",
}
_NO_SUCH_MODEL = (
    "Check the model's name: it may be mistyped, retired, or not for this account (--reasoner-model)."
)
_REFUSALS = {"content_filter", "content_policy_violation"}


def envelope(call: Call, service: Service) -> Json:
    """The reply as JSON, if it is one of success.

    Raises:
        ReasoningError: with the code that ``vlm.base.Transport.ask`` names for it.
    """
    if call.fault:
        code, said, hint = _FAULTS[call.fault]
        raise service.error(code, said.format(call=call, service=service), hint, call.exchange)
    if 300 <= call.status < 400:
        raise _redirected(call, service)
    if call.status != 200:
        raise _failed(call, service)
    return _json(call, service)


def checked_text(text: str, service: Service, exchange: Exchange) -> str:
    """The model's own text: some, in whole characters, not too long. Raises ReasoningError ``reply-malformed``."""
    try:
        size = len(text.encode())
    except UnicodeEncodeError:  # half of a surrogate pair, which JSON can escape (RFC 8259, section 8.2)
        raise malformed(service, "answered with broken characters.", exchange) from None
    if not text.strip():
        raise malformed(service, "answered with no text.", exchange)
    if size > service.max_reply_bytes:
        raise malformed(service, f"answered with {size} bytes of text.", exchange)
    return text


def malformed(service: Service, said: str, exchange: Exchange, hint: str = ASK_AGAIN) -> ReasoningError:
    """An answer came that cannot be read."""
    return service.error("reply-malformed", said, hint, exchange)


def cut_off(service: Service, exchange: Exchange) -> ReasoningError:
    """The model ran out of tokens within its answer."""
    hint = (
        "Allow more with --reasoner-tokens (thoughts count too), show fewer pictures with --reasoner-frames, or give "
        "the server a larger context."
    )
    return malformed(service, "was cut off by the limit on its tokens.", exchange, hint)


def refused(service: Service, why: str, exchange: Exchange) -> ReasoningError:
    """The service's own rules forbid question or answer; ``why`` in its words."""
    return service.error("reasoner-refused", f"refused: {why}.", _HINTS["reasoner-refused"], exchange)


def _json(call: Call, service: Service) -> Json:
    if not call.media_type.endswith(("/json", "+json")):
        raise malformed(
            service,
            f"answered with {printable(call.media_type, 100) or 'no media type'}, not with JSON.",
            call.exchange,
            "Check that --reasoner-url is the address of a model, not of a login page or of another service.",
        )
    try:
        return parsed(call.reply)
    except ValueError:
        raise malformed(service, "answered with something that is not JSON.", call.exchange) from None


def _redirected(call: Call, service: Service) -> ReasoningError:
    try:
        elsewhere = printable(urlsplit(call.location).netloc, 200) or "another address"
    except ValueError:
        elsewhere = "another address"
    return service.error(
        "reasoner-failed",
        f"points to {elsewhere} (HTTP {call.status}), where nothing was sent.",
        "If footage may go there, name that address as --reasoner-url.",
        call.exchange,
    )


def _failed(call: Call, service: Service) -> ReasoningError:
    body = _error_body(call)
    code = _code(call.status, body)
    words = printable(_words(body), 500).rstrip(". ")
    said = f"answered HTTP {call.status}{': ' + words if words else ''}."
    hint = _NO_SUCH_MODEL if call.status == 404 else _HINTS[code]
    return service.error(code, said, hint, call.exchange, _pause(call.retry_after, body))


def _error_body(call: Call) -> Json:
    """JSON, or the text of a page; in a list of one, as Google's services wrap errors at times."""
    try:
        body = parsed(call.reply)
    except ValueError:
        return call.reply[:2000].decode("utf-8", "replace")
    return at(body, 0) if isinstance(body, list) else body


def _words(body: Json) -> str:
    """The service's own message: Google's and OpenAI's form, Ollama's, FastAPI's, or whatever text came."""
    paths = ("error", "message"), ("error",), ("message",), ("detail",), ()
    return next((said for path in paths if (said := text_at(body, *path))), "")


def _code(status: int, body: Json) -> str:
    reasons = {text_at(detail, "reason") for detail in items_at(body, "error", "details")}
    if (
        status in (401, 403) or "API_KEY_INVALID" in reasons
    ):  # Google answers 400 to a key that it does not know
        return "reasoner-key"
    if status == 429:
        return "reasoner-quota"
    if status == 408:
        return "reasoner-timeout"
    if status >= 500 and status != 501:  # what is not implemented will not be in a minute either
        return "reasoner-unreachable"
    return "reasoner-refused" if text_at(body, "error", "code") in _REFUSALS else "reasoner-failed"


def _pause(header: str, body: Json) -> float | None:
    """Seconds that the service asks to wait: Retry-After (RFC 9110, section 10.2.3), or google.rpc.RetryInfo."""
    delays = [text_at(detail, "retryDelay") for detail in items_at(body, "error", "details")]
    given = [
        _seconds(header),
        *(_seconds(delay.removesuffix("s")) for delay in delays if delay.endswith("s")),
    ]
    waits = [seconds for seconds in given if seconds is not None]
    return min(max(waits), LONGEST_WAIT) if waits else None


def _seconds(said: str) -> float | None:
    if re.fullmatch(r"\d{1,12}(\.\d{1,9})?", said, re.ASCII):
        return float(said)
    try:
        moment = parsedate_to_datetime(said)
        return max(0.0, (moment - datetime.now(UTC)).total_seconds())
    except (ValueError, TypeError, OverflowError):  # no date, or one without a zone
        return None
