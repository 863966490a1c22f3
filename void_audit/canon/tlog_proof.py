"""C2SP tlog-proof (untagged in 2026-06): an inclusion proof with its checkpoint, as one text file.

    c2sp.org/tlog-proof@v1
    [extra <base64>]
    index <decimal>
    <base64 of each hash, leaf to root>

    <the signed checkpoint, verbatim>

The entry itself comes from elsewhere. ``extra`` is outside everything that is signed or hashed.
"""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass

from void_audit.canon import merkle
from void_audit.canon.checkpoint import Checkpoint, open_checkpoint
from void_audit.canon.note import MAX_NOTE, VerifierKey
from void_audit.errors import ProofError

HEADER = "c2sp.org/tlog-proof@v1"
MAX_HASHES = 63
MAX_EXTRA = 65_535
"""Bytes; a bound of ours, the format has none."""

MAX_PROOF = MAX_NOTE + 2 * MAX_EXTRA
"""Bytes of the whole file."""

_INDEX = re.compile(r"index (0|[1-9][0-9]{0,18})")


@dataclass(frozen=True)
class TlogProof:
    """A proof as read: nothing in it is verified yet."""

    index: int
    path: tuple[bytes, ...]
    """Audit path, leaf to root."""
    checkpoint: str
    """A signed note, verbatim."""
    extra: bytes | None = None
    """Whatever the log added. Not authenticated."""

    def __str__(self) -> str:
        extra = [] if self.extra is None else [f"extra {_encode(self.extra)}"]
        head = [HEADER, *extra, f"index {self.index}", *map(_encode, self.path)]
        return "".join(f"{line}\n" for line in head) + "\n" + self.checkpoint


def parse(data: bytes) -> TlogProof:
    """Read a proof; only the one way to write it is accepted.

    Raises:
        ProofError: ``tlog-proof-malformed``.
    """
    if len(data) > MAX_PROOF:
        raise _malformed(f"it has more than {MAX_PROOF} bytes")
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        raise _malformed("it is not UTF-8") from error
    head, gap, checkpoint = text.partition("\n\n")
    lines = head.split("\n")
    if not gap or lines.pop(0) != HEADER:
        raise _malformed(f"it does not begin with {HEADER}, or holds no checkpoint")
    extra = _decode(lines.pop(0)[6:]) if lines and lines[0].startswith("extra ") else None
    index = _INDEX.fullmatch(lines.pop(0) if lines else "")
    if index is None or len(lines) > MAX_HASHES:
        raise _malformed("it names no index, or more hashes than any log has")
    proof = TlogProof(int(index[1]), tuple(_decode(line) for line in lines), checkpoint, extra)
    if any(len(digest) != merkle.HASH_SIZE for digest in proof.path) or len(extra or b"") > MAX_EXTRA:
        raise _malformed("one of its hashes has not 32 bytes, or what was added is too long")
    return proof


def verify(proof: TlogProof, entry: bytes, log: VerifierKey) -> Checkpoint:
    """Check that ``entry`` is in the log, at the proof's index; returns only if it is.

    Args:
        proof: from ``parse``.
        entry: the exact envelope bytes.
        log: the log's key, from outside.

    Returns:
        The checkpoint that the entry is under.

    Raises:
        NoteError: those of ``open_checkpoint``.
        ProofError: ``proof-index``, ``inclusion-unproven``.
    """
    checkpoint = open_checkpoint(proof.checkpoint, log)
    leaf = merkle.leaf_hash(entry)
    merkle.verify_inclusion(leaf, proof.index, checkpoint.size, proof.path, checkpoint.root)
    return checkpoint


def _encode(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _decode(text: str) -> bytes:
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise _malformed("a line is not standard base64") from error
    if _encode(data) != text:
        raise _malformed("a line is not written in the one form that base64 allows")
    return data


def _malformed(why: str) -> ProofError:
    return ProofError(
        "tlog-proof-malformed", f"Not a log proof: {why}.", "It was damaged or is something else."
    )
