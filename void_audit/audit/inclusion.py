"""Obligation 5: every record is in the signed log, and who beside its operator has seen that log."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

from void_audit.audit.answers import NO_RECORDS, PIN, failed, first, passed, unknown
from void_audit.audit.evidence import Evidence, open_pinned
from void_audit.canon import merkle
from void_audit.canon.note import VerifierKey
from void_audit.canon.tlog_policy import Verdict, parse_policy
from void_audit.errors import EvidenceError
from void_audit.model.report import Finding, Obligation


def inclusion(evidence: Evidence) -> Finding:
    """(5) Every record is included in a checkpoint signed by the pinned log, which the pinned witnesses cosigned."""
    if evidence.assertion is None:
        return unknown(Obligation.INCLUSION, NO_RECORDS, "A file that was sealed by void-audit.")
    if not evidence.pins.log_vkey:
        return unknown(Obligation.INCLUSION, f"The checkpoint claims log {evidence.assertion.origin}.", PIN)
    if evidence.checkpoint is None:
        return failed(
            Obligation.INCLUSION, f"The checkpoint is not the pinned log's: {evidence.checkpoint_problem}"
        )
    if evidence.assertion.origin != evidence.checkpoint.origin:
        return failed(
            Obligation.INCLUSION,
            f"The file claims log {evidence.assertion.origin}, its checkpoint is {evidence.checkpoint.origin}'s.",
        )
    if evidence.not_included:
        return failed(Obligation.INCLUSION, first(evidence.not_included))
    return _witnessed(
        evidence,
        VerifierKey.parse(evidence.pins.log_vkey),
        f"{len(evidence.assertion.records)} records in the first {evidence.checkpoint.size} entries of "
        f"{evidence.checkpoint.origin}.",
    )


def _witnessed(evidence: Evidence, log: VerifierKey, included: str) -> Finding:
    """What there is beyond the operator's own word; never more than the pinned policy asks for."""
    if evidence.pins.witness_policy is None:
        return passed(
            Obligation.INCLUSION, f"{included} It is not said which witnesses count: operator-trusted."
        )
    policy = parse_policy(evidence.pins.witness_policy)
    if not policy.knows_log(log):
        return failed(
            Obligation.INCLUSION,
            f"The pinned witness policy is for another log than {log.name}, or makes that its own witness.",
            "The tlog-policy of this log, with its log key.",
        )
    try:
        verdict = policy.judge(_covering(evidence))
    except EvidenceError as error:
        return failed(Obligation.INCLUSION, f"{included} A cosignature is false: {error.message}")
    who = _who(verdict)
    if not verdict.members:
        seen = f" Cosigned by {who}, whom the policy does not ask for." if who else ""
        return passed(
            Obligation.INCLUSION, f"{included}{seen} The policy asks for no witness: operator-trusted."
        )
    count = f"{len(verdict.held)} of {len(verdict.members)}"
    if not verdict.met:
        seen = f" ({who})" if who else ""
        return unknown(
            Obligation.INCLUSION,
            f"{included} Witnessed {count}{seen}: fewer than the pinned policy asks for.",
            "A receipt from after the witnesses answered: its house writes one with `void-audit receipt EDIT`.",
        )
    return passed(Obligation.INCLUSION, f"{included} Witnessed {count}: {who}.")


def _covering(evidence: Evidence) -> Iterator[str]:
    """Checkpoints whose tree holds all the records: their own, and the receipt's if it is shown to continue that."""
    if evidence.assertion is None or evidence.checkpoint is None:
        return
    yield evidence.assertion.checkpoint
    receipt, inner = evidence.receipt, evidence.checkpoint
    if receipt is None or evidence.bundle is not None:  # a bundle's records go on after the file's
        return
    try:
        outer = open_pinned(receipt.checkpoint, evidence.pins)
        path = [bytes.fromhex(digest) for digest in receipt.consistency]
        merkle.verify_consistency(inner.size, inner.root, outer.size, outer.root, path)
    except (EvidenceError, ValueError):  # obligation 2 tells of it
        return
    yield receipt.checkpoint


def _who(verdict: Verdict) -> str:
    return ", ".join(f"{name}{_when(at)}" for name, at in verdict.cosigned)


def _when(at: int) -> str:
    try:
        return f" at {datetime.fromtimestamp(at, UTC):%Y-%m-%dT%H:%M:%SZ}" if at else ""
    except (ValueError, OverflowError, OSError):  # no calendar has it
        return ""
