"""Obligations 4 to 6: signatures, inclusion in the log, time."""

from __future__ import annotations

from datetime import datetime

from void_audit.audit.answers import NO_RECORDS, failed, first, passed, unknown
from void_audit.audit.evidence import Evidence
from void_audit.model.records import KeyEvent, Output
from void_audit.model.report import Finding, Obligation

PIN = "--log-key VKEY, obtained from the newsroom by another way than the file."


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


def time(evidence: Evidence) -> Finding:
    """(6) Time is bounded by what comes from outside, never by an entry's own clock.

    The signers' clocks prove nothing, but one signer's clock that runs backwards along the log shows that
    it was set, so that is a failure.
    """
    problem = _clock_problem(evidence)
    if problem:
        return failed(Obligation.TIME, problem)
    if evidence.manifest.signed_at:
        return passed(
            Obligation.TIME,
            f"A trusted RFC 3161 token says that the file was sealed by {evidence.manifest.signed_at}.",
        )
    claims = [entry.statement.predicate.claimed_time for entry in evidence.entries]
    span = f" The signers' own clocks say {claims[0]} to {claims[-1]}." if claims else ""
    return unknown(
        Obligation.TIME,
        f"Neither a witness nor a time-stamping authority has fixed a time.{span}",
        "A cosigned checkpoint or an RFC 3161 token.",
    )


def _clock_problem(evidence: Evidence) -> str:
    """A clock that ran backwards, or no time at all. Times are compared as instants, whatever their zone."""
    latest: dict[str, tuple[datetime, int]] = {}
    for entry in evidence.entries:
        text = entry.statement.predicate.claimed_time
        try:
            claimed = datetime.fromisoformat(text)
        except ValueError:
            return f"Entry {entry.index} claims {text!r}, which is no time."
        if claimed.tzinfo is None:
            return f"Entry {entry.index} claims {text}, a time without a zone."
        for key in entry.key_ids:
            before, index = latest.get(key, (claimed, entry.index))
            if claimed < before:
                return (
                    f"Key {key[:16]} claims {text} at entry {entry.index}, after {before} at entry {index}."
                )
            latest[key] = (claimed, entry.index)
    return ""


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
