import stat
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, utils
from cryptography.x509.oid import ExtendedKeyUsageOID

from void_audit.errors import IdentityError, SealError, StorageError
from void_audit.seal.certificates import CLAIM_SIGNING, create_chain, load_chain, renew_leaf


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "seal"


def test_the_chain_comes_back_with_its_passphrase(folder):
    made = create_chain(folder, "The Desk", "two words")
    loaded = load_chain(folder, "two words")
    assert (loaded.chain_pem, loaded.root_pem) == (made.chain_pem, made.root_pem)
    leaf = x509.load_pem_x509_certificate(loaded.chain_pem.encode())
    assert loaded.certificate_sha256 == leaf.fingerprint(hashes.SHA256()).hex()
    signature = loaded.sign(b"data")
    assert len(signature) == 64
    r, s = int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big")
    leaf.public_key().verify(utils.encode_dss_signature(r, s), b"data", ec.ECDSA(hashes.SHA256()))


def test_the_leaf_keeps_to_the_c2pa_profile(folder):
    chain = create_chain(folder, "The Desk", None)
    leaf = x509.load_pem_x509_certificate(chain.chain_pem.encode())
    root = x509.load_pem_x509_certificate(chain.root_pem.encode())
    leaf.verify_directly_issued_by(root)
    root.verify_directly_issued_by(root)
    assert leaf.version is x509.Version.v3
    assert leaf.not_valid_after_utc - leaf.not_valid_before_utc <= timedelta(days=366)
    extension = leaf.extensions.get_extension_for_class
    uses = set(extension(x509.ExtendedKeyUsage).value)
    assert uses == {CLAIM_SIGNING, ExtendedKeyUsageOID.EMAIL_PROTECTION}
    usage = extension(x509.KeyUsage)
    assert usage.critical
    assert usage.value.digital_signature
    assert usage.value.content_commitment
    assert not usage.value.key_cert_sign
    assert extension(x509.BasicConstraints).value.ca is False
    root_id = root.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value.digest
    assert extension(x509.AuthorityKeyIdentifier).value.key_identifier == root_id
    assert root.extensions.get_extension_for_class(x509.BasicConstraints).value.ca is True
    with pytest.raises(x509.ExtensionNotFound):  # no claim to a policy that it does not keep
        extension(x509.CertificatePolicies)


def test_keys_are_private_and_certificates_public(folder):
    create_chain(folder, "The Desk", "two words")
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()}
    assert modes == {"root.pem": 0o644, "root-key.pem": 0o600, "leaf.pem": 0o600}
    for name in ("root-key.pem", "leaf.pem"):
        assert b"ENCRYPTED" in (folder / name).read_bytes()


def test_nothing_is_overwritten(folder):
    create_chain(folder, "The Desk", None)
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    with pytest.raises(IdentityError) as caught:
        create_chain(folder, "Another", None)
    assert caught.value.code == "key-exists"
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


@pytest.mark.parametrize("name", ["", " ", "x" * 65, "a\nb", "a\0b"])
def test_an_organisation_that_cannot_stand_in_a_certificate(folder, name):
    with pytest.raises(IdentityError) as caught:
        create_chain(folder, name, None)
    assert caught.value.code == "organisation-unusable"
    assert not folder.exists()


def test_an_empty_passphrase_is_not_no_passphrase(folder):
    with pytest.raises(IdentityError, match="empty"):
        create_chain(folder, "The Desk", "")
    assert not folder.exists()


def test_a_place_that_cannot_be_written(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError):
        create_chain(tmp_path / "file" / "seal", "The Desk", None)


@pytest.mark.parametrize(("passphrase", "code"), [("no", "passphrase-wrong"), (None, "passphrase-needed")])
def test_the_passphrase_matters(folder, passphrase, code):
    create_chain(folder, "The Desk", "two words")
    with pytest.raises(IdentityError) as caught:
        load_chain(folder, passphrase)
    assert caught.value.code == code


def pem(key):
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def key_of(content):
    return content[: content.index(b"-----BEGIN CERT")]


