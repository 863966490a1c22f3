"""A consistency proof as a text file, in the manner of C2SP tlog-proof; that has no such format of its own.

    void-audit/consistency@v1
    old <decimal>
    new <decimal>
    <base64 of each hash, as in RFC 9162 2.1.4>

Both checkpoints come from elsewhere.
"""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass

from void_audit.canon.merkle import HASH_SIZE
from void_audit.errors import ProofError

HEADER = "void-audit/consistency@v1"
MAX_HASHES = 64
MAX_CONSISTENCY = 5000
"""Bytes of the whole file."""

_TEXT = re.compile(
    rf"{HEADER}\nold (0|[1-9][0-9]{{0,18}})\nnew (0|[1-9][0-9]{{0,18}})\n((?:[A-Za-z0-9+/]{{43}}=\n){{0,{MAX_HASHES}}})"
)


@dataclass(frozen=True)
class ConsistencyProof:
    """The first ``old`` entries of a log are a prefix of its first ``new``: to be verified with both roots."""

    old: int
    new: int
    path: tuple[bytes, ...]

    def __str__(self) -> str:
        hashes = "".join(f"{base64.b64encode(digest).decode()}\n" for digest in self.path)
        return f"{HEADER}\nold {self.old}\nnew {self.new}\n{hashes}"


def parse(data: bytes) -> ConsistencyProof:
    """Read a proof; only the one way to write it is accepted. Nothing is verified.

    Raises:
        ProofError: ``consistency-malformed``.
    """
    match = _TEXT.fullmatch(data.decode(errors="replace")) if len(data) <= MAX_CONSISTENCY else None
    if match is not None:
        proof = ConsistencyProof(int(match[1]), int(match[2]), tuple(map(_hash, match[3].split())))
        if str(proof).encode() == data and all(len(digest) == HASH_SIZE for digest in proof.path):
            return proof
    raise ProofError(
        "consistency-malformed",
        "Not a consistency proof.",
        "It was damaged or is something else: see `ledger consistency`.",
    )


def _hash(line: str) -> bytes:
    try:
        return base64.b64decode(line, validate=True)
    except (binascii.Error, ValueError):  # bits that no encoder leaves set
        return b""
