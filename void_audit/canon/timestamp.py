"""RFC 3161 time-stamp tokens: what to ask an authority, and what a token of hers proves, offline and for ever.

A token says that a digest was there at a time. It counts if its signer's certificate is for time stamping and
nothing else (RFC 3161 2.3) and leads to a pinned root, *judged at the time that the token names*: it still holds
when the certificate has long expired, and one made after that does not. Whether an authority revoked her
certificate later is not asked: that needs a network.
"""

from __future__ import annotations

import hashlib
import secrets
import warnings
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from cryptography import x509
from rfc3161_client import TimeStampResponse, VerificationError, VerifierBuilder, decode_timestamp_response

from void_audit.canon import note as notes
from void_audit.canon.der import in_order
from void_audit.canon.roots import check_roots
from void_audit.errors import TokenError

MAX_TOKEN = 30_000
"""Bytes of a token; of a reply a little more."""

MAX_ACCURACY = timedelta(hours=1)
"""A token that is less certain than this is of no use here."""

ROUNDING = timedelta(seconds=1)
"""The parser drops fractions of a second."""

NONCE_BITS = 64

_SHA256 = x509.ObjectIdentifier("2.16.840.1.101.3.4.2.1")
_SHA256_DER = bytes.fromhex("300d06096086480165030402010500")
_GRANTED_DER = bytes.fromhex("3003020100")
_ISSUER_UNKNOWN = ("unable to get", "self-signed certificate", "self signed certificate")
"""How OpenSSL says that a chain leads elsewhere than to the pinned roots."""


@dataclass(frozen=True)
class Stamp:
    """What a verified token proves: the digest was there at ``time``, give or take ``accuracy``."""

    time: datetime
    """In UTC, whole seconds."""
    accuracy: timedelta
    authority: str
    """Subject of the signing certificate, RFC 4514."""

    @property
    def latest(self) -> datetime:
        """The digest was there by then, whichever way the authority's clock was off."""
        return self.time + self.accuracy + ROUNDING


def note_digest(note: str) -> bytes:
    """What is stamped of a checkpoint: SHA-256 of the signed text, whoever signs it later. Raises NoteError."""
    return hashlib.sha256(notes.parse(note).text.encode()).digest()


def new_nonce() -> int:
    """A random nonce: a reply that repeats it was made for this question."""
    return secrets.randbits(NONCE_BITS) | 1


