"""What others say of when: tokens of time-stamping authorities and cosignatures of witnesses that the verifier pinned.

Whoever says "I saw this digest at T" says that whatever the digest binds existed by T. A checkpoint binds the
records with an inclusion proof in it; the checkpoint of the receipt binds the seal record, which names the file.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

from void_audit.audit.evidence import Evidence, open_pinned
from void_audit.canon import merkle
from void_audit.canon.note import VerifierKey
from void_audit.canon.proof import verify_logged
from void_audit.canon.timestamp import claimed_time, note_digest, verify_token
from void_audit.canon.tlog_policy import agreed_at, cosigned_at, parse_policy
from void_audit.errors import EvidenceError, TokenError
from void_audit.model.proof import TimestampToken
from void_audit.model.records import SealRecord


class Covers(StrEnum):
    """What existed by a time; each includes the ones above it."""

    RECORDS = "the records"
    FILE = "the file"
    SEAL = "the seal record"


@dataclass(frozen=True)
class Bound:
    """On whose word what existed by when."""

    covers: Covers
    latest: datetime
    who: str


@dataclass(frozen=True)
class Bounds:
    """All that is known of when, from outside."""

    found: tuple[Bound, ...]
    problems: tuple[str, ...]
    """Tokens that are not what they are said to be."""
    uncounted: tuple[str, ...]
    """What was said by somebody who is not pinned, or of something that is not known to hold."""


@dataclass(frozen=True)
class EarlierCheckpoint:
    """A checkpoint from before the edit, and that the file's own extends it."""

    note: str
    consistency: tuple[str, ...]
    """RFC 6962 consistency proof to the file's checkpoint, hexadecimal."""


@dataclass(frozen=True)
class _Bearer:
    """Something that tokens and cosignatures are of."""

    covers: Covers
    digest: bytes
    unproven: str
    """Why it binds nothing, if it does not."""
    note: str = ""
    """Its text, where it is a checkpoint."""


def bounds(evidence: Evidence) -> Bounds:
    """Every bound that holds, earliest first. Never raises for what a file says."""
    found, problems, uncounted = [], [], []
    for bearer, given in _said(evidence):
        try:
            if isinstance(given, TimestampToken):
                found.append(_by_token(evidence, bearer, given))
            else:
                found += _by_witnesses(evidence, bearer)
        except _Uncounted as reason:
            uncounted.append(str(reason))
        except EvidenceError as error:
            problems.append(f"{bearer.covers}: {error.message}")
    return Bounds(tuple(sorted(found, key=lambda b: b.latest)), tuple(problems), tuple(uncounted))


def not_seen_before(
    evidence: Evidence, earlier: tuple[EarlierCheckpoint, ...]
) -> tuple[datetime, str] | None:
    """The latest time at which a witness's log had not reached the edit's first record, and whose word that is.

    A witness signs nothing smaller than what it has signed. So what it cosigned at T it had not seen more of
    before T. A time-stamp token says no such thing: one can be had of an old checkpoint at any time.
    """
    policy, inner = evidence.pins.witness_policy, evidence.checkpoint
    if policy is None or inner is None or not evidence.edit_entries or evidence.not_included:
        return None
    before: list[tuple[datetime, str]] = []
    for known in earlier:
        try:
            old = open_pinned(known.note, evidence.pins)
            proof = [bytes.fromhex(digest) for digest in known.consistency]
            merkle.verify_consistency(old.size, old.root, inner.size, inner.root, proof)
            if old.size <= evidence.edit_entries[0].index:
                before += [(_instant(at), name) for name, at in cosigned_at(known.note, parse_policy(policy))]
        except (EvidenceError, ValueError, OverflowError):
            continue
    return max(before, default=None)


class _Uncounted(Exception):
    """Why something is no bound, though nothing is wrong with it."""


