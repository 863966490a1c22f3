"""Which blobs a record refers to."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from void_audit.model.base import BlobRef, Sha256, Value
from void_audit.model.records import Statement


def blob_refs(value: object) -> Iterator[BlobRef]:
    """Every ``BlobRef`` inside a value, however deep, in the order of its fields."""
    if isinstance(value, BlobRef):
        yield value
    elif isinstance(value, Value):
        for name in type(value).model_fields:
            yield from blob_refs(getattr(value, name))
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from blob_refs(item)
    elif isinstance(value, tuple):
        for item in value:
            yield from blob_refs(item)


def named_digests(statement: Statement) -> Iterator[Sha256]:
    """Every SHA-256 by which a statement's content may be stored: its blobs', and its subjects'. Some come twice."""
    yield from (ref.sha256 for ref in blob_refs(statement.predicate))
    yield from (s.digest["sha256"] for s in statement.subjects if "sha256" in s.digest)
