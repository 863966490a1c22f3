"""C2SP tlog-checkpoint v1.0.0: the signed size and root of a log."""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass

from void_audit.canon import note as notes
from void_audit.canon.note import VerifierKey
from void_audit.errors import NoteError
from void_audit.model.signing import LogSigner

MAX_SIZE = 2**63 - 1

_SIZE = re.compile(r"0|[1-9][0-9]{0,18}")


@dataclass(frozen=True)
class Checkpoint:
    """What a log commits to: its first ``size`` entries have this ``root`` (32 bytes)."""

    origin: str
    size: int
    root: bytes
    extensions: tuple[str, ...] = ()
    """Further lines that another log may write; this one writes none."""

    @property
    def text(self) -> str:
        """The text that is signed."""
        root = base64.b64encode(self.root).decode()
        return "".join(f"{line}\n" for line in (self.origin, str(self.size), root, *self.extensions))


def parse_text(text: str) -> Checkpoint:
    """Parse the text of a checkpoint note.

    Raises:
        NoteError: ``checkpoint-malformed``.
    """
    lines = text.split("\n")
    if len(lines) < 4 or lines.pop() != "" or not all(lines):
        raise _malformed("origin, size and root were expected, each on its line")
    origin, size, root, *extensions = lines
    if not _SIZE.fullmatch(size) or int(size) > MAX_SIZE:
        raise _malformed(f"its size reads {size[:40]!r}")
    checkpoint = Checkpoint(origin, int(size), _root(root), tuple(extensions))
    if checkpoint.text != text:
        raise _malformed("its root is not in standard base64")
    return checkpoint


def sign_checkpoint(checkpoint: Checkpoint, signer: LogSigner) -> str:
    """The checkpoint as a note signed by the log; the key's name is the origin.

    Raises:
        NoteError: as ``note.sign``, or ``checkpoint-malformed``.
    """
    if parse_text(checkpoint.text) != checkpoint:
        raise _malformed("one of its lines holds a line feed")
    return str(notes.sign(checkpoint.text, checkpoint.origin, signer))


def open_checkpoint(note: str | bytes, log: VerifierKey) -> Checkpoint:
    """The checkpoint in a note that this log has signed.

    Raises:
        NoteError: those of ``note.verify``, ``checkpoint-malformed``, or ``checkpoint-origin`` if the log
            signed a checkpoint of another origin.
    """
    verified, _ = notes.verify(note, [log])
    checkpoint = parse_text(verified.text)
    if checkpoint.origin != log.name:
        raise NoteError(
            "checkpoint-origin",
            f"The checkpoint is of {checkpoint.origin[:120]!r}, not of {log.name!r}.",
            "Check it against the key of that log.",
        )
    return checkpoint


def _root(text: str) -> bytes:
    try:
        root = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise _malformed("its root is not in standard base64") from error
    if len(root) != 32:
        raise _malformed(f"its root has {len(root)} bytes")
    return root


def _malformed(why: str) -> NoteError:
    return NoteError(
        "checkpoint-malformed", f"Not a checkpoint: {why}.", "It was damaged or is something else."
    )
