"""One deadline for all that a connection does."""

from __future__ import annotations

import socket
import threading
import time
from typing import Any

import httpcore2
import pytest

from void_audit.pipeline.reason.service import network
from void_audit.pipeline.reason.service.network import Backend, Deadline, Stream


class Peer(httpcore2.NetworkStream):
    """Notes the time that it is given for each operation."""

    def __init__(self, address: str = "127.0.0.1") -> None:
        self.address = address
        self.closed = False
        self.given: list[tuple[str, float | None]] = []
        self.taken = b""

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        self.given.append(("read", timeout))
        return b"x" * min(max_bytes, 3)

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self.given.append(("write", timeout))
        self.taken += buffer

    def start_tls(self, ssl_context: Any, server_hostname: Any = None, timeout: float | None = None) -> Any:
        self.given.append(("tls", timeout))
        return Peer()

    def close(self) -> None:
        self.closed = True

    def get_extra_info(self, info: str) -> Any:
        return (self.address, 1) if info == "server_addr" else info


def connecting_to(peer: Peer, monkeypatch: pytest.MonkeyPatch) -> list[float]:
    given: list[float] = []

    def connect_tcp(self: Any, host: str, port: int, timeout: float, *rest: Any) -> Peer:
        given.append(timeout)
        return peer

    monkeypatch.setattr(httpcore2.SyncBackend, "connect_tcp", connect_tcp)
    monkeypatch.setattr(network, "look_up", lambda host, port, seconds: [peer.address])
    return given


def test_no_operation_gets_more_than_is_left() -> None:
    peer = Peer()
    stream = Stream(peer, Deadline(5.0))
    stream.read(10, timeout=900)
    time.sleep(0.02)
    stream.write(b"abc", timeout=900)
    stream.start_tls(None, "h", timeout=900)  # type: ignore[arg-type]
    given = [seconds for _, seconds in peer.given if seconds is not None]
    assert [name for name, _ in peer.given] == ["read", "write", "tls"]
    assert 5.0 >= given[0] > given[1] > 0
    assert given[1] <= 5.0 - 0.02
    assert given[2] <= given[1]


def test_after_it_there_is_nothing() -> None:
    peer = Peer()
    stream = Stream(peer, Deadline(0.0))
    for operation in (lambda: stream.read(1), lambda: stream.write(b"x"), lambda: stream.start_tls(None)):  # type: ignore[arg-type]
        with pytest.raises(httpcore2.TimeoutException):
            operation()
    assert peer.given == []
    with pytest.raises(httpcore2.TimeoutException):
        Backend(Deadline(0.0), only_here=False).connect_tcp("127.0.0.1", 9)


def test_tls_keeps_it() -> None:
    peer = Peer()
    secure = Stream(peer, Deadline(0.05)).start_tls(None)  # type: ignore[arg-type]
    secure.read(1)
    time.sleep(0.06)
    with pytest.raises(httpcore2.TimeoutException):
        secure.read(1)


