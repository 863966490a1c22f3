"""Appending what depends on what is there already, and settling what a failed append left."""

from __future__ import annotations

import pytest
from conftest_ledger import Home, envelope

from void_audit.errors import LedgerError, OrderError, StorageError
from void_audit.ledger import store
from void_audit.ledger.log import Ledger
from void_audit.ledger.mark import HeldMark


def test_at_the_index_that_was_read(ledger):
    assert ledger.append([envelope(0)], at=0) == [0]
    assert ledger.append([envelope(1), envelope(2)], at=1) == [1, 2]


@pytest.mark.parametrize("at", [-1, 0, 2, 5])
def test_another_index_appends_nothing(ledger, home, at):
    ledger.append([envelope(0)])
    with pytest.raises(OrderError) as caught:
        ledger.append([envelope(1)], at=at)
    assert caught.value.code == "ledger-moved"
    assert ledger.size == 1
    assert home.fsck().ok


def test_entries_that_are_not_signed_yet_count(ledger, home, monkeypatch):
    unsigned(ledger, monkeypatch)
    with pytest.raises(OrderError):
        ledger.append([envelope(1)], at=0)


def test_settling_shows_what_a_failed_append_left(ledger, home, monkeypatch):
    unsigned(ledger, monkeypatch)
    assert ledger.size == 0
    ledger.settle()
    assert [e.envelope for e in ledger.entries()] == [envelope(0)]
    ledger.settle()
    assert ledger.size == 1
    assert home.fsck().ok


def test_settling_needs_the_key(ledger, home: Home):
    with pytest.raises(LedgerError) as caught:
        Ledger.open(home.place).settle()
    assert caught.value.code == "ledger-read-only"


def unsigned(ledger, monkeypatch):
    """An append that fails between its entry and its checkpoint."""

    def full(*args):
        raise StorageError("storage-full", "No room.", "Free some.")

    with monkeypatch.context() as patch:
        patch.setattr(HeldMark, "raise_to", full)
        with pytest.raises(StorageError):
            ledger.append([envelope(0)])
    with ledger._database.read() as connection:
        assert store.entry_count(connection) == 1
