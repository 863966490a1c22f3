"""Digests of coded packets: equal before and after a remux, different after any re-encoding."""

from __future__ import annotations

import hashlib
from pathlib import Path

from av.audio.stream import AudioStream
from av.packet import Packet
from av.stream import Stream

from void_audit.media.container import open_input, picture_stream
from void_audit.model.clip import PacketDigests


def packet_digests(path: Path) -> PacketDigests:
    """SHA-256 over the concatenated packet payloads of the picture track and of each sound track, in order.

    AAC of transport streams repeats its settings in a header before every packet (ADTS), which MP4 keeps once
    for the track: those headers are left out, so that a remux keeps the digest.

    Raises:
        ClipError: as ``media.container``.
    """
    with open_input(path) as container:
        picture = picture_stream(container, path).index  # a stream must not be asked once its file is closed
        sounds = [stream.index for stream in container.streams.audio]
        framed = {s.index for s in container.streams.audio if _is_adts(s)}
        digests = {index: hashlib.sha256() for index in (picture, *sounds)}
        for packet in container.demux():
            if packet.size and packet.stream_index in digests:
                skip = _adts_header(packet) if packet.stream_index in framed else 0
                digests[packet.stream_index].update(memoryview(packet)[skip:])
    return PacketDigests(
        video=digests[picture].hexdigest(), audio=tuple(digests[i].hexdigest() for i in sounds)
    )


def other_tracks(path: Path) -> int:
    """Number of tracks beside the picture, the sound and a timecode: subtitles, attachments, data, cover art.

    Raises:
        ClipError: as ``media.container``.
    """
    with open_input(path) as container:
        picture = picture_stream(container, path).index
        return sum(
            s.index != picture and s.type != "audio" and not _is_timecode(s) for s in container.streams
        )


def _is_timecode(stream: Stream) -> bool:
    return stream.type == "data" and "timecode" in stream.metadata


def _is_adts(stream: AudioStream) -> bool:
    context = stream.codec_context
    return context is not None and context.name == "aac" and not context.extradata


def _adts_header(packet: Packet[Stream]) -> int:
    """Length of the header (ISO/IEC 13818-7, 6.2): 7 bytes, and 2 more with a checksum; 0 where there is none."""
    head = bytes(memoryview(packet)[:2])
    if len(head) < 2 or head[0] != 0xFF or head[1] & 0xF6 != 0xF0:
        return 0
    return 7 if head[1] & 1 else 9
