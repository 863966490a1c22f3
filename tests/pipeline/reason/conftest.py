"""Fixtures of tests that talk to a server."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator

import pytest
from loopback import (
    refuse_the_world,
)
from transports import (
    KINDS,
    no_key_in,
)


@pytest.fixture
def only_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    refuse_the_world(monkeypatch)


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def logged(caplog: pytest.LogCaptureFixture) -> Iterator[Callable[[], str]]:
    """Everything logged, by whomever, from DEBUG on; checked for the key at the end."""
    caplog.set_level(logging.DEBUG)
    yield lambda: "\n".join(record.getMessage() for record in caplog.records)
    no_key_in([vars(record) for record in caplog.get_records("call")])
