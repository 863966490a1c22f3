"""Which blobs a record refers to."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from void_audit.model.base import BlobRef, Value


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
