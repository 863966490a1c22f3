"""Just enough DER to put the certificates of a time-stamp reply in their order.

DER wants a SET OF sorted (X.690 11.6). Authorities built on OpenSSL send their chain as it came; strict parsers
refuse that. The certificates of a CMS message are outside what is signed, so sorting them changes nothing that
counts.
"""

from __future__ import annotations

from itertools import pairwise

_SEQUENCE, _CONTEXT_0 = 0x30, 0xA0


def in_order(reply: bytes) -> bytes:
    """A TimeStampResp (RFC 3161 2.4.2) with the certificates of its token sorted; as it was if it is none."""
    try:
        _, token = _children(reply, 0, _SEQUENCE)[:2]
        _, explicit = _children(reply, token, _SEQUENCE)[:2]
        (signed_data,) = _children(reply, explicit, _CONTEXT_0)
        fields = _children(reply, signed_data, _SEQUENCE)
        (certificates,) = [at for at in fields if reply[at] == _CONTEXT_0]
        starts = _children(reply, certificates, _CONTEXT_0)
        end = _content(reply, certificates)[1]
    except (ValueError, IndexError):
        return reply
    parts = [reply[start:stop] for start, stop in pairwise([*starts, end])]
    return reply[: starts[0]] + b"".join(sorted(parts)) + reply[end:] if starts else reply


def _children(data: bytes, at: int, tag: int) -> list[int]:
    """Where each element within the one at ``at`` begins. Raises ValueError, IndexError."""
    if data[at] != tag:
        raise ValueError
    place, end = _content(data, at)
    found = []
    while place < end:
        found.append(place)
        place = _content(data, place)[1]
    if place != end:
        raise ValueError
    return found


def _content(data: bytes, at: int) -> tuple[int, int]:
    """Where the content of the element at ``at`` begins and ends. Raises ValueError, IndexError."""
    length, start = data[at + 1], at + 2
    if length >= 0x80:
        size = length - 0x80
        if not 1 <= size <= 4:
            raise ValueError
        start += size
        length = int.from_bytes(data[at + 2 : start], "big")
    if start + length > len(data):
        raise ValueError
    return start, start + length
