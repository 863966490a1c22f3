"""The certificates under which C2PA manifests are signed: a self-made root and one leaf (spec/c2pa 5.3).

The root is what a verifying desk pins. It belongs to nobody's public trust list, so other people's
tools will call the signer unrecognised; only products on the C2PA conformance list can get another one.
The leaf follows the C2PA profile as far as a self-made one honestly can: it claims no conformance
policy, no assurance level and no OCSP responder.
"""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Protocol

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, utils
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID, ObjectIdentifier

from void_audit.canon.pkcs8 import private_pem
from void_audit.errors import IdentityError, SealError, StorageError

ROOT, ROOT_KEY, LEAF = "root.pem", "root-key.pem", "leaf.pem"
"""Public root; its key, which may be kept elsewhere until the leaf is renewed; leaf key and certificate."""

LEAF_LIFE = timedelta(days=365)
"""The C2PA profile allows at most 366 days."""
ROOT_LIFE = timedelta(days=3652)
CLOCK_SKEW = timedelta(minutes=5)
"""Certificates start this much in the past, so that a verifier whose clock is slow accepts them."""
MAX_FILE = 20_000
"""Bytes. A certificate or key file of ours is under 2,000."""

_PEM = serialization.Encoding.PEM

CLAIM_SIGNING = ObjectIdentifier("1.3.6.1.4.1.62558.2.1")
"""Extended key usage c2pa-kp-claimSigning."""


class SealKey(Protocol):
    """A P-256 key that signs, wherever it is kept."""

    def public_key(self) -> ec.EllipticCurvePublicKey:
        """Its public key."""

    def sign(self, data: bytes) -> bytes:
        """ES256 over ``data`` in the form of COSE: r and s, 32 bytes each."""


@dataclass(frozen=True)
class FileSealKey:
    """A key from a file, unlocked."""

    private: ec.EllipticCurvePrivateKey

    def public_key(self) -> ec.EllipticCurvePublicKey:
        """Its public key."""
        return self.private.public_key()

    def sign(self, data: bytes) -> bytes:
        """ES256 over ``data``: r and s, 32 bytes each."""
        r, s = utils.decode_dss_signature(self.private.sign(data, ec.ECDSA(hashes.SHA256())))
        return r.to_bytes(32, "big") + s.to_bytes(32, "big")


@dataclass(frozen=True)
class SigningChain:
    """An unlocked leaf key and the certificates that vouch for it."""

    key: SealKey
    chain_pem: str
    """What goes into a manifest: the leaf. The root stays out, as a verifier must bring it."""
    root_pem: str
    """What a verifier pins. Public."""
    certificate_sha256: str
    """SHA-256 of the leaf's DER."""
    not_before: datetime
    not_after: datetime

    def sign(self, data: bytes) -> bytes:
        """ES256 over ``data`` in the form of COSE: r and s, 32 bytes each."""
        return self.key.sign(data)

    def refuse_out_of_date(self, now: datetime) -> None:
        """Raise SealError ``certificate-expired`` or ``certificate-not-yet-valid``."""
        if now > self.not_after:
            raise SealError(
                "certificate-expired",
                f"The signing certificate ended on {self.not_after:%Y-%m-%d}.",
                "Renew the leaf from the same root: seal.certificates.renew_leaf.",
            )
        if now < self.not_before:
            raise SealError(
                "certificate-not-yet-valid",
                f"The signing certificate starts on {self.not_before:%Y-%m-%d %H:%M} UTC.",
                "Set this machine's clock.",
            )


