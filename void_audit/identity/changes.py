"""What may happen to a key now, with reasons for people; the registry's own rules stay the last word."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from void_audit.canon.keys import key_id
from void_audit.errors import DeniedError, IdentityError
from void_audit.identity.registry import EnrolledKey, KeyRegistry
from void_audit.model.records import Role


@dataclass(frozen=True)
class KeyChange:
    """What is to happen to whose key."""

    action: Literal["enrol", "rotate", "revoke", "suspect"]
    holder: str
    """Name, for people: the log knows it only as a salted commitment."""
    public_der: bytes
    roles: tuple[Role, ...] = ()
    """Of ``enrol``; a rotation takes over the old key's."""
    replaces: str | None = None
    """Of ``rotate``: the old key."""
    since: int | None = None
    """Of ``revoke`` and ``suspect``: the first suspect entry."""

    @property
    def key(self) -> str:
        """Key id."""
        return key_id(self.public_der)


def is_done(registry: KeyRegistry, change: KeyChange) -> bool:
    """Whether the log says so already."""
    known = registry.get(change.key)
    if known is None:
        return False
    match change.action:
        case "enrol":
            return known.ended is None and known.roles == set(change.roles)
        case "rotate":
            return known.enrolled_by == change.replaces and known.holder != known.key_id
        case "revoke":
            return known.revoked is not None and (change.since is None or _suspected(known, change.since))
        case "suspect":
            return change.since is not None and _suspected(known, change.since)


def refuse(registry: KeyRegistry, signer: str, change: KeyChange, size: int) -> None:
    """Raise if the log, ``size`` entries long, does not let ``signer`` make this change.

    Raises:
        DeniedError: ``role-missing``, ``key-revokes-itself``, ``key-suspect``.
        IdentityError: ``key-not-enrolled``, ``key-enrolled``, ``key-revoked``, ``key-rotated``, ``entry-in-future``.
    """
    needs_admin = change.action != "rotate" and registry.events
    if needs_admin and Role.ADMIN not in registry.roles_at(signer, size):
        raise DeniedError(
            "role-missing",
            "Only an administrator enrols, revokes or suspects keys.",
            "Name one with `--as NAME`.",
        )
    if change.action in {"enrol", "rotate"}:
        _refuse_new(registry, change)
    else:
        _refuse_known(registry, signer, change, size)


def _refuse_new(registry: KeyRegistry, change: KeyChange) -> None:
    known = registry.get(change.key)
    if known is not None:
        state = _ended(known) or f"is {', '.join(sorted(known.roles))}"
        raise IdentityError(
            _code(known) or "key-enrolled",
            f"The key of {change.holder} {state}; a key is enrolled once, with its roles.",
            "Enrol a new key under another name." if change.action == "enrol" else "Rotate to a new key.",
        )
    if change.action == "rotate":
        old = registry.get(change.replaces or "")
        if old is None:
            raise _not_enrolled(change)
        if old.ended is not None:
            raise IdentityError(
                _code(old),
                f"The key of {change.holder} {_ended(old)}.",
                "An administrator enrols a new key: `void-audit keys add`.",
            )
        if old.key_id in registry.suspicions():
            raise DeniedError(
                "key-suspect",
                f"The key of {change.holder} is under suspicion: whoever stole it could rotate it too.",
                "An administrator revokes it and enrols a new one.",
            )


def _refuse_known(registry: KeyRegistry, signer: str, change: KeyChange, size: int) -> None:
    known = registry.get(change.key)
    if known is None:
        raise _not_enrolled(change)
    if change.since is not None and change.since > size:
        raise IdentityError(
            "entry-in-future",
            f"Entry {change.since} is not written yet: the log has {size}.",
            "Name the first entry that may be somebody else's; `void-audit history EDIT` shows their numbers.",
        )
    if change.action == "revoke" and known.ended is not None:
        raise IdentityError(
            _code(known),
            f"The key of {change.holder} {_ended(known)}.",
            "`void-audit keys suspect NAME --since INDEX` says that what it signed may be somebody else's.",
        )
    if change.action == "revoke" and change.key == signer:
        raise DeniedError(
            "key-revokes-itself",
            "No key revokes itself: the log would lose its administrator.",
            "Another administrator must: name one with `--as NAME`.",
        )


def _suspected(key: EnrolledKey, since: int) -> bool:
    return key.compromised_since is not None and key.compromised_since <= since


def _ended(key: EnrolledKey) -> str:
    if key.successor is not None:
        return f"was rotated to {key.successor[:16]}"
    return "" if key.revoked is None else "is revoked"


def _code(key: EnrolledKey) -> str:
    if key.successor is not None:
        return "key-rotated"
    return "" if key.revoked is None else "key-revoked"


def _not_enrolled(change: KeyChange) -> IdentityError:
    return IdentityError(
        "key-not-enrolled", f"The key of {change.holder} is not enrolled.", "`void-audit keys list`"
    )
