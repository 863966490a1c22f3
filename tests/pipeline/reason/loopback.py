"""A server on this machine that replays replies, well-behaved and hostile; and a guard that nothing else is reached.

The replies in the tests are written by hand from the services' documented formats, none was recorded.
"""

from __future__ import annotations

import json
import socket
import socketserver
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import Any

Act = Callable[[socket.socket, "Seen"], None]
"""What a server does with a connection once it has read the request."""


@dataclass(frozen=True)
class Seen:
    """One request, as it arrived."""

    line: str
    headers: dict[str, str]
    """By names in lower case; a header given twice has both values, with a comma."""
    body: bytes

    @property
    def path(self) -> str:
        return self.line.split(" ")[1]

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Loopback:
    """Where it listens, what it does next, and what it saw."""

    port: int
    acts: list[Act]
    seen: list[Seen] = field(default_factory=list)
    host: str = "127.0.0.1"

    @property
    def url(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{self.port}"


def reply(
    body: bytes | dict[str, Any] | list[Any],
    status: str = "200 OK",
    headers: dict[str, str] | None = None,
    media_type: str = "application/json; charset=UTF-8",
) -> Act:
    """A whole reply."""
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    given = {"Content-Type": media_type, "Content-Length": str(len(data)), **(headers or {})}
    return raw(_head(status, given) + data)


def raw(data: bytes) -> Act:
    """These bytes, then the end."""

    def act(connection: socket.socket, seen: Seen) -> None:
        connection.sendall(data)

    return act


def cut(head: bytes, body: bytes, promised: int = 10_000) -> Act:
    """A body that ends before its length."""
    return raw(
        _head("200 OK", {"Content-Type": "application/json", "Content-Length": str(promised)}) + head + body
    )


def trickle(first: bytes = b"", byte: bytes = b" ", pause: float = 0.02) -> Act:
    """Byte by byte, until the other side has enough (or 20 seconds are over)."""

    def act(connection: socket.socket, seen: Seen) -> None:
        connection.sendall(first)
        for _ in range(int(20 / pause)):
            connection.sendall(byte)
            time.sleep(pause)

    return act


def flood(head: bytes, piece: bytes, most: int, sent: list[int]) -> Act:
    """Piece after piece, at most ``most`` bytes; ``sent`` gets how many went out."""

    def act(connection: socket.socket, seen: Seen) -> None:
        sent.append(0)
        connection.sendall(head)
        while sent[0] < most:
            connection.sendall(piece)
            sent[0] += len(piece)

    return act


def silence(seconds: float = 20.0) -> Act:
    """Nothing at all."""

    def act(connection: socket.socket, seen: Seen) -> None:
        connection.settimeout(seconds)
        connection.recv(1)

    return act


HEAD_WITHOUT_LENGTH = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n"


@contextmanager
def serving(*acts: Act, host: str = "127.0.0.1") -> Iterator[Loopback]:
    """A server that does one act per connection, then closes it."""
    with (_Server6 if ":" in host else _Server)((host, 0), _Handler) as server:
        server.loopback = Loopback(server.server_address[1], list(acts), host=host)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        try:
            yield server.loopback
        finally:
            server.shutdown()
            thread.join()


def refuse_the_world(monkeypatch: Any) -> None:
    """Looking up or connecting to anything but this machine fails the test, whoever tries."""
    look_up, connect = socket.getaddrinfo, socket.socket.connect

    def only_here(host: Any, *args: Any, **kwargs: Any) -> Any:
        assert host in ("localhost", "127.0.0.1", "::1"), f"looked up {host}"
        return look_up(host, *args, **kwargs)

    def connect_here(self: socket.socket, address: Any) -> None:
        assert ip_address(address[0]).is_loopback, f"connected to {address}"
        connect(self, address)

    monkeypatch.setattr(socket, "getaddrinfo", only_here)
    monkeypatch.setattr(socket.socket, "connect", connect_here)


class _Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    block_on_close = False
    loopback: Loopback


class _Server6(_Server):
    address_family = socket.AF_INET6


class _Handler(socketserver.StreamRequestHandler):
    server: _Server

    def handle(self) -> None:
        seen = self._read()
        if seen is None:
            return
        loopback = self.server.loopback
        loopback.seen.append(seen)
        act = loopback.acts.pop(0)
        try:
            act(self.connection, seen)
        except OSError:
            return  # the client has gone, as it should

    def _read(self) -> Seen | None:
        try:
            line = self.rfile.readline().decode()
            headers = {}
            while name := self.rfile.readline().decode().strip():
                key, _, value = name.partition(":")
                before = headers.get(key.strip().lower())
                headers[key.strip().lower()] = ", ".join(filter(None, [before, value.strip()]))
            return (
                Seen(line, headers, self.rfile.read(int(headers.get("content-length", "0"))))
                if line
                else None
            )
        except OSError:
            return None


def _head(status: str, headers: dict[str, str]) -> bytes:
    lines = [f"HTTP/1.1 {status}", *(f"{name}: {value}" for name, value in headers.items()), "", ""]
    return "\r\n".join(lines).encode("latin-1")
