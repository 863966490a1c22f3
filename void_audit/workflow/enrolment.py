"""Enrolment and revocation of keys: entries of the log like everything else."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from void_audit.canon import dsse
from void_audit.canon.keys import key_id
from void_audit.canon.statement import encode
from void_audit.errors import DeniedError, IdentityError, OrderError, StorageError
from void_audit.identity.registry import KeyRegistry, LoggedKeyEvent
from void_audit.ledger.blobs import BlobStore
from void_audit.ledger.log import Ledger
from void_audit.model.base import BlobRef
from void_audit.model.records import KeyEvent, Predicate, Role
from void_audit.model.signing import Signer
from void_audit.workflow.recorder import statement_of

ATTEMPTS = 20
"""How often a key event is drafted anew because another entry came first."""


def registry_of(ledger: Ledger) -> KeyRegistry:
    """Keys and roles as the log has them."""
    return KeyRegistry.from_entries(ledger.key_events())


def insist_on_role(ledger: Ledger, key: str, kind: type[Predicate]) -> None:
    """Refuse a record that no checker would accept under this key.

    Raises:
        DeniedError: ``role-missing`` unless ``key`` now holds a role that signs records of ``kind``.
    """
    roles = registry_of(ledger).roles_at(key, ledger.size)
    if not roles & kind.signers:
        wanted = " or ".join(sorted(kind.signers))
        raise DeniedError(
            "role-missing",
            f"Key {key[:16]} holds {', '.join(sorted(roles)) or 'no role'}; {kind.kind} takes {wanted}.",
            f"`void-audit keys add NAME --role {sorted(kind.signers)[0]}` enrols somebody for it.",
        )


def enrol(
    ledger: Ledger,
    blobs: BlobStore,
    admin: Signer,
    holder: str,
    public_der: bytes,
    roles: Sequence[Role],
    now: datetime,
) -> None:
    """Enrol a key. The first event of a log enrols its own signer. Doing it again changes nothing.

    Raises:
        DeniedError: ``role-missing`` if the signer is no admin.
        IdentityError: ``key-enrolled`` if the key holds other roles, ``key-revoked``.
        LedgerError: the log's key events do not hold together.
    """
    _append(ledger, blobs, admin, _Event("enrol", holder, public_der, tuple(sorted(set(roles)))), now)


def revoke(
    ledger: Ledger, blobs: BlobStore, admin: Signer, holder: str, public_der: bytes, now: datetime
) -> None:
    """Revoke a key from here on; what it signed before stays valid. Doing it again changes nothing.

    Raises:
        DeniedError: ``role-missing``, ``key-revokes-itself``.
        IdentityError: ``key-not-enrolled``.
        LedgerError: the log's key events do not hold together.
    """
    _append(ledger, blobs, admin, _Event("revoke", holder, public_der, ()), now)


@dataclass(frozen=True)
class _Event:
    """What happens to whose key."""

    action: Literal["enrol", "revoke"]
    holder: str
    public_der: bytes
    roles: tuple[Role, ...]

    @property
    def key(self) -> str:
        return key_id(self.public_der)


def _append(ledger: Ledger, blobs: BlobStore, admin: Signer, event: _Event, now: datetime) -> None:
    """A key event names the one before it: if another entry comes first it is drafted anew."""
    holder: BlobRef | None = None
    for _ in range(ATTEMPTS):
        ledger.settle()
        size, registry = ledger.size, registry_of(ledger)
        if _is_done(registry, event):
            return
        _insist(registry, admin, event, size)
        holder = holder or blobs.put(event.holder.encode(), "text/plain", salted=True)
        record = _record(registry, event, holder, now)
        # Refuses what no checker would accept.
        registry.apply(LoggedKeyEvent(size, "0" * 64, record, admin.key_id))
        try:
            ledger.append([dsse.seal(encode(statement_of(record, {"key": record.key})), [admin])], at=size)
        except OrderError:
            continue
        return
    raise StorageError("ledger-busy", "Other processes keep writing to the ledger.", "Try again.")


def _is_done(registry: KeyRegistry, event: _Event) -> bool:
    known = next((k for k in registry.enrolled if k.key_id == event.key), None)
    if event.action == "revoke":
        return known is not None and known.revoked is not None
    return known is not None and known.revoked is None and known.roles == set(event.roles)


def _insist(registry: KeyRegistry, admin: Signer, event: _Event, size: int) -> None:
    if registry.events and Role.ADMIN not in registry.roles_at(admin.key_id, size):
        raise DeniedError(
            "role-missing", "Only an administrator enrols or revokes keys.", "Name one with `--as NAME`."
        )
    known = next((k for k in registry.enrolled if k.key_id == event.key), None)
    if event.action == "enrol" and known is not None:
        state = "is revoked" if known.revoked is not None else f"is {', '.join(sorted(known.roles))}"
        raise IdentityError(
            "key-revoked" if known.revoked is not None else "key-enrolled",
            f"The key of {event.holder} {state}; a key is enrolled once, with its roles.",
            "Enrol a new key under another name.",
        )
    if event.action == "revoke" and known is None:
        raise IdentityError(
            "key-not-enrolled", f"The key of {event.holder} is not enrolled.", "`void-audit keys list`"
        )
    if event.action == "revoke" and event.key == admin.key_id:
        raise DeniedError(
            "key-revokes-itself",
            "No key revokes itself: the log would lose its administrator.",
            "Another administrator must: name one with `--as NAME`.",
        )


def _record(registry: KeyRegistry, event: _Event, holder: BlobRef, now: datetime) -> KeyEvent:
    return KeyEvent(
        claimed_time=now.isoformat(timespec="seconds"),
        edit=None,
        action=event.action,
        key=event.key,
        algorithm="ed25519",
        public_key=base64.b64encode(event.public_der).decode(),
        roles=event.roles,
        sequence=registry.events,
        previous=registry.last_leaf_hash,
        holder=holder,
    )
