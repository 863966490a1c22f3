"""Whether a file is all there, from its own outline: the sizes that MP4 boxes, Matroska segments, RIFF announce.

FFmpeg opens many cut files without a word; the outline tells before anything is decoded.
"""

from __future__ import annotations

from pathlib import Path
from typing import BinaryIO

from void_audit.media.container import truncated

_FIRST_BOXES = {b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip", b"styp", b"pnot"}
_EBML, _SEGMENT = b"\x1a\x45\xdf\xa3", b"\x18\x53\x80\x67"
MAX_BOXES = 100_000
"""Top-level boxes looked at; fragmented files have two for every fragment."""


def check_whole(path: Path) -> None:
    """Raise ClipError clip-truncated where an MP4, MOV, Matroska or AVI file is shorter than it says.

    Files of other kinds, and Matroska files written as a live stream, do not say.
    """
    with path.open("rb") as file:
        length = path.stat().st_size
        head = file.read(8)
        if head[4:8] in _FIRST_BOXES:
            _check_boxes(file, length, path)
        elif head[:4] == _EBML:
            _check_segment(file, length, path)
        elif head[:4] == b"RIFF" and 8 + int.from_bytes(head[4:], "little") > length:
            raise truncated(
                path, f"it should have {8 + int.from_bytes(head[4:], 'little')} bytes and has {length}"
            )


def _check_boxes(file: BinaryIO, length: int, path: Path) -> None:
    """Boxes follow one another to the end of the file, and one of them is the table of contents."""
    position, found = 0, set()
    for _ in range(MAX_BOXES):
        if position >= length:
            break
        file.seek(position)
        head = file.read(16)
        size, kind = int.from_bytes(head[:4], "big"), head[4:8]
        if size == 1:
            size = int.from_bytes(head[8:16], "big")
        elif size == 0:
            size = length - position
        if len(head) < 8 or size < 8 or position + size > length:
            raise truncated(path, f"its last part should end at byte {position + size}, the file at {length}")
        found.add(kind)
        position += size
    if b"moov" not in found:
        raise truncated(path, "its table of contents is missing")


def _check_segment(file: BinaryIO, length: int, path: Path) -> None:
    file.seek(4)
    header = _vint(file)
    if header is None:
        return
    file.seek(header, 1)
    if file.read(4) != _SEGMENT:
        return
    size = _vint(file)
    if size is not None and file.tell() + size > length:
        raise truncated(path, f"it should have {file.tell() + size} bytes and has {length}")


def _vint(file: BinaryIO) -> int | None:
    """A variable-length size of EBML (RFC 8794, section 4); None where it is unknown."""
    first = file.read(1)
    if not first or not first[0]:
        return None
    extra = 8 - first[0].bit_length()
    mask = (1 << (7 * (extra + 1))) - 1
    value = int.from_bytes(first + file.read(extra), "big") & mask
    return None if value == mask else value
