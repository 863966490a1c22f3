"""Which key was answerable for what, at which point of the log: folded from the key events alone.

The rules (spec/ledger 3, key theft):

1. Key event 0 enrols its own signer as an administrator. Every other one but a rotation is signed under a key
   that is an administrator before that event.
2. ``sequence`` counts without a gap and ``previous`` is the leaf hash of the key event before it.
3. A key is enrolled once, with its roles; one that has ended never returns.
4. A key is valid from the index of its enrolment up to, but not including, that of its revocation or rotation.
5. No key revokes itself. Hence its revoker stays, and the log always has an administrator.
6. A rotation is signed by a valid key and by one that was never enrolled, which takes over its roles, and its
   *holder*: both keys are one person's, who neither approves twice nor what they asked for themselves.
7. A key under suspicion is not rotated: whoever stole it could. An administrator revokes it.
8. Suspicion only grows: the earliest ``compromised_since`` counts. It ends nothing by itself. It passes on to
   every key that a suspect key enrolled, or was rotated to, within its suspect range.

Signatures are not checked here but by ``verify_record``, for which the registry supplies the keys.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from void_audit.errors import EnvelopeError
from void_audit.identity.key_events import LoggedKeyEvent, public_key_of
from void_audit.model.proof import StoredEntry
from void_audit.model.records import Role


@dataclass(frozen=True)
class EnrolledKey:
    """A key's life in the log, in indices of entries."""

    key_id: str
    public_der: bytes
    roles: frozenset[Role]
    enrolled: int
    holder: str
    """The first key of the chain of rotations that this one belongs to: whose it is."""
    enrolled_by: str
    """The administrator's key, or the one that was rotated to this one."""
    revoked: int | None = None
    rotated: int | None = None
    successor: str | None = None
    compromised_since: int | None = None
    """As an administrator said of this very key; see ``KeyRegistry.suspicions`` for what follows from others."""

    @property
    def ended(self) -> int | None:
        """The entry from which on the key counts no more; None while it is valid."""
        return self.revoked if self.rotated is None else self.rotated

    def valid_at(self, index: int) -> bool:
        """Whether entry ``index`` may be signed under this key."""
        return self.enrolled <= index and (self.ended is None or index < self.ended)


@dataclass(frozen=True)
class Suspicion:
    """From entry ``since`` on signatures under a key may be somebody else's."""

    since: int
    because: str
    """In words, as part of a sentence."""