def certificate_of(content):
    return content[len(key_of(content)) :]


DAMAGE = {  # how: (file, what it becomes, from its own content and that of another chain's)
    "leaf of another root": ("leaf.pem", lambda own, other: other),
    "key of another leaf": ("leaf.pem", lambda own, other: key_of(other) + certificate_of(own)),
    "root of another chain": ("root.pem", lambda own, other: other),
    "no certificate": ("leaf.pem", lambda own, other: key_of(own)),
    "no key": ("leaf.pem", lambda own, other: certificate_of(own)),
    "nonsense": ("leaf.pem", lambda own, other: b"nonsense"),
    "key of another kind": (
        "leaf.pem",
        lambda own, other: pem(ed25519.Ed25519PrivateKey.generate()) + certificate_of(own),
    ),
    "key of another curve": (
        "leaf.pem",
        lambda own, other: pem(ec.generate_private_key(ec.SECP384R1())) + certificate_of(own),
    ),
    "empty root": ("root.pem", lambda own, other: b""),
    "huge root": ("root.pem", lambda own, other: b"x" * 30_000),
}


@pytest.mark.parametrize("how", DAMAGE)
def test_files_that_do_not_fit_together(folder, tmp_path, how):
    create_chain(folder, "The Desk", None)
    create_chain(tmp_path / "other", "The Desk", None)
    name, content = DAMAGE[how]
    (folder / name).write_bytes(
        content((folder / name).read_bytes(), (tmp_path / "other" / name).read_bytes())
    )
    with pytest.raises(IdentityError) as caught:
        load_chain(folder, None)
    assert caught.value.code == "key-unreadable"


@pytest.mark.parametrize("name", ["root.pem", "leaf.pem"])
def test_a_missing_file(folder, name):
    create_chain(folder, "The Desk", None)
    (folder / name).unlink()
    with pytest.raises(IdentityError) as caught:
        load_chain(folder, None)
    assert caught.value.code == "key-missing"


def test_the_root_key_may_be_kept_elsewhere(folder):
    create_chain(folder, "The Desk", None)
    (folder / "root-key.pem").unlink()
    assert load_chain(folder, None)


def test_out_of_date(folder):
    now = datetime(2026, 5, 1, tzinfo=UTC)
    chain = create_chain(folder, "The Desk", None, now)
    chain.refuse_out_of_date(now)
    chain.refuse_out_of_date(now + timedelta(days=364))
    for time, code in [
        (now + timedelta(days=366), "certificate-expired"),
        (now - timedelta(hours=1), "certificate-not-yet-valid"),
    ]:
        with pytest.raises(SealError) as caught:
            chain.refuse_out_of_date(time)
        assert caught.value.code == code


def test_a_new_leaf_from_the_same_root(folder):
    old = create_chain(folder, "The Desk", "two words", datetime(2025, 1, 1, tzinfo=UTC))
    new = renew_leaf(folder, "two words")
    assert new.root_pem == old.root_pem
    assert new.certificate_sha256 != old.certificate_sha256
    new.refuse_out_of_date(datetime.now(UTC))
    assert load_chain(folder, "two words").certificate_sha256 == new.certificate_sha256
    assert sorted(p.name for p in folder.iterdir()) == ["leaf.pem", "root-key.pem", "root.pem"]


def test_no_new_leaf_without_the_roots_own_key(folder, tmp_path):
    create_chain(folder, "The Desk", "two words")
    create_chain(tmp_path / "other", "The Desk", "two words")
    before = (folder / "leaf.pem").read_bytes()
    with pytest.raises(IdentityError, match="passphrase"):
        renew_leaf(folder, "wrong")
    (folder / "root-key.pem").write_bytes((tmp_path / "other" / "root-key.pem").read_bytes())
    with pytest.raises(IdentityError, match="another root"):
        renew_leaf(folder, "two words")
    (folder / "root-key.pem").unlink()
    with pytest.raises(IdentityError) as caught:
        renew_leaf(folder, "two words")
    assert caught.value.code == "key-missing"
    assert (folder / "leaf.pem").read_bytes() == before
