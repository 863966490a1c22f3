"""Digests of coded packets: equal before and after a remux, different after any re-encoding."""

from __future__ import annotations

import hashlib
from pathlib import Path

from void_audit.media.container import open_input, picture_stream
from void_audit.model.clip import PacketDigests


def packet_digests(path: Path) -> PacketDigests:
    """SHA-256 over the concatenated packet payloads of the picture track and of each sound track, in order.

    Raises:
        ClipError: as ``media.container``.
    """
    with open_input(path) as container:
        picture = picture_stream(container, path).index  # a stream must not be asked once its file is closed
        sounds = [stream.index for stream in container.streams.audio]
        digests = {index: hashlib.sha256() for index in (picture, *sounds)}
        for packet in container.demux():
            if packet.size and packet.stream_index in digests:
                digests[packet.stream_index].update(memoryview(packet))
    return PacketDigests(
        video=digests[picture].hexdigest(), audio=tuple(digests[i].hexdigest() for i in sounds)
    )
