"""Packet digests against an independent count, and what must and must not change them."""

import hashlib
from pathlib import Path

import av
import pytest
from clips import write_clip

from void_audit.media.packets import packet_digests


def independent(path: Path, stream: int) -> str:
    """Coded bytes of one track, read from the file by FFmpeg's own packet positions."""
    data, digest = path.read_bytes(), hashlib.sha256()
    with av.open(str(path)) as container:
        for packet in container.demux(container.streams[stream]):
            if packet.size:
                digest.update(data[packet.pos : packet.pos + packet.size])
    return digest.hexdigest()


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    return write_clip(tmp_path / "a.mp4", sound="aac", tracks=2)


def test_every_track_is_hashed(clip: Path) -> None:
    digests = packet_digests(clip)
    assert digests.video == independent(clip, 0)
    assert digests.audio == (independent(clip, 1), independent(clip, 2))
    assert hashlib.sha256().hexdigest() not in (digests.video, *digests.audio)
    assert len({digests.video, *digests.audio}) == 3


def test_no_sound(tmp_path: Path) -> None:
    assert packet_digests(write_clip(tmp_path / "a.mp4")).audio == ()


def test_a_remux_keeps_them(clip: Path, tmp_path: Path) -> None:
    with av.open(str(clip)) as source, av.open(str(tmp_path / "b.mov"), "w") as target:
        tracks = {s.index: target.add_stream_from_template(s) for s in source.streams}
        for packet in source.demux():
            if packet.size:
                packet.stream = tracks[packet.stream_index]
                target.mux(packet)
    assert packet_digests(tmp_path / "b.mov") == packet_digests(clip)


def test_one_changed_bit_of_a_picture_changes_only_that_track(clip: Path) -> None:
    before = packet_digests(clip)
    with av.open(str(clip)) as container:
        packet = list(container.demux(container.streams.video[0]))[3]
        position = packet.pos + packet.size - 1
    data = bytearray(clip.read_bytes())
    data[position] ^= 1
    clip.write_bytes(data)
    after = packet_digests(clip)
    assert after.video != before.video
    assert after.audio == before.audio


def test_one_changed_bit_of_sound_changes_only_that_track(clip: Path) -> None:
    before = packet_digests(clip)
    with av.open(str(clip)) as container:
        packet = list(container.demux(container.streams.audio[1]))[3]
        position = packet.pos + packet.size - 1
    data = bytearray(clip.read_bytes())
    data[position] ^= 1
    clip.write_bytes(data)
    after = packet_digests(clip)
    assert (after.video, after.audio[0]) == (before.video, before.audio[0])
    assert after.audio[1] != before.audio[1]