def create_chain(
    folder: Path,
    organisation: str,
    passphrase: str | None,
    now: datetime | None = None,
    token: SealKey | None = None,
) -> SigningChain:
    """Make a root and a leaf in ``folder``: public ``root.pem``, and ``root-key.pem`` and ``leaf.pem``.

    Args:
        folder: made if need be; none of the three files may exist in it.
        organisation: who signs, as shown to anyone who looks at a file; 1 to 64 characters.
        passphrase: encrypts both keys. None, given explicitly, leaves them unencrypted.
        now: start of validity, with a zone; the present if not given.
        token: the leaf's key, where it is kept on a token: ``leaf.pem`` then holds its certificate alone.

    Raises:
        IdentityError: ``key-exists``, ``organisation-unusable``, ``passphrase-empty``.
        StorageError: ``key-not-written``.
    """
    _check(organisation, passphrase)
    start = (now or datetime.now(UTC)) - CLOCK_SKEW
    root_key = ec.generate_private_key(ec.SECP384R1())
    root = _root(root_key, organisation, start)
    key, leaf, leaf_pem = _new_leaf(root_key, root, start, passphrase, token)
    files = {
        ROOT_KEY: private_pem(root_key, passphrase),
        LEAF: leaf_pem,
        ROOT: root.public_bytes(_PEM),
    }
    for name in files:
        if (folder / name).exists():
            raise IdentityError(
                "key-exists", f"{folder / name} exists already.", "Certificates are never overwritten."
            )
    for name, content in files.items():
        _write(folder / name, content, 0o644 if name == ROOT else 0o600)
    return _signing_chain(key, leaf, root)


def renew_leaf(
    folder: Path, passphrase: str | None, now: datetime | None = None, token: SealKey | None = None
) -> SigningChain:
    """Issue a new leaf, with a new key, from the root in ``folder``; it replaces the old one in one step.

    A key on a token stays as it is: only its certificate is new.

    What was sealed before keeps its certificate: it is inside those files.

    Raises:
        IdentityError: as ``load_chain``, for the root's key.
        StorageError: ``key-not-written``.
    """
    root_key = _load_key(folder / ROOT_KEY, passphrase, ec.SECP384R1)
    root = _load_certificate(folder / ROOT)
    if root.public_key() != root_key.public_key():
        raise _unreadable(folder / ROOT_KEY, "it belongs to another root")
    start = (now or datetime.now(UTC)) - CLOCK_SKEW
    key, leaf, leaf_pem = _new_leaf(root_key, root, start, passphrase, token)
    fresh = folder / f".{LEAF}.{os.getpid()}"
    fresh.unlink(missing_ok=True)
    _write(fresh, leaf_pem, 0o600)
    fresh.replace(folder / LEAF)
    return _signing_chain(key, leaf, root)


def load_chain(folder: Path, passphrase: str | None, token: SealKey | None = None) -> SigningChain:
    """Read what ``create_chain`` wrote and check that it fits together; ``token`` is the leaf's key if kept on one.

    Raises:
        IdentityError: ``key-missing``, ``key-unreadable``, ``passphrase-needed``, ``passphrase-wrong``.
    """
    key = token or FileSealKey(_load_key(folder / LEAF, passphrase, ec.SECP256R1))
    leaf, root = _load_certificate(folder / LEAF), _load_certificate(folder / ROOT)
    try:
        leaf.verify_directly_issued_by(root)
    except (InvalidSignature, ValueError, TypeError) as error:
        raise _unreadable(folder / LEAF, "it was not issued by the root beside it") from error
    if leaf.public_key() != key.public_key():
        raise _unreadable(folder / LEAF, "it belongs to another certificate")
    return _signing_chain(key, leaf, root)


def _signing_chain(key: SealKey, leaf: x509.Certificate, root: x509.Certificate) -> SigningChain:
    return SigningChain(
        key=key,
        chain_pem=leaf.public_bytes(_PEM).decode(),
        root_pem=root.public_bytes(_PEM).decode(),
        certificate_sha256=hashlib.sha256(leaf.public_bytes(serialization.Encoding.DER)).hexdigest(),
        not_before=leaf.not_valid_before_utc,
        not_after=leaf.not_valid_after_utc,
    )


def _check(organisation: str, passphrase: str | None) -> None:
    if not 1 <= len(organisation.strip()) <= 64 or not organisation.isprintable():
        raise IdentityError(
            "organisation-unusable",
            f"{organisation[:80]!r} cannot stand in a certificate.",
            "Give a name of 1 to 64 printable characters.",
        )
    if passphrase == "":
        raise IdentityError("passphrase-empty", "The passphrase is empty.", "Choose one of several words.")


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, start: datetime, life: timedelta
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(start + life)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
    )


