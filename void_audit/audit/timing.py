"""Obligation 6: time, as far as somebody outside has fixed it."""

from __future__ import annotations

from datetime import datetime

from void_audit.audit.answers import failed, passed, unknown
from void_audit.audit.evidence import Evidence
from void_audit.model.report import Finding, Obligation


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
