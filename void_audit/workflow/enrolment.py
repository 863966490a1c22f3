"""Enrolment, rotation, revocation and suspicion of keys: entries of the log like everything else."""

from __future__ import annotations

import base64
import secrets
from collections.abc import Sequence
from datetime import datetime

from void_audit.canon import dsse
from void_audit.canon.statement import encode
from void_audit.errors import DeniedError, LedgerError, OrderError, StorageError
from void_audit.identity.changes import KeyChange, is_done, refuse
from void_audit.identity.key_events import LoggedKeyEvent
from void_audit.identity.registry import KeyRegistry
from void_audit.ledger.blobs import BlobStore
from void_audit.ledger.log import Ledger
from void_audit.model.base import BlobRef
from void_audit.model.records import KeyEvent, Predicate, Role
from void_audit.model.signing import LogSigner, Signer
from void_audit.model.subject import erasure_subject, key_subject
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
    registry = registry_of(ledger)
    roles = registry.roles_at(key, ledger.size)
    known = registry.get(key)
    if known is not None and known.ended is not None:
        how = "revoked" if known.successor is None else "rotated to another"
        raise DeniedError(
            "role-missing",
            f"Key {key[:16]} was {how} at entry {known.ended}: it signs nothing any more.",
            "If `void-audit keys rotate NAME` was stopped, run it again: it goes on where it was."
            if known.successor
            else "An administrator enrols a new key for you.",
        )
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
        IdentityError: ``key-enrolled`` if the key holds other roles, ``key-revoked``, ``key-rotated``.
        LedgerError: the log's key events do not hold together.
    """
    _append(ledger, blobs, [admin], KeyChange("enrol", holder, public_der, tuple(sorted(set(roles)))), now)


def rotate(
    ledger: Ledger, blobs: BlobStore, old: LogSigner, new: LogSigner, holder: str, now: datetime
) -> None:
    """Replace a key by a new one, which takes over its roles: signed by both. Doing it again changes nothing.

    Raises:
        DeniedError: ``key-suspect``: whoever stole it could do this too.
        IdentityError: ``key-not-enrolled``, ``key-revoked``, ``key-rotated``; ``key-enrolled`` if the new one was
            enrolled before.
        LedgerError: the log's key events do not hold together.
    """
    event = KeyChange("rotate", holder, new.public_der, replaces=old.key_id)
    _append(ledger, blobs, [old, new], event, now)


def revoke(
    ledger: Ledger,
    blobs: BlobStore,
    admin: Signer,
    holder: str,
    public_der: bytes,
    now: datetime,
    since: int | None = None,
) -> None:
    """Revoke a key from here on; what it signed before stays valid. Doing it again changes nothing.

    Args:
        ledger: the log.
        blobs: where the holder's name goes.
        admin: who signs.
        holder: whose key it is.
        public_der: the key.
        now: the signer's own clock.
        since: the first entry whose signature under the key may be somebody else's.

    Raises:
        DeniedError: ``role-missing``, ``key-revokes-itself``.
        IdentityError: ``key-not-enrolled``, ``key-rotated``, ``entry-in-future``; ``key-revoked`` if it is, without
            suspicion from ``since`` on.
        LedgerError: the log's key events do not hold together.
    """
    _append(ledger, blobs, [admin], KeyChange("revoke", holder, public_der, since=since), now)


def suspect(
    ledger: Ledger, blobs: BlobStore, admin: Signer, holder: str, public_der: bytes, since: int, now: datetime
) -> None:
    """Say that signatures under a key, ended or not, may be somebody else's from entry ``since`` on.

    Nothing ends by it, and it is never taken back. Doing it again changes nothing.

    Raises:
        DeniedError: ``role-missing``.
        IdentityError: ``key-not-enrolled``, ``entry-in-future``.
        LedgerError: the log's key events do not hold together.
    """
    _append(ledger, blobs, [admin], KeyChange("suspect", holder, public_der, since=since), now)


def _append(
    ledger: Ledger, blobs: BlobStore, signers: Sequence[Signer], event: KeyChange, now: datetime
) -> None:
    """A key event names the one before it: if another entry comes first it is drafted anew."""
    holder: BlobRef | None = None
    keys = tuple(signer.key_id for signer in signers)
    for _ in range(ATTEMPTS):
        ledger.settle()
        size, registry = ledger.size, registry_of(ledger)
        if is_done(registry, event):
            return
        refuse(registry, keys[0], event, size)
        holder = holder or _name(blobs, registry, event)
        record = _record(registry, event, holder, now)
        # Refuses what no checker would accept.
        registry.apply(LoggedKeyEvent(size, "0" * 64, record, keys))
        try:
            ledger.append([dsse.seal(encode(statement_of(record, {"key": record.key})), signers)], at=size)
        except OrderError:
            continue
        return
    raise StorageError("ledger-busy", "Other processes keep writing to the ledger.", "Try again.")


def _name(blobs: BlobStore, registry: KeyRegistry, event: KeyChange) -> BlobRef:
    """The holder's name, under the subject of the person; of somebody whose name was erased, that it was."""
    person, name = registry.holder_of(event.replaces or event.key), event.holder
    try:
        return blobs.put(name.encode(), "text/plain", salted=True, subject=key_subject(person))
    except LedgerError as error:
        if error.code != "subject-erased":
            raise
    kept = erasure_subject(secrets.token_hex(16))
    return blobs.put(b"(erased)", "text/plain", salted=True, subject=kept)


def _record(registry: KeyRegistry, event: KeyChange, holder: BlobRef, now: datetime) -> KeyEvent:
    old = registry.get(event.replaces) if event.replaces else None
    return KeyEvent(
        claimed_time=now.isoformat(timespec="seconds"),
        edit=None,
        action=event.action,
        key=event.key,
        algorithm="ed25519",
        public_key=base64.b64encode(event.public_der).decode(),
        roles=tuple(sorted(old.roles)) if old else event.roles,
        sequence=registry.events,
        previous=registry.last_leaf_hash,
        holder=holder,
        replaces=event.replaces,
        compromised_since=event.since,
    )
