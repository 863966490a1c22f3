"""Sound tracks copied packet by packet, in step with the pictures."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

from av.audio.stream import AudioStream
from av.container import InputContainer, OutputContainer
from av.packet import Packet

from void_audit.errors import ClipError


class SoundCopy:
    """Copies every sound track of ``source`` into ``target``; no sample is decoded.

    Raises:
        ClipError: clip-sound where the target container cannot hold a track's codec.
    """

    def __init__(self, source: InputContainer, target: OutputContainer, name: str) -> None:
        self._target = target
        self._tracks = {s.index: _add(target, s, name) for s in source.streams.audio}
        self._packets = _packets(source)
        self._next = next(self._packets, None)

    def until(self, seconds: Fraction | None) -> None:
        """Copy the packets that begin at ``seconds`` or before; None: all that are left."""
        while self._next is not None and (seconds is None or _begin(self._next) <= seconds):
            packet = self._next
            packet.stream = self._tracks[packet.stream_index]
            self._target.mux(packet)
            self._next = next(self._packets, None)


def _add(target: OutputContainer, stream: AudioStream, name: str) -> AudioStream:
    try:
        return target.add_stream_from_template(stream)
    except ValueError as error:
        codec = stream.codec_context.name if stream.codec_context else "unknown"
        raise ClipError(
            "clip-sound",
            f"{name} has {codec} sound, which {target.format.name} cannot hold.",
            "Set encoder.codec to ffv1 (Matroska), or convert the sound first.",
        ) from error


def _packets(source: InputContainer) -> Iterator[Packet[AudioStream]]:
    if not source.streams.audio:
        return iter(())
    return (p for p in source.demux(tuple(source.streams.audio)) if p.size)


def _begin(packet: Packet[AudioStream]) -> Fraction:
    return (packet.dts or 0) * packet.time_base
