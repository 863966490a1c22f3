"""The certificates under which a C2PA manifest was signed, taken from its JUMBF bytes.

The C2PA library validates them and names the leaf, but does not hand out their bytes, which the ledger
records by digest. Formats: ISO/IEC 19566-5 (JUMBF boxes), RFC 9052 (COSE_Sign1), RFC 9360 (x5chain).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import cbor2

from void_audit.errors import ManifestError

MAX_SIGNATURE = 256 * 1024
"""Bytes of a signature box: chain, time stamp and padding are a few ten thousand."""
MAX_CHAIN = 10

_COSE_SIGN1 = 18
_X5CHAIN = 33


def certificate_chain(store: bytes, label: str) -> tuple[bytes, ...]:
    """The certificates (DER, leaf first) in the signature of the manifest ``label``.

    Nothing is validated here: only the protected header of a signature that validated means anything.

    Raises:
        ManifestError: ``manifest-malformed``.
    """
    manifest = _labelled(_labelled(store, "c2pa"), label)
    signature = _labelled(manifest, "c2pa.signature")
    content = next((body for kind, body in _boxes(signature) if kind == b"cbor"), None)
    if content is None or len(content) > MAX_SIGNATURE:
        raise _malformed("its signature box holds no signature")
    try:
        chain = _x5chain(cbor2.loads(content))
    except (cbor2.CBORDecodeError, TypeError, ValueError, LookupError, RecursionError) as error:
        raise _malformed("its signature is not COSE") from error
    if not 1 <= len(chain) <= MAX_CHAIN or not all(isinstance(c, bytes) for c in chain):
        raise _malformed("its signature names no certificates")
    return tuple(chain)


def _x5chain(message: object) -> list[Any]:
    """The chain in the *protected* header: the unprotected one is not signed."""
    parts: Any = message
    if isinstance(message, cbor2.CBORTag) and message.tag == _COSE_SIGN1:
        parts = message.value
    header = cbor2.loads(parts[0], allow_duplicate_keys=False)
    chain = header[_X5CHAIN] if _X5CHAIN in header else header["x5chain"]
    return [chain] if isinstance(chain, bytes) else list(chain)


def _labelled(superboxes: bytes, label: str) -> bytes:
    """Content of the one JUMBF superbox with this label, past its description box."""
    found = [content for name, content in _superboxes(superboxes) if name == label]
    if len(found) != 1:
        raise _malformed(f"{len(found)} boxes are called {label[:80]!r}")
    return found[0]


def _superboxes(data: bytes) -> Iterator[tuple[str, bytes]]:
    for kind, body in _boxes(data):
        if kind != b"jumb":
            continue
        description_size = int.from_bytes(body[:4], "big")
        description = body[8:description_size]
        if body[4:8] != b"jumd" or description_size > len(body) or len(description) < 18:
            raise _malformed("a box has no description")
        # 16 bytes type, 1 byte toggles, then the label up to a zero byte
        label, end, _ = description[17:].partition(b"\0")
        if end:
            yield label.decode("utf-8", "replace"), body[description_size:]


def _boxes(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """ISO BMFF boxes: 32-bit size, type, content; size 1 is followed by a 64-bit size, 0 means the rest."""
    at = 0
    while at < len(data):
        size, head = int.from_bytes(data[at : at + 4], "big"), 8
        if size == 1:
            size, head = int.from_bytes(data[at + 8 : at + 16], "big"), 16
        elif size == 0:
            size = len(data) - at
        if size < head or at + size > len(data):
            raise _malformed("a box does not fit where it is")
        yield data[at + 4 : at + 8], data[at + head : at + size]
        at += size


def _malformed(why: str) -> ManifestError:
    return ManifestError(
        "manifest-malformed", f"The C2PA manifest cannot be taken apart: {why}.", "Get the file again."
    )
