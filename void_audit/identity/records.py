"""Whether a record was signed by those who may answer for it, at its place in the log (obligation 4)."""

from __future__ import annotations

from void_audit.canon import statement as statements
from void_audit.canon.dsse import Envelope
from void_audit.errors import EnvelopeError
from void_audit.identity.registry import KeyRegistry
from void_audit.model.proof import StoredEntry
from void_audit.model.records import PAYLOAD_TYPE, Intent, KeyEvent, KeyId, Statement


def verify_entry(entry: StoredEntry, registry: KeyRegistry) -> frozenset[KeyId]:
    """``verify_record`` of an entry as it was read from a log."""
    return verify_record(Envelope.parse(entry.envelope), entry.statement, entry.index, registry)


def verify_record(
    envelope: Envelope, statement: Statement, index: int, registry: KeyRegistry
) -> frozenset[KeyId]:
    """Check who signed entry ``index``; returns the signers only if all of this holds.

    1. The envelope's payload is this statement.
    2. Every signature is good under a key that the log enrols.
    3. Every signer was enrolled and not revoked at ``index``.
    4. At least one of them held a role that the record's kind asks for.
    5. An intent is signed by the requester whom it names.

    A rotation is signed by two keys that are both of this moment, one ending and one beginning: for it the
    registry's word counts that it took place at ``index``, in place of 3 and 4.

    Raises:
        EnvelopeError: ``statement-mismatch``, ``signer-unknown``, ``signature-invalid``,
            ``signer-not-valid``, ``role-missing``, ``requester-mismatch``.
    """
    if envelope.payload_type != PAYLOAD_TYPE or statements.decode(envelope.payload) != statement:
        raise EnvelopeError("statement-mismatch", f"Entry {index} is not the envelope of this statement.")
    envelope.verify({key: registry.public_key(key) for key in envelope.key_ids})
    signers = frozenset(envelope.key_ids)
    event = statement.predicate
    if isinstance(event, KeyEvent) and event.action == "rotate":
        _check_rotation(event, signers, index, registry)
        return signers
    for key in sorted(signers):
        if not registry.roles_at(key, index):
            raise EnvelopeError(
                "signer-not-valid",
                f"Key {key[:16]} was not enrolled, or no longer valid, when entry {index} was written.",
                "The record proves nothing; ask who held the key.",
            )
    allowed = statement.predicate.signers
    if not any(registry.roles_at(key, index) & allowed for key in signers):
        raise EnvelopeError(
            "role-missing",
            f"Entry {index} ({statement.kind}) must be signed by one of: {', '.join(sorted(allowed))}.",
            "Whoever signed it could not answer for it.",
        )
    if isinstance(statement.predicate, Intent) and statement.predicate.requester not in signers:
        raise EnvelopeError(
            "requester-mismatch",
            f"The intent in entry {index} names requester {statement.predicate.requester[:16]}, "
            "who did not sign it.",
            "Nobody can be made to ask for an edit by another person.",
        )
    return signers


def _check_rotation(event: KeyEvent, signers: frozenset[KeyId], index: int, registry: KeyRegistry) -> None:
    """Refuse what is not the rotation that the registry knows of at ``index``, signed by both keys."""
    new = registry.get(event.key)
    known = new is not None and (new.enrolled, new.enrolled_by) == (index, event.replaces)
    if not known or signers != {event.key, event.replaces}:
        raise EnvelopeError(
            "signer-not-valid",
            f"The rotation in entry {index} is not signed by the old key and the new one.",
            "It proves nothing; ask who held the old key.",
        )
