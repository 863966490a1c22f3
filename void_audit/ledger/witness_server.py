"""A witness over HTTP: C2SP tlog-witness v1.0.0, small, and bounded against whoever comes.

    POST <prefix>/add-checkpoint
    GET  <prefix>/<sha256(origin) in hexadecimal>/checkpoint

Requests and connections have a size, a number and a time: what exceeds them is closed. There is no TLS: put a
reverse proxy before it.
"""

from __future__ import annotations

import re
import socket
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, cast

from void_audit.errors import StorageError, VoidAuditError
from void_audit.ledger.witness import Answer, Witness
from void_audit.ledger.witness_protocol import ADD_CHECKPOINT, MAX_REQUEST

MAX_CONNECTIONS = 64
IDLE_SECONDS = 10.0
"""Without a byte, before a connection is closed."""
REQUEST_SECONDS = 20.0
"""For one request from its first byte to the last of its answer, however it trickles."""

_MONITORING = re.compile(r"/([0-9a-f]{64})/checkpoint")
_LENGTH = re.compile(r"[0-9]{1,9}")


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version = "void-audit-witness"
    sys_version = ""
    error_message_format = "%(code)d %(message)s\n"
    error_content_type = "text/plain; charset=utf-8"

    @property
    def _house(self) -> WitnessServer:
        return cast("WitnessServer", self.server)

    def setup(self) -> None:
        self.request.settimeout(self._house.idle_seconds)
        super().setup()

    def handle_one_request(self) -> None:
        super().handle_one_request()
        self._house.began(self.connection)  # the next request has its own time

    def do_POST(self) -> None:
        if self._path() != ADD_CHECKPOINT:
            self._refuse(404 if _MONITORING.fullmatch(self._path()) is None else 405)
            return
        body = self._body()
        if body is not None:
            self._answer(self._house.answer(lambda witness: witness.add_checkpoint(body)))

    def do_GET(self) -> None:
        self.close_connection |= "Content-Length" in self.headers or "Transfer-Encoding" in self.headers
        wanted = _MONITORING.fullmatch(self._path())
        if wanted is None:
            self._refuse(405 if self._path() == ADD_CHECKPOINT else 404)
            return
        self._answer(self._house.answer(lambda witness: _monitored(witness, wanted[1])))

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002, ANN401 - the library's names
        """Nothing: what a stranger sends is no line of the operator's terminal."""

    def _path(self) -> str:
        prefix = self._house.prefix
        return self.path.removeprefix(prefix) if self.path.startswith(prefix + "/") else ""

    def _body(self) -> bytes | None:
        """The body of a request that says how long it is; None if it was refused."""
        lengths = self.headers.get_all("Content-Length", [])
        if "Transfer-Encoding" in self.headers or len(lengths) != 1 or not _LENGTH.fullmatch(lengths[0]):
            self._refuse(411)
            return None
        if int(lengths[0]) > MAX_REQUEST:
            self._refuse(413)
            return None
        body = self.rfile.read(int(lengths[0]))
        if len(body) < int(lengths[0]):  # gone in the middle of it
            self.close_connection = True
            return None
        return body

    def _refuse(self, status: int) -> None:
        """Refuse and hang up: a body that was not read must not be taken for the next request."""
        self.close_connection = True
        self.send_error(status)

    def _answer(self, answer: Answer) -> None:
        body = answer.body.encode()
        self.send_response(answer.status)
        self.send_header("Content-Type", answer.media_type)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


class WitnessServer(ThreadingHTTPServer):
    """Serves a witness until ``shutdown``; then ``server_close`` lets requests that have begun finish."""

    daemon_threads = False
    request_queue_size = 128

    def __init__(
        self,
        address: tuple[str, int],
        witness: Witness,
        prefix: str = "",
        said: Callable[[str], None] = lambda line: None,
        idle_seconds: float = IDLE_SECONDS,
        request_seconds: float = REQUEST_SECONDS,
        connections: int = MAX_CONNECTIONS,
    ) -> None:
        """Listen.

        Args:
            address: host and port; port 0 chooses a free one, see ``server_port``.
            witness: who answers.
            prefix: path before every path, like ``/witness``; no slash at its end.
            said: told what went wrong here, a line each; never what a stranger wrote.
            idle_seconds: without a byte, before a connection is closed.
            request_seconds: for one request in all.
            connections: how many at a time; others are closed at once.

        Raises:
            StorageError: ``witness-address``: the address cannot be listened on.
        """
        self.witness, self.prefix, self.said = witness, prefix, said
        self.idle_seconds, self._request_seconds = idle_seconds, request_seconds
        self._free = threading.BoundedSemaphore(connections)
        self._since: dict[socket.socket, float] = {}
        self._guard = threading.Lock()
        if ":" in address[0]:
            self.address_family = socket.AF_INET6
        try:
            super().__init__(address, _Handler)
        except (OSError, OverflowError) as error:
            raise StorageError(
                "witness-address",
                f"{address[0]}:{address[1]} cannot be listened on: {error}.",
                "Choose another address with --listen.",
            ) from error

    @property
    def url(self) -> str:
        """The submission prefix, as seen from this machine."""
        host = str(self.server_address[0])
        return f"http://{f'[{host}]' if ':' in host else host}:{self.server_port}{self.prefix}"

    def server_bind(self) -> None:
        """As the library's, without asking the name service who we are."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(self.server_address)
        self.server_address = self.socket.getsockname()
        self.server_name, self.server_port = str(self.server_address[0]), int(self.server_address[1])

    def answer(self, ask: Callable[[Witness], Answer]) -> Answer:
        """What the witness answers; 500 if it could not store anything, and then it has cosigned nothing."""
        try:
            return ask(self.witness)
        except VoidAuditError as error:
            self.said(f"{error.code}: {error}")
            return Answer(500, "the witness cannot answer now; nothing was cosigned\n")

    def began(self, connection: socket.socket) -> None:
        """A request may begin now."""
        with self._guard:
            if connection in self._since:
                self._since[connection] = time.monotonic()

    def process_request(self, request: Any, client_address: Any) -> None:  # noqa: ANN401 - the library's types
        """As the library's, for so many connections at a time."""
        if not self._free.acquire(blocking=False):
            self.shutdown_request(request)
            return
        with self._guard:
            self._since[request] = time.monotonic()
        super().process_request(request, client_address)

    def process_request_thread(self, request: Any, client_address: Any) -> None:  # noqa: ANN401
        """One connection, in its thread."""
        try:
            super().process_request_thread(request, client_address)
        finally:
            with self._guard:
                self._since.pop(request, None)
            self._free.release()

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ANN401
        """A connection that broke is the other side's affair; anything else is ours."""
        problem = sys.exception()
        if not isinstance(problem, OSError):
            self.said(f"a request failed: {type(problem).__name__}")

    def service_actions(self) -> None:
        """Every half second: close what has taken too long."""
        late = time.monotonic() - self._request_seconds
        self._hang_up(lambda since: since < late, socket.SHUT_RDWR)

    def server_close(self) -> None:
        """Read nothing more, finish what has begun, and wait for it."""
        self._hang_up(lambda since: True, socket.SHUT_RD)
        super().server_close()

    def _hang_up(self, chosen: Callable[[float], bool], how: int) -> None:
        with self._guard:
            connections = [connection for connection, since in self._since.items() if chosen(since)]
        for connection in connections:
            with suppress(OSError):
                connection.shutdown(how)


def _monitored(witness: Witness, hashed: str) -> Answer:
    note = witness.checkpoint(hashed)
    return Answer(404, "no checkpoint of this log was cosigned here\n") if note is None else Answer(200, note)
