"""A real ssh-agent, and one that says whatever a test lets it say."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import struct
import subprocess
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path

import pytest


class RealAgent:
    """OpenSSH's agent with a socket in a folder of its own; skips where it is not installed."""

    def __init__(self) -> None:
        if not shutil.which("ssh-agent"):
            pytest.skip("ssh-agent is not installed (Debian: openssh-client)")
        self.folder = Path(tempfile.mkdtemp(prefix="agent"))  # a socket's path must be short
        self.path = self.folder / "socket"
        self.process = subprocess.Popen(["ssh-agent", "-D", "-a", str(self.path)], stdout=subprocess.DEVNULL)
        for _ in range(200):
            if self.path.exists():
                break
            self.process.poll()
            threading.Event().wait(0.01)

    def add(self, name: str, kind: str = "ed25519", *options: str) -> Path:
        """Make a key with comment ``name`` and give it to the agent; returns its public key file."""
        path = self.folder / name
        bits = ["-b", "2048"] if kind == "rsa" else []
        subprocess.run(
            ["ssh-keygen", "-q", "-t", kind, *bits, "-N", "", "-C", name, "-f", str(path)], check=True
        )
        self("ssh-add", "-q", *options, str(path))
        return path.with_suffix(".pub")

    def __call__(self, *command: str, text: str = "") -> str:
        env = {**os.environ, "SSH_AUTH_SOCK": str(self.path)}
        done = subprocess.run(
            command, env=env, input=text, capture_output=True, text=True, check=True, timeout=20
        )
        return done.stdout

    def stop(self) -> None:
        """End it and take its folder away."""
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(10)
        shutil.rmtree(self.folder, ignore_errors=True)


class FakeAgent:
    """Answers each question with what ``reply`` makes of it; bytes are sent as they are, None closes."""

    def __init__(self, reply: Callable[[bytes], bytes | None]) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="fake"))
        self.path = self.folder / "socket"
        self.asked: list[bytes] = []
        self._reply, self._server = reply, socket.socket(socket.AF_UNIX)
        self._server.bind(str(self.path))
        self._server.listen(8)
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._server.accept()
            except OSError:
                return
            with connection:
                try:
                    size = struct.unpack(">I", connection.recv(4, socket.MSG_WAITALL))[0]
                    question = connection.recv(size, socket.MSG_WAITALL)
                    self.asked.append(question)
                    answer = self._reply(question)
                    if answer is not None:
                        connection.sendall(answer)
                except OSError:
                    continue

    def stop(self) -> None:
        """End it."""
        self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()
        self._thread.join(5)
        shutil.rmtree(self.folder, ignore_errors=True)
