"""Reading JSON of whatever shape a service chose to send."""

from __future__ import annotations

import json

from void_audit.pipeline.reason.vlm.plain import clipped, plain

Json = object
"""What ``json.loads`` gives."""


def parsed(data: bytes) -> Json:
    """JSON in UTF-8 (RFC 8259, section 8.1) that everybody reads alike: no name twice, no NaN and no infinity.

    Raises:
        ValueError: also where it is nested too deeply to be read.
    """
    try:
        return json.loads(data.decode("utf-8"), object_pairs_hook=_once, parse_constant=_no_number)
    except RecursionError:
        raise ValueError("nested too deeply") from None


def _once(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
    named = dict(pairs)
    if len(named) < len(pairs):
        raise ValueError("a name twice in one object")
    return named


def _no_number(name: str) -> Json:
    raise ValueError(f"{name} is no JSON")


def at(value: Json, *path: str | int) -> Json:
    """What lies at a path of names and indices, or None."""
    for step in path:
        if isinstance(step, str) and isinstance(value, dict):
            value = value.get(step)
        elif isinstance(step, int) and isinstance(value, list) and step < len(value):
            value = value[step]
        else:
            return None
    return value


def text_at(value: Json, *path: str | int, limit: int = 500) -> str:
    """Text at a path, bounded and printable; empty where there is none."""
    found = at(value, *path)
    return printable(found, limit) if isinstance(found, str) else ""


def items_at(value: Json, *path: str | int) -> list[Json]:
    """The list at a path; empty where there is none."""
    found = at(value, *path)
    return found if isinstance(found, list) else []


def counts_at(value: Json, paths: dict[str, tuple[str, ...]]) -> dict[str, int]:
    """Counts at the paths given, by our names for them; what is no count (0 to 2^53 - 1) is left out."""
    found = {name: at(value, *path) for name, path in paths.items()}
    return {name: n for name, n in found.items() if type(n) is int and 0 <= n < 2**53}


def printable(text: str, limit: int) -> str:
    """At most ``limit`` characters on one line, none that moves a cursor or turns the direction of writing."""
    return clipped(plain(text[: limit + 1]), limit)