def _root(key: ec.EllipticCurvePrivateKey, organisation: str, start: datetime) -> x509.Certificate:
    name = _name(organisation, "void-audit root")
    return (
        _builder(name, name, key.public_key(), start, ROOT_LIFE)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(signs_certificates=True), critical=True)
        .sign(key, hashes.SHA384())
    )


def _new_leaf(
    root_key: ec.EllipticCurvePrivateKey,
    root: x509.Certificate,
    start: datetime,
    passphrase: str | None,
    token: SealKey | None,
) -> tuple[SealKey, x509.Certificate, bytes]:
    """The leaf's key, its certificate, and what ``leaf.pem`` is to hold."""
    own, key = b"", token
    if key is None:
        private = ec.generate_private_key(ec.SECP256R1())
        own, key = private_pem(private, passphrase), FileSealKey(private)
    organisation = str(root.subject.get_attributes_for_oid(NameOID.ORGANIZATION_NAME)[0].value)
    subject = _name(organisation, "void-audit seal")
    uses = x509.ExtendedKeyUsage([CLAIM_SIGNING, ExtendedKeyUsageOID.EMAIL_PROTECTION])
    issuer = x509.AuthorityKeyIdentifier.from_issuer_public_key(root_key.public_key())
    leaf = (
        _builder(subject, root.subject, key.public_key(), start, LEAF_LIFE)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(signs_certificates=False), critical=True)
        .add_extension(uses, critical=False)
        .add_extension(issuer, critical=False)
        .sign(root_key, hashes.SHA384())
    )
    return key, leaf, own + leaf.public_bytes(_PEM)


def _name(organisation: str, common: str) -> x509.Name:
    return x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, organisation.strip()),
            x509.NameAttribute(NameOID.COMMON_NAME, common),
        ]
    )


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        content_commitment=not signs_certificates,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _write(path: Path, content: bytes, mode: int) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
        with os.fdopen(descriptor, "wb") as file:
            os.fchmod(file.fileno(), mode)
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise StorageError(
            "key-not-written",
            f"{path} cannot be written: {error.strerror}.",
            "Choose a place that you may write to and that has room.",
        ) from error


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            content = file.read(MAX_FILE + 1)
    except FileNotFoundError as error:
        raise IdentityError(
            "key-missing", f"There is no {path}.", "Create the certificates first."
        ) from error
    except OSError as error:
        raise _unreadable(path, error.strerror or "it cannot be opened") from error
    if len(content) > MAX_FILE:
        raise _unreadable(path, f"it is larger than {MAX_FILE} bytes")
    return content


def _load_key(
    path: Path, passphrase: str | None, curve: type[ec.EllipticCurve]
) -> ec.EllipticCurvePrivateKey:
    content = _read(path)
    encrypted = b"ENCRYPTED" in content
    if encrypted and passphrase is None:
        raise IdentityError("passphrase-needed", f"The key in {path} is encrypted.", "Give its passphrase.")
    try:
        password = passphrase.encode() if encrypted and passphrase is not None else None
        key = serialization.load_pem_private_key(content, password)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        if encrypted:
            raise IdentityError(
                "passphrase-wrong",
                f"The passphrase does not open the key in {path}.",
                "Type it again. If you are sure of it, the file is damaged: restore it from a backup.",
            ) from error
        raise _unreadable(path, "it does not parse") from error
    if not isinstance(key, ec.EllipticCurvePrivateKey) or not isinstance(key.curve, curve):
        raise _unreadable(path, f"it is not a key on {curve.name}")
    return key


def _load_certificate(path: Path) -> x509.Certificate:
    try:
        return x509.load_pem_x509_certificate(_read(path))
    except ValueError as error:
        raise _unreadable(path, "it is not a certificate") from error


def _unreadable(path: Path, why: str) -> IdentityError:
    return IdentityError("key-unreadable", f"{path} cannot be used: {why}.", "Restore it from a backup.")
