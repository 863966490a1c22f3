"""One HTTP exchange that ends: in time, in size, without redirects and without proxies of the environment."""

from __future__ import annotations

import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from socket import SHUT_RDWR
from urllib.parse import urlsplit

MAX_REPLY = 64 * 1024
"""Bytes of a reply: a dozen ML-DSA cosignatures."""


@dataclass(frozen=True)
class Reply:
    """What came back, whatever it is."""

    status: int
    media_type: str
    body: bytes


class Unanswered(Exception):
    """No reply that could be used; says why, in words of ours."""


def exchange(method: str, url: str, body: bytes | None, seconds: float) -> Reply:
    """Send one request and read its reply, in ``seconds`` altogether (resolving a name may take longer).

    Raises:
        Unanswered: nothing came, it came too slowly, it is too long, or it is no HTTP.
    """
    parts = urlsplit(url)
    kind = HTTPSConnection if parts.scheme == "https" else HTTPConnection
    began = time.monotonic()
    try:
        connection = kind(parts.hostname or "", parts.port, timeout=max(seconds, 0.01))
        try:
            connection.connect()
            with _Limit(connection, began + seconds) as limit:
                return _converse(connection, limit, method, parts.path, body)
        finally:
            connection.close()
    except TimeoutError as error:
        raise Unanswered("it does not answer in time") from error
    except (OSError, HTTPException, ValueError) as error:
        raise Unanswered(f"it cannot be reached ({type(error).__name__})") from error


def _converse(connection: HTTPConnection, limit: _Limit, method: str, path: str, body: bytes | None) -> Reply:
    headers = {
        "Content-Type": "text/plain; charset=utf-8",
        "Accept-Encoding": "identity",
        "Connection": "close",
    }
    try:
        connection.request(method, path, body, headers)
        response = connection.getresponse()
        data = response.read(MAX_REPLY + 1)
    except (OSError, HTTPException, ValueError):
        if limit.passed:
            raise TimeoutError from None
        raise
    if limit.passed:  # what was cut off may look whole
        raise TimeoutError
    if len(data) > MAX_REPLY:
        raise Unanswered("its reply is too long")
    return Reply(response.status, response.headers.get("Content-Type", ""), data)


class _Limit:
    """Hangs up at a time: time-outs of sockets begin anew with every byte that trickles in."""

    def __init__(self, connection: HTTPConnection, until: float) -> None:
        self._socket = connection.sock  # the connection forgets it before the end
        self._passed = threading.Event()
        self._timer = threading.Timer(max(until - time.monotonic(), 0), self._hang_up)
        self._timer.daemon = True

    @property
    def passed(self) -> bool:
        return self._passed.is_set()

    def __enter__(self) -> _Limit:
        self._timer.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._timer.cancel()

    def _hang_up(self) -> None:
        self._passed.set()
        with suppress(OSError):
            self._socket.shutdown(SHUT_RDWR)
