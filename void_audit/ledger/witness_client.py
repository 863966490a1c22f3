"""Asks the witnesses of a policy to cosign a checkpoint: C2SP tlog-witness v1.0.0, from the log's side.

None of them can stop the log. One that is slow, silent or hostile costs a few seconds and a warning; what it
signs is checked before it is kept. But one that knows a larger tree than this log has, or another one, is the
alarm for which there are witnesses: ``witness-contradicts``.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from void_audit.canon import merkle
from void_audit.canon import note as notes
from void_audit.canon.checkpoint import open_checkpoint, parse_text
from void_audit.canon.cosignature import time_of
from void_audit.canon.note import Note, VerifierKey
from void_audit.canon.tlog_policy import Policy, Witness
from void_audit.errors import EvidenceError, VoidAuditError
from void_audit.ledger.reader import LogReader
from void_audit.ledger.witness_http import Reply, Unanswered, exchange
from void_audit.ledger.witness_protocol import (
    ADD_CHECKPOINT,
    SIZE_TYPE,
    AddCheckpoint,
    monitoring_path,
    parse_size,
)

SECONDS = 4.0
"""For all witnesses together."""
CLOCK_SECONDS = 3600
"""How far a witness's clock may be from ours."""
ATTEMPTS = 3
"""Requests to one witness: it may have moved on between two of them."""

CONTRADICTS = "witness-contradicts"


@dataclass(frozen=True)
class WitnessWarning:
    """What did not go as it should with one witness."""

    code: str
    """``witness-unreachable``, ``-refused``, ``-failed``, ``-ahead``, ``-malformed``, ``-unsigned``,
    ``-signature-bad``, ``-clock``, or ``witness-contradicts``: the log was rolled back or has forked."""
    witness: str
    message: str

    def __str__(self) -> str:
        return f"{self.code}: {self.witness} {self.message}"


@dataclass(frozen=True)
class Asked:
    """What came of asking: signature lines that were checked, and warnings."""

    lines: tuple[str, ...] = ()
    warnings: tuple[WitnessWarning, ...] = ()

    @property
    def contradicted(self) -> bool:
        """Whether a witness knows another history."""
        return any(warning.code == CONTRADICTS for warning in self.warnings)


@dataclass
class WitnessClient:
    """Remembers for one process how far each witness has come. Safe for several threads."""

    policy: Policy
    seconds: float = SECONDS
    clock: Callable[[], float] = time.time
    _sizes: dict[str, int] = field(default_factory=dict)

    def ask(self, log: LogReader, size: int) -> Asked:
        """Ask every witness that has a URL and has not cosigned the checkpoint of ``size`` yet.

        Raises:
            LedgerError, StorageError: the log itself cannot be read.
            NoteError: ``note-signature-bad``: a cosignature that is stored here is wrong.
        """
        note = log.cosigned(size)
        have = {name for name, _ in self.policy.judge([note]).cosigned}
        by_url: dict[str, list[Witness]] = {}
        for witness in self.policy.witnesses:
            if witness.url is not None and witness.name not in have:
                by_url.setdefault(witness.url, []).append(witness)
        until = time.monotonic() + self.seconds
        talks = [_Talk(self, log, size, url, witnesses, until) for url, witnesses in by_url.items()]
        for talk in talks:
            talk.start()
        for talk in talks:
            talk.join(max(until + 0.2 - time.monotonic(), 0))
        results = [talk.result for talk in talks]
        return Asked(
            tuple(line for result in results for line in result.lines),
            tuple(warning for result in results for warning in result.warnings),
        )

    def known_size(self, url: str) -> int:
        """How far the witness at ``url`` is known to have come."""
        return self._sizes.get(url, 0)

    def came_to(self, url: str, size: int) -> None:
        """Remember it."""
        self._sizes[url] = size


