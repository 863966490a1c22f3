"""The credentials that a clip brings with it."""

from __future__ import annotations

from pathlib import Path

from void_audit.canon.roots import check_roots
from void_audit.errors import ClipError
from void_audit.seal.adapter import CredentialState, read_credentials


def read_state(path: Path, trust_pem: str | None) -> CredentialState:
    """State of the C2PA manifest inside a clip, read offline.

    Returns:
        ``none``; ``unreadable``: there is something that does not parse; ``invalid``; ``valid``: intact,
        but under anybody's key; ``trusted``: intact and under one of ``trust_pem``'s roots.

    Raises:
        ClipError: ``clip-unreadable``.
        IdentityError: ``trust-unreadable``: the roots are none.
    """
    if trust_pem is not None:
        check_roots(trust_pem)
    try:
        return read_credentials(path, trust_pem).state
    except OSError as error:
        raise ClipError(
            "clip-unreadable",
            f"{path} cannot be read: {error.strerror}.",
            "Check that it is there and yours.",
        ) from error
