"""Frames by number: the right one, whole, or an error."""

from pathlib import Path

import av
import numpy as np
import pytest
from clips import write_clip, write_jumpy_clip

from void_audit.errors import ClipError
from void_audit.media import decoder as module
from void_audit.media.decoder import Decoder
from void_audit.media.index import FrameIndex, read_index

OPEN_GROUPS = (
    ("preset", "medium"),
    ("crf", "20"),
    ("x264-params", "open-gop=1:keyint=9:min-keyint=3:bframes=3"),
)


def decoder_of(path: Path) -> Decoder:
    return Decoder(path, read_index(path))


def luma(frame: av.VideoFrame) -> bytes:
    return frame.reformat(format="gray").to_ndarray().tobytes()


def spoilt(path: Path, number: int) -> Path:
    """The packet of one picture turned upside down, bit by bit."""
    data = bytearray(path.read_bytes())
    with av.open(str(path)) as container:
        packet = list(container.demux(video=0))[number]
        for place in range(packet.pos + 8, packet.pos + packet.size):
            data[place] ^= 0xFF
    path.write_bytes(data)
    return path


def damage(decoder: Decoder, start: int, stop: int) -> str:
    with pytest.raises(ClipError) as caught:
        list(decoder.frames(start, stop))
    assert caught.value.code == "clip-damaged"
    return caught.value.message


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    return write_clip(tmp_path / "a.mp4", frames=18, gop=6)


@pytest.mark.parametrize(("start", "stop"), [(0, 18), (0, 1), (5, 7), (6, 12), (17, 18)])
def test_any_range(clip: Path, start: int, stop: int) -> None:
    with av.open(str(clip)) as container:
        plain = [(f.pts, luma(f)) for f in container.decode(video=0)]
    assert [(f.pts, luma(f)) for f in decoder_of(clip).frames(start, stop)] == plain[start:stop]


@pytest.mark.parametrize(("start", "stop"), [(0, 0), (5, 5), (9, 3)])
def test_an_empty_range_opens_nothing(clip: Path, start: int, stop: int) -> None:
    decoder = decoder_of(clip)
    clip.unlink()
    assert list(decoder.frames(start, stop)) == []


def test_several_readers_do_not_disturb_each_other(clip: Path) -> None:
    decoder = decoder_of(clip)
    one, other = decoder.frames(0, 6), decoder.frames(9, 15)
    taken = [(next(one).pts, next(other).pts) for _ in range(6)]
    pts = decoder.index.pts.tolist()
    assert taken == list(zip(pts[:6], pts[9:15], strict=True))


def test_damage_names_the_picture_and_spares_other_groups(tmp_path: Path) -> None:
    """FFV1 is checked by its own checksums: no picture of a spoilt packet is given out."""
    path = spoilt(write_clip(tmp_path / "a.mkv", codec="ffv1", frames=9, gop=1), 4)
    decoder = decoder_of(path)
    assert "picture 4" in damage(decoder, 0, 9)
    assert "picture 4" in damage(decoder, 4, 5)
    assert len(list(decoder.frames(3, 4))) == 1
    assert len(list(decoder.frames(5, 9))) == 4
    assert len(list(decoder.frames(0, 4))) == 4


def test_pictures_before_the_damage_are_given_out(tmp_path: Path) -> None:
    decoder = decoder_of(spoilt(write_clip(tmp_path / "a.mkv", codec="ffv1", frames=9, gop=1), 4))
    frames = decoder.frames(2, 9)
    assert [next(frames).pts, next(frames).pts] == decoder.index.pts[2:4].tolist()
    with pytest.raises(ClipError):
        next(frames)


def test_a_file_exchanged_meanwhile(clip: Path) -> None:
    """Other times than in the index: never a frame in the place of another."""
    decoder = decoder_of(clip)
    write_jumpy_clip(clip, gaps=(1, 2) * 9)
    assert "picture 1 " in damage(decoder, 0, 18)


def test_a_file_that_became_shorter(clip: Path) -> None:
    decoder = decoder_of(clip)
    write_clip(clip, frames=12, gop=6)
    assert len(list(decoder.frames(0, 12))) == 12
    assert "picture 12" in damage(decoder, 10, 18)


@pytest.mark.parametrize("number", [0, 7])
def test_a_time_that_no_picture_has(clip: Path, number: int) -> None:
    """An index of another file: what lies beside the time asked for is not taken for it."""
    index = read_index(clip)
    moved = index.pts.copy()
    moved[number] += 1
    wrong = Decoder(clip, FrameIndex(moved, index.seek_dts, index.time_base))
    assert f"picture {number} " in damage(wrong, number, number + 1)


def test_an_entry_point_that_is_too_late(clip: Path) -> None:
    """Then decoding begins at the beginning: slower, and right."""
    index = read_index(clip)
    late = FrameIndex(index.pts, np.where(index.seek_dts == 0, 0, index.seek_dts.max()), index.time_base)
    assert [f.pts for f in Decoder(clip, late).frames(7, 9)] == index.pts[7:9].tolist()


def test_a_size_that_changes(tmp_path: Path) -> None:
    """The second half of a transport stream has larger pictures."""
    parts = [
        write_clip(tmp_path / f"{w}.ts", frames=4, gop=4, width=w, pts=tuple(range(first, first + 4)))
        for w, first in ((64, 0), (96, 4))
    ]
    path = tmp_path / "c.ts"
    path.write_bytes(b"".join(part.read_bytes() for part in parts))
    told = damage(decoder_of(path), 0, 8)
    assert "(96, 48, 'yuv420p')" in told
    assert "(64, 48, 'yuv420p')" in told


def test_open_groups_are_proven_sound_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_clip(tmp_path / "a.mp4", frames=40, options=OPEN_GROUPS, gop=9)
    decoder = decoder_of(path)
    ways: list[bool] = []
    track = module.picture_stream

    def noted(container, path, strict=True):
        ways.append(strict)
        return track(container, path, strict)

    monkeypatch.setattr(module, "picture_stream", noted)
    whole = [luma(f) for f in decoder.frames(0, 40)]
    for start in (36, 38):
        assert [luma(f) for f in decoder.frames(start, 40)] == whole[start:]
    # whole; entered strictly in vain, proven, entered; entered again without a proof
    assert ways == [True, True, True, False, False]


def test_open_groups_that_are_not_sound(tmp_path: Path) -> None:
    """Damage anywhere: the file is not entered loosely, though the pictures asked for are whole."""
    path = write_clip(tmp_path / "a.mp4", frames=40, options=OPEN_GROUPS, gop=9)
    decoder = decoder_of(path)
    assert len(list(decoder_of(path).frames(36, 40))) == 4
    for number in (3, 4, 5):
        spoilt(path, number)
    damage(decoder, 36, 40)
