"""Obligation 4: every record is signed by an enrolled key."""

from __future__ import annotations

from void_audit.audit.answers import NO_RECORDS, PIN, failed, first, passed, unknown
from void_audit.audit.evidence import Evidence
from void_audit.model.records import KeyEvent, Output
from void_audit.model.report import Finding, Obligation


def signatures(evidence: Evidence) -> Finding:
    """(4) Every record's signature is valid under a key enrolled for that role at that point, not revoked."""
    if evidence.assertion is None or not evidence.assertion.records:
        return unknown(Obligation.SIGNATURES, NO_RECORDS, "A file that was sealed by void-audit.")
    if evidence.unreadable:
        return failed(Obligation.SIGNATURES, f"Records cannot be read: {first(evidence.unreadable)}")
    if evidence.bad_signatures:
        return failed(Obligation.SIGNATURES, first(evidence.bad_signatures))
    withheld = _withheld_key_events(evidence)
    if withheld:
        return failed(Obligation.SIGNATURES, withheld)
    if not evidence.pins.log_vkey:
        return unknown(
            Obligation.SIGNATURES,
            "The signatures agree with each other, but whose keys these are rests on the log.",
            PIN,
        )
    keys = {key for entry in evidence.entries for key in entry.key_ids}
    known = [e.index for e in evidence.entries if isinstance(e.statement.predicate, Output)]
    until = f" Revocations after entry {known[-1]} would not show here." if known else ""
    return passed(
        Obligation.SIGNATURES, f"{len(evidence.entries)} records under {len(keys)} enrolled keys.{until}"
    )


def _withheld_key_events(evidence: Evidence) -> str:
    """The output says how many key events the log had; a revocation left out of the file is noticed."""
    for entry in evidence.entries:
        output = entry.statement.predicate
        if isinstance(output, Output):
            shown = sum(
                isinstance(e.statement.predicate, KeyEvent) and e.index < entry.index
                for e in evidence.entries
            )
            if shown != output.key_events:
                return f"The log held {output.key_events} key events at entry {entry.index}; the file shows {shown}."
    return ""
