"""A small time-stamping authority: real RFC 3161 tokens over real HTTP on loopback, and every way to go wrong.

Keys come from fixed numbers and ECDSA is deterministic (RFC 6979), so equal arguments give equal tokens.
"""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from asn1crypto import cms, core, tsp, util
from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

FOUNDED = datetime(2020, 1, 1, tzinfo=UTC)
CLOSED = datetime(2049, 1, 1, tzinfo=UTC)
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
STAMPING = (ExtendedKeyUsageOID.TIME_STAMPING,)
TST_INFO = "1.2.840.113549.1.9.16.1.4"


@dataclass(frozen=True)
class Tsa:
    """An authority: a root and a certificate of its own under it. ``replace`` it to get a bad one."""

    name: str = "Test TSA"
    seed: int = 1
    not_before: datetime = FOUNDED
    not_after: datetime = CLOSED
    usages: tuple[x509.ObjectIdentifier, ...] = STAMPING
    critical: bool = True
    root_seed: int | None = None
    middle: bool = False
    """Whether an intermediate stands between, and comes along in tokens."""

    @cached_property
    def key(self) -> ec.EllipticCurvePrivateKey:
        return _key(1000 + self.seed)

    @cached_property
    def root_key(self) -> ec.EllipticCurvePrivateKey:
        return _key(2000 + (self.seed if self.root_seed is None else self.root_seed))

    @cached_property
    def root(self) -> x509.Certificate:
        subject = _name(f"{self.name} root")
        return _ca(subject, subject, self.root_key.public_key(), self.root_key)

    @cached_property
    def root_pem(self) -> str:
        return self.root.public_bytes(serialization.Encoding.PEM).decode()

    @cached_property
    def chain(self) -> tuple[x509.Certificate, ...]:
        """The signing certificate first."""
        issuer, issuer_key = self.root.subject, self.root_key
        more: tuple[x509.Certificate, ...] = ()
        if self.middle:
            key = _key(3000 + self.seed)
            more = (_ca(_name(f"{self.name} middle"), issuer, key.public_key(), issuer_key),)
            issuer, issuer_key = more[0].subject, key
        builder = _builder(
            _name(self.name), issuer, self.key.public_key(), 2, self.not_before, self.not_after
        )
        builder = builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        if self.usages:
            builder = builder.add_extension(x509.ExtendedKeyUsage(self.usages), critical=self.critical)
        return (builder.sign(issuer_key, hashes.SHA256(), ecdsa_deterministic=True), *more)

    def info(self, digest: bytes, when: datetime, nonce: int | None = None, **changes: object) -> tsp.TSTInfo:
        """What is signed."""
        fields = {
            "version": "v1",
            "policy": "1.3.6.1.4.1.99999.1",
            "message_imprint": {"hash_algorithm": {"algorithm": "sha256"}, "hashed_message": digest},
            "serial_number": int(when.timestamp()),
            "gen_time": when,
            "accuracy": {"seconds": 1},
            "nonce": nonce,
        }
        return tsp.TSTInfo({k: v for k, v in {**fields, **changes}.items() if v is not None})

    def token(
        self, digest: bytes, when: datetime = NOON, nonce: int | None = None, *,
        extra: tuple[x509.Certificate, ...] = (), sort: bool = True, **changes: object,
    ) -> bytes:  # fmt: skip
        """A token (DER ContentInfo)."""
        info = self.info(digest, when, nonce, **changes).dump()
        chain = [_asn1(c) for c in (*self.chain, *extra)]
        chain.sort(key=lambda c: c.dump(), reverse=not sort)
        leaf = _asn1(self.chain[0])
        signer = {
            "version": "v1",
            "sid": {"issuer_and_serial_number": {"issuer": leaf.issuer, "serial_number": leaf.serial_number}},
            "digest_algorithm": {"algorithm": "sha256"},
            "signed_attrs": _attributes(info, leaf, when),
            "signature_algorithm": {"algorithm": "sha256_ecdsa"},
        }
        signed = cms.SignerInfo({**signer, "signature": b""})["signed_attrs"].untag().dump()
        signature = self.key.sign(signed, ec.ECDSA(hashes.SHA256(), deterministic_signing=True))
        content = {
            "version": "v3",
            "digest_algorithms": [{"algorithm": "sha256"}],
            "encap_content_info": {"content_type": "tst_info", "content": core.ParsableOctetString(info)},
            "certificates": _in_order(chain),
            "signer_infos": [{**signer, "signature": signature}],
        }
        whole = cms.ContentInfo({"content_type": "signed_data", "content": cms.SignedData(content)})
        return bytes(whole.dump())

    def reply(self, request: bytes, when: datetime = NOON, **changes: object) -> bytes:
        """An honest reply to a request; ``changes`` are arguments of ``token``."""
        asked = tsp.TimeStampReq.load(request, strict=True)
        assert asked["cert_req"].native
        digest, nonce = asked["message_imprint"]["hashed_message"].native, asked["nonce"].native
        token = self.token(**{"digest": digest, "when": when, "nonce": nonce, **changes})
        return response(token)


