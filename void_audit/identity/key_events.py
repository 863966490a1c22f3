"""One key event in its place in the log: the shape that its action asks for, whatever else the log holds.

What each action carries:

    enrol     roles, each once
    rotate    the old key in ``replaces``, and the very roles that the old one has; signed by old and new
    revoke    no roles; ``compromised_since`` if the key may have been somebody else's before
    suspect   no roles; ``compromised_since``

Every action but ``rotate`` has one signer. ``compromised_since`` names an entry before the event itself.
"""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass

from void_audit.canon.keys import key_id, raw_ed25519
from void_audit.errors import LedgerError
from void_audit.model.proof import StoredEntry
from void_audit.model.records import KeyEvent


@dataclass(frozen=True)
class LoggedKeyEvent:
    """A key event in its place. ``leaf_hash`` and ``signers`` (key ids) are hexadecimal."""

    index: int
    leaf_hash: str
    event: KeyEvent
    signers: tuple[str, ...]

    @classmethod
    def of(cls, entry: StoredEntry) -> LoggedKeyEvent | None:
        """The key event of an entry; None for a record of another kind."""
        event = entry.statement.predicate
        if not isinstance(event, KeyEvent):
            return None
        return cls(entry.index, entry.leaf_hash, event, entry.key_ids)

    def fault(self, code: str, what: str) -> LedgerError:
        """The error of an event that does not hold."""
        return LedgerError(
            code,
            f"The key event at index {self.index} {what}.",
            "Trust nothing that was signed after it until an administrator explains it.",
        )


def public_key_of(logged: LoggedKeyEvent) -> bytes:
    """SubjectPublicKeyInfo (DER) of the event's key, once all of the event agrees with itself.

    Raises:
        LedgerError: ``key-event-malformed``.
    """
    event = logged.event
    try:
        public = base64.b64decode(event.public_key, validate=True)
    except (binascii.Error, ValueError) as error:
        raise _malformed(logged, "has a public key that is not base64") from error
    if raw_ed25519(public) is None:
        raise _malformed(logged, "has a public key that is not an Ed25519 key")
    if key_id(public) != event.key:
        raise _malformed(logged, "has a public key with another key id")
    _check_roles(logged)
    _check_fields(logged)
    _check_signers(logged)
    return public


def _check_roles(logged: LoggedKeyEvent) -> None:
    event = logged.event
    gives = event.action in {"enrol", "rotate"}
    if len(set(event.roles)) != len(event.roles) or (gives and not event.roles):
        raise _malformed(logged, "has no roles, or one twice")
    if event.roles and not gives:
        raise _malformed(logged, f"gives roles, which to {event.action} does not")


def _check_fields(logged: LoggedKeyEvent) -> None:
    event, since = logged.event, logged.event.compromised_since
    if (event.replaces is not None) != (event.action == "rotate"):
        raise _malformed(logged, "names a key that it replaces and is no rotation, or the other way round")
    if event.replaces == event.key:
        raise _malformed(logged, "rotates a key to itself")
    if since is not None and event.action not in {"revoke", "suspect"}:
        raise _malformed(logged, f"names a suspect range, which to {event.action} does not")
    if since is None and event.action == "suspect":
        raise _malformed(logged, "does not say from which entry on the key is suspect")
    if since is not None and since > logged.index:
        raise _malformed(logged, f"speaks of entry {since}, which is not written yet")


def _check_signers(logged: LoggedKeyEvent) -> None:
    event, count = logged.event, len(logged.signers)
    if event.replaces is not None:
        if count != 2 or set(logged.signers) != {event.replaces, event.key}:
            raise _malformed(logged, "is not signed by the old key and the new one, and by nobody else")
    elif count != 1:
        raise _malformed(logged, f"has {count} signers, not one")


def _malformed(logged: LoggedKeyEvent, what: str) -> LedgerError:
    return logged.fault("key-event-malformed", what)