class KeyRegistry:
    """The keys of one log. Pure: no files, no clock."""

    def __init__(self) -> None:
        self._keys: dict[str, EnrolledKey] = {}
        self._said: dict[str, int] = {}
        self._suspicions: dict[str, Suspicion] | None = None
        self._events = 0
        self._last: LoggedKeyEvent | None = None

    @classmethod
    def from_entries(cls, entries: Iterable[StoredEntry]) -> KeyRegistry:
        """``fold`` over the key events among ``entries``, which are in log order. Raises as ``fold`` does."""
        events = (LoggedKeyEvent.of(entry) for entry in entries)
        return cls.fold(event for event in events if event is not None)

    @classmethod
    def fold(cls, events: Iterable[LoggedKeyEvent]) -> KeyRegistry:
        """Apply key events in log order.

        Raises:
            LedgerError: ``key-event-order``, ``key-chain-broken``, ``key-event-malformed``,
                ``key-event-unauthorised``, ``key-enrolled-twice``, ``key-not-enrolled``, ``key-suspect``.
        """
        registry = cls()
        for event in events:
            registry.apply(event)
        return registry

    def copy(self) -> KeyRegistry:
        """Another registry that knows the same, and may learn more."""
        other = KeyRegistry()
        other._keys, other._said = dict(self._keys), dict(self._said)
        other._events, other._last = self._events, self._last
        return other

    def apply(self, logged: LoggedKeyEvent) -> None:
        """Take one more key event. Raises as ``fold`` does and then leaves the registry as it was."""
        self._check_chain(logged)
        public = public_key_of(logged)
        self._check_authority(logged)
        match logged.event.action:
            case "enrol":
                self._enrol(logged, public)
            case "rotate":
                self._rotate(logged, public)
            case "revoke":
                self._revoke(logged)
            case "suspect":
                self._suspect(logged, self._known(logged))
        self._suspicions = None
        self._events += 1
        self._last = logged

    @property
    def events(self) -> int:
        """Number of key events so far: the ``sequence`` of the next one."""
        return self._events

    @property
    def last_index(self) -> int:
        """The entry of the newest key event; -1 if there is none."""
        return -1 if self._last is None else self._last.index

    @property
    def last_leaf_hash(self) -> str | None:
        """The ``previous`` of the next key event."""
        return None if self._last is None else self._last.leaf_hash

    @property
    def enrolled(self) -> tuple[EnrolledKey, ...]:
        """Every key ever enrolled, in order of enrolment."""
        return tuple(self._keys.values())

    def get(self, key_id: str) -> EnrolledKey | None:
        """What is known of a key; None if it was never enrolled."""
        return self._keys.get(key_id)

    def roles_at(self, key_id: str, index: int) -> frozenset[Role]:
        """Roles under which entry ``index`` may be signed with this key; empty if none."""
        key = self._keys.get(key_id)
        return key.roles if key is not None and key.valid_at(index) else frozenset()

    def holder_of(self, key_id: str) -> str:
        """Whose key it is: the first key of its chain of rotations; itself if it was never enrolled."""
        key = self._keys.get(key_id)
        return key_id if key is None else key.holder

    def holders_of(self, key_ids: Iterable[str]) -> tuple[str, ...]:
        """``holder_of`` each, in their order, nobody twice."""
        return tuple(dict.fromkeys(self.holder_of(key) for key in key_ids))

    def holder_roles_at(self, key_id: str, index: int) -> frozenset[Role]:
        """Roles of whoever holds this key at entry ``index``, under whichever of their keys is valid there."""
        holder = self.holder_of(key_id)
        keys = (key for key in self._keys.values() if key.holder == holder)
        return next((key.roles for key in keys if key.valid_at(index)), frozenset())

    def present_key(self, key_id: str) -> EnrolledKey | None:
        """The newest key of whoever holds this one, ended or not; None if it was never enrolled."""
        key = self._keys.get(key_id)
        while key is not None and key.successor is not None:
            key = self._keys[key.successor]
        return key

    def public_key(self, key_id: str) -> bytes:
        """SubjectPublicKeyInfo (DER) of a key that was ever enrolled, ended ones included.

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

    def suspicions(self) -> dict[str, Suspicion]:
        """Every key of which signatures are suspect, with the entry from which on they are. Not to be changed."""
        if self._suspicions is None:
            self._suspicions = self._all_suspicions()
        return self._suspicions

    def _all_suspicions(self) -> dict[str, Suspicion]:
        found: dict[str, Suspicion] = {}
        if not self._said:
            return found
        for key in self._keys.values():  # in order of enrolment: whoever enrolled a key comes before it
            said = _said_of(key, self._said.get(key.key_id, 0))
            maker = found.get(key.enrolled_by)
            if (
                maker is not None
                and maker.since <= key.enrolled
                and (said is None or key.enrolled < said.since)
            ):
                by = f"it was enrolled at entry {key.enrolled} under key {key.enrolled_by[:16]}, {maker.because}"
                said = Suspicion(key.enrolled, by if len(by) < 500 else f"{by[:500]}...")
            if said is not None:
                found[key.key_id] = said
        return found

    def _check_chain(self, logged: LoggedKeyEvent) -> None:
        event = logged.event
        if self._last is not None and logged.index <= self._last.index:
            raise logged.fault("key-event-order", f"comes after one at index {self._last.index}")
        if event.sequence != self._events:
            raise logged.fault("key-chain-broken", f"has sequence {event.sequence}, not {self._events}")
        if event.previous != self.last_leaf_hash:
            raise logged.fault("key-chain-broken", "does not name the key event before it")

    def _check_authority(self, logged: LoggedKeyEvent) -> None:
        event, signer = logged.event, logged.signers[0]
        if self._events == 0:
            if event.action != "enrol" or event.key != signer or Role.ADMIN not in event.roles:
                raise logged.fault(
                    "key-event-unauthorised", "is the first but does not enrol its signer as admin"
                )
            return
        if event.action == "rotate":
            return  # by its own signatures: see _rotate
        # The state before this event counts: nobody becomes an administrator by their own signature.
        if Role.ADMIN not in self.roles_at(signer, logged.index):
            raise logged.fault("key-event-unauthorised", f"is signed by {signer[:16]}, no admin")
        if event.action == "revoke" and event.key == signer:
            raise logged.fault("key-event-unauthorised", "revokes its own signer: another admin must")

    def _enrol(self, logged: LoggedKeyEvent, public: bytes) -> None:
        event = logged.event
        if event.key in self._keys:
            raise logged.fault("key-enrolled-twice", f"enrols {event.key[:16]} again")
        self._keys[event.key] = EnrolledKey(
            event.key, public, frozenset(event.roles), logged.index, event.key, logged.signers[0]
        )

    def _rotate(self, logged: LoggedKeyEvent, public: bytes) -> None:
        event = logged.event
        old = self._keys.get(event.replaces or "")
        if event.key in self._keys:
            raise logged.fault(
                "key-enrolled-twice", f"rotates to {event.key[:16]}, which was enrolled before"
            )
        if old is None or not old.valid_at(logged.index):
            raise logged.fault("key-not-enrolled", f"rotates {str(event.replaces)[:16]}, which is not valid")
        if old.key_id in self.suspicions():
            raise logged.fault("key-suspect", f"rotates {old.key_id[:16]}, which is under suspicion")
        if old.roles != set(event.roles):
            raise logged.fault("key-event-unauthorised", "gives the new key other roles than the old one's")
        self._keys[old.key_id] = replace(old, rotated=logged.index, successor=event.key)
        self._keys[event.key] = EnrolledKey(
            event.key, public, old.roles, logged.index, old.holder, old.key_id
        )

    def _revoke(self, logged: LoggedKeyEvent) -> None:
        key = self._known(logged)
        if key.ended is not None:
            raise logged.fault("key-not-enrolled", f"revokes {key.key_id[:16]}, which is not valid")
        key = replace(key, revoked=logged.index)
        self._keys[key.key_id] = key
        if logged.event.compromised_since is not None:
            self._suspect(logged, key)

    def _suspect(self, logged: LoggedKeyEvent, key: EnrolledKey) -> None:
        since = logged.event.compromised_since
        if since is not None and (key.compromised_since is None or since < key.compromised_since):
            self._keys[key.key_id] = replace(key, compromised_since=since)
            self._said[key.key_id] = logged.index

    def _known(self, logged: LoggedKeyEvent) -> EnrolledKey:
        key = self._keys.get(logged.event.key)
        if key is None:
            raise logged.fault("key-not-enrolled", f"is about {logged.event.key[:16]}, which is not enrolled")
        return key


def _said_of(key: EnrolledKey, index: int) -> Suspicion | None:
    if key.compromised_since is None:
        return None
    return Suspicion(
        key.compromised_since, f"suspect from entry {key.compromised_since} on, as entry {index} says"
    )
