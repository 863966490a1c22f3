"""Whoever outside vouches for the log: witnesses and time-stamping authorities, asked where edits are delivered."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from void_audit.ledger.log import Ledger
from void_audit.model.proof import TimestampToken


@dataclass(frozen=True)
class Attested:
    """A checkpoint with the cosignatures that it has, and tokens that cover it."""

    note: str
    timestamps: tuple[TimestampToken, ...] = ()


class Notary(Protocol):
    """Asks others. None that does not answer stops an edit: what is missing shows in the file."""

    @property
    def warnings(self) -> tuple[str, ...]:
        """What could not be had, and why: for whoever runs the edit."""

    def attest(self, ledger: Ledger, size: int) -> Attested:
        """The checkpoint of ``size`` with every cosignature and token that can be had. LedgerError if there is none."""

    def stamp(self, ledger: Ledger, sha256: str) -> tuple[TimestampToken, ...]:
        """Tokens for a finished file."""


class NobodyAsked:
    """No witness and no authority is configured: the log's own signature, and nothing else."""

    @property
    def warnings(self) -> tuple[str, ...]:
        """None."""
        return ()

    def attest(self, ledger: Ledger, size: int) -> Attested:
        """The checkpoint as the log signed it."""
        return Attested(ledger.cosigned(size))

    def stamp(self, ledger: Ledger, sha256: str) -> tuple[TimestampToken, ...]:
        """None."""
        return ()
