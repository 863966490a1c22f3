"""The real server on loopback: what it answers, and what those who come to harm it get."""

from __future__ import annotations

import socket
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from http.client import HTTPConnection

import pytest
from conftest_ledger import ORIGIN
from witnessing import HONEST, LOG_KEY, MemoryLog, make_witness, opened

from void_audit.canon.checkpoint import open_checkpoint
from void_audit.errors import StorageError
from void_audit.ledger.witness_protocol import MAX_REQUEST, monitoring_path
from void_audit.ledger.witness_server import WitnessServer

FORKED = MemoryLog.of(40, "rewritten", fork_at=3)


@contextmanager
def serving(witness, **options):
    server = WitnessServer(("127.0.0.1", 0), witness, **options)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.fixture
def place(tmp_path):
    return make_witness(tmp_path / "w")


@pytest.fixture
def server(place):
    with serving(opened(place)) as running:
        yield running


def ask(server, method: str, path: str, body: bytes | None = None, headers: dict[str, str] | None = None):
    connection = HTTPConnection("127.0.0.1", server.server_port, timeout=5)
    try:
        connection.request(method, path, body, headers or {})
        reply = connection.getresponse()
        return reply.status, reply.headers, reply.read()
    finally:
        connection.close()


def raw(server, data: bytes) -> bytes:
    """Whatever comes back until the server hangs up."""
    with socket.create_connection(("127.0.0.1", server.server_port), timeout=5) as connection:
        connection.sendall(data)
        received = b""
        while piece := connection.recv(65536):
            received += piece
    return received


def test_the_statuses_of_the_specification(server) -> None:
    other = MemoryLog(HONEST.tree, "log.example/other")
    story = [
        (HONEST.request(0, 8), 200), (HONEST.request(0, 9), 409), (b"words", 400), (other.request(0, 8), 404),
        (HONEST.request(8, 9).replace(b"\n9\n", b"\n10\n"), 403), (FORKED.request(8, 9), 422),
        (HONEST.request(8, 9), 200),
    ]  # fmt: skip
    for body, expected in story:
        status, headers, reply = ask(server, "POST", "/add-checkpoint", body)
        assert status == expected
        assert reply.endswith(b"\n")
        if status == 409:
            assert (headers["Content-Type"], reply) == ("text/x.tlog.size", b"8\n")
        if status == 200:
            assert [line[:3] for line in reply.decode().splitlines()] == ["\u2014 w", "\u2014 w"]


def test_monitors_get_the_newest_cosigned_checkpoint(server) -> None:
    assert ask(server, "GET", monitoring_path(ORIGIN))[0] == 404
    ask(server, "POST", "/add-checkpoint", HONEST.request(0, 8))
    status, _, note = ask(server, "GET", monitoring_path(ORIGIN))
    assert (status, open_checkpoint(note, LOG_KEY).size) == (200, 8)


@pytest.mark.parametrize(
    ("method", "path", "expected"),
    [
        ("GET", "/", 404), ("GET", "/add-checkpoint", 405), ("POST", "/", 404), ("POST", monitoring_path(ORIGIN), 405),
        ("GET", "/" + "A" * 64 + "/checkpoint", 404), ("GET", monitoring_path(ORIGIN) + "/..", 404),
        ("GET", "/../../etc/passwd", 404), ("PUT", "/add-checkpoint", 501),
        ("GET", monitoring_path(ORIGIN) + "?x", 404),
        ("POST", "/x/add-checkpoint", 404),
    ],
)  # fmt: skip
def test_there_is_nothing_else(server, method: str, path: str, expected: int) -> None:
    status, headers, _ = ask(server, method, path, b"" if method != "GET" else None)
    assert status == expected
    assert headers["Content-Type"].startswith("text/plain")
    assert "Python" not in headers["Server"]


