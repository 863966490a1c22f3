"""Obligation 6: time, as far as somebody outside has fixed it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from void_audit.audit.answers import failed, first, passed, unknown
from void_audit.audit.bounds import Bound, Bounds, Covers, EarlierCheckpoint, bounds, not_seen_before
from void_audit.audit.evidence import Evidence, parse
from void_audit.errors import EvidenceError
from void_audit.model.proof import StoredEntry
from void_audit.model.report import Finding, Obligation

CLOCKS = timedelta(minutes=5)
"""By so much an honest signer's clock may be ahead of the one outside, and be put right."""

REMEDY = "A cosigned checkpoint or an RFC 3161 token, and --witness-policy or --tsa to say whose word counts."


def time(evidence: Evidence, earlier: tuple[EarlierCheckpoint, ...] = ()) -> Finding:
    """(6) Time is bounded by what comes from outside, never by an entry's own clock.

    The signers' clocks prove nothing. But a clock that runs far backwards along the log was set, and one that
    claims a time well after what outsiders have fixed contradicts them: both are failures.

    Args:
        evidence: the file, its receipt and the pins.
        earlier: checkpoints from before the edit, from which it follows when it was not there yet.
    """
    known = bounds(evidence)
    problem = _clock_problem(evidence) or first(known.problems) or _contradiction(evidence, known)
    if problem:
        return failed(Obligation.TIME, problem)
    said = [*_bounded(known), *_began(evidence, earlier)]
    claims = [entry.statement.predicate.claimed_time for entry in evidence.entries]
    span = f" The signers' own clocks say {claims[0]} to {claims[-1]}." if claims else ""
    others = (*known.uncounted, *_claimed_by_manifest(evidence))
    uncounted = f" Not counted: {first(others)}." if others else ""
    if said:
        return passed(Obligation.TIME, f"{' '.join(said)}{uncounted}")
    return unknown(
        Obligation.TIME,
        f"Neither a witness nor a time-stamping authority that is pinned has fixed a time.{uncounted}{span}",
        REMEDY,
    )


def _bounded(known: Bounds) -> Iterator[str]:
    """The earliest bound of the file, and that of its records where it is earlier still."""
    of_file = [b for b in known.found if b.covers is not Covers.RECORDS]
    of_records = [b for b in known.found if b.covers is Covers.RECORDS]
    if of_records and (not of_file or of_records[0].latest < of_file[0].latest):
        yield f"The records were there by {_word(of_records)}."
    if of_file:
        yield f"The file existed by {_word(of_file)}."


def _word(bounds_of: list[Bound]) -> str:
    """Whose word the earliest is, and by when the others have it: theirs is no earlier."""
    earliest = {b.who: b.latest for b in reversed(bounds_of)}
    told = f"{_text(bounds_of[0].latest)}, says {bounds_of[0].who}"
    others = len(earliest) - 1
    return f"{told} ({others} more by {_text(max(earliest.values()))})" if others else told


def _claimed_by_manifest(evidence: Evidence) -> Iterator[str]:
    """C2PA holds the token in a manifest to the same roots as its signer, and these may be the house's own."""
    if evidence.manifest.signed_at:
        yield (
            f"the manifest's own time stamp claims {evidence.manifest.signed_at}, under the roots pinned for its "
            "signer, which are no authority's"
        )


def _began(evidence: Evidence, earlier: tuple[EarlierCheckpoint, ...]) -> Iterator[str]:
    found = not_seen_before(evidence, earlier)
    if found:
        yield f"Its first record was not in the log that witness {found[1]} saw at {_text(found[0])}."


def _contradiction(evidence: Evidence, known: Bounds) -> str:
    """A clock that claims a time at which others had seen its record already."""
    of_seal = [b for b in known.found if b.covers is Covers.SEAL]
    claims = [(entry, _holding(evidence, known, entry.index)) for entry in evidence.entries]
    claims += [(entry, of_seal) for entry in _seal(evidence) if of_seal]
    for entry, holding in claims:
        claimed = _instant(entry.statement.predicate.claimed_time)
        limit = min(holding, key=lambda b: b.latest, default=None)
        if claimed is not None and limit is not None and claimed > limit.latest + CLOCKS:
            return (
                f"Entry {entry.index} claims {entry.statement.predicate.claimed_time}, but was there by "
                f"{_text(limit.latest)}, says {limit.who}."
            )
    return ""


def _holding(evidence: Evidence, known: Bounds, index: int) -> list[Bound]:
    """The bounds of what holds a record. A bundle shows later ones too: they are neither in its video nor sealed."""
    limits = [b for b in known.found if b.covers is Covers.RECORDS]
    inner, receipt, alone = evidence.file_checkpoint, evidence.receipt, evidence.bundle is None
    if alone or (inner is not None and index < inner.size):
        limits += [b for b in known.found if b.covers is Covers.FILE]
        sealed = _instant(evidence.manifest.signed_at)
        limits += [Bound(Covers.FILE, sealed, "the manifest's time-stamping authority")] if sealed else []
    if alone or (receipt is not None and index <= receipt.entry.index):
        limits += [b for b in known.found if b.covers is Covers.SEAL]
    return limits


def _seal(evidence: Evidence) -> list[StoredEntry]:
    try:
        return [parse(evidence.receipt.entry)] if evidence.receipt else []
    except (EvidenceError, ValueError):  # obligation 2 says so
        return []


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
            if claimed < before - CLOCKS:
                return (
                    f"Key {key[:16]} claims {text} at entry {entry.index}, after {before} at entry {index}."
                )
            latest[key] = max((before, index), (claimed, entry.index))
    return ""


def _instant(text: str | None) -> datetime | None:
    try:
        found = datetime.fromisoformat(text or "")
    except ValueError:
        return None
    return found if found.tzinfo is not None else None


def _text(when: datetime) -> str:
    return when.isoformat(timespec="seconds")
