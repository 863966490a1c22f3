"""Which frames a file holds, found by reading packets only: the basis of exact counts and random access."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np
import numpy.typing as npt
from av.container import InputContainer
from av.packet import Packet
from av.video.stream import VideoStream

from void_audit.errors import ClipError
from void_audit.media.container import MAX_FRAMES, check_readable, open_input, picture_stream, truncated
from void_audit.media.structure import check_whole

Ints = npt.NDArray[np.int64]
_ROW = np.dtype([("pts", "i8"), ("dts", "i8"), ("key", "?"), ("discarded", "?")])
"""One packet of the picture track."""


@dataclass(frozen=True)
class FrameIndex:
    """Presentation times of all frames, ascending, and the points at which decoding can begin.

    Frame ``i`` is the one shown ``i``-th: ``pts[i]`` counts ``time_base``. ``seek_dts[i]`` is the decoding
    time of the last packet from which frame ``i`` can be decoded.
    """

    pts: Ints
    seek_dts: Ints
    time_base: Fraction

    def __len__(self) -> int:
        return len(self.pts)

    def span(self, start: int, stop: int | None) -> tuple[int, int]:
        """``start`` and ``stop`` cut to the frames that exist, as slices do."""
        first, last, _ = slice(start, stop).indices(len(self))
        return first, max(first, last)


def read_index(path: Path) -> FrameIndex:
    """Read every packet of the picture track, decode nothing.

    Raises:
        ClipError: as ``open_input`` and ``picture_stream``; clip-truncated where packets are missing or cut;
            clip-timestamps where frames carry no usable times; clip-too-long; clip-empty.
    """
    check_readable(path)
    check_whole(path)
    with open_input(path) as container:
        stream = picture_stream(container, path)
        rows = np.fromiter(_rows(container, stream, path), _ROW)
        # AVI counts empty packets (gaps) too; its outline tells whether it is whole (``check_whole``).
        declared = 0 if container.format.name == "avi" else stream.frames
        if stream.time_base is None:
            raise _times(path, "the track has no time base")
        time_base = stream.time_base
    if len(rows) < declared:
        raise truncated(path, f"{declared} pictures are announced and {len(rows)} are there")
    shown = rows[~rows["discarded"]]
    if not len(shown):
        raise ClipError("clip-empty", f"{path.name} holds no picture.", "Give a file with pictures.")
    return _indexed(shown, time_base, path)


def _rows(
    container: InputContainer, stream: VideoStream, path: Path
) -> Iterator[tuple[int, int, bool, bool]]:
    """Every packet of the track in decoding order; also compares the length that the file announces."""
    end = Fraction(0)
    rows = 0
    for packet in container.demux():
        if not packet.size:
            continue
        end = max(end, _end(packet))
        if packet.stream_index != stream.index:
            continue
        if packet.is_corrupt:
            raise truncated(path, f"packet {rows} of the picture track is incomplete")
        if packet.pts is None:
            raise _times(path, f"packet {rows} has no presentation time")
        if rows >= MAX_FRAMES:
            raise ClipError(
                "clip-too-long", f"{path.name} has over {MAX_FRAMES} pictures.", "Cut it into parts."
            )
        rows += 1
        yield (
            packet.pts,
            packet.pts if packet.dts is None else packet.dts,
            packet.is_keyframe,
            packet.is_discard,
        )
    _check_length(container, end, rows, path)


def _end(packet: Packet) -> Fraction:  # type: ignore[type-arg]
    """When the packet's content ends, in seconds; 0 where it does not say."""
    if packet.pts is None or not packet.time_base:
        return Fraction(0)
    return (packet.pts + (packet.duration or 0)) * packet.time_base


def _check_length(container: InputContainer, end: Fraction, rows: int, path: Path) -> None:
    """Matroska and MXF announce a length, not a number: two pictures or a tenth of a second may be rounding."""
    if container.format.name not in {"matroska,webm", "mxf"} or container.duration is None:
        return
    announced = Fraction(container.duration, 1_000_000)
    if end < announced - max(Fraction(1, 10), 2 * end / max(1, rows)):
        raise truncated(path, f"it announces {float(announced):.2f} s and ends after {float(end):.2f} s")


def _indexed(rows: npt.NDArray[np.void], time_base: Fraction, path: Path) -> FrameIndex:
    """Sort by presentation time and find each frame's entry point.

    A key packet K serves the frames that follow it both in decoding order and in time: frames decoded
    after K but shown before it (open groups of pictures) may need the group before.
    """
    if not rows["key"][0]:
        raise truncated(path, "its first picture cannot be decoded alone")
    rows = rows[rows["pts"] >= rows["pts"][0]]  # what is shown before the first key frame leans on nothing
    order = np.argsort(rows["pts"], kind="stable")
    pts = rows["pts"][order]
    if np.any(np.diff(pts) <= 0):
        raise _times(path, "two pictures have the same presentation time")
    keys = np.flatnonzero(rows["key"])
    last_key = keys[np.searchsorted(keys, order, side="right") - 1]
    leading = rows["pts"][last_key] > pts
    previous = keys[np.maximum(np.searchsorted(keys, last_key) - 1, 0)]
    entry = np.where(leading, previous, last_key)
    return FrameIndex(pts, rows["dts"][entry], time_base)


def _times(path: Path, what: str) -> ClipError:
    return ClipError(
        "clip-timestamps",
        f"{path.name} has unusable timestamps: {what}.",
        "Remux or convert it to MP4, MOV or MKV first.",
    )
