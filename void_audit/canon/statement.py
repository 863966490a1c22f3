"""In-toto Statement v1 bytes of the records, with upgrades from older record versions (design 6)."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

from pydantic import ValidationError

from void_audit.canon import jcs, merkle
from void_audit.canon.dsse import MAX_ENVELOPE, Envelope
from void_audit.errors import EnvelopeError
from void_audit.model.proof import StoredEntry
from void_audit.model.records import (
    PAYLOAD_TYPE,
    PREDICATE_BASE,
    PREDICATES,
    STATEMENT_TYPE,
    Kind,
    Predicate,
    Statement,
    Subject,
)

Upgrade = Callable[[dict[str, Any]], dict[str, Any]]

UPGRADES: dict[tuple[Kind, int], Upgrade] = {
    (Kind.PASS, 1): lambda predicate: {**predicate, "execution": {}},
    (Kind.KEY_EVENT, 1): lambda predicate: {**predicate, "replaces": None, "compromised_since": None},
}
"""``UPGRADES[kind, n]`` turns a predicate of version ``n`` into one of version ``n + 1``."""

_TYPE = re.compile(re.escape(PREDICATE_BASE) + r"([a-z-]{1,40})/v([1-9][0-9]{0,3})")
_FIELDS = {"_type", "subject", "predicateType", "predicate"}


def encode(statement: Statement) -> bytes:
    """Canonical JSON of a statement: the payload that is signed.

    Raises:
        InputError: ``json-unrepresentable``.
    """
    return jcs.canonical(statement.to_json())


def decode(payload: bytes) -> Statement:
    """Parse a payload and bring its predicate to the newest version.

    Raises:
        EnvelopeError: a ``json-*`` code, ``statement-malformed``, ``record-kind-unknown``,
            ``record-version-unknown`` or ``record-malformed``.
    """
    obj = jcs.parse(payload, MAX_ENVELOPE, error=EnvelopeError)
    if not isinstance(obj, dict) or set(obj) != _FIELDS or obj["_type"] != STATEMENT_TYPE:
        raise EnvelopeError(
            "statement-malformed",
            "The payload is not an in-toto Statement v1.",
            "It is no entry of this log.",
        )
    kind, version = _kind_of(obj["predicateType"])
    if not isinstance(obj["subject"], list) or not isinstance(obj["predicate"], dict):
        raise EnvelopeError("statement-malformed", "subject is no list or predicate is no object.")
    predicate = _upgrade(kind, version, obj["predicate"])
    try:
        return Statement(
            subjects=tuple(Subject.model_validate_json(json.dumps(s)) for s in obj["subject"]),
            predicate=PREDICATES[kind].model_validate_json(json.dumps(predicate)),
        )
    except ValidationError as error:
        raise _invalid(kind, version, error) from None


def read_entry(index: int, envelope: bytes) -> StoredEntry:
    """Parse an entry's envelope and the statement in it. Signatures are not checked here.

    Raises:
        EnvelopeError: those of ``Envelope.parse`` and ``decode``, or ``payload-type``.
    """
    parsed = Envelope.parse(envelope)
    if parsed.payload_type != PAYLOAD_TYPE:
        raise EnvelopeError(
            "payload-type", f"The payload is {parsed.payload_type}, not {PAYLOAD_TYPE}.", "Not an entry."
        )
    leaf = merkle.leaf_hash(envelope).hex()
    return StoredEntry(index, envelope, leaf, decode(parsed.payload), parsed.key_ids)


def _kind_of(predicate_type: object) -> tuple[Kind, int]:
    match = _TYPE.fullmatch(predicate_type) if isinstance(predicate_type, str) else None
    if match is None or match.group(1) not in {k.value for k in PREDICATES}:
        raise EnvelopeError(
            "record-kind-unknown",
            f"No record kind is called {str(predicate_type)[:120]!r}.",
            "A newer void-audit may know it.",
        )
    return Kind(match.group(1)), int(match.group(2))


def _upgrade(kind: Kind, version: int, predicate: dict[str, Any]) -> dict[str, Any]:
    newest = PREDICATES[kind].version
    if version > newest:
        raise _unknown_version(kind, version, newest, "Read it with a newer void-audit.")
    for step in range(version, newest):
        upgrade = UPGRADES.get((kind, step))
        if upgrade is None:
            raise _unknown_version(kind, version, newest, f"Version {step} has no upgrade.")
        try:
            predicate = upgrade(predicate)
        except (LookupError, TypeError, ValueError, AttributeError) as error:
            why = f"cannot be upgraded: {type(error).__name__}"
            raise EnvelopeError("record-malformed", f"A {kind} record (version {version}) {why}.") from error
    return predicate


def _unknown_version(kind: Kind, version: int, newest: int, hint: str) -> EnvelopeError:
    return EnvelopeError(
        "record-version-unknown", f"A {kind} record of version {version}; known is {newest}.", hint
    )


def _invalid(kind: Kind, version: int, error: ValidationError) -> EnvelopeError:
    first = error.errors(include_url=False, include_input=False)[0]
    where = ".".join(str(part) for part in first["loc"])[:200] or "record"
    return EnvelopeError(
        "record-malformed",
        f"A {kind} record (version {version}) does not keep to its schema: {where}: {first['msg'][:200]}.",
        "It was damaged, or written by something else.",
    )


__all__ = ["UPGRADES", "Predicate", "Upgrade", "decode", "encode", "read_entry"]
