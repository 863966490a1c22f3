"""Enrolment and revocation of keys: entries of the log like everything else."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from datetime import datetime
from typing import Literal

from void_audit.canon import dsse
from void_audit.canon.hashing import sha256_hex
from void_audit.canon.statement import encode
from void_audit.errors import DeniedError
from void_audit.identity.registry import KeyRegistry, LoggedKeyEvent
from void_audit.ledger.blobs import BlobStore
from void_audit.ledger.log import Ledger
from void_audit.model.records import KeyEvent, Role
from void_audit.model.signing import Signer
from void_audit.workflow.recorder import statement_of


def registry_of(ledger: Ledger) -> KeyRegistry:
    """Keys and roles as the log has them."""
    events = (
        LoggedKeyEvent(e.index, e.leaf_hash, e.statement.predicate, e.key_ids[0])
        for e in ledger.key_events()
        if isinstance(e.statement.predicate, KeyEvent)
    )
    return KeyRegistry.fold(events)


def enrol(
    ledger: Ledger,
    blobs: BlobStore,
    admin: Signer,
    holder: str,
    public_der: bytes,
    roles: Sequence[Role],
    now: datetime,
) -> None:
    """Enrol a key. The first event of a log enrols its own signer. A key that is enrolled stays as it is.

    Raises:
        DeniedError: ``role-missing`` if the signer is no admin.
    """
    registry = registry_of(ledger)
    key = sha256_hex(public_der)
    if registry.roles_at(key, ledger.size):
        return
    _append(ledger, blobs, admin, registry, _Event("enrol", holder, public_der, tuple(sorted(roles))), now)


def revoke(
    ledger: Ledger, blobs: BlobStore, admin: Signer, holder: str, public_der: bytes, now: datetime
) -> None:
    """Revoke a key from here on; what it signed before stays valid."""
    registry = registry_of(ledger)
    _append(ledger, blobs, admin, registry, _Event("revoke", holder, public_der, ()), now)


class _Event:
    """What happens to whose key."""

    def __init__(
        self, action: Literal["enrol", "revoke"], holder: str, public_der: bytes, roles: tuple[Role, ...]
    ) -> None:
        self.action, self.holder, self.public_der, self.roles = action, holder, public_der, roles


def _append(
    ledger: Ledger, blobs: BlobStore, admin: Signer, registry: KeyRegistry, event: _Event, now: datetime
) -> None:
    if registry.events and Role.ADMIN not in registry.roles_at(admin.key_id, ledger.size):
        raise DeniedError(
            "role-missing", "Only an administrator enrols or revokes keys.", "Name one with `--as NAME`."
        )
    record = KeyEvent(
        claimed_time=now.isoformat(timespec="seconds"),
        edit=None,
        action=event.action,
        key=sha256_hex(event.public_der),
        algorithm="ed25519",
        public_key=base64.b64encode(event.public_der).decode(),
        roles=event.roles,
        sequence=registry.events,
        previous=registry.last_leaf_hash,
        holder=blobs.put(event.holder.encode(), "text/plain", salted=True),
    )
    registry.apply(
        LoggedKeyEvent(ledger.size, "0" * 64, record, admin.key_id)
    )  # refuses what no checker would accept
    ledger.append([dsse.seal(encode(statement_of(record, {"key": record.key})), [admin])])
