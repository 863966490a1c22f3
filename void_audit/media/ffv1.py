"""The checksums inside FFV1 (RFC 9043, section 4.9): FFmpeg only logs a mismatch and paints over it."""

from __future__ import annotations

import zlib

_WITH_CRC, _WITHOUT_CRC = 8, 3
"""Bytes of a slice footer: size (3), then where checksums are on, error status (1) and CRC (4)."""

_MIRRORED = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))


def intact(packet: bytes, header: bytes | None) -> bool:
    """Whether the slices fill the packet exactly and every checksum holds.

    A cut can by chance leave what looks like a packet without checksums; the container's sizes tell of it.
    ``header`` is the track's configuration record; versions before 3 have none, and no checksums.
    """
    if not header:
        return True
    slices = _slices(packet, _WITH_CRC)
    if slices is not None:
        return all(_crc(part) == 0 for part in slices)
    return _slices(packet, _WITHOUT_CRC) is not None


def _slices(packet: bytes, footer: int) -> list[bytes] | None:
    """The slices, found from the last to the first by the sizes in their footers; None if those do not fit."""
    slices, end = [], len(packet)
    while end > 0:
        if end < footer:
            return None
        begin = end - footer - int.from_bytes(packet[end - footer : end - footer + 3], "big")
        if begin < 0:
            return None
        slices.append(packet[begin:end])
        end = begin
    return slices


def _crc(data: bytes) -> int:
    """CRC-32 with polynomial 04C11DB7, most significant bit first, initial value 0: 0 over intact data.

    zlib's runs the other way round, so the bits of every byte are mirrored; only equality with 0 matters.
    """
    return zlib.crc32(data.translate(_MIRRORED), 0xFFFFFFFF) ^ 0xFFFFFFFF
