"""Whoever outside vouches for this house's log: witnesses of ``trust/log.policy``, authorities of the settings.

Nothing is asked that the house did not name there, and nothing that does not answer stops an edit: it is said
as a warning, and what is missing shows in the file.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path

from void_audit.canon.note import VerifierKey
from void_audit.canon.timestamp import claimed_time
from void_audit.canon.tlog_policy import Policy, parse_policy
from void_audit.errors import IdentityError, NoteError, TokenError, VoidAuditError
from void_audit.ledger.authorities import (
    Authorities,
    checkpoint_tokens,
    file_tokens,
    stamp_checkpoint,
    stamp_digest,
)
from void_audit.ledger.log import Ledger
from void_audit.ledger.witness_client import Asked, WitnessClient, said
from void_audit.model.proof import TimestampToken
from void_audit.workflow.notary import Attested

POLICY = "log.policy"
"""In ``trust``: a C2SP tlog-policy."""

TSA = "tsa.pem"
"""In ``trust``: roots of the time-stamping authorities that count."""

MAX_ROOTS = 1024 * 1024
"""Bytes."""

KEEP_UP_SECONDS = 5.0
"""For each authority where a command only keeps up: whoever waits there has not asked for a stamp."""

OPERATOR_TRUSTED = """\
# Who vouches for this log: a C2SP tlog-policy, see docs/witnessing.md. No witness yet.
log {vkey}
quorum none
"""
"""The policy of a new workspace."""


@dataclass
class HouseNotary:
    """Implements ``workflow.notary.Notary``."""

    witnesses: WitnessClient
    authorities: Callable[[], Authorities | None] = lambda: None
    """Who stamps, if anybody. What it raises is said, and stops nothing."""
    said: list[str] = field(default_factory=list)
    _silent: bool = False

    @property
    def warnings(self) -> tuple[str, ...]:
        """What went wrong so far, once each, the alarm of a forked log first."""
        return tuple(self.said)

    def attest(self, ledger: Ledger, size: int) -> Attested:
        """The checkpoint of ``size`` with every cosignature and token that can be had.

        Raises:
            LedgerError: ``checkpoint-missing``.
        """
        note = self._cosigned(ledger, size)
        self._have(lambda authorities: stamp_checkpoint(ledger, authorities, size))
        return Attested(note, checkpoint_tokens(ledger, size))

    def stamp(self, ledger: Ledger, sha256: str) -> tuple[TimestampToken, ...]:
        """Tokens for a finished file."""
        self._have(lambda authorities: stamp_digest(ledger, authorities, bytes.fromhex(sha256)))
        return file_tokens(ledger, sha256)

    def keep_up(self, ledger: Ledger, hours: int, now: datetime) -> None:
        """Stamp the newest checkpoint, if the log has grown and the newest stamped one is older than ``hours``."""
        stamped = ledger.newest_stamped()
        if stamped is not None:
            size, token = stamped
            if size == ledger.size or _is_newer(token, now - timedelta(hours=hours)):
                return

        def stamp(authorities: Authorities) -> None:
            patience = min(authorities.patience, KEEP_UP_SECONDS)
            stamp_checkpoint(ledger, replace(authorities, patience=patience), ledger.size)

        self._have(stamp)

    def ask(self, ledger: Ledger, size: int) -> Asked:
        """Ask the witnesses, keep what they sign, and remember what went wrong."""
        asked = self.witnesses.ask(ledger, size)
        if asked.lines:
            ledger.add_cosignatures(size, asked.lines)
        self.said.extend(line for line in said(asked.warnings) if line not in self.said)
        return asked

    def _cosigned(self, ledger: Ledger, size: int) -> str:
        """With what witnesses signed; without it where one line kept of them is wrong: no checker would go on."""
        try:
            self.ask(ledger, size)
            note = ledger.cosigned(size)
            self.witnesses.policy.judge([note])
        except NoteError as error:
            self.said.append(f"no cosignatures of the checkpoint of {size} ({error.code}): {error.message}")
            return ledger.checkpoint_at(size)
        return note

    def _have(self, stamp: Callable[[Authorities], object]) -> None:
        """After one failure nobody is asked again: it would cost the same wait each time."""
        if self._silent:
            return
        try:
            authorities = self.authorities()
            if authorities is not None:
                stamp(authorities)
        except VoidAuditError as error:
            self._silent = True
            self.said.append(f"no time stamp ({error.code}): {error.message}")


def _is_newer(token: bytes, when: datetime) -> bool:
    """Whether a token claims a later time; what a rebuilt database took from a bad copy may be none."""
    try:
        return claimed_time(token) > when
    except TokenError:
        return False


def house_authorities(folder: Path, urls: tuple[str, ...]) -> Authorities | None:
    """The time-stamping authorities of the workspace ``folder``; None where the settings name none.

    Raises:
        TokenError: ``tsa-roots-missing``: without ``trust/tsa.pem`` no reply could be checked.
    """
    if not urls:
        return None
    path = folder / "trust" / TSA
    try:
        with path.open("rb") as stream:
            roots = stream.read(MAX_ROOTS).decode()
    except (OSError, UnicodeDecodeError) as error:
        raise TokenError(
            "tsa-roots-missing",
            f"{path} cannot be read.",
            "Put the root certificates (PEM) of the authorities in timestamp_urls there.",
        ) from error
    return Authorities(urls, roots)


def house_policy(folder: Path, vkey: str) -> Policy:
    """The policy of the workspace ``folder``, which must be for its own log; without the file, one of no witness.

    Raises:
        IdentityError: ``log-policy-malformed``, ``log-policy-other``, ``log-policy-unreadable``.
    """
    path = folder / "trust" / POLICY
    try:
        policy = parse_policy(path.read_bytes())
    except FileNotFoundError:
        return Policy()
    except IdentityError as error:
        raise IdentityError(error.code, f"{path}: {error.message}", error.hint) from error
    except OSError as error:
        raise IdentityError(
            "log-policy-unreadable", f"{path} cannot be read: {error.strerror}.", "Check its permissions."
        ) from error
    if not policy.knows_log(VerifierKey.parse(vkey)):
        raise IdentityError(
            "log-policy-other", f"{path} is for another log.", f"Its log line should read: log {vkey}"
        )
    return policy
