import base64
import shutil
import subprocess

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519

from void_audit.canon.pkcs8 import private_pem
from void_audit.errors import IdentityError

KEYS = {
    "ed25519": ed25519.Ed25519PrivateKey.generate,
    "p256": lambda: ec.generate_private_key(ec.SECP256R1()),
    "p384": lambda: ec.generate_private_key(ec.SECP384R1()),
}


def plain(key):
    return key.private_bytes(
        serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


@pytest.mark.parametrize("kind", KEYS)
@pytest.mark.parametrize("passphrase", [None, "x", "two words", "ß ☃" * 40])
def test_it_reads_back(kind, passphrase):
    key = KEYS[kind]()
    text = private_pem(key, passphrase)
    again = serialization.load_pem_private_key(text, passphrase.encode() if passphrase else None)
    assert plain(again) == plain(key)


def test_it_is_scrypt_with_openssls_parameters():
    text = private_pem(KEYS["p256"](), "two words")
    der = base64.b64decode(b"".join(text.splitlines()[1:-1]))
    assert bytes.fromhex("06092b06010401da47040b") in der  # scrypt, RFC 7914 section 7
    assert bytes.fromhex("02024000" + "020108" + "020101") in der  # N 16384, r 8, p 1


@pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not installed")
@pytest.mark.parametrize("kind", KEYS)
def test_openssl_reads_it(kind, tmp_path):
    key = KEYS[kind]()
    (tmp_path / "k.pem").write_bytes(private_pem(key, "two words"))
    command = ["openssl", "pkey", "-in", str(tmp_path / "k.pem"), "-passin", "pass:two words", "-pubout"]
    shown = subprocess.run(command, capture_output=True, check=True).stdout
    assert shown == key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )


def test_two_times_the_same_key_are_two_texts():
    key = KEYS["ed25519"]()
    assert private_pem(key, "two words") != private_pem(key, "two words")


def test_an_empty_passphrase_is_refused():
    with pytest.raises(IdentityError, match="empty"):
        private_pem(KEYS["ed25519"](), "")
