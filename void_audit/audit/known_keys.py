"""Whose keys the key events shown make valid, and which signatures do not hold under them (obligation 4)."""

from __future__ import annotations

from void_audit.canon.dsse import Envelope
from void_audit.errors import EvidenceError
from void_audit.identity.key_events import LoggedKeyEvent
from void_audit.identity.records import verify_record
from void_audit.identity.registry import KeyRegistry
from void_audit.model.proof import StoredEntry


def known_keys(entries: tuple[StoredEntry, ...]) -> tuple[KeyRegistry, tuple[str, ...]]:
    """The keys, as far as their events hold together."""
    registry = KeyRegistry()
    for entry in entries:
        event = LoggedKeyEvent.of(entry)
        if event is None:
            continue
        try:
            registry.apply(event)
        except EvidenceError as error:
            return registry, (f"key event at entry {entry.index}: {error}",)
    return registry, ()


def bad_signatures(entries: tuple[StoredEntry, ...], registry: KeyRegistry) -> tuple[str, ...]:
    """What is wrong with the records' signatures, each at its place in the log."""
    problems = []
    for entry in entries:
        try:
            verify_record(Envelope.parse(entry.envelope), entry.statement, entry.index, registry)
        except EvidenceError as error:
            problems.append(f"{entry.statement.kind} at entry {entry.index}: {error}")
    return tuple(problems)
