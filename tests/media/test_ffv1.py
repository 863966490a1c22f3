"""Checksums of FFV1 packets, against files written by FFmpeg."""

from pathlib import Path

import av
import pytest
from clips import ClipSpec, moving_square
from hypothesis import given, settings
from hypothesis import strategies as st

from void_audit.media.ffv1 import intact


def packets(folder: Path, options: dict[str, str]) -> tuple[list[bytes], bytes | None]:
    path, spec = folder / "a.mkv", ClipSpec()
    with av.open(str(path), "w") as container:
        stream = container.add_stream("ffv1", rate=24, options=options)
        stream.width, stream.height, stream.pix_fmt = spec.width, spec.height, "yuv420p"
        for i in range(3):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(moving_square((64, 48), i), "rgb24")))
        container.mux(stream.encode())
    with av.open(str(path)) as container:
        video = container.streams.video[0]
        return [bytes(p) for p in container.demux(video) if p.size], video.codec_context.extradata


@pytest.fixture(scope="module")
def checked(tmp_path_factory: pytest.TempPathFactory) -> tuple[list[bytes], bytes | None]:
    return packets(tmp_path_factory.mktemp("a"), {"level": "3", "slices": "4", "slicecrc": "1"})


def test_whole_packets(checked: tuple[list[bytes], bytes | None]) -> None:
    coded, header = checked
    assert header
    assert all(intact(packet, header) for packet in coded)


@settings(max_examples=60, deadline=None)
@given(place=st.integers(0, 10**6), bit=st.integers(0, 7))
def test_any_flipped_bit(checked: tuple[list[bytes], bytes | None], place: int, bit: int) -> None:
    coded, header = checked
    data = bytearray(coded[0])
    data[place % len(data)] ^= 1 << bit
    assert not intact(bytes(data), header)


def test_almost_any_cut_but_between_slices(checked: tuple[list[bytes], bytes | None]) -> None:
    """A cut between two slices leaves whole slices, and few others look like a packet without checksums.

    The container's own sizes must tell of those.
    """
    packet, header = checked[0][0], checked[1]
    borders, end = set(), len(packet)
    while end > 0:
        borders.add(end)
        end -= 8 + int.from_bytes(packet[end - 8 : end - 5], "big")
    accepted = {length for length in range(1, len(packet)) if intact(packet[:length], header)}
    assert len(accepted - borders) < len(packet) / 100


@pytest.mark.parametrize("options", [{"level": "1"}, {"level": "3", "slices": "4", "slicecrc": "0"}])
def test_files_without_checksums_are_accepted(tmp_path: Path, options: dict[str, str]) -> None:
    coded, header = packets(tmp_path, options)
    assert all(intact(packet, header) for packet in coded)
