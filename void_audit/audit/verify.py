"""``verify``: what can be proven of a file or of an evidence bundle, obligation by obligation (design section 7).

 (0) the manifest is bound to these bytes        (7) nothing is missing or out of order
 (1) its signer chains to a pinned root          (8) the rules give the recorded verdicts
 (2) the ledger's seal names this very file      (9) enough other people approved this plan
 (3) the parent is the source asked for         (10) the mask is the recorded one
 (4) every record is signed by an enrolled key  (11) engines and model files are approved
 (5) every record is in the signed log          (12) outside the mask it is the source
 (6) time is bounded from outside               (13, 14) durable marks, replay

Imports no stage, no writer, no torch, no database. Works on a machine that has only the file and the pins.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from void_audit.audit import carrier, inclusion, pictures, signatures, story, timing
from void_audit.audit.answers import Check, bounded, failed, not_applicable
from void_audit.audit.evidence import Evidence, Pins, gathered
from void_audit.model.report import Finding, Obligation, Report

NOT_PROVEN = (
    "that the pictured events are true, before or after the edit",
    "that the operator logged every edit: what was never recorded leaves no trace here",
    "that the people behind the keys saw what they approved, or that different keys are different people",
    "that the house's rules are good ones: the packs are named by digest, and are the house's own",
    "that the engines on record are the ones that ran, or that the mask follows from the reasoning",
    "that no later version of the log contradicts this one, unless independent witnesses have cosigned it",
)

CHECKS: dict[Obligation, Check] = {
    Obligation.BINDING: carrier.binding,
    Obligation.SIGNER: carrier.signer,
    Obligation.FILE_DIGEST: carrier.file_digest,
    Obligation.LINEAGE: carrier.lineage,
    Obligation.SIGNATURES: signatures.signatures,
    Obligation.INCLUSION: inclusion.inclusion,
    Obligation.TIME: timing.time,
    Obligation.ORDER: story.order,
    Obligation.POLICY: story.policy,
    Obligation.APPROVALS: story.approvals,
    Obligation.MASK: pictures.mask,
    Obligation.MODELS: story.models,
    Obligation.CONTAINMENT: pictures.containment,
}


def verify(file: Path, pins: Pins, source: Path | None = None, receipt: Path | None = None) -> Report:
    """Answer every obligation for ``file``, a finished video or an evidence bundle.

    Nothing in a video can raise; it can only fail.

    Raises:
        StorageError: ``file-unreadable``: the file, or the source given, cannot be read.
        IdentityError: ``trust-unreadable``, ``log-key-unreadable``: the pins given are none.
        EvidenceError: a bundle is not as it was written; see ``opened_bundle``.
    """
    with gathered(file, pins, source, receipt) as evidence:
        return answer(evidence, file)


def answer(evidence: Evidence, file: Path) -> Report:
    """Every obligation answered from what was gathered; ``file`` is what the report is said to be about."""
    findings = [_answer(obligation, check, evidence) for obligation, check in CHECKS.items()]
    findings += [
        not_applicable(Obligation.DURABLE_MARKS, "This version makes no fingerprint and no watermark."),
        not_applicable(
            Obligation.REPLAY,
            "Not asked for: `void-audit replay EDIT` runs the plan again where the records and models are.",
        ),
    ]
    name = str(file).encode(errors="replace").decode()[:4000]  # file names need not be text
    about = tuple(bounded(line) for line in _about(evidence))
    return Report(file=name, findings=tuple(findings), not_proven=NOT_PROVEN, about=about)


def _about(evidence: Evidence) -> Iterator[str]:
    """How far a bundle reaches beyond the file in it."""
    if evidence.bundle is None:
        return
    listing, video = evidence.bundle.listing, "with" if evidence.has_video else "without"
    yield (
        f"An evidence bundle of edit {listing.edit}, {video} its video: {len(evidence.entries)} records, all on "
        f"the checkpoint of {listing.size} entries; the file saw {listing.file_size} of them."
    )
    yield (
        f"Whose keys count is known up to entry {listing.size - 1}, as far as the house shows it: "
        f"{evidence.registry.events} key events. What came later would not show."
    )
    absent = Counter(str(blob.because) for blob in listing.absent)
    if absent:
        yield f"Content that the records name and the bundle does not hold: {_counted(absent)}."


def _counted(absent: Counter[str]) -> str:
    return ", ".join(f"{count} {because}" for because, count in sorted(absent.items()))


def _answer(obligation: Obligation, check: Check, evidence: Evidence) -> Finding:
    try:
        return check(evidence)
    except Exception as error:  # noqa: BLE001 - whatever a hostile file makes us stumble over is no pass
        return failed(obligation, f"The evidence is malformed: {type(error).__name__}: {error}")
