"""Pinned root certificates, checked before anything is judged by them."""

from __future__ import annotations

from cryptography import x509

from void_audit.errors import IdentityError


def check_roots(trust_pem: str) -> None:
    """Refuse pins that do not parse: with them every file would look untrusted for the wrong reason.

    Raises:
        IdentityError: ``trust-unreadable``.
    """
    try:
        x509.load_pem_x509_certificates(trust_pem.encode())
    except ValueError as error:
        raise IdentityError(
            "trust-unreadable",
            "The pinned root certificates are not certificates in PEM.",
            "Give the root.pem that the newsroom publishes.",
        ) from error
