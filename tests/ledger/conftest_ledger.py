"""What the tests of the ledger share."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from void_audit.canon.dsse import seal
from void_audit.canon.note import VerifierKey
from void_audit.canon.statement import encode
from void_audit.identity.keys import FileSigner
from void_audit.ledger.database import DATABASE
from void_audit.ledger.fsck import FsckReport, fsck
from void_audit.ledger.log import Ledger
from void_audit.model.base import BlobRef
from void_audit.model.records import Approval, Statement

ORIGIN = "newsroom.example/void-audit/1"


def key(number: int) -> FileSigner:
    return FileSigner(Ed25519PrivateKey.from_private_bytes(bytes([number]) * 32))


def envelope(number: int, comment: BlobRef | None = None) -> bytes:
    """The ``number``-th approval, of edit ``e<number mod 3>``; always the same bytes."""
    approval = Approval(claimed_time=str(number), edit=f"e{number % 3}", plan="ab" * 32, comment=comment)
    return seal(encode(Statement(subjects=(), predicate=approval)), [key(2)])


@dataclass(frozen=True)
class Home:
    """Where one log lives."""

    root: Path

    @property
    def signer(self) -> FileSigner:
        return key(1)

    @property
    def folder(self) -> Path:
        return self.root / "ledger"

    @property
    def database(self) -> Path:
        return self.folder / DATABASE

    @property
    def mark(self) -> Path:
        return self.root / "keys" / "log.mark"

    @property
    def vkey(self) -> str:
        return str(VerifierKey.of(ORIGIN, self.signer))

    def create(self) -> Ledger:
        return Ledger.create(self.folder, ORIGIN, self.signer, self.mark)

    def open(self) -> Ledger:
        return Ledger.open(self.folder, self.signer, self.mark)

    def fsck(self) -> FsckReport:
        return fsck(self.folder, self.vkey, mark=self.mark)

    def codes(self) -> set[str]:
        return {problem.code for problem in self.fsck().problems}

    def sql(self, *statements: str) -> None:
        """Change the database behind the ledger's back; triggers stay as they are."""
        with closing(sqlite3.connect(self.database, isolation_level=None)) as connection:
            for statement in statements:
                connection.execute(statement)

    def tamper(self, *statements: str) -> None:
        """As ``sql``, as an insider who takes the triggers off and puts them back."""
        with closing(sqlite3.connect(self.database, isolation_level=None)) as connection:
            connection.execute("PRAGMA ignore_check_constraints = ON")
            triggers = connection.execute(
                "SELECT name, sql FROM sqlite_master WHERE type = 'trigger'"
            ).fetchall()
            for name, _ in triggers:
                connection.execute(f"DROP TRIGGER {name}")
            for statement in (*statements, *(sql for _, sql in triggers)):
                connection.execute(statement)
