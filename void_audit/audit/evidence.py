"""Everything that can be taken from a file, its receipt and the verifier's own pins, read once.

Reading never raises for what the file says: what is missing is None, what is broken is a reason in words.
The obligations then judge.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from void_audit.audit.agreement import consistency_problem, disagreements, listing_problem
from void_audit.audit.bundle import OpenedBundle, is_bundle, opened_bundle
from void_audit.audit.claims import ManifestState
from void_audit.audit.folding import Telling, tell
from void_audit.audit.known_keys import bad_signatures, known_keys, later_keys
from void_audit.audit.manifest import ManifestEvidence, read_manifest
from void_audit.audit.receipt import MAX_RECEIPT, read_receipt
from void_audit.canon.checkpoint import Checkpoint, open_checkpoint
from void_audit.canon.hashing import sha256_file, sha256_hex
from void_audit.canon.note import VerifierKey
from void_audit.canon.proof import verify_logged
from void_audit.canon.roots import check_roots
from void_audit.canon.statement import read_entry
from void_audit.canon.tlog_policy import parse_policy
from void_audit.errors import EvidenceError, IdentityError
from void_audit.identity.erasures import ErasedBlobs
from void_audit.identity.registry import KeyRegistry
from void_audit.model.base import BlobRef
from void_audit.model.lifecycle import EditState
from void_audit.model.proof import LedgerAssertion, LoggedEntry, Receipt, StoredEntry
from void_audit.model.records import HouseRecord

SALT = 32

__all__ = ["MAX_RECEIPT", "Evidence", "Pins", "gather", "gathered", "open_pinned", "parse"]


@dataclass(frozen=True)
class Pins:
    """What the verifier trusts, and got by another way than the file."""

    trust_pem: str | None = None
    log_vkey: str | None = None
    witness_policy: str | None = None
    """A C2SP tlog-policy: which witnesses of the log count, and how many are enough."""
    tsa_pem: str | None = None
    """Roots of the time-stamping authorities that count."""
    approved_weights: Callable[[str], bool] = lambda digest: False


@dataclass(frozen=True)
class Evidence:
    """What the obligations judge. They do not care whether the records came in a manifest or in a bundle."""

    file: Path
    """The video; the bundle itself where it holds none."""
    sha256: str
    pins: Pins
    manifest: ManifestEvidence
    entries: tuple[StoredEntry, ...]
    """All records that could be parsed, in log order; parsing says nothing of signatures or inclusion."""
    unreadable: tuple[str, ...]
    checkpoint: Checkpoint | None
    """What the records are proved on, if the pinned log signed it."""
    checkpoint_problem: str
    not_included: tuple[str, ...]
    registry: KeyRegistry
    bad_signatures: tuple[str, ...]
    state: EditState
    """All records of the edit folded, refused or not."""
    order_problem: str | None
    approval_problem: str | None
    receipt: Receipt | None
    receipt_problem: str
    source: Path | None
    source_sha256: str | None
    sidecar: Path | None = None
    """The manifest's file, where it lies beside the video."""
    later_keys_problem: str = ""
    """Why what the receipt says of keys, after the file was sealed, is not believed."""
    bundle: OpenedBundle | None = None
    """What the records came in, if not in the video's manifest."""
    file_checkpoint: Checkpoint | None = None
    """The checkpoint inside the file, if the pinned log signed it: another one than a bundle's own."""
    disagreements: tuple[str, ...] = ()
    """In what a bundle's records are not those of the video in it."""

    @property
    def assertion(self) -> LedgerAssertion | None:
        """The records and what belongs to them: the bundle's, else the manifest's, if it has them."""
        return self.bundle.assertion if self.bundle else self.manifest.ledger

    @property
    def has_video(self) -> bool:
        """Whether there is a finished file to look at: a bundle may hold its records only."""
        return self.bundle is None or self.bundle.video is not None

    @property
    def edit_entries(self) -> tuple[StoredEntry, ...]:
        """The edit's own records."""
        return tuple(e for e in self.entries if not isinstance(e.statement.predicate, HouseRecord))

    @cached_property
    def erasures(self) -> ErasedBlobs:
        """What records that count say was erased."""
        told = ErasedBlobs()
        for entry in self.entries:
            told.apply(entry, self.registry)
        return told

    def state_before(self, index: int) -> EditState:
        """What the edit's records said before entry ``index``; refused or not."""
        return self._telling.before(index)

    @cached_property
    def _telling(self) -> Telling:
        return Telling(self.edit_entries, self.registry)

    def subject(self, kind: str, name: str) -> str | None:
        """SHA-256 of an artifact in the newest record of a kind."""
        for entry in reversed(self.edit_entries):
            if entry.statement.kind == kind:
                for subject in entry.statement.subjects:
                    if subject.name == name:
                        return subject.digest.get("sha256")
        return None

    def blob(self, ref: BlobRef) -> bytes | None:
        """The content of an evidence blob, its digest checked; None if it is absent or another one."""
        stored = self.stored(ref.sha256)
        return stored[SALT:] if stored is not None and ref.salted else stored

    def stored(self, digest: str) -> bytes | None:
        """The stored bytes with this SHA-256, if file or bundle carry them."""
        if self.bundle is not None:
            return self.bundle.stored(digest)
        text = self.assertion.evidence.get(digest) if self.assertion else None
        if text is None:
            return None
        try:
            data = base64.b64decode(text, validate=True)
        except (binascii.Error, ValueError):
            return None
        return data if sha256_hex(data) == digest else None


