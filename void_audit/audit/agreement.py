"""What a bundle says, held against its listing's signature, the log, and the video and receipt that it holds."""

from __future__ import annotations

import base64
from collections.abc import Sequence

from void_audit.audit.bundle import OpenedBundle
from void_audit.canon import merkle
from void_audit.canon.checkpoint import Checkpoint
from void_audit.canon.note import parse
from void_audit.canon.statement import read_entry
from void_audit.errors import EvidenceError
from void_audit.identity.registry import KeyRegistry
from void_audit.model.proof import LedgerAssertion, Receipt, StoredEntry
from void_audit.model.records import KeyEvent, Predicate, Role, SealRecord


def listing_problem(
    bundle: OpenedBundle | None, entries: Sequence[StoredEntry], registry: KeyRegistry
) -> tuple[str, ...]:
    """Why the listing's signature does not hold: obligation 4 judges it as it judges the records.

    It must be good under keys that are all valid after the last entry under the bundle's checkpoint, one of them
    a machine's. Whether one of them is under suspicion there says ``listing_suspicion``.
    """
    if bundle is None or bundle.signature is None:
        return ()
    signed, place, counted = bundle.signature, bundle.listing.size, bundle.listing.key_events
    shown = sum(isinstance(entry.statement.predicate, KeyEvent) for entry in entries)
    if shown != counted:
        return (f"the bundle's listing counts {counted} key events, the bundle shows {shown}",)
    try:
        signed.verify({key: registry.public_key(key) for key in signed.key_ids})
    except EvidenceError as error:
        return (f"the bundle's listing: {error}",)
    for key in signed.key_ids:
        if not registry.roles_at(key, place):
            return (
                f"the bundle's listing is signed under key {key[:16]}, which is not valid at entry {place}",
            )
    if not any(Role.MACHINE in registry.roles_at(key, place) for key in signed.key_ids):
        return ("the bundle's listing is not signed under the key of a machine",)
    return ()


def listing_suspicion(bundle: OpenedBundle | None, registry: KeyRegistry) -> tuple[str, ...]:
    """Why the listing may have been signed by somebody else: as with a record, no fault, and no pass (obligation 4)."""
    if bundle is None or bundle.signature is None:
        return ()
    suspicions = registry.suspicions()
    return tuple(
        f"the bundle's listing: key {key[:16]}, {suspicions[key].because}"
        for key in bundle.signature.key_ids
        if key in suspicions and suspicions[key].since <= bundle.listing.size
    )


def consistency_problem(
    bundle: OpenedBundle | None, inner: Checkpoint | None, outer: Checkpoint | None
) -> tuple[str, ...]:
    """Why the log that the file saw is not the beginning of the log that the bundle saw (obligation 5)."""
    if bundle is None or outer is None:
        return ()
    if inner is None:
        return ("the checkpoint inside the file is not the pinned log's",)
    listing = bundle.listing
    if (inner.size, outer.size) != (listing.file_size, listing.size):
        return (f"the listing speaks of checkpoints of {listing.file_size} and {listing.size} entries",)
    path = [bytes.fromhex(digest) for digest in listing.consistency]
    try:
        merkle.verify_consistency(inner.size, inner.root, outer.size, outer.root, path)
    except EvidenceError as error:
        return (f"the log of the bundle does not continue that of the file: {error}",)
    return ()


def disagreements(
    bundle: OpenedBundle | None,
    carried: LedgerAssertion | None,
    seal: SealRecord | None,
    receipt: Receipt | None,
) -> tuple[str, ...]:
    """In what a bundle's records are not those that its video carries, or that its receipt proves (obligation 7)."""
    if bundle is None:
        return ()
    problems = []
    own = {record.index: record.envelope for record in bundle.assertion.records}
    if seal is None:
        problems.append("the bundle has no record of a seal")
    elif seal.log_size != bundle.listing.file_size:
        problems.append(
            f"the seal speaks of {seal.log_size} entries, the listing of {bundle.listing.file_size}"
        )
    if carried is not None:
        problems += _of_file(bundle, carried, own)
    if receipt is not None and (own.get(receipt.entry.index), seal) != (
        receipt.entry.envelope,
        _sealed(receipt),
    ):
        problems.append(f"the receipt's entry {receipt.entry.index} is not the bundle's record of the seal")
    return tuple(problems)


def _sealed(receipt: Receipt) -> Predicate | None:
    """What the receipt's entry says; None if it cannot be read."""
    try:
        return read_entry(receipt.entry.index, base64.b64decode(receipt.entry.envelope)).statement.predicate
    except (EvidenceError, ValueError):
        return None


def _of_file(bundle: OpenedBundle, carried: LedgerAssertion, own: dict[int, str]) -> list[str]:
    said, told = (carried.edit, carried.origin), (bundle.listing.edit, bundle.listing.origin)
    problems = [] if said == told else [f"the file is of edit and log {said}, the bundle of {told}"]
    for record in carried.records:
        if own.get(record.index) != record.envelope:
            problems.append(f"entry {record.index} of the file is not in the bundle, or is another one there")
    try:
        same = parse(carried.checkpoint).text == parse(bundle.file_checkpoint).text
    except EvidenceError as error:
        return [*problems, f"a checkpoint cannot be read: {error}"]
    return (
        problems if same else [*problems, "the bundle shows another checkpoint than the one inside the file"]
    )
