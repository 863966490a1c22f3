"""Both directions of time, several marked frames, bounded memory."""

import weakref

import numpy as np
import pytest

from void_audit.errors import Cancelled
from void_audit.media.memory import ArrayClip
from void_audit.pipeline.segment.marks import Prompt
from void_audit.pipeline.segment.timeline import follow, looking_ahead
from void_audit.pipeline.segment.window import overlap


@pytest.fixture
def scene(scenes):
    return scenes(14, lambda i: (40 + 11 * i, 80))


def click(frame: int) -> Prompt:
    return Prompt(frame, ((40 + 11 * frame, 80),), ())


def overlaps(found, scene):
    return [overlap(m, r) for m, r in zip(found.masks, scene.masks, strict=True)]


@pytest.mark.parametrize("frames", [(0,), (13,), (6,), (2, 11), (0, 6, 13)])
def test_every_frame_is_found_from_marks_anywhere(scene, saliency, frames):
    found = follow(scene.clip, [click(f) for f in frames], saliency)
    assert len(found.masks) == len(found.confidence) == 14
    assert tuple(found.scores) == frames
    assert min(overlaps(found, scene)) > 0.8
    assert all(0 <= value <= 1 for value in found.confidence)


def test_the_same_input_gives_the_same_masks(scene, saliency):
    one, other = (follow(scene.clip, [click(2), click(9)], saliency) for _ in range(2))
    assert all(np.array_equal(a, b) for a, b in zip(one.masks, other.masks, strict=True))
    assert one.confidence == other.confidence


def test_a_single_frame_is_a_clip_too(scenes, saliency):
    scene = scenes(1, lambda i: (120, 80))
    found = follow(scene.clip, [Prompt(0, ((120, 80),), ())], saliency)
    assert overlaps(found, scene)[0] > 0.85


def test_between_two_marked_frames_the_nearer_one_counts_more(scenes, saliency):
    """A disc that becomes another one halfway: each half must look like its own marked frame."""
    small, large = scenes(10, lambda i: (120, 80), radius=14), scenes(10, lambda i: (120, 80), radius=34)
    pictures = [*small.clip.frames(0, 5), *large.clip.frames(5, 10)]
    masks = [*small.masks[:5], *large.masks[5:]]
    prompts = [Prompt(0, ((120, 80),), ()), Prompt(9, ((120, 80),), ())]
    found = follow(ArrayClip(pictures), prompts, saliency)
    assert all(overlap(found.masks[i], masks[i]) > 0.7 for i in (1, 2, 7, 8))


def test_pictures_are_streamed_not_collected(scene, saliency):
    pictures = list(scene.clip.frames())
    alive: set[int] = set()

    class Watched(ArrayClip):
        most = 0

        def handed_out(self, pictures):
            for picture in pictures:
                copy = picture.copy()
                alive.add(id(copy))
                weakref.finalize(copy, alive.discard, id(copy))
                Watched.most = max(Watched.most, len(alive))
                yield copy

        def frames(self, start=0, stop=None):
            return self.handed_out(super().frames(start, stop))

        def frames_backwards(self, stop=None, start=0):
            return self.handed_out(super().frames_backwards(stop, start))

    follow(Watched(pictures * 3), [click(6)], saliency)
    assert 0 < Watched.most <= 6  # three of them are looked ahead


def test_progress_is_reported_and_can_stop_the_work(scene, saliency):
    steps = []
    follow(scene.clip, [click(6)], saliency, lambda *step: steps.append(step))
    assert {what for what, _, _ in steps} >= {
        "following the object forwards",
        "following the object backwards",
    }
    assert all(0 <= done <= total for _, done, total in steps)
    for name in {what for what, _, _ in steps}:
        counts = [done for what, done, _ in steps if what == name]
        assert counts == list(range(counts[-1] + 1))
        assert {total for what, _, total in steps if what == name} == {counts[-1]}

    def stop(what, done, total):
        if "backwards" in what:
            raise Cancelled("cancelled", "stopped")

    with pytest.raises(Cancelled):
        follow(scene.clip, [click(6)], saliency, stop)


@pytest.mark.parametrize("count", [0, 1, 2, 3, 4, 9])
def test_every_picture_comes_once_with_one_that_lies_ahead(count):
    pictures = [np.full((2, 2, 3), number, np.uint8) for number in range(count)]
    pairs = list(looking_ahead(pictures))
    assert [int(picture[0, 0, 0]) for picture, _ in pairs] == list(range(count))
    for number, (_, ahead) in enumerate(pairs):
        wanted = min(number + 3, count - 1)
        assert ahead is None if wanted == number else int(ahead[0, 0, 0]) == wanted
