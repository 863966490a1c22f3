"""The clip that is sent along: small, silent, the same pictures at the same times."""

import weakref

import numpy as np
import pytest
from clips import moving_square, write_clip

from void_audit.errors import Cancelled
from void_audit.media.memory import ArrayClip
from void_audit.media.reader import VideoClip
from void_audit.media.small_clip import small_clip


def pictures(count, size=(160, 120)):
    return [moving_square(size, frame) for frame in range(count)]


def decoded(tmp_path, data):
    path = tmp_path / "small.mp4"
    path.write_bytes(data)
    return VideoClip(path)


def test_pictures_times_and_no_sound(tmp_path):
    source = VideoClip(write_clip(tmp_path / "in.mp4", width=160, height=120, frames=30, sound="aac"))
    small = decoded(tmp_path, small_clip(source, 1_000_000))
    assert small.info.codec == "h264"
    assert small.info.audio == ()
    assert small.info.size == (160, 120)
    assert (small.info.rate, small.info.frames) == (12, 15)
    assert not small.info.variable_frame_rate
    assert (small.info.color_space, small.info.color_range) == (1, 1)
    for number, picture in enumerate(small.frames()):
        original = next(source.frames(2 * number, 2 * number + 1))
        assert np.abs(picture.astype(int) - original).mean() < 6


@pytest.mark.parametrize(
    ("rate", "sent"), [("24/1", 12), ("25/1", 25 / 3), ("30000/1001", 10000 / 1001), ("12/1", 12), ("5/1", 5)]
)
def test_at_most_twelve_pictures_a_second(tmp_path, rate, sent):
    small = decoded(tmp_path, small_clip(ArrayClip(pictures(13), rate), 1_000_000))
    assert float(small.info.rate) == pytest.approx(sent)
    assert small.info.duration_seconds == pytest.approx(13 / eval(rate), abs=1 / sent)  # noqa: S307


@pytest.mark.parametrize(
    ("size", "sent"),
    [
        ((1296, 720), (648, 360)),
        ((720, 1296), (360, 648)),
        ((161, 121), (160, 120)),
        ((3000, 40), (1280, 18)),
        ((6, 6), (16, 16)),
    ],
)
def test_sizes_are_even_bounded_and_never_up(tmp_path, size, sent):
    picture = np.random.default_rng(0).integers(0, 255, (size[1], size[0], 3), dtype=np.uint8)
    small = decoded(tmp_path, small_clip(ArrayClip([picture] * 2), 1_000_000))
    assert small.info.size == sent


def test_equal_pictures_give_equal_bytes():
    one, other = (small_clip(ArrayClip(pictures(20)), 10**6) for _ in range(2))
    assert one == other
    assert b"Lavf" not in one, "nor does it depend on the muxer's version"


def noise(count):
    rng = np.random.default_rng(1)
    return ArrayClip([rng.integers(0, 255, (180, 320, 3), dtype=np.uint8) for _ in range(count)])


def test_the_rate_follows_the_room():
    rng = np.random.default_rng(2)
    clip = ArrayClip(
        [np.clip(p + rng.normal(0, 8, p.shape), 0, 255).astype(np.uint8) for p in pictures(96, (320, 240))]
    )
    sizes = [len(small_clip(clip, room)) for room in (2_000_000, 80_000, 50_000)]
    assert sizes[0] > 80_000 > sizes[1] > 50_000 > sizes[2]


def test_what_does_not_fit_is_not_made():
    assert small_clip(noise(24), 8_000) is None


def test_short_clips_keep_their_room_too():
    for frames in (2, 12, 48):
        assert small_clip(noise(frames), 100_000) is not None


def test_never_more_than_there_is_room_for(monkeypatch):
    monkeypatch.setattr("void_audit.media.small_clip.LEAST_KILOBITS", 1)
    assert small_clip(noise(120), 1_500) is None


class Watched(ArrayClip):
    """Makes pictures as they are asked for, and counts those that are still held."""

    def __init__(self, count):
        super().__init__([moving_square((64, 48), 0)])
        self.info = self.info.model_copy(update={"frames": count})
        self.alive, self.most = weakref.WeakSet(), 0

    def view(self, crop=None, size=None):
        return self

    def frames(self, start=0, stop=None):
        for index in range(self.info.frames):
            holder = Held(moving_square((64, 48), index))
            self.alive.add(holder)
            self.most = max(self.most, len(self.alive))
            yield holder.view(Held)
            del holder


class Held(np.ndarray):
    """An array that can be weakly referred to by identity."""

    __hash__ = object.__hash__

    def __new__(cls, picture):
        return picture.view(cls)

    def __eq__(self, other):
        return self is other


def test_pictures_are_not_held():
    clip = Watched(600)
    assert small_clip(clip, 1_000_000)
    assert clip.most < 10


def test_progress_may_cancel():
    seen = []

    def progress(what, done, total):
        seen.append((what, done, total))
        if done >= 6:
            raise Cancelled("cancelled", "Stopped.")

    with pytest.raises(Cancelled):
        small_clip(ArrayClip(pictures(20)), 10**6, progress)
    assert seen == [("preparing the clip", done, 20) for done in (0, 2, 4, 6)]
