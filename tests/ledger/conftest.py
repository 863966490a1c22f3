from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest_ledger import Home, TeamHome, envelope
from postgres import Server

from void_audit.ledger.log import Ledger

BOTH = {
    "test_database",
    "test_attestations",
    "test_exporter",
    "test_tile_fsck",
    "test_ledger_append_at",
    "test_ledger_reader",
    "test_ledger_store",
    "test_log",
}
"""Modules whose tests run on SQLite and on PostgreSQL."""

BOTH_SLOWLY = {"test_ledger_faults"}
"""The same, but on PostgreSQL only with the slow tests."""


@pytest.fixture(scope="session")
def backend(request: pytest.FixtureRequest) -> str:
    """Where logs are kept: SQLite, except in the modules named above."""
    return str(getattr(request, "param", "sqlite"))


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    name = Path(metafunc.module.__file__).stem
    if "backend" in metafunc.fixturenames and name in BOTH | BOTH_SLOWLY:
        marks = [pytest.mark.slow] if name in BOTH_SLOWLY else []
        backends = ["sqlite", pytest.param("postgresql", marks=marks)]
        # Through the fixture, so that what was made for one module's backend is not handed to the next module.
        metafunc.parametrize("backend", backends, indirect=True, scope="session")


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
def team(server: Server, tmp_path: Path) -> TeamHome:
    """A place without a log in PostgreSQL."""
    return TeamHome(tmp_path, server, server.new_database(template="prepared_ledger"))


@pytest.fixture
def copy(filled: Home, tmp_path: Path) -> Home:
    return filled.copy_to(tmp_path / "copy")
