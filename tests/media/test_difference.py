"""How far two files are apart: every sample counts, and so do times, sound and length."""

from __future__ import annotations

import av
import numpy as np
import pytest
from clips import write_clip, write_jumpy_clip

from void_audit.errors import ClipError
from void_audit.media.difference import Difference, difference, file_difference
from void_audit.media.lossless import LosslessWriter
from void_audit.model.geometry import Size

SIZE = Size(16, 12)


def pictures(count=5):
    return [np.full((SIZE.height, SIZE.width, 3), 10 * n, np.uint8) for n in range(count)]


def stored(path, frames, rate="24/1", size=SIZE):
    with LosslessWriter(path, size, rate) as writer:
        for picture in frames:
            writer.write(picture)
    return path


@pytest.fixture
def recorded(tmp_path):
    return stored(tmp_path / "recorded.mkv", pictures())


def changed(tmp_path, **pixels):
    frames = pictures()
    for frame, value in pixels.items():
        frames[int(frame[1:])][3, 4, 1] = value
    return stored(tmp_path / "made.mkv", frames)


def test_the_same_pictures(recorded, tmp_path):
    found = file_difference(recorded, changed(tmp_path))
    assert found.none
    assert found.pictures == Difference(5, 5, 0, None, 0.0)


def test_one_sample_by_one_level(recorded, tmp_path):
    found = file_difference(recorded, changed(tmp_path, f3=31))
    assert not found.none
    assert found.pictures == Difference(5, 5, 1, 3, 1.0)
    assert found.facts == ()


def test_the_most_and_the_first_are_of_all_frames_and_either_direction(recorded, tmp_path):
    found = file_difference(recorded, changed(tmp_path, f1=0, f2=255, f4=41))
    assert found.pictures == Difference(5, 5, 3, 1, 235.0)
    assert file_difference(tmp_path / "made.mkv", recorded).pictures == found.pictures


@pytest.mark.parametrize("count", [3, 7])
def test_frames_that_one_side_does_not_have(recorded, tmp_path, count):
    found = file_difference(recorded, stored(tmp_path / "made.mkv", pictures(count)))
    assert found.pictures == Difference(5, count, abs(5 - count), min(5, count), 0.0)
    assert not found.none


def test_pictures_of_another_size_are_different_and_not_compared(recorded, tmp_path):
    other = stored(tmp_path / "made.mkv", [p[:8] for p in pictures()], size=Size(16, 8))
    found = file_difference(recorded, other)
    assert found.pictures is None
    assert found.facts == ("height: recorded 12, here 8",)
    assert not found.none


def test_the_same_pictures_at_other_times(recorded, tmp_path):
    found = file_difference(recorded, stored(tmp_path / "made.mkv", pictures(), "25/1"))
    assert not found.pictures.differing
    assert any("frame_rate: recorded 24" in fact for fact in found.facts)
    assert not found.none


def test_times_alone(tmp_path):
    gaps = (1, 3, 1, 2, 5, 1, 1, 4)
    lossless = {"options": (("qp", "0"), ("preset", "ultrafast"))}  # x264 spends bits by duration
    one = write_jumpy_clip(tmp_path / "one.mp4", gaps, **lossless)
    other = write_jumpy_clip(tmp_path / "other.mp4", (1, 1, 3, *gaps[3:]), **lossless)
    assert file_difference(one, one).none
    found = file_difference(one, other)
    assert not found.pictures.differing
    assert found.facts == ("the times of the pictures",)


def test_the_sound_alone(tmp_path):
    one = write_clip(tmp_path / "one.mkv", frames=6, sound="pcm_s16le")
    with av.open(str(one)) as container:
        place = next(packet.pos for packet in container.demux(audio=0) if packet.size)
    data = bytearray(one.read_bytes())
    data[place + 100] ^= 1
    other = tmp_path / "other.mkv"
    other.write_bytes(data)
    assert file_difference(one, one).none
    found = file_difference(one, other)
    assert not found.pictures.differing
    assert found.facts == ("the sound",)


def test_no_sound(tmp_path):
    one = write_clip(tmp_path / "one.mp4", frames=6, sound="aac")
    other = write_clip(tmp_path / "other.mp4", frames=6)
    assert "the sound" in file_difference(one, other).facts


def test_levels_are_of_255_at_any_depth():
    one, other = np.zeros((2, 2), np.uint16), np.full((2, 2), 1023, np.uint16)
    assert difference([((one,), (other,))], bit_depth=10).most == 255.0


def test_any_plane_counts():
    flat = np.zeros((2, 2), np.uint8)
    assert difference([((flat, flat, flat), (flat, flat, flat + 7))]) == Difference(1, 1, 1, 0, 7.0)


def test_a_file_that_is_none(recorded, tmp_path):
    (tmp_path / "made.mkv").write_bytes(b"text")
    with pytest.raises(ClipError):
        file_difference(recorded, tmp_path / "made.mkv")


def test_it_is_told_how_far_it_is(recorded, tmp_path):
    told = []
    file_difference(recorded, changed(tmp_path, f0=1), lambda *said: told.append(said))
    assert told[-1] == ("comparing pictures", 5, 5)
    assert len(told) == 5
