"""Frames are decoded once in each direction, in order, and no more of them than are needed."""

import numpy as np
import pytest

from void_audit.media.memory import ArrayClip
from void_audit.pipeline.segment.sam2.following import Following, Found
from void_audit.pipeline.segment.sam2.pictures import Screen
from void_audit.pipeline.segment.sam2.session import Seen


class Watched(ArrayClip):
    """Writes down what is asked of it."""

    def __init__(self, pictures):
        super().__init__(pictures)
        self.asked: list[tuple[str, int, int | None]] = []

    def frames(self, start=0, stop=None):
        self.asked.append(("forwards", start, stop))
        yield from super().frames(start, stop)

    def frames_backwards(self, stop=None, start=0):
        self.asked.append(("backwards", start, stop))
        yield from super().frames_backwards(stop, start)


class Scripted:
    """Stands for a session: sees the whole picture, and writes down where it was sent."""

    def __init__(self, number, beginnings, screen, clip):
        self.number, self.beginnings, self.start = number, tuple(beginnings), min(beginnings)
        self.begun: list[int] = []
        self.followed: list[tuple[int, bool]] = []
        self._screen, self._clip = screen, clip

    def begin(self, frame):
        self._on_screen(frame)
        self.begun.append(frame)

    def follow(self, frame, backwards):
        self._on_screen(frame)
        self.followed.append((frame, backwards))
        mask = np.zeros((4, 6), bool)
        mask[self.number % 4] = True
        return Seen(mask, 1 / self.number)

    def _on_screen(self, frame):
        assert np.array_equal(self._screen._picture, self._clip._pictures[frame])
        assert self._screen._frame == frame


@pytest.fixture
def run():
    def run(frames, *beginnings):
        clip = Watched([np.full((4, 6, 3), i, np.uint8) for i in range(frames)])
        screen, steps = Screen(32), []
        sessions = [Scripted(number, begin, screen, clip) for number, begin in enumerate(beginnings, 1)]
        found = Following(clip, sessions, screen, lambda *step: steps.append(step)).run()
        return clip, sessions, found, steps

    return run


def both_ways(start, frames):
    return [(i, False) for i in range(start, frames)] + [(i, True) for i in range(start - 1, -1, -1)]


def test_one_object(run):
    clip, (session,), found, steps = run(7, [3, 5])
    assert session.begun == [3, 5]
    assert session.followed == both_ways(3, 7)
    assert clip.asked == [("forwards", 3, 4), ("forwards", 5, 6), ("forwards", 3, None), ("backwards", 0, 3)]
    assert steps == [("SAM 2", i, 9) for i in range(10)]
    assert found.confidence == (1.0,) * 7


def test_objects_that_begin_apart_share_every_look(run):
    clip, sessions, found, steps = run(8, [5], [2, 5], [6])
    assert [session.begun for session in sessions] == [[5], [2, 5], [6]]
    for session in sessions:
        assert session.followed == both_ways(session.start, 8)
    assert clip.asked[3:] == [("forwards", 2, None), ("backwards", 0, 6)]
    assert [step[1] for step in steps] == list(range(steps[0][2] + 1))
    assert all(mask[1:4].all() and not mask[0].any() for mask in found.masks)
    assert found.confidence == (pytest.approx(1 / 3),) * 8


@pytest.mark.parametrize(("frames", "start"), [(1, 0), (5, 0), (5, 4)])
def test_at_the_ends_of_the_clip(run, frames, start):
    _, (session,), found, steps = run(frames, [start])
    assert session.followed == both_ways(start, frames)
    assert steps[-1] == ("SAM 2", frames + 1, frames + 1)
    assert len(found.masks) == len(found.confidence) == frames


def test_a_frame_that_nobody_saw_has_no_confidence():
    clip = ArrayClip([np.zeros((4, 6, 3), np.uint8)] * 2)
    found = Found(clip.info)
    found.add(1, Seen(np.ones((4, 6), bool), 0.25))
    assert found.confidence == (0.0, 0.25)
    assert [mask.any() for mask in found.masks] == [False, True]