@contextmanager
def gathered(file: Path, pins: Pins, source: Path | None, receipt: Path | None) -> Iterator[Evidence]:
    """``gather`` from a finished file or an evidence bundle. A bundle's video lies there only within.

    Raises:
        StorageError, IdentityError: as ``gather``.
        EvidenceError: those of ``opened_bundle``: the bundle is not as it was written.
    """
    if not is_bundle(file):
        yield gather(file, pins, source, receipt)
        return
    with opened_bundle(file) as bundle:
        yield gather(file, pins, source, receipt, bundle)


def gather(
    file: Path, pins: Pins, source: Path | None, receipt: Path | None, bundle: OpenedBundle | None = None
) -> Evidence:
    """Read everything once: from a file, or from ``bundle``, which was opened from it.

    Raises:
        StorageError: ``file-unreadable``: the file or the source cannot be read at all.
        IdentityError: ``trust-unreadable``, ``log-key-unreadable``, ``log-policy-malformed``: what was pinned
            is none. It is no fault of the file's, so it must not look like one.
    """
    video = (bundle.video or file) if bundle else file
    digest, source_digest = sha256_file(video), sha256_file(source) if source else None
    _check_pins(pins)
    sidecar = _sidecar(video)
    seen = bundle is None or bundle.video is not None
    manifest = (
        read_manifest(video, pins.trust_pem, sidecar) if seen else ManifestEvidence(ManifestState.MISSING)
    )
    assertion = bundle.assertion if bundle else manifest.ledger
    entries, unreadable = _entries(assertion)
    checkpoint, checkpoint_problem = _checkpoint(assertion, pins)
    inner = _inner(bundle, pins) if bundle else checkpoint
    registry, key_problems = known_keys(entries)
    found, receipt_problem = _receipt(video, receipt, bundle)
    if not key_problems:
        registry, later_problem = later_keys(registry, found, inner, pins.log_vkey)
    else:
        later_problem = ""
    state, order, approval = tell(entries, assertion.edit if assertion else None, registry)
    return Evidence(
        file=video,
        sha256=digest,
        pins=pins,
        manifest=manifest,
        entries=entries,
        unreadable=unreadable,
        checkpoint=checkpoint,
        checkpoint_problem=checkpoint_problem,
        not_included=(*_not_included(assertion, checkpoint), *consistency_problem(bundle, inner, checkpoint)),
        registry=registry,
        later_keys_problem=later_problem,
        bad_signatures=(
            *key_problems,
            *listing_problem(bundle, entries, registry),
            *bad_signatures(entries, registry),
        ),
        state=state,
        order_problem=order,
        approval_problem=approval,
        receipt=found,
        receipt_problem=receipt_problem,
        source=source,
        source_sha256=source_digest,
        sidecar=sidecar,
        bundle=bundle,
        file_checkpoint=inner,
        disagreements=disagreements(bundle, manifest.ledger, state.seal, found),
    )


