"""The address of a PostgreSQL database: what it may say, and what it must not (a password, settings of our own)."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import ip_address
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from void_audit.errors import InputError

SCHEMES = {"postgresql", "postgres"}
PARAMETERS = {
    "host", "port", "service", "sslmode", "sslrootcert", "sslcert", "sslkey", "sslcrl", "channel_binding",
    "gssencmode", "krbsrvname", "require_auth", "connect_timeout",
}  # fmt: skip
"""libpq's parameters that an address may have after its question mark; ``options`` could switch promises off."""

_SECRET = {"password", "sslpassword", "passfile"}
_MAX_LENGTH = 2000


@dataclass(frozen=True)
class Address:
    """Where a database is."""

    place: str
    """For messages; holds no secret."""
    parameters: dict[str, str]
    """libpq's connection parameters."""


def parse_address(url: str) -> Address:
    """Read ``postgresql://ROLE@HOST:PORT/NAME?sslmode=...``, or ``postgresql:///?service=NAME``.

    A server that is not on this machine is asked for a certificate (``sslmode=verify-full``) unless the address
    says otherwise: somebody in between could show every reader another log.

    Raises:
        InputError: ``database-url-password``, ``database-url``. The message never repeats the address.
    """
    if len(url) > _MAX_LENGTH or not url.isprintable():
        raise _malformed("it is too long, or has characters that cannot be shown")
    try:
        parts = urlsplit(url)
        port, password = parts.port, parts.password
        query = parse_qsl(parts.query, strict_parsing=bool(parts.query), keep_blank_values=True)
    except ValueError:
        raise _malformed("it is no address") from None
    if parts.scheme not in SCHEMES:
        raise _malformed("it does not begin with postgresql://")
    names = [name for name, _ in query]
    if password is not None or _SECRET & set(names):
        raise InputError(
            "database-url-password",
            "The address of the database holds a password, which would end up in settings.toml.",
            "Leave it out: give it in ~/.pgpass, a connection service file, or the variable PGPASSWORD.",
        )
    parameters = _parameters(parts, port, query)
    if parts.fragment or len(set(names)) != len(names) or not set(names) <= PARAMETERS:
        raise _malformed(f"after ? it may have, once each: {', '.join(sorted(PARAMETERS))}")
    _one_server(parameters)
    return Address(_place(parameters), parameters)


def _parameters(parts: SplitResult, port: int | None, query: list[tuple[str, str]]) -> dict[str, str]:
    named = {
        "host": parts.hostname,
        "port": None if port is None else str(port),
        "user": unquote(parts.username) if parts.username else None,
        "dbname": unquote(parts.path.removeprefix("/")) or None,
    }
    return {name: value for name, value in named.items() if value is not None} | dict(query)


def _one_server(parameters: dict[str, str]) -> None:
    if "dbname" not in parameters and "service" not in parameters:
        raise _malformed("it names no database")
    host = parameters.get("host", "")
    if "," in host or "," in parameters.get("port", ""):
        raise _malformed("it names several servers, and a log has one")
    if not parameters.get("port", "1").isdecimal() or not parameters.get("connect_timeout", "1").isdecimal():
        raise _malformed("a number in it is none")
    if host and not _is_here(host):
        parameters.setdefault("sslmode", "verify-full")


def _is_here(host: str) -> bool:
    if host.startswith(("/", "@")) or host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def _place(parameters: dict[str, str]) -> str:
    if "service" in parameters:
        return f"postgresql service {parameters['service']}"
    user = f"{parameters['user']}@" if "user" in parameters else ""
    port = f":{parameters['port']}" if "port" in parameters else ""
    host, name = parameters.get("host", ""), parameters["dbname"]
    if host.startswith("/"):
        return f"postgresql://{user}{port}/{name}?host={host}"
    return f"postgresql://{user}{host}{port}/{name}"


def _malformed(why: str) -> InputError:
    return InputError(
        "database-url",
        f"The address of the database cannot be used: {why}.",
        "Write it like postgresql://void_audit@db.example/ledger?sslmode=verify-full.",
    )
