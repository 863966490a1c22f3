"""A server that sends the bytes it was told to, and remembers what it was sent."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable
from contextlib import contextmanager, suppress


class Rude:
    """Replies to every connection with ``reply(request)``: pieces of bytes, and seconds to wait between them."""

    def __init__(self, reply: Callable[[bytes], list[bytes | float]]) -> None:
        self.requests: list[bytes] = []
        self._reply = reply
        self._socket = socket.create_server(("127.0.0.1", 0))
        self._open = True
        self._threads: list[threading.Thread] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._socket.getsockname()[1]}"

    def run(self) -> None:
        while self._open:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            thread = threading.Thread(target=self._serve, args=(connection,))
            self._threads.append(thread)
            thread.start()

    def _serve(self, connection: socket.socket) -> None:
        with connection, suppress(OSError):
            connection.settimeout(2)
            data = b""
            while b"\r\n\r\n" not in data:
                data += connection.recv(65536) or self._gone()
            head, _, body = data.partition(b"\r\n\r\n")
            length = next(
                (int(h[15:]) for h in head.split(b"\r\n") if h.lower().startswith(b"content-length:")), 0
            )
            while len(body) < length:
                body += connection.recv(65536) or self._gone()
            self.requests.append(head + b"\r\n\r\n" + body)
            for piece in self._reply(self.requests[-1]):
                if isinstance(piece, float):
                    time.sleep(piece)
                else:
                    connection.sendall(piece)

    def _gone(self) -> bytes:
        raise ConnectionResetError

    def close(self) -> None:
        self._open = False
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        for thread in self._threads:
            thread.join()


@contextmanager
def rude(reply):
    server = Rude(reply)
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        yield server
    finally:
        server.close()
        thread.join()


def http(status: int, body: bytes, *headers: str) -> list[bytes | float]:
    lines = [f"HTTP/1.1 {status} X", f"Content-Length: {len(body)}", *headers, "", ""]
    return ["\r\n".join(lines).encode() + body]
