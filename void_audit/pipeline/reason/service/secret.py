"""A service's key: it goes into one header and is shown nowhere."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from void_audit.errors import ReasoningError

MASK = "[key]"
"""What stands in records, errors and logs where a service sent the key back."""

_SHAPE = re.compile(r"[A-Za-z0-9._~+/-]{8,1024}=*")
_SHORTEST_PART = 4
"""Characters of its beginning that are masked where the data end within it."""
_TELLING_PART = 16
"""Characters in a row that are masked anywhere: services like to quote a key in part."""
_PLACES = 8
"""In so many places of the key such a part is looked for, besides at its end, and from there in both directions."""


class Secret:
    """A key, or that there is none.

    Its shape is a bearer token's (RFC 6750, section 2.1) of at least eight characters: nothing in it can end
    a header, and it cannot be taken for an ordinary word of a reply when it is masked there.

    Raises:
        ReasoningError: ``reasoner-key`` if it has another shape. The message does not quote it.
    """

    __slots__ = ("_begins", "_pattern", "_spelled", "_value")

    def __init__(self, value: str | None) -> None:
        if value is not None and not _SHAPE.fullmatch(value):
            raise ReasoningError(
                "reasoner-key",
                "The key has a shape that cannot be sent and masked: 8 to 1024 letters, digits and . _ ~ + / - are.",
                "Check it for blanks and line ends; a server that needs no key takes none.",
            )
        self._value = value or ""
        last = max(len(self._value) - _TELLING_PART, 0)
        self._begins = (*range(0, last, max(last // _PLACES, 1)), last)
        spelled = [_spellings(character) for character in self._value]
        parts = ("".join(spelled[begin : begin + _TELLING_PART]) for begin in self._begins)
        self._pattern = re.compile("|".join(f"({part})" for part in parts).encode() if spelled else b"(?!)")
        self._spelled = [re.compile(spelling.encode()) for spelling in spelled]

    def __repr__(self) -> str:
        return f"Secret({MASK if self._value else 'none'})"

    def reveal(self) -> str:
        """The key itself, for the header that carries it; empty if there is none."""
        return self._value

    def masked(self, data: bytes) -> bytes:
        """``data`` with ``[key]`` for each copy of the key: plain, percent-encoded, or with JSON's or HTML's escapes.

        So are its beginning, its end and longer parts of it, from sixteen characters on, and four of its beginning
        where the data were cut off within it.
        """
        data = b"".join(self._pieces(data))
        for length in range(min(len(self._value), _TELLING_PART) - 1, _SHORTEST_PART - 1, -1):
            if data.endswith(self._value[:length].encode()):
                return data[:-length] + MASK.encode()
        return data

    def _pieces(self, data: bytes) -> Iterator[bytes]:
        done = 0
        while found := self._pattern.search(data, done):
            begin = self._begins[(found.lastindex or 1) - 1]
            yield data[done : self._start(data, found.start(), begin, done)]
            yield MASK.encode()
            done = found.end()
            for spelled in self._spelled[begin + _TELLING_PART :]:
                more = spelled.match(data, done)
                if not more:
                    break
                done = more.end()
        yield data[done:]

    def _start(self, data: bytes, start: int, begin: int, done: int) -> int:
        """Where the part of the key that was found at ``start``, its character ``begin``, really starts."""
        while begin and start > done and data[start - 1] == ord(self._value[begin - 1]):
            begin, start = begin - 1, start - 1
        return start

    def masked_text(self, text: str) -> str:
        """The same for text."""
        return self.masked(text.encode("utf-8", "surrogatepass")).decode("utf-8", "surrogatepass")


def _spellings(character: str) -> str:
    """Pattern of one character of a key: itself, percent-encoded, or with an escape of JSON (RFC 8259) or HTML."""
    code = f"{ord(character):02x}"
    plain = rf"\\?{re.escape(character)}"
    return rf"(?:{plain}|(?i:%{code}|\\u00{code}|&#(?:x0*{code}|0*{ord(character)});))"


class _Masking(logging.Filter):
    """Rewrites what a logger is about to pass on."""

    def __init__(self, secret: Secret) -> None:
        super().__init__()
        self._secret = secret

    def filter(self, record: logging.LogRecord) -> bool:
        record.msg, record.args = self._secret.masked_text(record.getMessage()), ()
        return True


@contextmanager
def masked_logs(secret: Secret, names: Iterable[str]) -> Iterator[None]:
    """Nothing that these loggers say meanwhile, at whatever level, holds the key."""
    masking = _Masking(secret)
    loggers = [logging.getLogger(name) for name in names]
    for logger in loggers:
        logger.addFilter(masking)
    try:
        yield
    finally:
        for logger in loggers:
            logger.removeFilter(masking)