def _said(evidence: Evidence) -> Iterator[tuple[_Bearer, TimestampToken | None]]:
    """What is said of what; None stands for the cosignatures of a checkpoint."""
    if evidence.assertion is not None:
        inner = _checkpoint(Covers.RECORDS, evidence.assertion.checkpoint, _records_unproven(evidence))
        yield inner, None
        for token in evidence.assertion.timestamps:  # a file cannot carry a token of itself
            yield inner, token
    if evidence.receipt is not None:
        outer = _checkpoint(Covers.SEAL, evidence.receipt.checkpoint, _seal_unproven(evidence))
        yield outer, None
        for token in evidence.receipt.timestamps:
            yield outer if token.covers == "checkpoint" else _file(evidence), token


def _file(evidence: Evidence) -> _Bearer:
    return _Bearer(Covers.FILE, bytes.fromhex(evidence.sha256), "")


def _checkpoint(covers: Covers, note: str, unproven: str) -> _Bearer:
    try:
        return _Bearer(covers, note_digest(note), unproven, note)
    except EvidenceError as error:
        return _Bearer(covers, b"", str(error))


def _records_unproven(evidence: Evidence) -> str:
    if evidence.checkpoint is None:
        return evidence.checkpoint_problem or "no log key is pinned"
    return "not all records are in its checkpoint" if evidence.not_included else ""


def _seal_unproven(evidence: Evidence) -> str:
    """Why the receipt's checkpoint does not bind this very file, if it does not."""
    receipt, pins = evidence.receipt, evidence.pins
    if receipt is None or not pins.log_vkey:
        return "no log key is pinned"
    try:
        entry = verify_logged(receipt.entry, open_pinned(receipt.checkpoint, pins))
    except (EvidenceError, ValueError) as error:
        return f"the receipt does not hold: {error}"
    sealed = {s.name: s.digest.get("sha256") for s in entry.statement.subjects}.get("sealed")
    if not isinstance(entry.statement.predicate, SealRecord) or sealed != evidence.sha256:
        return "its receipt is of another file"
    return ""


def _by_token(evidence: Evidence, bearer: _Bearer, given: TimestampToken) -> Bound:
    try:
        token = base64.b64decode(given.token, validate=True)
    except (binascii.Error, ValueError):
        raise TokenError("token-malformed", "A token is not in base64.", "It was damaged.") from None
    claim = f"A token that covers {bearer.covers} claims {_text(claimed_time(token))}"
    if bearer.unproven:
        raise _Uncounted(f"{claim}, but {bearer.unproven}")
    if evidence.pins.tsa_pem is None:
        raise _Uncounted(f"{claim}, but no root of a time-stamping authority is pinned")
    try:
        stamp = verify_token(token, bearer.digest, evidence.pins.tsa_pem)
    except TokenError as error:
        if error.code == "token-untrusted":
            raise _Uncounted(f"{claim}: {error.message.rstrip('.')}") from error
        raise
    return Bound(bearer.covers, stamp.latest, stamp.authority)


def _by_witnesses(evidence: Evidence, bearer: _Bearer) -> list[Bound]:
    """What as many witnesses say as the pinned policy asks for: one alone may be wrong, or lie."""
    policy, log = evidence.pins.witness_policy, evidence.pins.log_vkey
    if policy is None or not log or bearer.unproven:
        return []
    pinned = parse_policy(policy)
    if not pinned.knows_log(VerifierKey.parse(log)):
        return []
    agreed, told = agreed_at(bearer.note, pinned), cosigned_at(bearer.note, pinned)
    if agreed is None and told:
        names = ", ".join(name for name, _ in told)
        raise _Uncounted(f"{names} cosigned what covers {bearer.covers}: too few for the pinned policy")
    try:
        return [Bound(bearer.covers, _instant(agreed[1]), _witnesses(agreed[0]))] if agreed else []
    except OverflowError:
        raise TokenError("cosignature-time", "A cosignature names no time.", "Ask its witness.") from None


def _witnesses(names: tuple[str, ...]) -> str:
    return f"witness{'es' * (len(names) > 1)} {', '.join(names)}"


def _instant(seconds: int) -> datetime:
    """Raises OverflowError for a time that no calendar has."""
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (ValueError, OSError) as error:
        raise OverflowError from error


def _text(when: datetime) -> str:
    return when.isoformat(timespec="seconds")