def parse(entry: LoggedEntry) -> StoredEntry:
    """Parse a logged entry without its proof. Raises EvidenceError."""
    return read_entry(entry.index, base64.b64decode(entry.envelope))


def open_pinned(note: str, pins: Pins) -> Checkpoint:
    """A checkpoint under the pinned log key. Raises EvidenceError."""
    return open_checkpoint(note, VerifierKey.parse(pins.log_vkey or ""))


def _check_pins(pins: Pins) -> None:
    for roots in (pins.trust_pem, pins.tsa_pem):
        if roots is not None:
            check_roots(roots)
    if pins.witness_policy is not None:
        parse_policy(pins.witness_policy)
    try:
        if pins.log_vkey:
            VerifierKey.parse(pins.log_vkey)
    except EvidenceError as error:
        raise IdentityError(
            "log-key-unreadable",
            f"The pinned log key is none: {error.message}",
            "Give the log.vkey that the newsroom publishes.",
        ) from error


def _sidecar(file: Path) -> Path | None:
    sidecar = file.with_suffix(".c2pa")
    return sidecar if sidecar.is_file() and sidecar != file else None


def _entries(assertion: LedgerAssertion | None) -> tuple[tuple[StoredEntry, ...], tuple[str, ...]]:
    good: list[StoredEntry] = []
    bad: list[str] = []
    for logged in sorted(assertion.records, key=lambda r: r.index) if assertion else ():
        try:
            good.append(parse(logged))
        except (EvidenceError, ValueError) as error:
            bad.append(f"entry {logged.index}: {error}")
    return tuple(good), tuple(bad)


def _checkpoint(assertion: LedgerAssertion | None, pins: Pins) -> tuple[Checkpoint | None, str]:
    if assertion is None:
        return None, "the file carries no ledger"
    if not pins.log_vkey:
        return None, "no log key is pinned"
    try:
        return open_pinned(assertion.checkpoint, pins), ""
    except EvidenceError as error:
        return None, str(error)


def _inner(bundle: OpenedBundle, pins: Pins) -> Checkpoint | None:
    """The checkpoint inside the finished file, which a bundle repeats; None if the pinned log did not sign it."""
    try:
        return open_pinned(bundle.file_checkpoint, pins) if pins.log_vkey else None
    except EvidenceError:
        return None


def _receipt(video: Path, given: Path | None, bundle: OpenedBundle | None) -> tuple[Receipt | None, str]:
    """The receipt that was given, else the bundle's own, else the one beside the file."""
    if bundle is not None and bundle.video is None:
        return None, "the bundle holds no video that it could be of"
    if given is None and bundle is not None:
        return read_receipt(bundle.receipt) if bundle.receipt else (None, "the bundle holds no receipt")
    return read_receipt(given or video.with_name(video.name + ".receipt"))


def _not_included(assertion: LedgerAssertion | None, checkpoint: Checkpoint | None) -> tuple[str, ...]:
    problems = []
    if assertion is None or checkpoint is None:
        return ()
    for logged in assertion.records:
        try:
            verify_logged(logged, checkpoint)
        except EvidenceError as error:
            problems.append(f"entry {logged.index}: {error}")
    return tuple(problems)
