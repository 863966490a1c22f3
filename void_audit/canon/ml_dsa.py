"""ML-DSA-44 (FIPS 204), where the ``cryptography`` package has it: from version 47 on, not with every OpenSSL.

Ed25519 needs none of this; it is the second line, for the day when quantum computers forge that.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm

from void_audit.errors import IdentityError

if TYPE_CHECKING:
    from types import ModuleType

PUBLIC_SIZE = 1312
SIGNATURE_SIZE = 2420


def valid(public: bytes, data: bytes, signature: bytes) -> bool:
    """Whether a signature over ``data``, with an empty context, is good under a raw public key (1312 bytes).

    Raises:
        IdentityError: ``ml-dsa-missing``.
    """
    library = _library()
    if len(public) != PUBLIC_SIZE or len(signature) != SIGNATURE_SIZE:
        return False
    try:
        library.MLDSA44PublicKey.from_public_bytes(public).verify(signature, data)
    except UnsupportedAlgorithm as error:
        raise _missing() from error
    except (ValueError, InvalidSignature):
        return False
    return True


def need() -> None:
    """Returns only if ML-DSA-44 is there. Raises IdentityError ``ml-dsa-missing``."""
    MlDsaKey(bytes(32))


class MlDsaKey:
    """A private key that has been unlocked."""

    def __init__(self, seed: bytes) -> None:
        """From its seed (32 bytes). Raises IdentityError ``ml-dsa-missing``."""
        try:
            self.key = _library().MLDSA44PrivateKey.from_seed_bytes(seed)
        except UnsupportedAlgorithm as error:
            raise _missing() from error

    @property
    def public(self) -> bytes:
        """The raw public key."""
        return bytes(self.key.public_key().public_bytes_raw())

    def sign(self, data: bytes) -> bytes:
        """A signature with an empty context; another one each time."""
        return bytes(self.key.sign(data))


def _library() -> ModuleType:
    try:
        from cryptography.hazmat.primitives.asymmetric import mldsa  # noqa: PLC0415 - may be absent
    except ImportError as error:
        raise _missing() from error
    return mldsa


def _missing() -> IdentityError:
    return IdentityError(
        "ml-dsa-missing",
        "ML-DSA-44 keys (type 0x06) need a newer `cryptography` package than the one installed.",
        "Update it, or use the witness's Ed25519 key (type 0x04).",
    )
