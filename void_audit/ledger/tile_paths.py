"""What lies beside the tiles, below ``void-audit/``: what others said of the log, and of what it logs.

``void-audit/checkpoints/<size>``: an older checkpoint with its cosignatures, if it has some or was time-stamped.
``void-audit/timestamps/<SHA-256 of what is stamped>/<authority>.tsr``: an RFC 3161 token (DER).
"""

from __future__ import annotations

import re
from urllib.parse import quote, unquote

CHECKPOINTS = "void-audit/checkpoints"
TIMESTAMPS = "void-audit/timestamps"
MAX_TOKEN = 40_000
"""Bytes."""

_SIZE = re.compile(rf"{CHECKPOINTS}/(0|[1-9][0-9]{{0,18}})")
_TOKEN = re.compile(rf"{TIMESTAMPS}/([0-9a-f]{{64}})/([A-Za-z0-9%_.~-]{{1,240}})\.tsr")


def checkpoint_path(size: int) -> str:
    """Where the checkpoint of ``size`` entries lies."""
    return f"{CHECKPOINTS}/{size}"


def token_path(digest: bytes, authority: str) -> str:
    """Where the token that an authority gave for ``digest`` lies. Very long addresses are cut off."""
    return f"{TIMESTAMPS}/{digest.hex()}/{quote(authority, safe='')[:240]}.tsr"


def checkpoint_size(path: str) -> int | None:
    """Size of the checkpoint at ``path``, or None if it is something else."""
    match = _SIZE.fullmatch(path)
    return int(match[1]) if match else None


def stamped(path: str) -> tuple[bytes, str] | None:
    """What is stamped by the token at ``path``, and by whom; None if it is something else."""
    match = _TOKEN.fullmatch(path)
    return (bytes.fromhex(match[1]), unquote(match[2])) if match else None
