"""Both directions of time, several clicked frames, honest warnings, bounded memory."""

import weakref

import numpy as np
import pytest

from void_audit.errors import Cancelled, RequestError
from void_audit.media.memory import ArrayClip
from void_audit.model.engine import EngineInfo
from void_audit.model.track import Click
from void_audit.pipeline.segment.timeline import follow_clicks
from void_audit.pipeline.segment.window import overlap

INFO = EngineInfo(name="test", version="1", kind="scripted", description="test")


@pytest.fixture
def scene(scenes):
    return scenes(14, lambda i: (40 + 11 * i, 80))


def click(frame: int) -> Click:
    return Click(frame=frame, x=40 + 11 * frame, y=80)


def overlaps(track, scene):
    return [overlap(m, r) for m, r in zip(track.masks, scene.masks, strict=True)]


@pytest.mark.parametrize("frames", [(0,), (13,), (6,), (2, 11), (0, 6, 13)])
def test_every_frame_is_found_from_clicks_anywhere(scene, saliency, frames):
    track = follow_clicks(scene.clip, [click(f) for f in frames], saliency, INFO)
    assert len(track.masks) == len(track.confidence) == 14
    assert track.clicked == frames
    assert min(overlaps(track, scene)) > 0.8
    assert all(0 <= value <= 1 for value in track.confidence)


def test_the_same_input_gives_the_same_masks(scene, saliency):
    one, other = (follow_clicks(scene.clip, [click(6)], saliency, INFO) for _ in range(2))
    assert all(np.array_equal(a, b) for a, b in zip(one.masks, other.masks, strict=True))
    assert one.confidence == other.confidence


def test_a_single_frame_is_a_clip_too(scenes, saliency):
    scene = scenes(1, lambda i: (120, 80))
    track = follow_clicks(scene.clip, [Click(frame=0, x=120, y=80)], saliency, INFO)
    assert overlaps(track, scene)[0] > 0.85


def test_unsure_frames_are_named(scenes, saliency):
    scene = scenes(12, lambda i: (100 + 5 * i, 80 if i < 8 else 800))
    track = follow_clicks(scene.clip, [Click(frame=0, x=100, y=80)], saliency, INFO)
    assert any("Frames 8 to 11" in w for w in track.warnings)


def test_an_unsure_clicked_frame_is_named(scene, blind_saliency):
    track = follow_clicks(scene.clip, [Click(frame=3, x=220, y=20)], blind_saliency, INFO)
    assert any("clicked frame 3" in w for w in track.warnings)


def test_bad_clicks_are_refused_before_any_picture_is_read(scene, saliency):
    class Unread(ArrayClip):
        def frames(self, start=0, stop=None):
            raise AssertionError("a picture was read")

    with pytest.raises(RequestError):
        follow_clicks(Unread(list(scene.clip.frames())), [], saliency, INFO)


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

    follow_clicks(Watched(pictures * 3), [click(6)], saliency, INFO)
    assert 0 < Watched.most <= 4


def test_progress_is_reported_and_can_stop_the_work(scene, saliency):
    steps = []
    follow_clicks(scene.clip, [click(6)], saliency, INFO, lambda *step: steps.append(step))
    assert {what for what, _, _ in steps} >= {
        "following the object forwards",
        "following the object backwards",
    }
    assert all(0 <= done <= total for _, done, total in steps)

    def stop(what, done, total):
        if "backwards" in what:
            raise Cancelled("cancelled", "stopped")

    with pytest.raises(Cancelled):
        follow_clicks(scene.clip, [click(6)], saliency, INFO, stop)


def test_a_background_click_keeps_a_twin_out(scenes, saliency):
    scene = scenes(8, lambda i: (60 + 4 * i, 80))
    twin = [p.copy() for p in scene.clip.frames()]
    first = twin[0]
    patch = first[50:111, 30:91].copy()
    for picture in twin:
        picture[50:111, 160:221] = patch
    clicks = [Click(frame=0, x=60, y=80), Click(frame=0, x=190, y=80, label="background")]
    track = follow_clicks(ArrayClip(twin), clicks, saliency, INFO)
    assert all(not mask[60:100, 175:205].any() for mask in track.masks)