class _Talk(threading.Thread):
    """With one witness, which may have several keys. Nobody waits for a thread that is late."""

    def __init__(
        self,
        client: WitnessClient,
        log: LogReader,
        size: int,
        url: str,
        witnesses: list[Witness],
        until: float,
    ) -> None:
        super().__init__(daemon=True)
        self._client, self._log, self._size, self._url, self._until = client, log, size, url, until
        self._witnesses = witnesses
        self._log_key = VerifierKey.parse(log.vkey)
        self._names = "/".join(witness.name for witness in witnesses)
        self.result = self._warned("witness-unreachable", f"at {url} does not answer in time.")

    def run(self) -> None:
        try:
            self.result = self._ask()
        except Unanswered as problem:
            self.result = self._warned("witness-unreachable", f"at {self._url}: {problem}.")
        except VoidAuditError as error:
            self.result = self._warned("witness-failed", f"could not be asked: {error}")

    def _ask(self) -> Asked:
        note = self._log.checkpoint_at(self._size)
        old = min(self._client.known_size(self._url), self._size)
        for _ in range(ATTEMPTS):
            request = AddCheckpoint(old, self._log.consistency(old, self._size), note)
            reply = self._exchange("POST", ADD_CHECKPOINT, request.body())
            known = parse_size(reply.body) if reply.status == 409 and reply.media_type == SIZE_TYPE else None
            if known is None:
                return self._judged(reply, note, old)
            if known > self._size:
                return self._ahead(known)
            self._client.came_to(self._url, known)
            old = known
        return self._warned(
            "witness-failed", "moves faster than it can be asked; it is asked again next time."
        )

    def _judged(self, reply: Reply, note: str, old: int) -> Asked:
        if reply.status == 200:
            return self._accepted(reply.body, note)
        if reply.status == 422 or (reply.status == 409 and old == self._size):  # 409: before version 1.0.0
            return self._contradicted("that it cosigned another history")
        if reply.status == 404:
            return self._warned(
                "witness-refused",
                "does not know this log: its operator runs `void-audit witness add-log VKEY`.",
            )
        if reply.status == 403:
            return self._warned("witness-refused", "does not accept the key of this log: was it replaced?")
        where = " to another place: nothing is sent there" if 300 <= reply.status < 400 else ""
        return self._warned(
            "witness-failed", f"at {self._url} answers with HTTP status {reply.status}{where}."
        )

    def _accepted(self, body: bytes, note: str) -> Asked:
        """The cosignatures in a reply, once they are checked."""
        text = notes.parse(note).text
        try:
            parsed = notes.parse(f"{text}\n{body.decode()}")
            if parsed.text != text:
                raise ValueError("more than signature lines")
        except (EvidenceError, ValueError):
            return self._warned("witness-malformed", "answers with something that is no cosignature.")
        results = [self._one(witness, parsed) for witness in self._witnesses]
        if any(result.lines for result in results):
            self._client.came_to(self._url, self._size)
        return Asked(
            tuple(line for result in results for line in result.lines),
            tuple(warning for result in results for warning in result.warnings),
        )

    def _one(self, witness: Witness, note: Note) -> Asked:
        """What one key signed."""
        try:
            signatures = notes.signatures_of(note, witness.key)
        except EvidenceError:
            return _warned(
                witness.name, "witness-signature-bad", "signed something else: nothing of it is kept."
            )
        if not signatures:
            return _warned(
                witness.name, "witness-unsigned", "did not sign with the key that the policy names."
            )
        now = self._client.clock()
        if any(abs(time_of(signature) - now) > CLOCK_SECONDS for signature in signatures):
            return _warned(
                witness.name,
                "witness-clock",
                "says another time than this machine: one clock is wrong; not kept.",
            )
        mine = (witness.key.name, witness.key.key_hash)
        return Asked(tuple(line.line() for line in note.signatures if (line.name, line.key_hash) == mine))

    def _ahead(self, known: int) -> Asked:
        """The witness has come further: with this very log, or with another history of it."""
        if known <= self._log.size:
            return self._warned("witness-ahead", f"has cosigned {known} entries already: ask for those.")
        return self._contradicted(f"that it cosigned {known} entries where this log has {self._log.size}")

    def _contradicted(self, what: str) -> Asked:
        self.result = self._alarm(what, "but shows no checkpoint that proves it")  # in case the proof is late
        proof = self._proof()
        if proof is None:
            return self.result
        return self._alarm(
            what,
            f"and shows it: a checkpoint of {proof} entries, signed by this log's key, is not of this log",
        )

    def _alarm(self, what: str, shown: str) -> Asked:
        return self._warned(
            CONTRADICTS,
            f"says {what}, {shown}. This log was rolled back or has forked, or the witness is wrong: make no more "
            f"edits, run `void-audit ledger fsck`, and look at {self._url}{monitoring_path(self._log.origin)}.",
        )

    def _proof(self) -> int | None:
        """Size of a checkpoint that the witness shows, our key signed, and this log does not extend."""
        try:
            reply = self._exchange("GET", monitoring_path(self._log.origin), None)
            seen = open_checkpoint(reply.body, self._log_key)
            ours = parse_text(notes.parse(self._log.checkpoint()).text)
            if seen.size > ours.size:
                return seen.size
            path = self._log.consistency(seen.size, ours.size)
        except (Unanswered, VoidAuditError):
            return None
        try:
            merkle.verify_consistency(seen.size, seen.root, ours.size, ours.root, path)
        except EvidenceError:
            return seen.size
        return None

    def _exchange(self, method: str, path: str, body: bytes | None) -> Reply:
        left = self._until - time.monotonic()
        if left <= 0:
            raise Unanswered("it does not answer in time")
        return exchange(method, self._url + path, body, left)

    def _warned(self, code: str, message: str) -> Asked:
        return _warned(self._names, code, message)


def _warned(witness: str, code: str, message: str) -> Asked:
    return Asked(warnings=(WitnessWarning(code, witness, message),))


def said(warnings: Sequence[WitnessWarning]) -> list[str]:
    """Warnings for a person, the alarm first."""
    return [str(warning) for warning in sorted(warnings, key=lambda w: w.code != CONTRADICTS)]
