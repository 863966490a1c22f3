"""Time-stamping authorities: asked over HTTP (RFC 3161 3.4), believed only under pinned roots.

Whatever one of them answers is hostile until its token is verified: the reply is bounded in size and in time,
nothing is followed elsewhere, and what does not hold is not stored. A failing authority stops nothing.
"""

from __future__ import annotations

import base64
import http.client
import socket
import ssl
import threading
from contextlib import suppress
from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit

from pydantic import ValidationError

from void_audit.canon import timestamp
from void_audit.canon.roots import check_roots
from void_audit.canon.timestamp import MAX_TOKEN, Stamp, new_nonce, note_digest
from void_audit.errors import TokenError
from void_audit.ledger.log import Ledger
from void_audit.model.proof import TimestampToken

PATIENCE = 15.0
"""Seconds that one authority has for everything: connecting, thinking, answering."""

MAX_REPLY = MAX_TOKEN + 1000
"""Bytes."""

QUERY, REPLY = "application/timestamp-query", "application/timestamp-reply"


@dataclass(frozen=True)
class Stamped:
    """A verified token and whose it is."""

    authority: str
    """Host that gave it. The rest of the address is not kept: it may hold a secret."""
    token: bytes
    stamp: Stamp


@dataclass(frozen=True)
class Authorities:
    """The authorities of a house, in the order in which they are asked."""

    urls: tuple[str, ...]
    roots_pem: str
    """Roots that their certificates lead to, all in one text."""
    patience: float = PATIENCE

    def stamp(self, digest: bytes) -> Stamped:
        """A token for a SHA-256 digest from the first authority that gives one that holds.

        Raises:
            TokenError: ``authority-missing`` if none is configured; ``authority-failed`` with what each of
                them did wrong.
            IdentityError: ``trust-unreadable``.
        """
        problems: list[str] = []
        if self.urls:
            check_roots(self.roots_pem)  # before anybody is asked in vain
        for url in self.urls:
            try:
                return self._ask(url, digest)
            except TokenError as error:
                problems.append(f"{_host(url)}: {error.message}")
        if problems:
            raise TokenError(
                "authority-failed", " ".join(problems), "Ask again later: `void-audit ledger timestamp`."
            )
        raise TokenError(
            "authority-missing",
            "No time-stamping authority is configured.",
            "Name one as `timestamp_urls` in settings.toml, and put its root into trust/tsa.pem.",
        )

    def _ask(self, url: str, digest: bytes) -> Stamped:
        nonce = new_nonce()
        reply = post(url, timestamp.request(digest, nonce), self.patience)
        token, stamp = timestamp.open_reply(reply, digest, nonce, self.roots_pem)
        return Stamped(_host(url), token, stamp)


def stamp_digest(ledger: Ledger, authorities: Authorities, digest: bytes) -> Stamped | None:
    """Get a token for ``digest`` and keep it; None if one is kept already. Raises as ``Authorities.stamp``."""
    if ledger.tokens(digest):
        return None
    stamped = authorities.stamp(digest)
    ledger.add_token(digest, stamped.authority, stamped.token)
    return stamped


def stamp_checkpoint(ledger: Ledger, authorities: Authorities, size: int) -> Stamped | None:
    """As ``stamp_digest``, of the checkpoint of ``size``. Raises also LedgerError ``checkpoint-missing``."""
    return stamp_digest(ledger, authorities, note_digest(ledger.checkpoint_at(size)))


def file_tokens(ledger: Ledger, sha256: str) -> tuple[TimestampToken, ...]:
    """Every token kept for a file."""
    return _tokens(ledger, "file", bytes.fromhex(sha256))


def checkpoint_tokens(ledger: Ledger, size: int) -> tuple[TimestampToken, ...]:
    """Every token kept for the checkpoint of ``size``. Raises LedgerError ``checkpoint-missing``."""
    return _tokens(ledger, "checkpoint", note_digest(ledger.checkpoint_at(size)))


def _tokens(ledger: Ledger, covers: str, digest: bytes) -> tuple[TimestampToken, ...]:
    """Those that are kept, without what could be none: a database may have been made again from a bad copy."""
    found = []
    for authority, token in ledger.tokens(digest):
        fields = {"covers": covers, "authority": authority, "token": base64.b64encode(token).decode()}
        with suppress(ValidationError):
            found.append(TimestampToken.model_validate(fields))
    return tuple(found)


def post(url: str, body: bytes, patience: float) -> bytes:
    """Put one question. Neither a redirect nor a proxy of the environment is followed.

    Raises:
        TokenError: ``authority-url``, ``authority-unreachable``, ``authority-reply``.
    """
    parts = _parts(url)
    connection = _connection(parts, patience)
    sockets: list[socket.socket] = []
    watch = threading.Timer(patience, _cut, [sockets])
    watch.daemon = True
    watch.start()
    try:
        connection.connect()
        sockets.append(connection.sock)
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        connection.request("POST", path, body, {"Content-Type": QUERY, "Accept": REPLY})
        return _reply(connection.getresponse())
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise TokenError(
            "authority-unreachable",
            f"It did not answer ({type(error).__name__}; it has {patience:g} s).",
            "See whether this machine reaches it, or name another authority.",
        ) from error
    finally:
        watch.cancel()
        connection.close()


def _reply(response: http.client.HTTPResponse) -> bytes:
    kind = (response.getheader("Content-Type") or "").partition(";")[0].strip().lower()
    if response.status != 200 or kind != REPLY:
        raise _no_reply(f"HTTP {response.status}, {kind[:60]!r}")
    data = response.read(MAX_REPLY + 1)
    if len(data) > MAX_REPLY:
        raise _no_reply(f"more than {MAX_REPLY} bytes")
    return data


def _parts(url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        usable = parts.scheme in {"http", "https"} and parts.hostname and parts.port != 0
    except ValueError:
        usable = None
    if not usable or parts.username is not None or not url.isprintable() or " " in url:
        raise TokenError(
            "authority-url",
            "That is no http or https address.",
            "timestamp_urls holds http:// or https:// addresses.",
        )
    return parts


def _host(url: str) -> str:
    try:
        return (urlsplit(url).netloc.rpartition("@")[2] or "an authority")[:200]
    except ValueError:
        return "an authority"


def _connection(parts: SplitResult, patience: float) -> http.client.HTTPConnection:
    host = parts.hostname or ""
    if parts.scheme == "http":
        return http.client.HTTPConnection(host, parts.port, timeout=patience)
    context = ssl.create_default_context()
    return http.client.HTTPSConnection(host, parts.port, timeout=patience, context=context)


def _cut(sockets: list[socket.socket]) -> None:
    """Time is up: an answer that drips byte by byte would keep every single read within its time-out."""
    for connected in sockets:
        with suppress(OSError):  # it has ended by itself
            connected.shutdown(socket.SHUT_RDWR)


def _no_reply(what: str) -> TokenError:
    return TokenError("authority-reply", f"It answered {what}, which is no time stamp.", "Check its address.")