def present(tsa: Tsa) -> Callable[[bytes], bytes]:
    """Answers of an authority whose clock is right."""
    return lambda asked: tsa.reply(asked, datetime.now(UTC))


def configure(place: Path, *urls: str, roots: str | None, hours: int = 24) -> None:
    """Name authorities in the settings of the workspace ``place``."""
    settings = place / "settings.toml"
    lines = [line for line in settings.read_text().splitlines() if not line.startswith("timestamp_")]
    named = ", ".join(f'"{url}"' for url in urls)
    settings.write_text(
        "\n".join([*lines, f"timestamp_urls = [{named}]", f"timestamp_hours = {hours}"]) + "\n"
    )
    if roots is not None:
        (place / "trust" / "tsa.pem").write_text(roots)


def response(token: bytes | None, status: int = 0) -> bytes:
    """A TimeStampResp around a token."""
    granted = tsp.PKIStatusInfo({"status": status}).dump()
    content = granted + (token or b"")
    return b"\x30" + _length(len(content)) + content


class Server(ThreadingHTTPServer):
    """The authority's address. ``answer`` makes a reply of a request; ``asked`` counts questions."""

    daemon_threads = True

    def __init__(self, answer: Callable[[bytes], bytes]) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.answer = answer
        self.status, self.kind, self.headers = 200, "application/timestamp-reply", {}
        self.pause = 0.0
        """Seconds before every byte."""
        self.asked = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/tsa"

    def handle_error(self, request: object, client_address: object) -> None:
        """Whoever asks may hang up."""


class _Handler(BaseHTTPRequestHandler):
    server: Server

    def do_POST(self) -> None:
        self.server.asked += 1
        assert self.headers["Content-Type"] == "application/timestamp-query"
        body = self.server.answer(self.rfile.read(int(self.headers["Content-Length"])))
        self.send_response(self.server.status)
        for name, value in {"Content-Type": self.server.kind, **self.server.headers}.items():
            self.send_header(name, value)
        self.end_headers()
        pieces = [body[i : i + 1] for i in range(len(body))] if self.server.pause else [body]
        for piece in pieces:
            time.sleep(self.server.pause)
            self.wfile.write(piece)

    def log_message(self, *args: object) -> None:
        pass


@contextmanager
def serving(answer: Callable[[bytes], bytes]) -> Iterator[Server]:
    """An authority that answers as long as this lasts."""
    server = Server(answer)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _attributes(info: bytes, leaf: asn1_x509.Certificate, when: datetime) -> list[dict[str, object]]:
    digest = hashlib.sha256(info).digest()
    certificate = tsp.SigningCertificateV2({"certs": [{"cert_hash": hashlib.sha256(leaf.dump()).digest()}]})
    return [
        {"type": "content_type", "values": ["tst_info"]},
        {"type": "signing_time", "values": [cms.Time({"utc_time": core.UTCTime(when)})]},
        {"type": "message_digest", "values": [digest]},
        {"type": "signing_certificate_v2", "values": [certificate]},
    ]


def _in_order(chain: list[asn1_x509.Certificate]) -> cms.CertificateSet:
    """Certificates in the order given: the library would sort them."""
    return (
        cms.CertificateSet.load(core.SetOf(spec=asn1_x509.Certificate).dump()) if not chain else _raw(chain)
    )


def _raw(chain: list[asn1_x509.Certificate]) -> cms.CertificateSet:
    body = b"".join(c.dump() for c in chain)
    head = b"\x31" + _length(len(body))
    return cms.CertificateSet.load(head + body)


def _length(n: int) -> bytes:
    if n < 128:
        return bytes([n])
    size = util.int_to_bytes(n)
    return bytes([0x80 | len(size)]) + size


def _asn1(certificate: x509.Certificate) -> asn1_x509.Certificate:
    return asn1_x509.Certificate.load(certificate.public_bytes(serialization.Encoding.DER))


def _key(number: int) -> ec.EllipticCurvePrivateKey:
    return ec.derive_private_key(
        int.from_bytes(hashlib.sha256(b"tsa %d" % number).digest()) % 2**255, ec.SECP256R1()
    )


def _name(common: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)])


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, serial: int, start: datetime, end: datetime
) -> x509.CertificateBuilder:  # fmt: skip
    builder = x509.CertificateBuilder().subject_name(subject).issuer_name(issuer).public_key(key)
    return builder.serial_number(serial).not_valid_before(start).not_valid_after(end)


def _ca(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, issuer_key: ec.EllipticCurvePrivateKey
) -> x509.Certificate:  # fmt: skip
    builder = _builder(subject, issuer, key, 1, FOUNDED, CLOSED + timedelta(days=3650))
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
    return builder.sign(issuer_key, hashes.SHA256(), ecdsa_deterministic=True)
