"""A PostgreSQL server of our own: in a temporary folder, for as long as it is wanted, whoever runs the tests.

``with running() as server:`` gives a server; ``server.ledger()`` a database of its own, prepared for a log, whose
URL ``Ledger.create`` takes. Benchmarks use it in the same way (``running(folder)`` on the disk to be measured).
"""

from __future__ import annotations

import itertools
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
import pytest

from void_audit.ledger.preparing import prepare

OWNER = "ledger_owner"
ROLE = "newsroom"
PASSWORD = "correct horse battery staple"
"""Of ``ROLE``, over TCP; the socket asks for none."""

_MANY = itertools.count()
_ROOM = 2**30
# Waits for its parent to go, whatever ends it: nothing of ours outlives the tests.
_WATCH = '"$@" & server=$!; read -r _; kill -INT $server; wait $server'


def binaries() -> Path | None:
    """Where Debian keeps a PostgreSQL server's programs; the newest one."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"), key=lambda p: int(p.parts[-3]))
    on_path = shutil.which("postgres")
    return found[-1].parent if found else Path(on_path).parent if on_path else None


MISSING = "no PostgreSQL server is installed (Debian: postgresql)"
"""Why tests skip where ``binaries`` finds none."""


@dataclass
class Server:
    """One server. It listens on a socket (everybody is trusted) and on loopback (passwords)."""

    folder: Path
    programs: Path
    user: str | None
    """Whom it runs as; PostgreSQL refuses to run as root."""
    port: int
    settings: dict[str, str] = field(default_factory=dict)
    _process: subprocess.Popen[bytes] | None = None

    @property
    def data(self) -> Path:
        """The cluster's folder."""
        return self.folder / "data"

    def url(self, database: str, role: str = ROLE) -> str:
        """Address over the socket."""
        return f"postgresql://{role}@/{database}?host={self.folder}&port={self.port}"

    def tcp_url(self, database: str, role: str = ROLE) -> str:
        """Address over TCP; it asks for a password."""
        return f"postgresql://{role}@127.0.0.1:{self.port}/{database}"

    def initialise(self) -> None:
        """Make the cluster and its roles."""
        command = ["initdb", "-D", str(self.data), "-U", "postgres", "-E", "UTF8", "--locale=C", "--no-sync"]
        self._run(*command, "--auth=trust")
        rules = "local all all trust\nhost all all 127.0.0.1/32 scram-sha-256\nlocal replication all trust\n"
        (self.data / "pg_hba.conf").write_text(rules)
        self.start()
        self.sql(f"CREATE ROLE {OWNER} LOGIN", f"CREATE ROLE {ROLE} LOGIN PASSWORD '{PASSWORD}'")
        self.new_database("prepared_ledger")
        prepare(self.url("prepared_ledger", OWNER), ROLE)

    def start(self) -> None:
        """Start and wait until it answers."""
        flags = {"listen_addresses": "127.0.0.1", "port": str(self.port), "max_connections": "60",
                 "unix_socket_directories": str(self.folder), "shared_buffers": "64MB",
                 "dynamic_shared_memory_type": "mmap", **self.settings}  # fmt: skip
        server = [str(self.programs / "postgres"), "-D", str(self.data)]
        server += [word for name, value in flags.items() for word in ("-c", f"{name}={value}")]
        with (self.folder / "log").open("ab") as output:
            self._process = subprocess.Popen(
                ["sh", "-c", _WATCH, "sh", *server], stdin=subprocess.PIPE, stdout=output, stderr=output,
                cwd="/", user=self.user, start_new_session=True, env={"PATH": os.defpath, "LC_ALL": "C"},
            )  # fmt: skip
        self.wait()

    def wait(self, seconds: float = 30) -> None:
        """Until it answers."""
        end = time.monotonic() + seconds
        while True:
            try:
                psycopg.connect(self.url("postgres", "postgres"), connect_timeout=5).close()
            except psycopg.OperationalError:
                if time.monotonic() > end:
                    raise RuntimeError((self.folder / "log").read_text()[-2000:]) from None
                time.sleep(0.02)
            else:
                return

    def stop(self) -> None:
        """Stop it as an operator does: connections are closed, everything is written."""
        process, self._process = self._process, None
        if process is not None and process.stdin is not None:
            with suppress(BrokenPipeError):  # a fork may hold the pipe open: closing it is not enough
                process.stdin.write(b"\n")
                process.stdin.close()
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()

    def kill(self) -> None:
        """Kill -9 of every process of the server."""
        postmaster = int((self.data / "postmaster.pid").read_text().split()[0])
        for process in (postmaster, *_children(postmaster)):
            with suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)
        self.stop()  # of the shell that watches over it

    def restart(self) -> None:
        """Stop and start."""
        self.stop()
        self.start()

    def sql(self, *statements: str, database: str = "postgres", role: str = "postgres") -> list[Any]:
        """Run statements, by default as the superuser; what the last one returns."""
        with psycopg.connect(self.url(database, role), autocommit=True) as connection:
            for statement in statements:
                cursor = connection.execute(statement)
            return cursor.fetchall() if cursor.description else []

    def new_database(self, name: str | None = None, template: str = "template0") -> str:
        """An empty database of ``OWNER``, or a copy of another; its name."""
        name = name or f"ledger_{os.getpid()}_{next(_MANY)}"
        self.sql(
            f"SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = '{template}'",  # noqa: S608
            f"CREATE DATABASE {name} OWNER {OWNER} TEMPLATE {template}",
        )
        return name

    def ledger(self) -> str:
        """URL of a new database that is prepared for a log."""
        return self.url(self.new_database(template="prepared_ledger"))

    def program(self, name: str, *arguments: str) -> bytes:
        """Run one of PostgreSQL's own programs, such as pg_dump."""
        return self._run(name, *arguments)

    def _run(self, name: str, *arguments: str) -> bytes:
        command = [str(self.programs / name), *arguments]
        done = subprocess.run(command, capture_output=True, user=self.user, cwd="/", check=False)
        if done.returncode:
            raise RuntimeError(f"{name}: {done.stderr.decode()[-2000:]}")
        return done.stdout


