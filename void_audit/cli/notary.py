"""Whoever outside vouches for this house's log: the witnesses of ``trust/log.policy``.

Nothing is asked that the house did not name there, and nothing that does not answer stops an edit: it is said
as a warning, and what is missing shows in the file.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from void_audit.canon.note import VerifierKey
from void_audit.canon.tlog_policy import Policy, parse_policy
from void_audit.errors import IdentityError
from void_audit.ledger.log import Ledger
from void_audit.ledger.witness_client import Asked, WitnessClient, said
from void_audit.model.proof import TimestampToken
from void_audit.workflow.notary import Attested

POLICY = "log.policy"
"""In ``trust``: a C2SP tlog-policy."""

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
    said: list[str] = field(default_factory=list)

    @property
    def warnings(self) -> tuple[str, ...]:
        """What went wrong so far, once each, the alarm of a forked log first."""
        return tuple(self.said)

    def attest(self, ledger: Ledger, size: int) -> Attested:
        """The checkpoint of ``size`` with every cosignature and token that can be had.

        Raises:
            LedgerError: ``checkpoint-missing``.
        """
        self.ask(ledger, size)
        return Attested(ledger.cosigned(size))

    def stamp(self, ledger: Ledger, sha256: str) -> tuple[TimestampToken, ...]:
        """None yet."""
        return ()

    def ask(self, ledger: Ledger, size: int) -> Asked:
        """Ask the witnesses, keep what they sign, and remember what went wrong."""
        asked = self.witnesses.ask(ledger, size)
        if asked.lines:
            ledger.add_cosignatures(size, asked.lines)
        self.said.extend(line for line in said(asked.warnings) if line not in self.said)
        return asked


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
    except OSError as error:
        raise IdentityError(
            "log-policy-unreadable", f"{path} cannot be read: {error.strerror}.", "Check its permissions."
        ) from error
    if not policy.knows_log(VerifierKey.parse(vkey)):
        raise IdentityError(
            "log-policy-other", f"{path} is for another log.", f"Its log line should read: log {vkey}"
        )
    return policy
