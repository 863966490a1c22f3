"""Obligation 4: every record is signed by an enrolled key."""

from __future__ import annotations

from void_audit.audit.agreement import listing_suspicion
from void_audit.audit.answers import NO_RECORDS, PIN, failed, first, passed, unknown
from void_audit.audit.evidence import Evidence, parse
from void_audit.audit.known_keys import suspect_signatures
from void_audit.errors import EvidenceError
from void_audit.model.proof import StoredEntry
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
    suspect = (
        *suspect_signatures(_with_seal(evidence), evidence.registry),
        *listing_suspicion(evidence.bundle, evidence.registry),
    )
    if suspect:
        return unknown(
            Obligation.SIGNATURES,
            f"Signatures are good, but may be somebody else's: {first(suspect)}.",
            "Ask the house who held these keys then; nothing in the log can tell.",
        )
    if not evidence.pins.log_vkey:
        return unknown(
            Obligation.SIGNATURES,
            "The signatures agree with each other, but whose keys these are rests on the log.",
            PIN,
        )
    keys = {key for entry in evidence.entries for key in entry.key_ids}
    return passed(
        Obligation.SIGNATURES,
        f"{len(evidence.entries)} records under {len(keys)} enrolled keys.{_ended_since(evidence, keys)}"
        f"{_known_until(evidence)}",
    )


def _with_seal(evidence: Evidence) -> tuple[StoredEntry, ...]:
    """All records, and that of the seal, which only the receipt can hold."""
    if evidence.receipt is None or evidence.bundle is not None:
        return evidence.entries
    try:
        return (*evidence.entries, parse(evidence.receipt.entry))
    except (EvidenceError, ValueError):
        return evidence.entries  # obligation 2 says so


def _ended_since(evidence: Evidence, keys: set[str]) -> str:
    """Keys that ended after what they signed: that takes nothing from it."""
    known = (evidence.registry.get(key) for key in sorted(keys))
    ended = [
        f"{key.key_id[:16]} ({'revoked' if key.successor is None else 'rotated'} at entry {key.ended})"
        for key in known
        if key is not None and key.ended is not None
    ]
    return f" Ended after that: {first(ended)}." if ended else ""


def _known_until(evidence: Evidence) -> str:
    """Up to where revocations and suspicions would show."""
    outputs = [e.index for e in evidence.entries if isinstance(e.statement.predicate, Output)]
    until = max([*outputs, evidence.registry.last_index])
    if evidence.bundle is not None:  # it shows all key events under its checkpoint, says its listing
        until = max(until, evidence.bundle.listing.size - 1)
    said = f" Revocations after entry {until} would not show here." if until >= 0 else ""
    if evidence.later_keys_problem:
        said += f" What the receipt says of keys since is not believed: {evidence.later_keys_problem}."
    return said


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
