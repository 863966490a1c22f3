"""Whose keys the key events shown make valid, which signatures fail under them, which are suspect (obligation 4)."""

from __future__ import annotations

from void_audit.canon import merkle
from void_audit.canon.checkpoint import Checkpoint, open_checkpoint
from void_audit.canon.dsse import Envelope
from void_audit.canon.note import VerifierKey
from void_audit.canon.proof import verify_logged
from void_audit.errors import EvidenceError
from void_audit.identity.key_events import LoggedKeyEvent
from void_audit.identity.records import verify_entry, verify_record
from void_audit.identity.registry import KeyRegistry
from void_audit.model.proof import LoggedEntry, Receipt, StoredEntry
from void_audit.model.records import KeyEvent


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


def later_keys(
    registry: KeyRegistry, receipt: Receipt | None, inside: Checkpoint | None, vkey: str | None
) -> tuple[KeyRegistry, str]:
    """What a receipt tells further of the keys, as far as it can be believed.

    Args:
        registry: the keys as the file's own events make them.
        receipt: it may hold key events that were logged after the file was sealed.
        inside: the file's own checkpoint, under the pinned log key.
        vkey: the pinned log key.

    Returns:
        The keys as far as key events follow that are in the pinned log, in a later state of it that extends
        ``inside``, that continue the chain, and that are validly signed; and why the rest is not believed.
    """
    if receipt is None or not receipt.key_events:
        return registry, ""
    if inside is None or not vkey:
        return registry, "the log that they should be in is not known"
    try:
        checkpoint = open_checkpoint(receipt.checkpoint, VerifierKey.parse(vkey))
        path = [bytes.fromhex(digest) for digest in receipt.consistency]
        merkle.verify_consistency(inside.size, inside.root, checkpoint.size, checkpoint.root, path)
        for logged in receipt.key_events:
            registry = _told(registry, logged, checkpoint)
    except EvidenceError as error:
        return registry, error.message.rstrip(".")
    return registry, ""


def bad_signatures(entries: tuple[StoredEntry, ...], registry: KeyRegistry) -> tuple[str, ...]:
    """What is wrong with the records' signatures, each at its place in the log."""
    problems = []
    for entry in entries:
        try:
            verify_record(Envelope.parse(entry.envelope), entry.statement, entry.index, registry)
        except EvidenceError as error:
            problems.append(f"{entry.statement.kind} at entry {entry.index}: {error}")
    return tuple(problems)


def suspect_signatures(entries: tuple[StoredEntry, ...], registry: KeyRegistry) -> tuple[str, ...]:
    """Records whose signature may be somebody else's, each with the reason.

    Key events are not among them: what one means that was signed in a suspect range is that the key which it
    enrols is suspect too, so it shows in the records that this key signs, and in no other file.
    """
    suspicions = registry.suspicions()
    return tuple(
        f"{entry.statement.kind} at entry {entry.index}: key {key[:16]}, {suspicions[key].because}"
        for entry in entries
        for key in entry.key_ids
        if not isinstance(entry.statement.predicate, KeyEvent)
        and key in suspicions
        and suspicions[key].since <= entry.index
    )


def _told(registry: KeyRegistry, logged: LoggedEntry, checkpoint: Checkpoint) -> KeyRegistry:
    """The keys with one more event, if it is one, in this log, next in the chain and validly signed."""
    entry = verify_logged(logged, checkpoint)
    event = LoggedKeyEvent.of(entry)
    if entry.index <= registry.last_index and event is not None:
        return registry  # known from nearer: the chain would not hold if it were another one
    if event is None:
        raise EvidenceError("key-event-missing", f"Entry {entry.index} is no key event.")
    told = registry.copy()
    told.apply(event)
    verify_entry(entry, told)
    return told
