"""Facts as conditions read them: their names, their types, their values, and what of them a stage knows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from functools import partial
from types import UnionType
from typing import Annotated, Any, Literal, get_args, get_origin

from pydantic import AwareDatetime

from void_audit.model.base import Value
from void_audit.model.decision import Stage
from void_audit.model.facts import Facts, RequestFacts
from void_audit.model.request import EditRequest
from void_audit.policy.sweeping import swept_words
from void_audit.policy.words import EXTRACTOR, words_of

FactType = Literal["string", "int", "double", "bool", "timestamp", "list(string)", "list(timestamp)"]
FactValue = str | int | float | bool | datetime | list[str] | list[datetime]

_ALWAYS = frozenset({"now", "extractor", "request", "source"})

PARTS: Mapping[Stage, frozenset[str]] = {
    "intent": _ALWAYS,
    "reason": _ALWAYS | {"query"},
    "plan": _ALWAYS | {"mask", "reasoning", "engine"},
    "output": _ALWAYS | {"mask", "reasoning", "engine", "output"},
}
"""Which parts of ``Facts`` are known at a stage."""

_SCALARS: dict[Any, FactType] = {
    str: "string", int: "int", float: "double", bool: "bool", datetime: "timestamp", AwareDatetime: "timestamp",
}  # fmt: skip
_LISTS: dict[FactType, FactType] = {"string": "list(string)", "timestamp": "list(timestamp)"}


def _type_of(annotation: Any) -> FactType:  # noqa: ANN401 - annotations have no common type
    """A fact that may be unset reads as a list of none or one, so that no rule can overlook that it is."""
    origin = get_origin(annotation)
    if origin is Annotated:
        return _type_of(get_args(annotation)[0])
    if origin is tuple:
        return _LISTS[_type_of(get_args(annotation)[0])]
    if origin is UnionType:
        (inner,) = (a for a in get_args(annotation) if a is not type(None))
        return _LISTS[_type_of(inner)]
    return _SCALARS[annotation]


def _part_class(annotation: Any) -> type[Value] | None:  # noqa: ANN401
    for candidate in (annotation, *get_args(annotation)):
        if isinstance(candidate, type) and issubclass(candidate, Value):
            return candidate
    return None


def _fact_types() -> dict[str, FactType]:
    types: dict[str, FactType] = {}
    for part, field in Facts.model_fields.items():
        cls = _part_class(field.annotation)
        if cls is None:
            types[part] = _type_of(field.annotation)
        else:
            types |= {f"{part}.{name}": _type_of(f.annotation) for name, f in cls.model_fields.items()}
    return types


FACT_TYPES: Mapping[str, FactType] = _fact_types()
"""Every fact a condition may name, e.g. ``request.asset_class``, and its CEL type."""


def known_at(name: str, stage: Stage) -> bool:
    """Whether the fact ``name`` is known at ``stage``."""
    return name.partition(".")[0] in PARTS[stage]


def bindings(facts: Facts) -> dict[str, FactValue]:
    """Values by name. Facts of a part that is None are absent: reading one is an error, never a default."""
    values: dict[str, FactValue] = {}
    for part in Facts.model_fields:
        held = getattr(facts, part)
        if isinstance(held, Value):
            values |= {f"{part}.{name}": _plain(getattr(held, name)) for name in type(held).model_fields}
        elif held is not None:
            values[part] = _plain(held)
    # An optional fact is a list of none or one (see _type_of).
    optional = {n for n, t in FACT_TYPES.items() if t == "list(timestamp)"}
    return {n: [v] if n in optional and isinstance(v, datetime) else v for n, v in values.items()}


def _plain(value: Any) -> Any:  # noqa: ANN401
    if value is None:
        return []
    return list(value) if isinstance(value, tuple) else value


def render(name: str, value: FactValue, limit: int = 2000) -> str:
    """A value as text for the explanation table: of bounded length, the same for the same value."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        text = "[" + ", ".join(render(name, v, limit) for v in value) + "]"
        text = "not set" if not value and FACT_TYPES.get(name) == "list(timestamp)" else text
    else:
        text = value.isoformat() if isinstance(value, datetime) else str(value)
    return text if len(text) <= limit else f"{text[:limit]}... ({len(text)} characters)"


def request_facts(
    request: EditRequest, roles: Iterable[str], supplied: bool = False, extractor: int = EXTRACTOR
) -> RequestFacts:
    """Facts of a request made by someone who holds ``roles``.

    Args:
        request: as it was made, with the world after the edit as it was last confirmed.
        roles: of whoever made it.
        supplied: with a clip to put in.
        extractor: the way in which its words are taken (``policy.words``).

    Raises:
        ValueError: there is no such way.
    """
    named = words_of(request.object, extractor=extractor) if extractor > 1 else ()  # no fact before
    asked = (request.instruction, request.object)
    swept = swept_words(asked, partial(words_of, extractor=extractor)) if extractor > 2 else ()
    return RequestFacts(
        operation=request.operation,
        asset_class=request.asset_class,
        purpose=request.purpose,
        distribution=request.distribution,
        instruction_words=words_of(
            request.instruction, request.object, request.background, extractor=extractor
        ),
        asked_words=words_of(*asked, extractor=extractor),
        object_words=named,
        swept_words=swept,
        rights_not_before=request.rights.not_before,
        rights_not_after=request.rights.not_after,
        requester_roles=tuple(sorted(set(roles))),
        consent_given=bool(request.consent.strip()),
        supplied_clip=supplied,
    )
