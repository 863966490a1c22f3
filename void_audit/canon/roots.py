"""Pinned root certificates, checked before anything is judged by them."""

from __future__ import annotations

import re

from cryptography import x509

from void_audit.errors import IdentityError

_BEGIN = "-----BEGIN CERTIFICATE-----"
_WHOLE = re.compile(
    rf"(?:^|(?<=-----)){_BEGIN}\r?\n(?:[A-Za-z0-9+/=]+\r?\n)+-----END CERTIFICATE-----", re.MULTILINE
)


def check_roots(trust_pem: str) -> None:
    """Refuse pins that do not parse: with them every file would look untrusted for the wrong reason.

    Every certificate must be whole and plainly written. One that is cut off, indented or behind a byte order
    mark is passed over by this parser, while that of C2PA then reads none at all.

    Raises:
        IdentityError: ``trust-unreadable``.
    """
    try:
        x509.load_pem_x509_certificates(trust_pem.encode())
    except ValueError as error:
        raise _unreadable("are not certificates in PEM") from error
    if len(_WHOLE.findall(trust_pem)) != trust_pem.count(_BEGIN):
        raise _unreadable("hold one that is cut off or not plain PEM")


def _unreadable(why: str) -> IdentityError:
    return IdentityError(
        "trust-unreadable",
        f"The pinned root certificates {why}.",
        "Give the root.pem (of time stamps: the tsa.pem) that the newsroom publishes.",
    )
