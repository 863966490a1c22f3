"""Which key was answerable for what, at which point of the log: folded from the key events alone.

The rules (spec/ledger 3, key theft):

1. Key event 0 enrols its own signer as an administrator. Every other one is signed under a key that is
   an administrator before that event.
2. ``sequence`` counts without a gap and ``previous`` is the leaf hash of the key event before it.
3. A key is enrolled once, with its roles; a revoked key never returns.
4. A key is valid from the index of its enrolment up to, but not including, that of its revocation.
5. No key revokes itself. Hence its revoker stays, and the log always has an administrator.

Signatures are not checked here but by ``verify_record``, for which the registry supplies the keys.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable
from dataclasses import dataclass

from void_audit.canon.keys import key_id, raw_ed25519
from void_audit.errors import EnvelopeError, LedgerError
from void_audit.model.proof import StoredEntry
from void_audit.model.records import KeyEvent, Role


@dataclass(frozen=True)
class LoggedKeyEvent:
    """A key event in its place. ``leaf_hash`` and ``signer`` (a key id) are hexadecimal."""

    index: int
    leaf_hash: str
    event: KeyEvent
    signer: str


@dataclass(frozen=True)
class EnrolledKey:
    """A key's life in the log, in indices of entries. ``revoked`` is None while it is valid."""

    key_id: str
    public_der: bytes
    roles: frozenset[Role]
    enrolled: int
    revoked: int | None = None

    def valid_at(self, index: int) -> bool:
        """Whether entry ``index`` may be signed under this key."""
        return self.enrolled <= index and (self.revoked is None or index < self.revoked)


class KeyRegistry:
    """The keys of one log. Pure: no files, no clock."""

    def __init__(self) -> None:
        self._keys: dict[str, EnrolledKey] = {}
        self._events = 0
        self._last: LoggedKeyEvent | None = None

    @classmethod
    def from_entries(cls, entries: Iterable[StoredEntry]) -> KeyRegistry:
        """``fold`` over the key events among ``entries``, which are in log order.

        Raises:
            LedgerError: as ``fold``; ``key-event-malformed`` also for any number of signers but one.
        """
        return cls.fold(
            LoggedKeyEvent(entry.index, entry.leaf_hash, event, _only_signer(entry))
            for entry in entries
            if isinstance(event := entry.statement.predicate, KeyEvent)
        )

    @classmethod
    def fold(cls, events: Iterable[LoggedKeyEvent]) -> KeyRegistry:
        """Apply key events in log order.

        Raises:
            LedgerError: ``key-event-order``, ``key-chain-broken``, ``key-event-malformed``,
                ``key-event-unauthorised``, ``key-enrolled-twice``, ``key-not-enrolled``.
        """
        registry = cls()
        for event in events:
            registry.apply(event)
        return registry

    def apply(self, logged: LoggedKeyEvent) -> None:
        """Take one more key event. Raises as ``fold`` does and then leaves the registry as it was."""
        self._check_chain(logged)
        public = _public_key(logged)
        self._check_authority(logged)
        if logged.event.action == "enrol":
            self._enrol(logged, public)
        else:
            self._revoke(logged)
        self._events += 1
        self._last = logged

    @property
    def events(self) -> int:
        """Number of key events so far: the ``sequence`` of the next one."""
        return self._events

    @property
    def last_leaf_hash(self) -> str | None:
        """The ``previous`` of the next key event."""
        return None if self._last is None else self._last.leaf_hash

    @property
    def enrolled(self) -> tuple[EnrolledKey, ...]:
        """Every key ever enrolled, in order of enrolment."""
        return tuple(self._keys.values())

    def roles_at(self, key_id: str, index: int) -> frozenset[Role]:
        """Roles under which entry ``index`` may be signed with this key; empty if none."""
        key = self._keys.get(key_id)
        return key.roles if key is not None and key.valid_at(index) else frozenset()

    def public_key(self, key_id: str) -> bytes:
        """SubjectPublicKeyInfo (DER) of a key that was ever enrolled, revoked ones included.

        Raises:
            EnvelopeError: ``signer-unknown``.
        """
        key = self._keys.get(key_id)
        if key is None:
            raise EnvelopeError(
                "signer-unknown",
                f"No key event enrols key {key_id[:16]}.",
                "Its signatures prove nothing. Look for a missing key event, or treat the record as forged.",
            )
        return key.public_der

    def _check_chain(self, logged: LoggedKeyEvent) -> None:
        event = logged.event
        if self._last is not None and logged.index <= self._last.index:
            raise _fault("key-event-order", logged, f"comes after one at index {self._last.index}")
        if event.sequence != self._events:
            raise _fault("key-chain-broken", logged, f"has sequence {event.sequence}, not {self._events}")
        if event.previous != self.last_leaf_hash:
            raise _fault("key-chain-broken", logged, "does not name the key event before it")

    def _check_authority(self, logged: LoggedKeyEvent) -> None:
        event = logged.event
        if self._events == 0:
            if event.action != "enrol" or event.key != logged.signer or Role.ADMIN not in event.roles:
                raise _fault(
                    "key-event-unauthorised", logged, "is the first but does not enrol its signer as admin"
                )
            return
        # The state before this event counts: nobody becomes an administrator by their own signature.
        if Role.ADMIN not in self.roles_at(logged.signer, logged.index):
            raise _fault("key-event-unauthorised", logged, f"is signed by {logged.signer[:16]}, no admin")
        if event.action == "revoke" and event.key == logged.signer:
            raise _fault("key-event-unauthorised", logged, "revokes its own signer: another admin must")

    def _enrol(self, logged: LoggedKeyEvent, public: bytes) -> None:
        event = logged.event
        if event.key in self._keys:
            raise _fault("key-enrolled-twice", logged, f"enrols {event.key[:16]} again")
        roles = frozenset(event.roles)
        self._keys[event.key] = EnrolledKey(event.key, public, roles, logged.index)

    def _revoke(self, logged: LoggedKeyEvent) -> None:
        key = self._keys.get(logged.event.key)
        if key is None or key.revoked is not None:
            raise _fault("key-not-enrolled", logged, f"revokes {logged.event.key[:16]}, which is not valid")
        self._keys[key.key_id] = EnrolledKey(
            key.key_id, key.public_der, key.roles, key.enrolled, logged.index
        )


def _only_signer(entry: StoredEntry) -> str:
    if len(entry.key_ids) != 1:
        raise LedgerError(
            "key-event-malformed",
            f"The key event at index {entry.index} has {len(entry.key_ids)} signers, not one.",
            "Trust nothing that was signed after it until an administrator explains it.",
        )
    return entry.key_ids[0]


def _public_key(logged: LoggedKeyEvent) -> bytes:
    """The event's public key, once event and key agree with each other."""
    event = logged.event
    try:
        public = base64.b64decode(event.public_key, validate=True)
    except (binascii.Error, ValueError) as error:
        raise _fault("key-event-malformed", logged, "has a public key that is not base64") from error
    if raw_ed25519(public) is None:
        raise _fault("key-event-malformed", logged, "has a public key that is not an Ed25519 key")
    if key_id(public) != event.key:
        raise _fault("key-event-malformed", logged, "has a public key with another key id")
    if len(set(event.roles)) != len(event.roles) or (event.action == "enrol" and not event.roles):
        raise _fault("key-event-malformed", logged, "has no roles, or one twice")
    return public


def _fault(code: str, logged: LoggedKeyEvent, what: str) -> LedgerError:
    return LedgerError(
        code,
        f"The key event at index {logged.index} {what}.",
        "Trust nothing that was signed after it until an administrator explains it.",
    )
