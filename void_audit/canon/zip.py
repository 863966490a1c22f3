"""Zip files in exactly one encoding (PKWARE APPNOTE 6.3.10): the container of an evidence bundle (ADR 12).

Members are stored, never compressed, in ascending order of their names; every field that a writer could choose is
fixed (no time, no comment, mode 0644, no data descriptors), and zip64 appears only where a number does not fit
without it. A reader writes every header again and compares, so no byte of the container says anything of its own,
and what is read is never more than what lies there. Any unzip opens it.
"""

from __future__ import annotations

import re
import struct
import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import BinaryIO

from void_audit.errors import BundleError, InputError

MAX_MEMBERS = 60_000
"""Fewer than 65,535, so that their number never needs zip64."""
MAX_NAME = 200
MAX_SIZE = 2**50
"""Bytes of one member."""

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*(/[A-Za-z0-9][A-Za-z0-9._-]*)*")
_LOCAL = struct.Struct("<4s5H3I2H")
_CENTRAL = struct.Struct("<4s6H3I5H2I")
_END = struct.Struct("<4s4H2IH")
_END64 = struct.Struct("<4sQ2H2I4Q")
_LOCATOR = struct.Struct("<4sIQI")
_FULL = 0xFFFFFFFF
_NEEDS, _NEEDS64 = 20, 45
_MADE_BY = 3 << 8 | _NEEDS64
"""Unix, so that the mode below counts."""
_MODE = 0o100644 << 16
_DATE = 0x21
"""1980-01-01, the first day that a zip file knows."""
_CHUNK = 1 << 20

Write = Callable[[bytes], object]


@dataclass(frozen=True)
class Member:
    """A file in the container."""

    name: str
    size: int
    crc: int
    offset: int
    """Of its local header."""


class ZipWriter:
    """Writes members in ascending order of their names. Memory does not grow with their sizes."""

    def __init__(self, stream: BinaryIO) -> None:
        """``stream`` must be empty, and able to seek: a header is completed once its content was seen."""
        self._stream = stream
        self._places = _Places()

    def add(self, name: str, size: int, chunks: Iterable[bytes]) -> None:
        """Write a member of ``size`` bytes.

        Raises:
            InputError: ``zip-name``, ``zip-order``, ``zip-too-large``; ``zip-size`` if the content is not of this size.
        """
        problem = self._places.problem(name, size)
        if problem is not None:
            raise InputError(*problem)
        offset = self._stream.tell()
        self._stream.write(_local(name, size, 0))
        crc = found = 0
        for chunk in chunks:
            crc, found = zlib.crc32(chunk, crc), found + len(chunk)
            self._stream.write(chunk)
        if found != size:
            raise InputError("zip-size", f"{name} has {found} bytes, not {size}.", "It changed: try again.")
        end = self._stream.tell()
        self._stream.seek(offset)
        self._stream.write(_local(name, size, crc))
        self._stream.seek(end)
        self._places.add(Member(name, size, crc, offset))

    def close(self) -> None:
        """Write the directory. The stream itself stays open."""
        for part in _directory(self._places.members, self._stream.tell()):
            self._stream.write(part)


def read_zip(stream: BinaryIO, limit: int = MAX_SIZE) -> Iterator[tuple[Member, Iterator[bytes]]]:
    """Every member with its content in chunks, in the container's order; nothing else is ever in memory.

    What is left of a member's content is read before the next one. A member may be believed only once the whole
    iteration has ended: what stands behind it is checked last.

    Args:
        stream: at its beginning; need not be able to seek.
        limit: how many bytes there are: members that claim more are refused before they are read.

    Raises:
        BundleError: ``zip-malformed``, ``zip-truncated``, ``zip-name``, ``zip-order``, ``zip-too-large``,
            ``zip-checksum``: anything but what ``ZipWriter`` writes.
    """
    places = _Places()
    offset = total = 0
    while (begin := _exactly(stream, 4)) == b"PK\x03\x04":
        member, header = _read_local(stream, begin, offset)
        problem = places.problem(member.name, member.size)
        total += member.size
        if problem is not None:
            raise BundleError(*problem)
        if total > limit:
            raise _truncated()
        content = _content(stream, member)
        yield member, content
        for _ in content:
            pass
        places.add(member)
        offset += len(header) + member.size
    _read_directory(stream, begin, places.members, offset)


def _read_local(stream: BinaryIO, begin: bytes, offset: int) -> tuple[Member, bytes]:
    """A local header: what it must say is written again and compared."""
    header = begin + _exactly(stream, _LOCAL.size - 4)
    crc, _, size, length, extra = _LOCAL.unpack(header)[6:]
    if length > MAX_NAME or extra not in {0, 20}:
        raise _malformed(f"the header at byte {offset} has a name of {length} and a field of {extra} bytes")
    rest = _exactly(stream, length + extra)
    name = rest[:length].decode("latin-1")
    if extra:
        size = struct.unpack("<Q", rest[length + 4 : length + 12])[0]
    if not _NAME.fullmatch(name):
        raise BundleError(*_bad_name(name))
    if header + rest != _local(name, size, crc):
        raise _malformed(f"the header at byte {offset} is not written as it must be")
    return Member(name, size, crc, offset), header + rest


