import os
import stat

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519

from void_audit.errors import EnvelopeError, IdentityError, StorageError
from void_audit.identity import keys


def test_a_key_comes_back_with_its_passphrase(tmp_path):
    made = keys.create(tmp_path / "keys" / "ana.pem", "correct horse")
    loaded = keys.load(tmp_path / "keys" / "ana.pem", "correct horse")
    assert loaded.key_id == made.key_id
    keys.verify(made.public_der, b"data", loaded.sign(b"data"))
    assert keys.public_der(tmp_path / "keys" / "ana.pem") == made.public_der


def test_the_file_is_private_whatever_the_umask(tmp_path):
    before = os.umask(0)
    try:
        keys.create(tmp_path / "k.pem", None)
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "k.pem").stat().st_mode) == 0o600


def test_an_encrypted_file_does_not_hold_the_key(tmp_path):
    keys.create(tmp_path / "k.pem", "secret words")
    text = (tmp_path / "k.pem").read_bytes()
    assert b"BEGIN ENCRYPTED PRIVATE KEY" in text
    assert b"BEGIN PRIVATE KEY" not in text


@pytest.mark.parametrize(
    ("passphrase", "code"),
    [("wrong", "passphrase-wrong"), ("", "passphrase-wrong"), (None, "passphrase-needed")],
)
def test_the_passphrase_matters(tmp_path, passphrase, code):
    keys.create(tmp_path / "k.pem", "right")
    with pytest.raises(IdentityError) as caught:
        keys.load(tmp_path / "k.pem", passphrase)
    assert caught.value.code == code
    assert "right" not in str(caught.value)


def test_unencrypted_only_when_asked(tmp_path):
    keys.create(tmp_path / "k.pem", None)
    assert keys.load(tmp_path / "k.pem", None).key_id == keys.load(tmp_path / "k.pem", "unused").key_id
    with pytest.raises(IdentityError, match="empty"):
        keys.create(tmp_path / "e.pem", "")
    assert not (tmp_path / "e.pem").exists()


def test_a_key_is_never_overwritten(tmp_path):
    keys.create(tmp_path / "k.pem", None)
    before = (tmp_path / "k.pem").read_bytes()
    with pytest.raises(IdentityError) as caught:
        keys.create(tmp_path / "k.pem", None)
    assert caught.value.code == "key-exists"
    assert (tmp_path / "k.pem").read_bytes() == before


def test_a_link_to_elsewhere_is_not_followed(tmp_path):
    (tmp_path / "k.pem").symlink_to(tmp_path / "elsewhere.pem")
    with pytest.raises(IdentityError, match="never overwritten"):
        keys.create(tmp_path / "k.pem", None)
    assert not (tmp_path / "elsewhere.pem").exists()


def test_an_unencrypted_key_that_others_can_read_is_refused(tmp_path):
    keys.create(tmp_path / "k.pem", None)
    (tmp_path / "k.pem").chmod(0o644)
    with pytest.raises(IdentityError) as caught:
        keys.load(tmp_path / "k.pem", None)
    assert caught.value.code == "key-exposed"


def test_missing(tmp_path):
    with pytest.raises(IdentityError) as caught:
        keys.load(tmp_path / "none.pem", None)
    assert caught.value.code == "key-missing"


def test_a_place_that_cannot_be_written(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError) as caught:
        keys.create(tmp_path / "file" / "k.pem", None)
    assert caught.value.code == "key-not-written"


def _pem(key):
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ) + key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )


BAD = {
    "empty": lambda good: b"",
    "cut": lambda good: good[:60],
    "no public block": lambda good: good[: good.index(b"-----BEGIN PUBLIC")],
    "text around": lambda good: b"hello\n" + good,
    "huge": lambda good: good + b"x" * 20_000,
    "other curve": lambda good: _pem(ec.generate_private_key(ec.SECP256R1())),
    "nonsense base64": lambda good: good.replace(b"MC4C", b"AAAA"),
    "foreign public key": lambda good: (
        good[: good.index(b"-----BEGIN PUBLIC")]
        + _pem(ed25519.Ed25519PrivateKey.generate()).split(b"-----END PRIVATE KEY-----\n")[1]
    ),
}


@pytest.mark.parametrize("how", BAD)
def test_a_damaged_file_is_an_identity_error(tmp_path, how):
    keys.create(tmp_path / "k.pem", None)
    (tmp_path / "k.pem").write_bytes(BAD[how]((tmp_path / "k.pem").read_bytes()))
    with pytest.raises(IdentityError) as caught:
        keys.load(tmp_path / "k.pem", None)
    assert caught.value.code == "key-unreadable"


def test_a_folder_is_not_a_key(tmp_path):
    with pytest.raises(IdentityError) as caught:
        keys.load(tmp_path, None)
    assert caught.value.code == "key-unreadable"


def test_a_changed_byte_breaks_the_signature(tmp_path):
    signer = keys.create(tmp_path / "k.pem", None)
    other = keys.create(tmp_path / "o.pem", None)
    signature = signer.sign(b"data")
    for public, data, sig in [
        (signer.public_der, b"dat", signature),
        (signer.public_der, b"data", signature[:-1]),
        (signer.public_der, b"data", b""),
        (signer.public_der, b"data", bytes([signature[0] ^ 1]) + signature[1:]),
        (other.public_der, b"data", signature),
    ]:
        with pytest.raises(EnvelopeError) as caught:
            keys.verify(public, data, sig)
        assert caught.value.code == "signature-invalid"


@pytest.mark.parametrize("public", [b"", b"abc", None])
def test_a_malformed_public_key_is_evidence_not_a_crash(public):
    if public is None:  # a good key of another kind
        public = (
            ec.generate_private_key(ec.SECP256R1())
            .public_key()
            .public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
        )
    with pytest.raises(EnvelopeError) as caught:
        keys.verify(public, b"data", b"0" * 64)
    assert caught.value.code == "public-key-malformed"
