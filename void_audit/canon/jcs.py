"""Canonical JSON out (RFC 8785), strict JSON in (RFC 8259 narrowed to I-JSON, RFC 7493)."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any, NoReturn

import rfc8785

from void_audit.errors import EvidenceError, InputError, VoidAuditError

MAX_DEPTH = 64
"""Arrays and objects inside one another."""

MAX_INTEGER = 2**53 - 1
"""Beyond it, readers that hold numbers as doubles read another number."""

MAX_BYTES = 16 * 2**20
"""Default limit of ``parse``."""


def canonical(obj: Any) -> bytes:  # noqa: ANN401 - JSON holds anything
    """The RFC 8785 bytes of a JSON value: ``dict``, ``list``, ``tuple``, ``str``, numbers, bools and None.

    Integers must lie within +-(2**53 - 1); -0.0 becomes 0.

    Raises:
        InputError: ``json-unrepresentable`` for anything that JSON cannot hold exactly.
    """
    try:
        return rfc8785.dumps(obj)
    except (ValueError, RecursionError) as error:  # CanonicalizationError and UnicodeError are ValueErrors
        raise InputError(
            "json-unrepresentable",
            f"A value cannot be written as canonical JSON: {str(error)[:200] or type(error).__name__}.",
            "Write large integers as text; NaN, infinity and lone surrogates have no JSON form.",
        ) from error


def parse(data: bytes, limit: int = MAX_BYTES, *, error: type[VoidAuditError] = EvidenceError) -> Any:  # noqa: ANN401 - JSON holds anything
    """Parse JSON that means the same to every reader.

    Refused: more than ``limit`` bytes, anything but UTF-8, duplicate keys, NaN and infinities (also by
    overflow), integers beyond 2**53 - 1 except the doubles that ``canonical`` writes without a fraction, lone
    surrogates, more than ``MAX_DEPTH`` levels.

    Args:
        data: the JSON text.
        limit: largest number of bytes.
        error: class of the error to raise, from ``errors``.

    Raises:
        VoidAuditError: of class ``error`` with code ``json-too-large``, ``json-invalid``,
            ``json-duplicate-key``, ``json-number`` or ``json-too-deep``.
    """
    if len(data) > limit:
        raise error("json-too-large", f"{len(data)} bytes of JSON, where {limit} are allowed.")
    try:
        value = _DECODER.decode(data.decode("utf-8"))
        _check(value)
    except _RefusedError as refused:
        raise error(refused.code, refused.message, _HINT) from None
    except RecursionError:
        raise error("json-too-deep", f"JSON deeper than {MAX_DEPTH} levels.", _HINT) from None
    except ValueError as bad:  # JSONDecodeError, UnicodeDecodeError, an integer of too many digits
        raise error("json-invalid", f"Not JSON: {str(bad)[:200]}.", _HINT) from None
    return value


_HINT = "It was damaged, or written by something that does not keep to RFC 8259 and RFC 7493."


class _RefusedError(Exception):
    """Carries a code out of the parser; not a ValueError, so that ``json`` cannot swallow it."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise _RefusedError("json-duplicate-key", "A JSON object names the same key twice.")
    return found


def _float(text: str) -> float:
    number = float(text)
    if number in {float("inf"), float("-inf")}:
        raise _RefusedError("json-number", f"The number {text[:40]} is too large.")
    return number


def _integer(text: str) -> int | float:
    """Beyond 2**53 - 1 only what RFC 8785 writes for a double, read as that double."""
    if len(text) <= 17 and abs(int(text)) <= MAX_INTEGER:
        return int(text)
    if len(text) <= 22 and rfc8785.dumps(float(text)) == text.encode():
        return float(text)
    raise _RefusedError("json-number", f"The integer {text[:40]} is not one that every reader holds exactly.")


def _constant(text: str) -> NoReturn:
    raise _RefusedError("json-number", f"{text} is not a JSON number.")


_DECODER = json.JSONDecoder(
    object_pairs_hook=_object, parse_float=_float, parse_int=_integer, parse_constant=_constant
)


def _check(value: object) -> None:
    """Refuse depth and lone surrogates, level by level instead of by recursion."""
    level: list[object] = [value]
    for _ in range(MAX_DEPTH + 1):
        containers = [item for item in level if isinstance(item, dict | list)]
        for item in level:
            if isinstance(item, str) and not item.isascii():
                _refuse_surrogates(item)
        if not containers:
            return
        level = [child for item in containers for child in _children(item)]
    raise _RefusedError("json-too-deep", f"JSON deeper than {MAX_DEPTH} levels.")


def _children(container: dict[str, Any] | list[Any]) -> Iterable[object]:
    return container if isinstance(container, list) else [*container, *container.values()]


def _refuse_surrogates(text: str) -> None:
    if any("\ud800" <= char <= "\udfff" for char in text):
        raise _RefusedError("json-invalid", "Not JSON: a text holds half of a surrogate pair.")
