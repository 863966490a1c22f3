"""What errors of PostgreSQL mean, by SQLSTATE (PostgreSQL 15, appendix A). No message holds a password."""

from __future__ import annotations

import os
import re

import psycopg

from void_audit.errors import LedgerError, StorageError, VoidAuditError
from void_audit.ledger.database import unusable

_AGAIN = "Nothing was lost; check the server, then run it again."

_Known = tuple[type[StorageError | LedgerError], str, str, str]

_BUSY: _Known = (StorageError, "database-busy", "is in use", "Try again.")
_FULL: _Known = (
    StorageError,
    "storage-full",
    "has no room left",
    "Free space on the server, then run it again.",
)
_GONE: _Known = (StorageError, "database-unreachable", "broke the connection", _AGAIN)

_STATES: dict[str, _Known] = {
    "55P03": _BUSY,  # lock_timeout
    "57014": _BUSY,  # statement_timeout
    "40001": _BUSY,
    "40P01": _BUSY,
    "53300": _BUSY,  # too many connections
    "53100": _FULL,
    "53200": _FULL,
    "57P01": _GONE,
    "57P02": _GONE,
    "57P03": _GONE,
    "25P03": _GONE,
    "08": _GONE,
    "58": (
        StorageError,
        "storage-failed",
        "could not read or write",
        "Check the server's disk before going on.",
    ),
    "42501": (
        StorageError,
        "database-privileges",
        "refuses what the ledger needs",
        "Let the tables' owner run `void-audit ledger prepare` for this role.",
    ),
    "23": (LedgerError, "ledger-append-only", "refused a change", "Entries are never changed."),
}
"""By SQLSTATE, or its class (the first two characters)."""

_UNUSABLE = {"", "22003", "22021", "22P05"}
"""A number beyond 64 bits, a text with NUL or that is no UTF-8; psycopg notices some itself, without a state."""

_REFUSED = (
    ("password authentication failed", "database-authentication"),
    ("no password supplied", "database-authentication"),
    ("authentication failed", "database-authentication"),
    ("no pg_hba.conf entry", "database-authentication"),
    ("certificate", "database-certificate"),
    ("does not support SSL", "database-certificate"),
    ("too many clients", "database-busy"),
    ("remaining connection slots", "database-busy"),
    ("does not exist", "database-missing"),
    ("is not permitted to log in", "database-authentication"),
)
"""libpq gives no SQLSTATE for a connection that is refused: only the server's text tells. In another language
it becomes ``database-unreachable``, which repeats it."""

_HINTS = {
    "database-authentication": "Give the password in ~/.pgpass, a service file or PGPASSWORD; see pg_hba.conf.",
    "database-certificate": "Put the CA's root into ~/.postgresql/root.crt or name it: ?sslrootcert=FILE.",
    "database-busy": "Try again, or allow more connections (max_connections).",
    "database-missing": "Correct the address: role and database must be there.",
}


_PREFIX = re.compile(r"^(connection failed: )?(connection to server [^\n]*? failed: )?(FATAL: +)?")


def meaning(place: str, error: BaseException) -> VoidAuditError:
    """An error of ours for one of psycopg's."""
    state, text = getattr(error, "sqlstate", None) or "", _said(error)
    if isinstance(error, psycopg.errors.ConnectionTimeout):
        return StorageError("database-unreachable", f"{place} does not answer.", _AGAIN)
    if isinstance(error, psycopg.DataError) and state in _UNUSABLE:
        return unusable(place, text)
    if state == "25006":
        return standby(place)
    known = _STATES.get(state) or _STATES.get(state[:2])
    if known is not None:
        kind, code, what, hint = known
        return kind(code, f"{place} {what}: {text}.", hint)
    if isinstance(error, psycopg.OperationalError | psycopg.InterfaceError):
        return _unreachable(place, text)
    return LedgerError("ledger-damaged", f"{place} is damaged: {text}.", "Run fsck, and restore a backup.")


def standby(place: str) -> StorageError:
    """A server that only repeats what another one writes."""
    return StorageError(
        "database-read-only",
        f"{place} is read-only: a standby, or set so.",
        "Give the address of the primary.",
    )


def commit_unknown(place: str, error: BaseException) -> StorageError:
    """The connection broke while the server was committing: it may have, or not."""
    return StorageError(
        "database-commit-unknown",
        f"The connection to {place} broke during a commit ({_said(error)}): it was made whole, or not at all.",
        "Run it again: what was stored is found first.",
    )


def _unreachable(place: str, text: str) -> StorageError:
    for words, code in _REFUSED:
        if words in text:
            return StorageError(code, f"{place} refused the connection: {text}.", _HINTS[code])
    return StorageError("database-unreachable", f"{place} cannot be reached: {text}.", _AGAIN)


def _said(error: BaseException) -> str:
    """The first line of what the server said; what PGPASSWORD holds is never repeated."""
    diagnosis = getattr(error, "diag", None)
    text = (getattr(diagnosis, "message_primary", None) or str(error)).strip()
    text = _PREFIX.sub("", text.partition("\n")[0])
    secret = os.environ.get("PGPASSWORD")
    if secret:
        text = text.replace(secret, "***")
    return " ".join(text.split())[:300].rstrip(".?")
