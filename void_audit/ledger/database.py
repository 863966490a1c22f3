"""What the ledger asks of a database: a commit that is on the disk when it returns, and one writer at a time.

``ledger.opening.open_database`` finds the backend: SQLite in a folder, or PostgreSQL.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as NoConnectionLeft

from void_audit.errors import InputError, LedgerError, StorageError, VoidAuditError
from void_audit.ledger.schema import check_version

DATABASE = "ledger.sqlite"
"""File name inside the ledger's folder, where the ledger is kept in SQLite."""

LOCK_SECONDS = 60.0
"""How long ``lock`` waits for other writers."""

UNREACHED = {"database-authentication", "database-certificate", "database-missing", "database-unreachable"}
"""Codes of a database that was not reached: nothing can be said about what it holds."""

Place = Path | str
"""A folder (SQLite), or the URL of a PostgreSQL database."""

Fault = tuple[str, str, str]
"""Code, place and detail of something that is wrong with the schema."""


class Database(ABC):
    """One log's database, for several threads. Every error that leaves is one of ``errors``."""

    place: str
    """Where it is, for messages: never a password."""

    writable: bool
    """Whether ``write`` may be used."""

    owner: bool
    """Whether this side may change the schema, not only add rows."""

    @abstractmethod
    def exists(self) -> bool:
        """Whether there is a database to open."""

    @abstractmethod
    def prepare(self) -> None:
        """Make the folder that a new log needs, durably. Raises StorageError ``storage-*``."""

    @abstractmethod
    def read(self) -> AbstractContextManager[sa.Connection]:
        """One consistent view of the database.

        Raises:
            StorageError: ``storage-*``, ``database-*``.
            LedgerError: ``ledger-damaged``.
            InputError: ``value-unusable``: asked for a text that is not UTF-8, or a number over 64 bits.
        """

    @abstractmethod
    def write(self, *, durable: bool = True) -> AbstractContextManager[sa.Connection]:
        """A transaction. Under ``lock`` in the same thread it can only commit while that lock is held.

        Args:
            durable: wait until the commit is on the disk. Without, a crash of the machine may undo it, and
                all later commits that did not wait, but never one that did.

        Raises:
            StorageError: as ``read``; ``storage-full``, ``storage-unwritable``; ``database-commit-unknown``
                if the connection broke while it was committed: take ``lock`` again, then look.
            LedgerError: ``ledger-append-only``, ``ledger-damaged``.
        """

    @abstractmethod
    def lock(self) -> AbstractContextManager[None]:
        """Hold the log against other writers, threads and processes alike, over several transactions.

        Raises:
            StorageError: ``ledger-busy`` after ``LOCK_SECONDS``, ``storage-*``, ``database-*``.
        """

    def replaced(self) -> bool:
        """Whether another database lies at the place since the last call (a restore); it is then opened anew.

        Connections would go on writing to the one that was taken away. A server sees to that itself.

        Raises:
            StorageError: ``storage-*``.
        """
        return False

    @abstractmethod
    def faults(self, connection: sa.Connection) -> Iterator[Fault]:
        """What is wrong with the file and the schema: ``database-corrupt``, ``schema-*``."""

    @abstractmethod
    def close(self) -> None:
        """Release files and connections."""

    def check_version(self) -> None:
        """Refuse a database whose schema is not exactly the one this code knows.

        Raises:
            StorageError: ``database-newer`` or ``database-older``.
        """
        with self.read() as connection:
            check_version(connection, self.place)

    @abstractmethod
    def meaning(self, error: BaseException) -> VoidAuditError:
        """What an error of the driver means."""

    @contextmanager
    def translated(self) -> Iterator[None]:
        """Turn whatever the driver and SQLAlchemy raise into errors of ours."""
        try:
            yield
        except DBAPIError as error:
            raise self.meaning(error.orig or error) from error
        except NoConnectionLeft as error:
            raise StorageError(
                "database-busy", f"{self.place} has too many readers at once.", "Try again."
            ) from error
        except (UnicodeEncodeError, OverflowError) as error:  # raised by binding, never by what is stored
            raise unusable(self.place, error) from error
        except (SQLAlchemyError, TypeError) as error:  # a stored value is of another type than the schema's
            raise LedgerError("ledger-damaged", f"{self.place}: {str(error)[:200]}.", "Run fsck.") from error


def unusable(place: str, error: BaseException | str) -> InputError:
    """A value that no database can hold."""
    return InputError(
        "value-unusable",
        f"{place} can hold no such value: {error}.",
        "Texts are UTF-8 without NUL, whole numbers have 64 bits.",
    )
