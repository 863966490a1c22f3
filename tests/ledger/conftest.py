from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest_ledger import Home, envelope
from copies import copy_place

from void_audit.ledger.log import Ledger


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path)


@pytest.fixture(scope="session")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """A log that has just been created. Copy before changing."""
    home = Home(tmp_path_factory.mktemp("empty"))
    home.create().close()
    return home


@pytest.fixture
def ledger(home: Home, empty: Home) -> Iterator[Ledger]:
    """An empty log at ``home``."""
    copy_place(empty.root, home.root)
    opened = home.open()
    yield opened
    opened.close()


@pytest.fixture(scope="session")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """Seven entries in four appends. Copy before changing."""
    home = Home(tmp_path_factory.mktemp("filled"))
    ledger = home.create()
    for batch in ([0], [1, 2], [3], [4, 5, 6]):
        ledger.append([envelope(n) for n in batch])
    ledger.close()
    return home


@pytest.fixture
def copy(filled: Home, tmp_path: Path) -> Home:
    copy_place(filled.root, tmp_path / "copy")
    return Home(tmp_path / "copy")