@contextmanager
def running(base: Path | None = None, **settings: str) -> Iterator[Server]:
    """A server until the block is left.

    Args:
        base: folder on the disk that it is to use, with a short path that everybody may enter. Default: memory,
            where there is room, so that waiting for the disk costs nothing: measure nothing there.
        settings: of ``postgresql.conf``, such as ``fsync="off"``.
    """
    programs = binaries()
    if programs is None:
        raise RuntimeError(MISSING)
    folder = Path(tempfile.mkdtemp(prefix="va-pg-", dir=base or _memory()))
    user = next((name for name in ("postgres", "nobody") if _known(name)), None) if os.getuid() == 0 else None
    if user is not None:
        shutil.chown(folder, user)
    folder.chmod(0o755)
    server = Server(folder, programs, user, _free_port(), settings)
    try:
        server.initialise()
        yield server
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)


def _children(parent: int) -> list[int]:
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            process, rest = stat.read_text().split(" (", 1)
            if int(rest.rpartition(") ")[2].split()[1]) == parent:
                found.append(int(process))
    return found


def _memory() -> str | None:
    shared = Path("/dev/shm")
    roomy = shared.is_dir() and os.access(shared, os.W_OK) and shutil.disk_usage(shared).free > _ROOM
    return str(shared) if roomy else None


def _known(name: str) -> bool:
    try:
        pwd.getpwnam(name)
    except KeyError:
        return False
    return True


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    """A PostgreSQL server for this run of the tests, started when the first one asks for it."""
    if binaries() is None:
        pytest.skip(MISSING)
    with running() as started:
        yield started