def _content(stream: BinaryIO, member: Member) -> Iterator[bytes]:
    left, crc = member.size, 0
    while left:
        chunk = _exactly(stream, min(left, _CHUNK))
        crc, left = zlib.crc32(chunk, crc), left - len(chunk)
        yield chunk
    if crc != member.crc:
        raise BundleError(
            "zip-checksum",
            f"{member.name} does not match its checksum.",
            "Get the bundle again: it was damaged.",
        )


def _read_directory(stream: BinaryIO, begin: bytes, members: list[Member], offset: int) -> None:
    """The rest must be the one directory of these members, and then nothing."""
    read = begin
    for part in _directory(members, offset):
        found, read = read + _exactly(stream, len(part) - len(read)), b""
        if found != part:
            raise _malformed(
                "its directory is not that of its members" if members else "it is no bundle's zip"
            )
    if stream.read(1):
        raise _malformed("something stands behind its end")


def _exactly(stream: BinaryIO, size: int) -> bytes:
    data = stream.read(size)
    while len(data) < size:
        more = stream.read(size - len(data))
        if not more:
            raise _truncated()
        data += more
    return data


class _Places:
    """Which members there are so far, and whether another one may follow."""

    def __init__(self) -> None:
        self.members: list[Member] = []
        self._files: set[str] = set()
        self._folders: set[str] = set()

    def problem(self, name: str, size: int) -> tuple[str, str, str] | None:
        """Why no member of this name and size may come next."""
        if len(name) > MAX_NAME or not _NAME.fullmatch(name):
            return _bad_name(name)
        if not 0 <= size <= MAX_SIZE or len(self.members) >= MAX_MEMBERS:
            return _too_large(name)
        last = self.members[-1].name if self.members else ""
        folded = name.lower()
        if name <= last or self._taken(folded):
            hint = "Names ascend, also where capitals do not count, and none is a folder too."
            return "zip-order", f"{name} comes after {last or 'nothing'}.", hint
        return None

    def _taken(self, name: str) -> bool:
        return name in self._files or name in self._folders or any(p in self._files for p in _parents(name))

    def add(self, member: Member) -> None:
        """Take one whose place has no problem."""
        self.members.append(member)
        self._files.add(member.name.lower())
        self._folders.update(_parents(member.name.lower()))


def _parents(name: str) -> Iterator[str]:
    parts = name.split("/")
    return ("/".join(parts[:n]) for n in range(1, len(parts)))


def _bad_name(name: str) -> tuple[str, str, str]:
    what = "Names are parts of letters, digits, dots, dashes and underscores, joined by slashes."
    return "zip-name", f"{name[:MAX_NAME]!r} may not name a member.", what


def _too_large(name: str) -> tuple[str, str, str]:
    return (
        "zip-too-large",
        f"With {name} there are too many or too large members.",
        "Nothing that big is read.",
    )


def _truncated() -> BundleError:
    return BundleError("zip-truncated", "The bundle ends too early.", "Get it again: it was cut off.")


def _malformed(why: str) -> BundleError:
    return BundleError(
        "zip-malformed", f"Not a bundle: {why}.", "It was damaged, or written by something else."
    )


def _local(name: str, size: int, crc: int) -> bytes:
    big = size >= _FULL
    extra = struct.pack("<2H2Q", 1, 16, size, size) if big else b""
    shown = _FULL if big else size
    version = _NEEDS64 if big else _NEEDS
    fixed = (b"PK\x03\x04", version, 0, 0, 0, _DATE, crc, shown, shown, len(name), len(extra))
    return _LOCAL.pack(*fixed) + name.encode("latin-1") + extra


def _central(member: Member) -> bytes:
    big, far = member.size >= _FULL, member.offset >= _FULL
    numbers = [member.size, member.size] * big + [member.offset] * far
    extra = struct.pack(f"<2H{len(numbers)}Q", 1, 8 * len(numbers), *numbers) if numbers else b""
    shown, place = _FULL if big else member.size, _FULL if far else member.offset
    version = _NEEDS64 if numbers else _NEEDS
    head = (b"PK\x01\x02", _MADE_BY, version, 0, 0, 0, _DATE, member.crc, shown, shown)
    tail = (len(member.name), len(extra), 0, 0, 0, _MODE, place)
    return _CENTRAL.pack(*head, *tail) + member.name.encode() + extra


def _directory(members: list[Member], start: int) -> Iterator[bytes]:
    """Headers of the central directory, and its end, for members whose content ends at ``start``."""
    size = 0
    for member in members:
        header = _central(member)
        size += len(header)
        yield header
    count = len(members)
    if start >= _FULL or size >= _FULL:
        yield _END64.pack(
            b"PK\x06\x06", _END64.size - 12, _MADE_BY, _NEEDS64, 0, 0, count, count, size, start
        ) + _LOCATOR.pack(b"PK\x06\x07", 0, start + size, 1)
    place = min(start, _FULL)
    yield _END.pack(b"PK\x05\x06", 0, 0, count, count, min(size, _FULL), place, 0)