def test_a_prefix(place) -> None:
    with serving(opened(place), prefix="/witness") as server:
        assert server.url.endswith("/witness")
        assert ask(server, "POST", "/add-checkpoint", HONEST.request(0, 8))[0] == 404
        assert ask(server, "POST", "/witness/add-checkpoint", HONEST.request(0, 8))[0] == 200
        assert ask(server, "GET", "/witness" + monitoring_path(ORIGIN))[0] == 200
        assert ask(server, "GET", "/witnessadd-checkpoint")[0] == 404


POST = b"POST /add-checkpoint HTTP/1.1\r\nHost: w\r\n"


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (POST + b"\r\n", b" 411 "),
        (POST + b"Content-Length: x\r\n\r\n", b" 411 "),
        (POST + b"Content-Length: -5\r\n\r\n", b" 411 "),
        (POST + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\nwords", b" 411 "),
        (POST + b"Transfer-Encoding: chunked\r\n\r\n5\r\nwords\r\n0\r\n\r\n", b" 411 "),
        (POST + b"Content-Length: %d\r\n\r\n" % (MAX_REQUEST + 1), b" 413 "),
        (POST + b"Content-Length: 999999999999999999999999\r\n\r\n", b" 411 "),
        (POST + b"X: y\r\n" * 200 + b"Content-Length: 1\r\n\r\nx", b" 431 "),
        (POST + b"X: " + b"y" * 70_000 + b"\r\n\r\n", b" 431 "),
        (b"GET /" + b"x" * 70_000 + b" HTTP/1.1\r\n\r\n", b" 414 "),
        (b"words\r\n\r\n", b"400"),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", b"400"),
    ],
)
def test_what_is_no_request_is_refused_and_hung_up(server, data: bytes, expected: bytes) -> None:
    reply = raw(server, data)
    assert expected in reply[:300]
    assert b"Traceback" not in reply
    assert ask(server, "POST", "/add-checkpoint", HONEST.request(0, 8))[0] == 200


def test_a_refused_body_is_not_taken_for_the_next_request(server) -> None:
    smuggled = POST + b"Content-Length: 1\r\n\r\nx"
    reply = raw(server, POST + b"Content-Length: %d\r\n\r\n" % (MAX_REQUEST + 1) + smuggled)
    assert reply.count(b"HTTP/1.1 ") == 1


def test_a_get_with_a_body_ends_the_connection(server) -> None:
    get = f"GET {monitoring_path(ORIGIN)} HTTP/1.1\r\nHost: w\r\n".encode()
    inner = get + b"\r\n"
    reply = raw(server, get + b"Content-Length: %d\r\n\r\n" % len(inner) + inner)
    assert reply.count(b"HTTP/1.1 ") == 1


def test_connections_may_be_used_again(server) -> None:
    connection = HTTPConnection("127.0.0.1", server.server_port, timeout=5)
    for old, size in ((0, 8), (8, 9)):
        connection.request("POST", "/add-checkpoint", HONEST.request(old, size))
        reply = connection.getresponse()
        reply.read()
        assert reply.status == 200
    connection.close()


def test_every_request_of_a_connection_has_its_own_time(place) -> None:
    with serving(opened(place), request_seconds=0.5) as server:
        connection = HTTPConnection("127.0.0.1", server.server_port, timeout=5)
        for _ in range(4):
            connection.request("GET", monitoring_path(ORIGIN))
            assert connection.getresponse().read()
            time.sleep(0.25)
        connection.close()


def test_silence_and_trickles_are_hung_up(place) -> None:
    with serving(opened(place), idle_seconds=0.3, request_seconds=0.6) as server:
        began = time.monotonic()
        assert raw(server, b"") == b""
        assert raw(server, POST + b"Content-Length: 9\r\n\r\nwords") == b""
        with socket.create_connection(("127.0.0.1", server.server_port), timeout=5) as trickle:
            trickle.sendall(POST)
            with suppress(OSError):  # reset or broken pipe
                for _ in range(100):
                    trickle.sendall(b"X")
                    time.sleep(0.05)
        assert time.monotonic() - began < 4
        assert ask(server, "POST", "/add-checkpoint", HONEST.request(0, 8))[0] == 200


