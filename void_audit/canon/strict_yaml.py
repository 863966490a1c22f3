"""YAML as plain data only: no aliases, no tags, no duplicate or odd keys, bounded size and depth."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date
from functools import lru_cache
from typing import Any

import yaml

from void_audit.errors import VoidAuditError

MAX_BYTES = 128 * 1024
MAX_DEPTH = 12

_PREFIX = "tag:yaml.org,2002:"
_TAGS = frozenset(_PREFIX + t for t in ("str", "int", "float", "bool", "null", "timestamp", "map", "seq"))


class _NotPlainError(ValueError):
    """What is not plain data, in words."""


def yaml_to_json(data: bytes, error: Callable[[str], VoidAuditError]) -> str:
    """The one document in ``data`` (UTF-8) as JSON text; dates become ISO 8601 strings.

    Args:
        data: the YAML text.
        error: makes the error to raise from a reason in words.

    Raises:
        VoidAuditError: what ``error`` makes, for anything that is not plain, bounded data.
    """
    if len(data) > MAX_BYTES:
        raise error(f"it has {len(data)} bytes, more than {MAX_BYTES}")
    try:
        return _to_json(data)
    except (yaml.YAMLError, ValueError, TypeError) as bad:
        raise error(" ".join(str(bad).split())[:500]) from None


@lru_cache(maxsize=32)
def _to_json(data: bytes) -> str:
    """Remembers: reading YAML takes far longer than judging by it, and decisions share their packs."""
    text = data.decode("utf-8")
    _check_events(text)
    # ValueError: a number or a date that cannot be one; json refuses nan and infinity.
    return json.dumps(_construct(text), allow_nan=False, default=_iso_date)


def _check_events(text: str) -> None:
    """Before any tree is built: an alias bomb or a deep nest never gets memory or stack."""
    depth = 0
    for event in yaml.parse(text, Loader=yaml.SafeLoader):
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None) is not None:
            raise _NotPlainError(f"anchors and aliases are not used here{_place(event)}")
        depth += isinstance(event, yaml.CollectionStartEvent)
        depth -= isinstance(event, yaml.CollectionEndEvent)
        if depth > MAX_DEPTH:
            raise _NotPlainError(f"it is nested deeper than {MAX_DEPTH}{_place(event)}")


def _construct(text: str) -> Any:  # noqa: ANN401 - any JSON value
    loader = yaml.SafeLoader(text)
    try:
        node = loader.get_single_node()
        if node is None:
            raise _NotPlainError("it is empty")
        _check_node(node)
        return loader.construct_document(node)
    finally:
        loader.dispose()


def _check_node(node: yaml.Node) -> None:
    if node.tag not in _TAGS:
        raise _NotPlainError(f"the tag {node.tag} is not plain data{_place(node)}")
    if isinstance(node, yaml.SequenceNode):
        for item in node.value:
            _check_node(item)
    elif isinstance(node, yaml.MappingNode):
        _check_mapping(node)


def _check_mapping(node: yaml.MappingNode) -> None:
    seen: set[str] = set()
    for key, value in node.value:
        if not isinstance(key, yaml.ScalarNode) or key.tag != _PREFIX + "str":
            raise _NotPlainError(f"a key is not text{_place(key)}")
        if key.value in seen:
            raise _NotPlainError(f"the key {key.value!r} is given twice{_place(key)}")
        seen.add(key.value)
        _check_node(value)


def _place(item: yaml.Node | yaml.Event) -> str:
    mark = item.start_mark
    return f" (line {mark.line + 1}, column {mark.column + 1})" if mark else ""


def _iso_date(value: object) -> str:
    if isinstance(value, date):  # datetime is one too
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} is not plain data")
