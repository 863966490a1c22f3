from __future__ import annotations

import psycopg
import pytest

from void_audit.errors import InputError, LedgerError, StorageError
from void_audit.ledger import postgresql_errors as errors

PLACE = "postgresql://newsroom@db.example/ledger"


@pytest.mark.parametrize(
    ("error", "kind", "code"),
    [
        (psycopg.errors.DiskFull("x"), StorageError, "storage-full"),
        (psycopg.errors.IoError("x"), StorageError, "storage-failed"),
        (psycopg.errors.LockNotAvailable("x"), StorageError, "database-busy"),
        (psycopg.errors.QueryCanceled("x"), StorageError, "database-busy"),
        (psycopg.errors.TooManyConnections("x"), StorageError, "database-busy"),
        (psycopg.errors.AdminShutdown("x"), StorageError, "database-unreachable"),
        (psycopg.errors.IdleInTransactionSessionTimeout("x"), StorageError, "database-unreachable"),
        (psycopg.errors.ConnectionTimeout("x"), StorageError, "database-unreachable"),
        (psycopg.errors.ReadOnlySqlTransaction("x"), StorageError, "database-read-only"),
        (psycopg.errors.InsufficientPrivilege("x"), StorageError, "database-privileges"),
        (psycopg.errors.UniqueViolation("x"), LedgerError, "ledger-append-only"),
        (psycopg.errors.RestrictViolation("x"), LedgerError, "ledger-append-only"),
        (psycopg.errors.DataCorrupted("x"), LedgerError, "ledger-damaged"),
        (psycopg.errors.UndefinedTable("x"), LedgerError, "ledger-damaged"),
        (psycopg.errors.NumericValueOutOfRange("x"), InputError, "value-unusable"),
        (psycopg.DataError("PostgreSQL text fields cannot contain NUL"), InputError, "value-unusable"),
        (psycopg.errors.DivisionByZero("x"), LedgerError, "ledger-damaged"),
        (psycopg.InterfaceError("the connection is closed"), StorageError, "database-unreachable"),
        (psycopg.OperationalError('FATAL:  role "x" does not exist'), StorageError, "database-missing"),
        (psycopg.OperationalError("FATAL:  sorry, too many clients already"), StorageError, "database-busy"),
        (
            psycopg.OperationalError("SSL error: certificate verify failed"),
            StorageError,
            "database-certificate",
        ),
        (psycopg.OperationalError("FATAL:  no pg_hba.conf entry"), StorageError, "database-authentication"),
        (psycopg.OperationalError("FATAL:  Passwort falsch"), StorageError, "database-unreachable"),
    ],
)
def test_every_error_has_a_code_a_place_and_a_hint(error: Exception, kind: type, code: str) -> None:
    meant = errors.meaning(PLACE, error)
    assert (type(meant), meant.code) == (kind, code)
    assert PLACE in meant.message
    assert meant.hint


def test_a_password_is_never_repeated(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGPASSWORD", "open sesame")
    for error in (
        psycopg.OperationalError("bad option 'open sesame'"),
        psycopg.errors.DiskFull("open sesame"),
    ):
        assert "sesame" not in str(errors.meaning(PLACE, error))
        assert "sesame" not in str(errors.commit_unknown(PLACE, error))


def test_a_long_answer_is_cut() -> None:
    meant = errors.meaning(PLACE, psycopg.OperationalError("x" * 10_000 + "\nsecond line"))
    assert len(meant.message) < 500
