from __future__ import annotations

from collections.abc import Iterator

import pytest
from house import House, quick


@pytest.fixture(scope="module", autouse=True)
def _quick() -> Iterator[None]:
    with quick():
        yield


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> House:
    """One house for the tests of a module; each test asks under its own name."""
    return House(tmp_path_factory.mktemp("house"))


@pytest.fixture
def own(tmp_path) -> House:
    """A house of a test's own: for what changes keys, rules or the log itself."""
    return House(tmp_path)
