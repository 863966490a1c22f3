"""What goes between a log and a witness: the bodies of C2SP tlog-witness v1.0.0 (spec/ledger 1)."""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from dataclasses import dataclass

from void_audit.canon.checkpoint import MAX_SIZE
from void_audit.canon.merkle import HASH_SIZE
from void_audit.canon.note import MAX_NOTE
from void_audit.errors import NoteError

ADD_CHECKPOINT = "/add-checkpoint"
SIZE_TYPE = "text/x.tlog.size"
MAX_PROOF = 63
MAX_REQUEST = MAX_NOTE + 4096
"""Bytes: a note, and 63 hashes."""

_OLD = re.compile(r"old (0|[1-9][0-9]{0,18})")
_SIZE = re.compile(rb"(0|[1-9][0-9]{0,18})\n?")


@dataclass(frozen=True)
class AddCheckpoint:
    """A request to cosign ``note``, whose tree extends the one of ``old`` entries by ``proof``."""

    old: int
    proof: tuple[bytes, ...]
    note: str

    def body(self) -> bytes:
        """The body of the request."""
        hashes = [base64.b64encode(digest).decode() for digest in self.proof]
        return ("\n".join([f"old {self.old}", *hashes, "", ""]) + self.note).encode()

    @classmethod
    def parse(cls, body: bytes) -> AddCheckpoint:
        """Parse the body of a request; the note in it is not looked at.

        Raises:
            NoteError: ``witness-request-malformed``.
        """
        try:
            head, gap, note = body.decode().partition("\n\n")
        except UnicodeDecodeError:
            raise _malformed("it is not UTF-8") from None
        first, *hashes = head.split("\n")
        old = _OLD.fullmatch(first)
        if not gap or old is None or int(old[1]) > MAX_SIZE:
            raise _malformed("it does not begin with a line 'old SIZE', proof lines and an empty line")
        if len(hashes) > MAX_PROOF:
            raise _malformed(f"it has more than {MAX_PROOF} proof lines")
        return cls(int(old[1]), tuple(_hash(line) for line in hashes), note)


def parse_size(body: bytes) -> int | None:
    """The size in the body of a 409 reply; None if it is none."""
    size = _SIZE.fullmatch(body)
    return int(size[1]) if size and int(size[1]) <= MAX_SIZE else None


def monitoring_path(origin: str) -> str:
    """Where a monitor finds the newest checkpoint of a log that a witness cosigned."""
    return f"/{hashlib.sha256(origin.encode()).hexdigest()}/checkpoint"


def _hash(line: str) -> bytes:
    try:
        digest = base64.b64decode(line, validate=True)
    except (binascii.Error, ValueError):
        raise _malformed("a proof line is not base64") from None
    if len(digest) != HASH_SIZE or base64.b64encode(digest).decode() != line:
        raise _malformed("a proof line is not one hash in standard base64")
    return digest


def _malformed(why: str) -> NoteError:
    return NoteError(
        "witness-request-malformed", f"Not an add-checkpoint request: {why}.", "See C2SP tlog-witness."
    )