def request(digest: bytes, nonce: int) -> bytes:
    """DER of a TimeStampReq (RFC 3161 2.4.1) for a SHA-256 digest; asks for the authority's certificate.

    Args:
        digest: 32 bytes.
        nonce: at least 0, less than 2**64.
    """
    imprint = _der(0x30, _SHA256_DER + _der(0x04, digest))
    number = _der(0x02, nonce.to_bytes(nonce.bit_length() // 8 + 1, "big"))
    return _der(0x30, bytes.fromhex("020101") + imprint + number + bytes.fromhex("0101ff"))


def open_reply(reply: bytes, digest: bytes, nonce: int, roots_pem: str) -> tuple[bytes, Stamp]:
    """The token in an authority's reply, verified.

    Returns:
        The token (DER) and what it proves.

    Raises:
        TokenError: ``token-refused`` if the authority says no, ``token-nonce``, or as ``verify_token``.
        IdentityError: as ``verify_token``.
    """
    if len(reply) > MAX_TOKEN + 1000:
        raise _malformed(f"it has {len(reply)} bytes")
    response = _parse(in_order(reply))
    if response.status != 0:
        raise TokenError(
            "token-refused",
            f"The authority gives no token: status {response.status} {' '.join(response.status_string)[:200]}",
            "Ask later, or ask another authority.",
        )
    token = _token_of(response)
    if response.tst_info.nonce != nonce:
        raise TokenError("token-nonce", "The reply was made for another question.", "Ask another authority.")
    return token, verify_token(token, digest, roots_pem)


def verify_token(token: bytes, digest: bytes, roots_pem: str) -> Stamp:
    """What a token proves of a SHA-256 digest under the pinned roots of authorities.

    Args:
        token: DER of the CMS ContentInfo (RFC 3161 2.4.2).
        digest: 32 bytes.
        roots_pem: root certificates of all authorities that count; anchors, not a chain.

    Raises:
        TokenError: ``token-malformed``; ``token-imprint`` if it covers something else; ``token-untrusted`` if
            it leads to no pinned root; ``token-invalid`` if its signature, its certificate at that time, or
            that certificate's purpose is bad; ``token-accuracy``.
        IdentityError: ``trust-unreadable`` if the roots are none.
    """
    check_roots(roots_pem)
    if len(token) > MAX_TOKEN:
        raise _malformed(f"it has {len(token)} bytes")
    response = _parse(_der(0x30, _GRANTED_DER + token))
    if _token_of(response) != token:
        raise _malformed("it is not in its one encoding")
    info = response.tst_info
    if info.message_imprint.hash_algorithm != _SHA256 or info.message_imprint.message != digest:
        raise TokenError(
            "token-imprint", "The token covers something else.", "Find the token of this very thing."
        )
    authority = _signer(response)
    _check_chain(response, digest, x509.load_pem_x509_certificates(roots_pem.encode()), authority)
    return Stamp(info.gen_time.astimezone(UTC), _accuracy(response), authority)


def _check_chain(
    response: TimeStampResponse, digest: bytes, roots: list[x509.Certificate], authority: str
) -> None:
    """Returns only if it holds under one root: of several of one name the library would look at the first alone."""
    refusals = []
    for root in roots:
        try:
            VerifierBuilder(roots=[root]).build().verify(response, digest)
        except (VerificationError, ValueError, OverflowError) as error:
            refusals.append(_refusal(authority, str(error)))
        else:
            return
    raise next((r for r in refusals if r.code != "token-untrusted"), refusals[0])


def claimed_time(token: bytes) -> datetime:
    """The time that a token claims, whoever made it. It proves nothing. Raises TokenError ``token-malformed``."""
    if len(token) > MAX_TOKEN:
        raise _malformed(f"it has {len(token)} bytes")
    return _parse(_der(0x30, _GRANTED_DER + token)).tst_info.gen_time.astimezone(UTC)


def _parse(reply: bytes) -> TimeStampResponse:
    try:
        response = decode_timestamp_response(reply)
        if response.status == 0:
            response.tst_info.gen_time.astimezone(UTC)  # parsed when it is asked for
        return response
    except Exception as error:  # the parser's own error types are not documented
        raise _malformed("its DER does not parse") from error


def _token_of(response: TimeStampResponse) -> bytes:
    try:
        return response.time_stamp_token()
    except Exception as error:
        raise _malformed("there is no token in it") from error


def _signer(response: TimeStampResponse) -> str:
    """The signer's subject. Two certificates of one issuer and number could be judged one for the other."""
    try:
        (signer,) = response.signed_data.signer_infos
        whose = (signer.issuer, signer.serial_number)
        with warnings.catch_warnings(action="error"):  # of certificates that are barely one
            known = [x509.load_der_x509_certificate(c) for c in response.signed_data.certificates]
            mine = [c.subject.rfc4514_string() for c in known if (c.issuer, c.serial_number) == whose]
    except Exception as error:
        raise _malformed("its signer cannot be read") from error
    if len(mine) != 1:
        raise _malformed(f"it holds {len(mine)} certificates of its signer")
    return mine[0]


def _accuracy(response: TimeStampResponse) -> timedelta:
    given = response.tst_info.accuracy
    if given is None:
        return timedelta()
    try:
        accuracy = timedelta(
            seconds=given.seconds or 0, milliseconds=given.millis or 0, microseconds=given.micros or 0
        )
    except OverflowError:
        accuracy = timedelta.max
    if not timedelta() <= accuracy <= MAX_ACCURACY:
        raise TokenError(
            "token-accuracy",
            f"The token is only certain to {given.seconds} seconds.",
            "Ask another authority.",
        )
    return accuracy


def _refusal(authority: str, why: str) -> TokenError:
    if any(words in why for words in _ISSUER_UNKNOWN):
        return TokenError(
            "token-untrusted",
            f"The token is of {authority[:200]}, whose root is not pinned.",
            "Pin the root of that authority, if you trust her.",
        )
    reason = why.rpartition("Verify error: ")[2].split('"')[0] if "Verify error: " in why else "bad signature"
    return TokenError(
        "token-invalid",
        f"The token of {authority[:200]} does not hold: {reason[:200]}.",
        "It was changed, or made with a certificate that was not good for it at that time.",
    )


def _der(tag: int, content: bytes) -> bytes:
    """DER of one element."""
    if len(content) < 0x80:
        return bytes([tag, len(content)]) + content
    length = len(content).to_bytes((len(content).bit_length() + 7) // 8, "big")
    return bytes([tag, 0x80 | len(length)]) + length + content


def _malformed(why: str) -> TokenError:
    return TokenError(
        "token-malformed", f"Not an RFC 3161 token: {why}.", "It was damaged or is something else."
    )
