"""A connection that lives until a deadline, whatever the other side does: only imported to connect."""

from __future__ import annotations

import socket
import ssl
import time
from collections.abc import Iterable
from queue import Empty, Queue
from threading import Thread
from typing import Any

import httpcore2

from void_audit.pipeline.reason.service.host import is_loopback

CONNECT_SECONDS = 20.0
"""For one address. A name may have several, and they are tried in turn while there is time."""
PIECE = 16384
"""Bytes written between two looks at the clock: one TLS record."""


class Deadline:
    """A moment after which nothing is waited for. ``seconds`` from now."""

    def __init__(self, seconds: float) -> None:
        self._end = time.monotonic() + seconds

    def left(self) -> float:
        """Seconds left, more than 0. Raises httpcore2.ReadTimeout when there are none."""
        left = self._end - time.monotonic()
        if left <= 0:
            raise httpcore2.ReadTimeout("the time is up")
        return left


class Backend(httpcore2.NetworkBackend):
    """Connects, if asked so only to this machine. All that it does ends with the deadline."""

    def __init__(self, deadline: Deadline, only_here: bool) -> None:
        self._deadline = deadline
        self._only_here = only_here
        self._inner = httpcore2.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore2.SOCKET_OPTION] | None = None,
    ) -> httpcore2.NetworkStream:
        """A stream that keeps the deadline, to the first of the name's addresses that takes it.

        Raises:
            httpcore2.ConnectError: nobody does, or, if this machine alone was allowed, one is elsewhere.
            httpcore2.TimeoutException: the time is up.
        """
        failure: Exception = httpcore2.ConnectError(f"{host} has no address")
        for address in look_up(host, port, self._deadline.left()):
            try:
                seconds = min(self._deadline.left(), CONNECT_SECONDS)
                stream = self._inner.connect_tcp(address, port, seconds, local_address, socket_options)
            except (httpcore2.ConnectError, httpcore2.ConnectTimeout) as error:
                failure = error
            else:
                return Stream(self._checked(stream, host), self._deadline)
        raise failure

    def _checked(self, stream: httpcore2.NetworkStream, host: str) -> httpcore2.NetworkStream:
        peer = stream.get_extra_info("server_addr")[0]
        if self._only_here and not is_loopback(peer):
            stream.close()
            raise httpcore2.ConnectError(f"{host} is {peer}, which is not this machine")
        return stream


def look_up(host: str, port: int, seconds: float) -> list[str]:
    """The addresses of a name, in the order in which they are to be tried, each once.

    The system's own look-up takes as long as its name servers, and nothing can end it: it gets a thread to itself,
    which dies with the process.

    Raises:
        httpcore2.ConnectError: the name is not known.
        httpcore2.ConnectTimeout: no answer within ``seconds``.
    """
    answer: Queue[list[str] | OSError | UnicodeError] = Queue()

    def ask() -> None:
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
            answer.put(list(dict.fromkeys(str(entry[4][0]) for entry in found)))
        except (OSError, UnicodeError) as error:
            answer.put(error)

    Thread(target=ask, name=f"look up {host}", daemon=True).start()
    try:
        said = answer.get(timeout=seconds)
    except Empty:
        raise httpcore2.ConnectTimeout(f"no name server answered for {host}") from None
    if isinstance(said, list):
        return said
    raise httpcore2.ConnectError(str(said)) from said


class Stream(httpcore2.NetworkStream):
    """Every operation gets the time that is left in all, not a time-out of its own."""

    def __init__(self, inner: httpcore2.NetworkStream, deadline: Deadline) -> None:
        self._inner = inner
        self._deadline = deadline

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """Up to ``max_bytes``; empty at the end."""
        return self._inner.read(max_bytes, self._deadline.left())

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """All of it, in pieces: a peer that takes byte by byte wins no time."""
        view = memoryview(buffer)
        for start in range(0, len(view), PIECE):
            self._inner.write(bytes(view[start : start + PIECE]), self._deadline.left())

    def close(self) -> None:
        """Close the socket."""
        self._inner.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore2.NetworkStream:
        """The same over TLS."""
        return Stream(
            self._inner.start_tls(ssl_context, server_hostname, self._deadline.left()), self._deadline
        )

    def get_extra_info(self, info: str) -> Any:  # noqa: ANN401  # as the interface has it
        """Facts of the socket."""
        return self._inner.get_extra_info(info)
