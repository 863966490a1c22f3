"""What the tests of the ledger share."""

from __future__ import annotations

import re
import shutil
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import psycopg
from copies import copy_place
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from postgres import Server

from void_audit.canon.dsse import seal
from void_audit.canon.note import VerifierKey
from void_audit.canon.statement import encode
from void_audit.identity.keys import FileSigner
from void_audit.ledger.database import DATABASE, Database, Place
from void_audit.ledger.fsck import FsckReport, fsck
from void_audit.ledger.log import Ledger
from void_audit.ledger.opening import open_database
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
    def place(self) -> Place:
        """Where ``Ledger.open`` finds it."""
        return self.folder

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
        return Ledger.create(self.place, ORIGIN, self.signer, self.mark)

    def open(self) -> Ledger:
        return Ledger.open(self.place, self.signer, self.mark)

    def fsck(self) -> FsckReport:
        return fsck(self.place, self.vkey, mark=self.mark)

    def codes(self) -> set[str]:
        return {problem.code for problem in self.fsck().problems}

    def connect(self, *, writable: bool = True) -> Database:
        """Another handle on its database."""
        return open_database(self.place, writable=writable)

    def copy_to(self, root: Path) -> Home:
        """Another log with the same key, which goes on from the same entries."""
        copy_place(self.root, root)
        return Home(root)

    def back_up(self) -> str:
        """Keep the database as it is now; the mark is no part of it."""
        shutil.copytree(self.folder, self.root / "backup")
        return "backup"

    def restore(self, backup: str) -> None:
        """Put a backup in the place of the database."""
        self.remove()
        shutil.copytree(self.root / backup, self.folder)

    def remove(self) -> None:
        """Take the database away."""
        shutil.rmtree(self.folder)

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


@dataclass(frozen=True)
class TeamHome(Home):
    """Where one log lives whose database is in PostgreSQL."""

    server: Server
    name: str
    """Of its database."""

    @property
    def place(self) -> Place:
        return self.server.url(self.name)

    def copy_to(self, root: Path) -> TeamHome:
        name = self.server.new_database(template=self.name)
        copy_place(self.root, root)
        return TeamHome(root, self.server, name)

    def back_up(self) -> str:
        return self.server.new_database(template=self.name)

    def restore(self, backup: str) -> None:
        self.server.sql(f"DROP DATABASE {self.name} WITH (FORCE)")
        self.server.new_database(self.name, template=backup)

    def remove(self) -> None:
        """Leaves one that was only prepared."""
        self.restore("prepared_ledger")

    def sql(self, *statements: str) -> None:
        """As the superuser."""
        with psycopg.connect(self.server.url(self.name, "postgres"), autocommit=True) as connection:
            connection.execute("SET search_path = void_audit")
            for statement in statements:
                connection.execute(translated(statement))

    def tamper(self, *statements: str) -> None:
        with psycopg.connect(self.server.url(self.name, "postgres")) as connection:
            connection.execute("SET search_path = void_audit")
            triggers = connection.execute(
                "SELECT relname, tgname FROM pg_trigger JOIN pg_class c ON c.oid = tgrelid"
                " WHERE relnamespace = 'void_audit'::regnamespace"
            ).fetchall()
            for table, name in triggers:
                connection.execute(f"ALTER TABLE {table} DISABLE TRIGGER {name}")
            for statement in statements:
                connection.execute(translated(statement))
            for table, name in triggers:
                connection.execute(f"ALTER TABLE {table} ENABLE ALWAYS TRIGGER {name}")


def translated(statement: str) -> str:
    """SQLite's words for bytes, in PostgreSQL's."""
    statement = re.sub(r"zeroblob\((\d+)\)", r"decode(repeat('00', \1), 'hex')", statement)
    return re.sub(r"X'([0-9A-F]*)'", r"'\\x\1'::bytea", statement)
