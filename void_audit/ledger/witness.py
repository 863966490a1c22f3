"""A witness: cosigns a log's checkpoint only if it extends everything that it cosigned of that log before.

What it says, C2SP tlog-witness v1.0.0 says: each refusal has its HTTP status. Checking and storing are one
transaction, durable before the answer is given; beside the keys, outside the database, a mark of each log's newest
size and root keeps a database that was put back from a backup from cosigning a second history.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from void_audit.canon import merkle
from void_audit.canon import note as notes
from void_audit.canon.checkpoint import Checkpoint, parse_text
from void_audit.canon.cosignature import CosignerKey, cosign
from void_audit.canon.note import Note, NoteSignature, VerifierKey
from void_audit.errors import NoteError, ProofError
from void_audit.ledger.witness_mark import read_mark, write_mark
from void_audit.ledger.witness_protocol import SIZE_TYPE, AddCheckpoint
from void_audit.ledger.witness_store import Cosigned, WitnessStore


@dataclass(frozen=True)
class Cosigner:
    """One key of a witness, unlocked."""

    key: CosignerKey
    sign: Callable[[bytes], bytes]


@dataclass(frozen=True)
class Answer:
    """What a witness answers: an HTTP status, a body, its media type."""

    status: int
    body: str
    media_type: str = "text/plain; charset=utf-8"


@dataclass(frozen=True)
class Known:
    """The newest checkpoint of a log that a witness cosigned."""

    size: int
    root: bytes


NOTHING = Known(0, merkle.EMPTY_ROOT)


def refusal(request: AddCheckpoint, checkpoint: Checkpoint, latest: Known) -> Answer | None:
    """Why a checkpoint that the log signed is not cosigned after ``latest``; None if it is. Pure."""
    if request.old != latest.size:
        return Answer(409, f"{latest.size}\n", SIZE_TYPE)
    if checkpoint.size == latest.size and checkpoint.root != latest.root:
        return Answer(422, "this size was cosigned with another root: the log has forked\n")
    try:
        merkle.verify_consistency(latest.size, latest.root, checkpoint.size, checkpoint.root, request.proof)
    except ProofError as error:
        return Answer(422, f"{error.message}\n")
    return None


class Witness:
    """Answers requests. Safe for several threads and processes on one folder."""

    def __init__(
        self,
        store: WitnessStore,
        marks: Path,
        cosigners: Sequence[Cosigner],
        clock: Callable[[], int],
        before_commit: Callable[[], None] = lambda: None,
    ) -> None:
        """Use what is in ``store``.

        Args:
            store: logs and their newest checkpoints.
            marks: folder of the marks, beside the keys.
            cosigners: the keys, in the order of their lines.
            clock: seconds since 1970.
            before_commit: called between check and commit, so that tests can come in between.
        """
        self._store, self._marks, self._cosigners = store, marks, tuple(cosigners)
        self._clock, self._before_commit = clock, before_commit

    def add_checkpoint(self, body: bytes) -> Answer:
        """Cosign, or say why not: 200, 400, 403, 404, 409 or 422.

        Raises:
            StorageError, LedgerError: nothing could be stored, so nothing was cosigned.
        """
        try:
            request = AddCheckpoint.parse(body)
            note = notes.parse(request.note)
            checkpoint = parse_text(note.text)
        except NoteError as error:
            return Answer(400, f"{error.message}\n")
        keys = self._store.logs(checkpoint.origin)
        if not keys:
            return Answer(404, "this log is not known here\n")
        try:
            _, signed = notes.verify(request.note, keys)
        except NoteError as error:
            return Answer(403, f"{error.message}\n")
        if request.old > checkpoint.size:
            return Answer(400, "the old size is larger than the checkpoint's\n")
        return self._decide(request, checkpoint, note, signed)

    def latest(self, origin: str) -> Known:
        """Size and root of the newest checkpoint cosigned of a log: whatever database or mark knows of it."""
        return self._newest(origin, self._store.latest(origin))

    def checkpoint(self, hashed_origin: str) -> str | None:
        """The newest cosigned checkpoint of the log whose origin has this SHA-256 (hexadecimal), for monitors."""
        return self._store.note(hashed_origin)

    def _decide(
        self, request: AddCheckpoint, checkpoint: Checkpoint, note: Note, signed: Sequence[VerifierKey]
    ) -> Answer:
        """Check and persist, atomically; then answer."""
        origin = checkpoint.origin
        with self._store.lock():
            with self._store.transaction() as change:
                refused = refusal(request, checkpoint, self._newest(origin, change.latest(origin)))
                if refused is not None:
                    return refused
                lines = self._cosign(checkpoint.text, self._clock())
                self._before_commit()
                change.put(checkpoint, str(Note(note.text, (*_verified(note, signed), *lines))))
            write_mark(self._marks, checkpoint)
        return Answer(200, "".join(line.line() for line in lines))

    def _cosign(self, text: str, at: int) -> list[NoteSignature]:
        return [cosign(text, cosigner.key, cosigner.sign, at) for cosigner in self._cosigners]

    def _newest(self, origin: str, stored: Cosigned | None) -> Known:
        mark = read_mark(self._marks, origin)
        known = NOTHING if stored is None else Known(stored.size, stored.root)
        return Known(mark.size, mark.root) if mark is not None and mark.size > known.size else known


def _verified(note: Note, signed: Sequence[VerifierKey]) -> list[NoteSignature]:
    """The log's own signature lines: whatever else was sent along is not kept."""
    known = {(key.name, key.key_hash) for key in signed}
    return [line for line in note.signatures if (line.name, line.key_hash) in known]