def test_more_connections_than_there_may_be_are_closed_and_free_places_are_found_again(place) -> None:
    with serving(opened(place), connections=3, idle_seconds=0.4) as server:
        held = [socket.create_connection(("127.0.0.1", server.server_port)) for _ in range(3)]
        time.sleep(0.1)
        assert raw(server, b"") == b""  # at once
        for connection in held:
            connection.close()
        time.sleep(0.2)
        assert ask(server, "POST", "/add-checkpoint", HONEST.request(0, 8))[0] == 200


def test_many_clients_with_two_histories_get_one(server) -> None:
    assert ask(server, "POST", "/add-checkpoint", HONEST.request(0, 3))[0] == 200
    bodies = [log.request(3, 5 + n) for n in range(8) for log in (HONEST, FORKED)]
    with ThreadPoolExecutor(8) as pool:
        statuses = list(pool.map(lambda body: ask(server, "POST", "/add-checkpoint", body)[0], bodies))
    assert sorted(set(statuses)) == [200, 409]
    assert statuses.count(200) == 1


def test_stopping_lets_a_request_that_has_begun_finish(place) -> None:
    inside, go = threading.Event(), threading.Event()

    def wait() -> None:
        inside.set()
        go.wait(5)

    with serving(opened(place, before_commit=wait)) as server, ThreadPoolExecutor(1) as pool:
        reply = pool.submit(ask, server, "POST", "/add-checkpoint", HONEST.request(0, 8))
        assert inside.wait(5)
        threading.Timer(0.1, go.set).start()
        server.shutdown()
        server.server_close()
        assert reply.result()[0] == 200


def test_a_disk_that_is_full_is_said_without_a_word_to_the_stranger(place) -> None:
    def full() -> None:
        raise StorageError("storage-full", "No room in a place that is nobody's business.")

    said: list[str] = []
    with serving(opened(place, before_commit=full), said=said.append) as server:
        status, _, reply = ask(server, "POST", "/add-checkpoint", HONEST.request(0, 8))
    assert status == 500
    assert b"nobody" not in reply
    assert said and said[0].startswith("storage-full")  # noqa: PT018
    assert opened(place).latest(ORIGIN).size == 0


def test_an_address_that_is_taken(server, place) -> None:
    with pytest.raises(StorageError) as caught:
        WitnessServer(("127.0.0.1", server.server_port), opened(place))
    assert caught.value.code == "witness-address"


TWO = """
import sys
from pathlib import Path
from witnessing import opened
from void_audit.ledger.witness_folder import WitnessFolder
from void_audit.ledger.witness_server import WitnessServer
server = WitnessServer(("127.0.0.1", 0), opened(WitnessFolder(Path(sys.argv[1]))))
print(server.server_port, flush=True)
server.serve_forever()
"""


def test_two_server_processes_on_one_folder_sign_one_history(place, tmp_path) -> None:
    paths = [str(path) for path in (tmp_path, *map(str, sys.path)) if path]
    started = [
        subprocess.Popen(
            [sys.executable, "-c", TWO, str(place.folder)],
            stdout=subprocess.PIPE,
            env={"PYTHONPATH": ":".join(paths)},
        )
        for _ in range(2)
    ]
    try:
        ports = [int(process.stdout.readline()) for process in started]

        class At:
            def __init__(self, port: int) -> None:
                self.server_port = port

        assert ask(At(ports[0]), "POST", "/add-checkpoint", HONEST.request(0, 3))[0] == 200
        bodies = [(ports[n % 2], log.request(3, 5 + n)) for n in range(6) for log in (HONEST, FORKED)]
        with ThreadPoolExecutor(6) as pool:
            found = list(pool.map(lambda job: ask(At(job[0]), "POST", "/add-checkpoint", job[1])[0], bodies))
        assert sorted(set(found)) == [200, 409]
        assert found.count(200) == 1
    finally:
        for process in started:
            process.kill()
            process.wait()
            process.stdout.close()
