"""What kind of container a file is, by its first bytes: stored files have no extension."""

from __future__ import annotations

from pathlib import Path

MATROSKA = "video/x-matroska"
UNKNOWN = "application/octet-stream"


def media_type(path: Path) -> str:
    """Media type of a video file; ``UNKNOWN`` if its first bytes are none that are known here.

    Raises:
        OSError: the file cannot be read.
    """
    with path.open("rb") as file:
        head = file.read(16)
    if head[4:8] == b"ftyp":
        return "video/quicktime" if head[8:12] == b"qt  " else "video/mp4"
    if head[4:8] in (b"moov", b"mdat", b"wide", b"free", b"skip"):  # QuickTime before there was ftyp
        return "video/quicktime"
    if head[:4] == b"\x1aE\xdf\xa3":
        return MATROSKA
    if head[:4] == b"RIFF" and head[8:12] == b"AVI ":
        return "video/avi"
    return UNKNOWN