def test_large_writes_look_at_the_clock_between_pieces() -> None:
    peer = Peer()
    data = bytes(range(256)) * 400
    Stream(peer, Deadline(5.0)).write(data)
    assert peer.taken == data
    assert len(peer.given) == -(-len(data) // network.PIECE)


def test_a_slow_reader_wins_no_time() -> None:
    class Slow(Peer):
        def write(self, buffer: bytes, timeout: float | None = None) -> None:
            super().write(buffer, timeout)
            time.sleep(0.02)

    peer = Slow()
    with pytest.raises(httpcore2.TimeoutException):
        Stream(peer, Deadline(0.1)).write(bytes(10_000_000))
    assert len(peer.given) < 10


@pytest.mark.parametrize("address", ["192.0.2.7", "::ffff:192.0.2.7", "2001:db8::1", "::"])
def test_only_here_is_only_here(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    peer = Peer(address)
    connecting_to(peer, monkeypatch)
    with pytest.raises(httpcore2.ConnectError, match="not this machine"):
        Backend(Deadline(5.0), only_here=True).connect_tcp("localhost", 80)
    assert peer.closed
    Backend(Deadline(5.0), only_here=False).connect_tcp("localhost", 80)


@pytest.mark.parametrize("address", ["127.0.0.1", "127.3.2.1", "::1"])
def test_here_is_here(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    connecting_to(Peer(address), monkeypatch)
    stream = Backend(Deadline(5.0), only_here=True).connect_tcp("localhost", 80)
    assert stream.read(3) == b"xxx"


def test_connecting_has_its_own_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    given = connecting_to(Peer(), monkeypatch)
    Backend(Deadline(3600.0), only_here=False).connect_tcp("h", 80, timeout=None)
    Backend(Deadline(2.0), only_here=False).connect_tcp("h", 80, timeout=None)
    assert given[0] == network.CONNECT_SECONDS
    assert 1.5 < given[1] <= 2.0


def test_over_a_real_socket() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        stream = Backend(Deadline(0.1), only_here=True).connect_tcp("127.0.0.1", server.getsockname()[1])
        begun = time.monotonic()
        with pytest.raises(httpcore2.TimeoutException):
            stream.read(1)
        assert time.monotonic() - begun < 1.0
        assert stream.get_extra_info("server_addr")[0] == "127.0.0.1"
        stream.close()


def found(monkeypatch: pytest.MonkeyPatch, *addresses: str) -> None:
    entries = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, 80)) for address in addresses]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *args, **kwargs: entries)


def test_a_name_of_many_dead_addresses_wins_no_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each address had the whole time to itself: forty of them, forty times as long."""
    tried: list[str] = []

    def dead(self: Any, host: str, port: int, timeout: float, *rest: Any) -> Peer:
        tried.append(host)
        time.sleep(timeout / 2)
        raise httpcore2.ConnectTimeout("nobody")

    found(monkeypatch, *(f"192.0.2.{n}" for n in range(40)))
    monkeypatch.setattr(httpcore2.SyncBackend, "connect_tcp", dead)
    begun = time.monotonic()
    with pytest.raises(httpcore2.TimeoutException):
        Backend(Deadline(0.2), only_here=False).connect_tcp("many.example", 80)
    assert time.monotonic() - begun < 0.5
    assert len(tried) > 1


def test_the_next_address_is_tried_where_the_first_refuses(monkeypatch: pytest.MonkeyPatch) -> None:
    peer = Peer("192.0.2.2")

    def connect_tcp(self: Any, host: str, port: int, timeout: float, *rest: Any) -> Peer:
        if host != peer.address:
            raise httpcore2.ConnectError("refused")
        return peer

    found(monkeypatch, "192.0.2.1", "192.0.2.1", "192.0.2.2")
    monkeypatch.setattr(httpcore2.SyncBackend, "connect_tcp", connect_tcp)
    assert Backend(Deadline(5.0), only_here=False).connect_tcp("two.example", 80).read(3) == b"xxx"
    found(monkeypatch, "192.0.2.1")
    with pytest.raises(httpcore2.ConnectError, match="refused"):
        Backend(Deadline(5.0), only_here=False).connect_tcp("one.example", 80)
    found(monkeypatch)
    with pytest.raises(httpcore2.ConnectError, match="no address"):
        Backend(Deadline(5.0), only_here=False).connect_tcp("none.example", 80)


def test_name_servers_that_are_silent_keep_nobody_longer(monkeypatch: pytest.MonkeyPatch) -> None:
    woken = threading.Event()

    def silent(*args: Any, **kwargs: Any) -> Any:
        woken.wait(5)
        raise socket.gaierror(-3, "try again")

    monkeypatch.setattr(socket, "getaddrinfo", silent)
    begun = time.monotonic()
    with pytest.raises(httpcore2.TimeoutException, match="no name server"):
        Backend(Deadline(0.1), only_here=False).connect_tcp("silent.example", 80)
    assert time.monotonic() - begun < 1.0
    woken.set()


@pytest.mark.parametrize("name", ["a" * 70 + ".example", "..", "\ud800.example"])
def test_a_name_that_cannot_be_one(name: str) -> None:
    with pytest.raises(httpcore2.ConnectError):
        network.look_up(name, 80, 5.0)
