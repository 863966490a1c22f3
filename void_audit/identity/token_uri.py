"""Where a key is on a PKCS#11 token: an RFC 7512 URI, of which only what names one key is understood.

    pkcs11:token=house;object=log?module-path=/usr/lib/softhsm/libsofthsm2.so

``token`` or ``serial`` names the token, ``object`` or ``id`` the key; ``module-path`` is the library that talks to it.
A URI that says anything else is refused, above all one with a PIN in it: URIs lie in files and in shell histories.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, unquote_to_bytes

from void_audit.errors import IdentityError

MAX_URI = 2_000
"""Bytes."""

_PATH = {"token", "serial", "object", "id", "type"}
_VALUE = re.compile(r"(?:[A-Za-z0-9._~:\[\]@!$'()*+,=&/-]|%[0-9A-Fa-f]{2})+")


@dataclass(frozen=True)
class TokenUri:
    """One key on one token."""

    module: str
    """Absolute path of the PKCS#11 library."""
    token: str | None = None
    """Label."""
    serial: str | None = None
    label: str | None = None
    """Of the key object."""
    id: bytes | None = None

    @classmethod
    def parse(cls, text: str) -> TokenUri:
        """Parse a URI.

        Raises:
            IdentityError: ``token-uri-malformed``, ``token-uri-pin``.
        """
        if len(text) > MAX_URI or not text.startswith("pkcs11:"):
            raise _malformed("it does not begin with pkcs11:, or is too long")
        path, _, query = text.removeprefix("pkcs11:").partition("?")
        fields, options = _attributes(path, ";"), _attributes(query, "&")
        if {"pin-value", "pin-source"} & (fields.keys() | options.keys()):
            raise IdentityError(
                "token-uri-pin",
                "A PIN has no place in the name of a key: it would lie in files and in shell histories.",
                "Leave it out: it is asked for, or taken from VOID_AUDIT_PIN.",
            )
        unknown = (fields.keys() - _PATH) | (options.keys() - {"module-path"})
        if unknown:
            raise _malformed(f"{', '.join(sorted(unknown))[:100]} is not understood")
        if fields.get("type", b"private") != b"private":
            raise _malformed("type is not private")
        return cls._checked(fields, options)

    @classmethod
    def _checked(cls, fields: dict[str, bytes], options: dict[str, bytes]) -> TokenUri:
        module = _text(options, "module-path")
        if module is None or not module.startswith("/"):
            raise _malformed("module-path is not the absolute path of a library")
        uri = cls(
            module, _text(fields, "token"), _text(fields, "serial"), _text(fields, "object"), fields.get("id")
        )
        if uri.token is None and uri.serial is None:
            raise _malformed("it names no token (token= or serial=)")
        if uri.label is None and uri.id is None:
            raise _malformed("it names no key (object= or id=)")
        return uri

    @property
    def token_name(self) -> str:
        """Of the token, for people."""
        return self.token or f"serial {self.serial}"

    @property
    def key_name(self) -> str:
        """Of the key, for people."""
        return self.label or f"id {(self.id or b'').hex()}"

    def __str__(self) -> str:
        named = {"token": self.token, "serial": self.serial, "object": self.label}
        parts = [f"{name}={quote(value, safe='')}" for name, value in named.items() if value is not None]
        if self.id is not None:
            parts.append("id=" + "".join(f"%{byte:02X}" for byte in self.id))
        return f"pkcs11:{';'.join(parts)}?module-path={quote(self.module, safe='/')}"


def read_reference(path: Path) -> TokenUri:
    """The URI in a file that holds it and nothing else.

    Raises:
        IdentityError: ``key-missing``, ``token-uri-malformed``, ``token-uri-pin``.
    """
    try:
        with path.open("rb") as file:
            data = file.read(MAX_URI + 2)
    except OSError as error:
        raise IdentityError(
            "key-missing", f"{path} cannot be read: {error.strerror}.", "It names the key on its token."
        ) from error
    try:
        return TokenUri.parse(data.decode("ascii").removesuffix("\n"))
    except UnicodeDecodeError as error:
        raise _malformed("it is not ASCII") from error


def _attributes(text: str, separator: str) -> dict[str, bytes]:
    found: dict[str, bytes] = {}
    for part in text.split(separator) if text else []:
        name, equals, value = part.partition("=")
        if not equals or not _VALUE.fullmatch(value):
            raise _malformed(f"{name[:40]!r} has no value, or one with characters that must be encoded")
        if name in found:
            raise _malformed(f"{name[:40]!r} is given twice")
        found[name] = unquote_to_bytes(value)
    return found


def _text(fields: dict[str, bytes], name: str) -> str | None:
    value = fields.get(name)
    try:
        text = None if value is None else value.decode()
    except UnicodeDecodeError as error:
        raise _malformed(f"{name} is not UTF-8") from error
    if text is not None and not text.isprintable():
        raise _malformed(f"{name} has characters that cannot be printed")
    return text


def _malformed(why: str) -> IdentityError:
    return IdentityError(
        "token-uri-malformed",
        f"The name of a key on a token cannot be used: {why}.",
        "pkcs11:token=LABEL;object=LABEL?module-path=/path/to/library.so (RFC 7512)",
    )
