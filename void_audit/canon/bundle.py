"""The layout of an evidence bundle, ``void-audit-bundle/v1``, and how its listing is signed (docs/bundle.md)."""

from __future__ import annotations

import re

from pydantic import ValidationError

from void_audit.canon import dsse, jcs
from void_audit.canon.dsse import Envelope
from void_audit.canon.hashing import sha256_hex
from void_audit.errors import BundleError
from void_audit.model.bundle import BUNDLE_FORMAT, BundleListing
from void_audit.model.records import PAYLOAD_TYPE, STATEMENT_TYPE
from void_audit.model.signing import Signer

PREDICATE_TYPE = "https://voidaudit.org/bundle/v1"
"""No record is of this type, so that a signature on a listing is none on an entry of the log."""

LISTING, SIGNATURE = "bundle.json", "bundle.dsse.json"
README, CHECKPOINT, FILE_CHECKPOINT = "README.txt", "checkpoint.txt", "file-checkpoint.txt"
REPORT_HTML, REPORT_JSON = "report/report.html", "report/report.json"
VIDEOS = ("media/sealed.mp4", "media/sealed.mkv")
SIDECAR = "media/sealed.c2pa"

MAX_LISTING = 16 * 1024 * 1024

_ENTRY = re.compile(r"entries/([0-9]{12})\.json")
_MEMBERS = re.compile(
    r"entries/[0-9]{12}\.json|proofs/[0-9]{12}\.tlog-proof|blobs/[0-9a-f]{64}"
    r"|timestamps/(?:checkpoint|file-checkpoint|file)-[0-9]{1,2}\.der"
    r"|media/sealed\.(?:mp4|mkv)(?:\.receipt)?"
)
_FIXED = {README, CHECKPOINT, FILE_CHECKPOINT, REPORT_HTML, REPORT_JSON, SIDECAR}


def entry_name(index: int) -> str:
    """Where the exact envelope bytes of an entry are."""
    return f"entries/{index:012}.json"


def proof_name(index: int) -> str:
    """Where the entry's tlog-proof is."""
    return f"proofs/{index:012}.tlog-proof"


def blob_name(sha256: str) -> str:
    """Where content is: salt, if any, and plain text; its SHA-256 is its name."""
    return f"blobs/{sha256}"


def token_name(covers: str, number: int) -> str:
    """Where an RFC 3161 token is (DER)."""
    return f"timestamps/{covers}-{number}.der"


def receipt_name(video: str) -> str:
    """Where the receipt of a finished file is."""
    return f"{video}.receipt"


def entry_index(name: str) -> int | None:
    """The entry whose envelope a member is, or None if it is none."""
    match = _ENTRY.fullmatch(name)
    return int(match[1]) if match else None


def is_member(name: str) -> bool:
    """Whether a bundle may list a member of this name."""
    return name in _FIXED or _MEMBERS.fullmatch(name) is not None


def listing_bytes(listing: BundleListing) -> bytes:
    """``bundle.json``: RFC 8785 JSON."""
    return jcs.canonical(listing.model_dump(mode="json"))


def seal_listing(data: bytes, signer: Signer) -> bytes:
    """``bundle.dsse.json``: a DSSE envelope over an in-toto statement about the listing's bytes."""
    return dsse.seal(_statement(data), [signer])


def open_listing(data: bytes, envelope: bytes) -> tuple[BundleListing, Envelope]:
    """The listing, once its bytes are those of its envelope's statement. Who signed is not checked here.

    Raises:
        BundleError: ``bundle-listing``, ``bundle-version``.
        EnvelopeError: those of ``Envelope.parse``.
    """
    signed = Envelope.parse(envelope)
    if signed.payload_type != PAYLOAD_TYPE or signed.payload != _statement(data):
        raise _listing_error("what is signed is not these bytes")
    return read_listing(data), signed


def read_listing(data: bytes) -> BundleListing:
    """A listing from the only bytes that it can have. Raises BundleError as ``open_listing``."""
    parsed = jcs.parse(data, MAX_LISTING, error=BundleError)
    version = parsed.get("format") if isinstance(parsed, dict) else None
    if version != BUNDLE_FORMAT:
        raise BundleError(
            "bundle-version",
            f"The bundle's format is {str(version)[:80]!r}; known is {BUNDLE_FORMAT!r}.",
            "A newer void-audit may know it.",
        )
    try:
        listing = BundleListing.model_validate_json(data)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"])[:120]
        raise _listing_error(f"it does not keep to its schema: {where}: {first['msg'][:120]}") from None
    if listing_bytes(listing) != data:
        raise _listing_error("it is not in its one canonical encoding")
    names = [member.name for member in listing.members]
    if names != sorted(set(names)):
        raise _listing_error("its members do not ascend")
    misnamed = (m.name for m in listing.members if m.name[:6] == "blobs/" and m.name != blob_name(m.sha256))
    if (name := next(misnamed, None)) is not None:
        raise _listing_error(f"{name[:120]} is not named by its digest")
    strange = next((name for name in names if not is_member(name)), None)
    if strange is not None:
        raise _listing_error(f"no bundle has a member {strange[:120]!r}")
    return listing


def _statement(listing: bytes) -> bytes:
    return jcs.canonical(
        {
            "_type": STATEMENT_TYPE,
            "subject": [{"name": LISTING, "digest": {"sha256": sha256_hex(listing)}}],
            "predicateType": PREDICATE_TYPE,
            "predicate": {"format": BUNDLE_FORMAT},
        }
    )


def _listing_error(why: str) -> BundleError:
    return BundleError(
        "bundle-listing",
        f"The bundle's listing does not hold: {why}.",
        "Get the bundle again from the house.",
    )
