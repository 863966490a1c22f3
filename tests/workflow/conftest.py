from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from house import House, quick


@pytest.fixture(scope="module", autouse=True)
def _quick() -> Iterator[None]:
    with quick():
        yield


@pytest.fixture(scope="session")
def _template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("template")
    House(folder).place.writing.close()
    return folder


@pytest.fixture(scope="module")
def house(_template: Path, tmp_path_factory: pytest.TempPathFactory) -> House:
    """One house for the tests of a module; each test asks under its own name."""
    return House.copied(_template, tmp_path_factory.mktemp("house"))


@pytest.fixture
def own(_template: Path, tmp_path_factory: pytest.TempPathFactory) -> House:
    """A house of a test's own: for what changes keys, rules or the log itself."""
    return House.copied(_template, tmp_path_factory.mktemp("own"))
