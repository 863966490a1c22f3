from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest_ledger import Home, TeamHome, envelope
from postgres import MISSING, Server, binaries, running

from void_audit.ledger.log import Ledger

BOTH = {
    "test_ledger_append_at",
    "test_ledger_reader",
    "test_ledger_store",
    "test_log",
}
"""Modules whose tests run on SQLite and on PostgreSQL."""


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "backend" in metafunc.fixturenames:
        backends = ["sqlite", "postgresql"] if Path(metafunc.module.__file__).stem in BOTH else ["sqlite"]
        metafunc.parametrize(
            "backend", backends, ids=backends if len(backends) > 1 else [""], scope="session"
        )


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    """A PostgreSQL server for this run of the tests."""
    if binaries() is None:
        pytest.skip(MISSING)
    with running() as started:
        yield started


def _home(backend: str, root: Path, request: pytest.FixtureRequest) -> Home:
    if backend == "sqlite":
        return Home(root)
    server: Server = request.getfixturevalue("server")
    return TeamHome(root, server, server.new_database(template="prepared_ledger"))


@pytest.fixture
def home(backend: str, tmp_path: Path, request: pytest.FixtureRequest) -> Home:
    """A place without a log."""
    return _home(backend, tmp_path, request)


@pytest.fixture(scope="session")
def empty(backend: str, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Home:
    """A log that has just been created. Copy before changing."""
    home = _home(backend, tmp_path_factory.mktemp("empty"), request)
    home.create().close()
    return home


@pytest.fixture
def ledger(home: Home) -> Iterator[Ledger]:
    """An empty log at ``home``."""
    opened = home.create()
    yield opened
    opened.close()


@pytest.fixture(scope="session")
def filled(backend: str, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Home:
    """Seven entries in four appends. Copy before changing."""
    home = _home(backend, tmp_path_factory.mktemp("filled"), request)
    ledger = home.create()
    for batch in ([0], [1, 2], [3], [4, 5, 6]):
        ledger.append([envelope(n) for n in batch])
    ledger.close()
    return home


@pytest.fixture
def copy(filled: Home, tmp_path: Path) -> Home:
    return filled.copy_to(tmp_path / "copy")
