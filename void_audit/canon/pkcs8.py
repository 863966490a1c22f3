"""Private keys at rest: PKCS#8 under scrypt (RFC 5958, RFC 7914 section 7, RFC 8018 PBES2).

The ``cryptography`` package reads this form but writes only PBKDF2 with 2,048 rounds, which a graphics card
tries a million times a second. The parameters are OpenSSL's, so that ``openssl pkey`` reads the files.
"""

from __future__ import annotations

import base64
import os
import textwrap

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt
from cryptography.hazmat.primitives.padding import PKCS7

from void_audit.errors import IdentityError

COST, BLOCK, PARALLEL = 16_384, 8, 1
"""scrypt N, r and p: 16 MiB and some 40 ms for each guess."""

_PBES2 = bytes.fromhex("06092a864886f70d01050d")
_SCRYPT = bytes.fromhex("06092b06010401da47040b")
_AES_256_CBC = bytes.fromhex("060960864801650304012a")
"""Object identifiers in DER: 1.2.840.113549.1.5.13, 1.3.6.1.4.1.11591.4.11, 2.16.840.1.101.3.4.1.42."""


def private_pem(key: Ed25519PrivateKey | EllipticCurvePrivateKey, passphrase: str | None) -> bytes:
    """A key as PKCS#8 PEM, encrypted unless ``passphrase`` is None.

    Raises:
        IdentityError: ``passphrase-empty``.
    """
    if passphrase == "":
        raise IdentityError("passphrase-empty", "The passphrase is empty.", "Choose one of several words.")
    none = serialization.NoEncryption()
    if passphrase is None:
        return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, none)
    der = key.private_bytes(serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, none)
    text = base64.b64encode(_encrypted(der, passphrase.encode())).decode()
    lines = "\n".join(textwrap.wrap(text, 64))
    return f"-----BEGIN ENCRYPTED PRIVATE KEY-----\n{lines}\n-----END ENCRYPTED PRIVATE KEY-----\n".encode()


def _encrypted(der: bytes, passphrase: bytes) -> bytes:
    """EncryptedPrivateKeyInfo of a PrivateKeyInfo."""
    salt, start = os.urandom(16), os.urandom(16)
    key = Scrypt(salt=salt, length=32, n=COST, r=BLOCK, p=PARALLEL).derive(passphrase)
    padder, encryptor = PKCS7(128).padder(), Cipher(algorithms.AES(key), modes.CBC(start)).encryptor()
    padded = padder.update(der) + padder.finalize()
    parameters = _octets(salt) + _integer(COST) + _integer(BLOCK) + _integer(PARALLEL)
    derivation = _sequence(_SCRYPT + _sequence(parameters))
    encryption = _sequence(_AES_256_CBC + _octets(start))
    algorithm = _sequence(_PBES2 + _sequence(derivation + encryption))
    return _sequence(algorithm + _octets(encryptor.update(padded) + encryptor.finalize()))


def _sequence(content: bytes) -> bytes:
    return b"\x30" + _length(content) + content


def _octets(content: bytes) -> bytes:
    return b"\x04" + _length(content) + content


def _integer(value: int) -> bytes:
    content = value.to_bytes(value.bit_length() // 8 + 1, "big")  # a leading zero bit: it is positive
    return b"\x02" + _length(content) + content


def _length(content: bytes) -> bytes:
    if len(content) < 128:
        return bytes([len(content)])
    size = len(content).to_bytes((len(content).bit_length() + 7) // 8, "big")
    return bytes([0x80 | len(size)]) + size
