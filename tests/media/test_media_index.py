"""The index agrees with what a full decode shows, and refuses files whose times say nothing."""

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from clips import write_clip, write_jumpy_clip
from hypothesis import given
from hypothesis import strategies as st

from void_audit.errors import ClipError
from void_audit.media.decoder import Decoder
from void_audit.media.index import FrameIndex, read_index

OPEN_GROUPS = (("preset", "medium"), ("x264-params", "open-gop=1:keyint=9:min-keyint=3:bframes=3"))


def refusal(path: Path) -> ClipError:
    with pytest.raises(ClipError) as caught:
        read_index(path)
    assert caught.value.hint
    assert path.name in caught.value.message
    return caught.value


def picture_packets(path: Path) -> list[tuple[int, int, bool]]:
    with av.open(str(path)) as container:
        return [(p.pts, p.dts, p.is_keyframe) for p in container.demux(video=0) if p.size]


def copied(source: Path, target: Path, left_out: set[int], shift: int = 0) -> Path:
    """The same packets in another file, without some; ``shift`` is added to all times."""
    with av.open(str(source)) as old, av.open(str(target), "w") as new:
        stream = new.add_stream_from_template(old.streams.video[0])
        for number, packet in enumerate(p for p in old.demux(video=0) if p.size):
            if number not in left_out:
                packet.stream = stream
                packet.pts, packet.dts = packet.pts + shift, packet.dts + shift
                new.mux(packet)
    return target


def test_every_picture_ascending(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "a.mp4", frames=30, options=OPEN_GROUPS, gop=9)
    index = read_index(path)
    with av.open(str(path)) as container:
        assert index.pts.tolist() == [f.pts for f in container.decode(video=0)]
        assert index.time_base == container.streams.video[0].time_base
    assert len(index) == len(index.seek_dts) == 30
    assert (np.diff(index.pts) > 0).all()


def test_times_of_variable_rate_are_exact(tmp_path: Path) -> None:
    index = read_index(write_jumpy_clip(tmp_path / "a.mp4", gaps=(1, 3, 1)))
    assert [int(t) * index.time_base for t in index.pts] == [Fraction(n, 120) for n in (0, 1, 4, 5)]


