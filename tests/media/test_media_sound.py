"""Sound is copied packet for packet, in step, and never stands in the way with an error of somebody else."""

from fractions import Fraction
from pathlib import Path

import av
import pytest
from clips import write_clip

from void_audit.errors import ClipError
from void_audit.media.container import open_input
from void_audit.media.sound import SoundCopy

Packets = list[tuple[int, Fraction, bytes]]


def packets(path: Path) -> Packets:
    """Sound packets of a file: place of the track among sounds, time, content."""
    with av.open(str(path)) as container:
        places = {s.index: i for i, s in enumerate(container.streams.audio)}
        if not places:
            return []
        found = [
            (places[p.stream_index], p.pts * p.time_base, bytes(p))
            for p in container.demux(tuple(container.streams.audio))
            if p.size
        ]
    return sorted(found)


def copy(source: Path, target: Path, steps: tuple[Fraction | None, ...]) -> list[int]:
    """Copy in steps; how many packets had been written after each."""
    counts: list[int] = []
    with open_input(source) as old, av.open(str(target), "w") as new:
        noted = Noted(new)
        sound = SoundCopy(old, noted, source.name)
        for step in steps:
            sound.until(step)
            counts.append(noted.count)
    return counts


class Noted:
    """A container that counts what is written."""

    def __init__(self, container: av.container.OutputContainer) -> None:
        self._container, self.count = container, 0
        self.format = container.format

    def add_stream_from_template(self, stream):
        return self._container.add_stream_from_template(stream)

    def mux(self, packet) -> None:
        self.count += 1
        self._container.mux(packet)


@pytest.mark.parametrize(("codec", "suffix"), [("aac", "mp4"), ("pcm_s16le", "mov"), ("libopus", "mkv")])
def test_every_packet_of_every_track(tmp_path: Path, codec: str, suffix: str) -> None:
    source = write_clip(tmp_path / f"a.{suffix}", sound=codec, tracks=2)
    target = tmp_path / f"b.{suffix}"
    (count,) = copy(source, target, (None,))
    assert count == len(packets(source)) > 4
    assert packets(target) == packets(source)
    assert {track for track, _, _ in packets(target)} == {0, 1}


def test_in_step_with_the_pictures(tmp_path: Path) -> None:
    """After every step there is all that begins until then, the moment itself included, and nothing later."""
    source = write_clip(tmp_path / "a.mkv", codec="ffv1", sound="pcm_s16le")
    times = [time for _, time, _ in packets(source)]
    moments = (times[0], times[3], times[3], times[5] + Fraction(1, 2000))
    counts = copy(source, tmp_path / "b.mkv", (*moments, None))
    assert counts == [sum(t <= moment for t in times) for moment in moments] + [len(times)]
    assert counts[0] == 1


def test_a_time_before_the_first_packet_copies_nothing(tmp_path: Path) -> None:
    source = write_clip(tmp_path / "a.mp4", sound="aac")
    first = packets(source)[0][1]
    steps = (first - Fraction(1, 48000), first, None)
    assert copy(source, tmp_path / "b.mp4", steps) == [0, 1, len(packets(source))]


def test_the_end_may_be_asked_for_twice(tmp_path: Path) -> None:
    source = write_clip(tmp_path / "a.mp4", sound="aac")
    first, second = copy(source, tmp_path / "b.mp4", (None, None))
    assert first == second > 0


def test_no_sound(tmp_path: Path) -> None:
    source = write_clip(tmp_path / "a.mp4")
    with open_input(source) as old, av.open(str(tmp_path / "b.mp4"), "w") as new:
        sound = SoundCopy(old, new, "a.mp4")
        sound.until(Fraction(9))
        sound.until(None)
        assert not new.streams.audio


def refusal(source: Path, target: Path) -> ClipError:
    with pytest.raises(ClipError) as caught:
        copy(source, target, (None,))
    assert caught.value.hint
    assert source.name in caught.value.message
    return caught.value


def test_a_codec_that_the_container_cannot_hold(tmp_path: Path) -> None:
    error = refusal(write_clip(tmp_path / "a.mkv", codec="ffv1", sound="tta"), tmp_path / "b.mp4")
    assert error.code == "clip-sound"
    assert "tta sound" in error.message


@pytest.mark.parametrize("suffix", ["mp4", "mkv"])
def test_a_codec_that_nobody_knows(tmp_path: Path, suffix: str) -> None:
    path = write_clip(tmp_path / "a.mkv", codec="ffv1", sound="mp2")
    data = path.read_bytes()
    assert data.count(b"A_MPEG/L2") == 1
    path.write_bytes(data.replace(b"A_MPEG/L2", b"A_NOBODY!"))
    error = refusal(path, tmp_path / f"b.{suffix}")
    assert error.code == "clip-sound"
    assert "unknown sound" in error.message
