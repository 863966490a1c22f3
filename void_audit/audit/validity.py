"""Whether a certificate that has expired was good when the file is known to have been there.

C2PA judges a signer by today's date unless the manifest itself holds a time stamp; certificates of its profile last
a year at most. A file does not get worse by lying there. So where outsiders fix a time by which the finished file,
its signature included, existed, the chain is judged by that time.
"""

from __future__ import annotations

from datetime import datetime

from cryptography import x509
from cryptography.x509.verification import ExtensionPolicy, PolicyBuilder, Store, VerificationError

from void_audit.audit.bounds import Bound, Covers, bounds
from void_audit.audit.evidence import Evidence

EXPIRED = "signingCredential.expired"
_EXCUSED = {EXPIRED, "signingCredential.untrusted"}
"""An expired chain leads nowhere, so C2PA calls it untrusted too."""

_PURPOSES = frozenset({"1.3.6.1.5.5.7.3.4", "1.3.6.1.5.5.7.3.36", "1.3.6.1.4.1.62558.2.1"})
"""Extended key usages of C2PA signers."""


def trusted_then(evidence: Evidence) -> str | None:
    """What to say of a signer whose certificate has expired since; None if it has not, or was never good.

    Only its age is excused: every other failure stays one.
    """
    manifest, roots = evidence.manifest, evidence.pins.trust_pem
    aged = EXPIRED in manifest.signer_failures and set(manifest.signer_failures) <= _EXCUSED
    if not aged or not manifest.signature_good or roots is None:
        return None
    for bound in _of_the_file(evidence):
        if _chains(manifest.chain, roots, bound.latest):
            return (
                f"The certificate has expired since; the file was there by {bound.latest}, says {bound.who}."
            )
    return None


def _of_the_file(evidence: Evidence) -> list[Bound]:
    """The records were there before they were sealed, so their bounds say nothing of the signature."""
    return [b for b in bounds(evidence).found if b.covers is not Covers.RECORDS]


def _chains(chain: tuple[bytes, ...], roots_pem: str, at: datetime) -> bool:
    """Whether the chain, leaf first, leads to a pinned root at that time, and is for signing content."""
    try:
        leaf, *others = [x509.load_der_x509_certificate(certificate) for certificate in chain]
        purposes = leaf.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
        if not {purpose.dotted_string for purpose in purposes} & _PURPOSES:
            return False
        policy = PolicyBuilder().store(Store(x509.load_pem_x509_certificates(roots_pem.encode()))).time(at)
        policy = policy.extension_policies(
            ca_policy=ExtensionPolicy.webpki_defaults_ca(), ee_policy=ExtensionPolicy.permit_all()
        )
        policy.build_client_verifier().verify(leaf, others)
    except (VerificationError, x509.ExtensionNotFound, ValueError):
        return False
    return True