def test_closed_groups_are_entered_at_their_own_key(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "a.mp4", frames=20, gop=6)
    keys = [dts for _, dts, key in picture_packets(path) if key]
    assert len(keys) == 4
    assert read_index(path).seek_dts.tolist() == [keys[i // 6] for i in range(20)]


def test_leading_pictures_are_entered_a_group_earlier(tmp_path: Path) -> None:
    """Pictures decoded after a key but shown before it lean on the group before."""
    path = write_clip(tmp_path / "a.mp4", frames=30, options=OPEN_GROUPS, gop=9)
    packets = picture_packets(path)
    index = read_index(path)
    expected, leading = {}, 0
    keys: list[tuple[int, int]] = []
    for pts, dts, key in packets:
        if key:
            keys.append((pts, dts))
        leans = pts < keys[-1][0]
        leading += leans
        expected[pts] = keys[-2 if leans else -1][1]
    assert leading
    assert dict(zip(index.pts.tolist(), index.seek_dts.tolist(), strict=True)) == expected


@given(st.integers(-9, 9), st.none() | st.integers(-9, 9))
def test_a_span_is_what_a_slice_takes(start: int, stop: int | None) -> None:
    times = np.arange(5)
    first, last = FrameIndex(times, times, Fraction(1, 24)).span(start, stop)
    assert list(range(first, last)) == list(range(5))[start:stop]
    assert 0 <= first <= last <= 5


def test_nothing_is_decoded(tmp_path: Path) -> None:
    """Content that no decoder takes still has an index."""
    path = write_clip(tmp_path / "a.mkv", codec="ffv1", frames=4)
    expected = read_index(path)
    data = bytearray(path.read_bytes())
    with av.open(str(path)) as container:
        for packet in (p for p in container.demux(video=0) if p.size):
            half = packet.size // 2
            data[packet.pos + half : packet.pos + packet.size] = bytes(packet.size - half)
    path.write_bytes(data)
    with pytest.raises(ClipError, match="damaged"):
        list(Decoder(path, expected).frames(0, 4))
    assert read_index(path).pts.tolist() == expected.pts.tolist()


def test_an_end_that_is_announced_and_missing(tmp_path: Path) -> None:
    """The outline of the file is mended, only the packets of the last half are gone."""
    source = write_clip(tmp_path / "a.mkv", codec="ffv1", frames=48)
    data = copied(source, tmp_path / "b.mkv", set(range(24, 48))).read_bytes()
    assert len(read_index(tmp_path / "b.mkv")) == 24
    duration = data.index(b"\x44\x89\x88") + 3
    whole = source.read_bytes()
    announced = whole.index(b"\x44\x89\x88") + 3
    path = tmp_path / "c.mkv"
    path.write_bytes(data[:duration] + whole[announced : announced + 8] + data[duration + 8 :])
    assert refusal(path).code == "clip-truncated"


def test_pictures_before_the_first_key_are_not_there(tmp_path: Path) -> None:
    """A file cut out of a longer one: its first leading pictures lean on nothing."""
    source = write_clip(tmp_path / "a.mp4", frames=30, options=OPEN_GROUPS, gop=9)
    packets = picture_packets(source)
    begin = [i for i, (_, _, key) in enumerate(packets) if key][1]
    leading = sum(pts < packets[begin][0] for pts, _, _ in packets[begin:])
    assert leading
    index = read_index(copied(source, tmp_path / "b.mkv", set(range(begin))))
    assert len(index) == len(packets) - begin - leading
    assert index.pts[0] * index.time_base == pytest.approx(packets[begin][0] / 12288, abs=0.002)


def test_a_first_picture_that_leans_on_others(tmp_path: Path) -> None:
    source = write_clip(tmp_path / "a.mp4", frames=12, gop=12)
    assert refusal(copied(source, tmp_path / "b.mkv", {0})).code == "clip-truncated"


def test_two_pictures_at_one_time(tmp_path: Path) -> None:
    """Matroska counts milliseconds: at 4000 pictures per second several share one."""
    path = write_clip(tmp_path / "a.mkv", codec="ffv1", frames=6, rate=Fraction(4000))
    assert refusal(path).code == "clip-timestamps"


def test_no_picture(tmp_path: Path) -> None:
    """A picture track that is announced, and a sound track that has all the packets."""
    source, path = write_clip(tmp_path / "a.mkv", codec="ffv1", sound="mp2"), tmp_path / "b.mkv"
    with av.open(str(source)) as old, av.open(str(path), "w") as new:
        tracks = {s.index: new.add_stream_from_template(s) for s in old.streams}
        for packet in old.demux(audio=0):
            if packet.size:
                packet.stream = tracks[packet.stream_index]
                new.mux(packet)
    assert refusal(path).code == "clip-empty"


@pytest.mark.parametrize(("most", "accepted"), [(5, True), (4, False)])
def test_the_longest_clip(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, most: int, accepted: bool) -> None:
    monkeypatch.setattr("void_audit.media.index.MAX_FRAMES", most)
    path = write_clip(tmp_path / "a.mp4", frames=5)
    if accepted:
        assert len(read_index(path)) == 5
    else:
        assert refusal(path).code == "clip-too-long"


def test_a_transport_stream_cut_in_a_packet(tmp_path: Path) -> None:
    """It has no outline and announces nothing: what is left is counted, never more."""
    path = write_clip(tmp_path / "a.ts", frames=20)
    times = read_index(path).pts.tolist()
    data = path.read_bytes()
    seen = set()
    for packets in range(4, len(data) // 188, 3):
        path.write_bytes(data[: packets * 188])
        try:
            left = read_index(path).pts.tolist()
        except ClipError:
            continue
        assert left == times[: len(left)]
        seen.add(len(left))
    assert len(seen) > 2
    assert max(seen) <= 20
