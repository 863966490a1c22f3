"""Obligation 5: every record is in the signed log, and who beside its operator has seen that log."""

from __future__ import annotations

from void_audit.audit.answers import NO_RECORDS, PIN, failed, first, passed, unknown
from void_audit.audit.evidence import Evidence
from void_audit.model.report import Finding, Obligation


def inclusion(evidence: Evidence) -> Finding:
    """(5) Every record is included in a checkpoint signed by the pinned log."""
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
    return passed(
        Obligation.INCLUSION,
        f"{len(evidence.assertion.records)} records in the first {evidence.checkpoint.size} entries of "
        f"{evidence.checkpoint.origin}. No witness has cosigned: operator-trusted.",
    )
