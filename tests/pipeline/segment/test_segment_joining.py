"""Several objects become one track; warnings name what a person should look at."""

import numpy as np
import pytest

from void_audit.errors import RequestError
from void_audit.media.memory import ArrayClip
from void_audit.model.engine import EngineInfo
from void_audit.model.track import Box, Click
from void_audit.pipeline.segment.joining import follow_marks
from void_audit.pipeline.segment.window import overlap

INFO = EngineInfo(name="test", version="1", kind="scripted", description="test")


def click(frame: int, x: float, y: float = 80, **more) -> Click:
    return Click(frame=frame, x=x, y=y, **more)


def box(frame: int, x: float, y: float = 80, radius: float = 20, **more) -> Box:
    return Box(frame=frame, x=x - radius, y=y - radius, width=2 * radius + 1, height=2 * radius + 1, **more)


@pytest.fixture
def pair(scenes):
    """A red disc that goes right, and a blue one lower down that goes left; pictures, masks of each."""
    red = scenes(8, lambda i: (50 + 9 * i, 40))
    blue = scenes(8, lambda i: (190 - 9 * i, 115))
    pictures = []
    for picture, other, mask in zip(red.clip.frames(), blue.clip.frames(), blue.masks, strict=True):
        both = picture.copy()
        both[mask] = other[mask][:, ::-1]
        pictures.append(both)
    return ArrayClip(pictures), red.masks, blue.masks


def least(track, masks) -> float:
    return min(overlap(found, wanted) for found, wanted in zip(track.masks, masks, strict=True))


def test_two_objects_are_joined_frame_by_frame(pair, saliency):
    clip, red, blue = pair
    marks = [click(0, 50, 40), box(7, 127, 115, object=2)]
    track = follow_marks(clip, marks, saliency, INFO)
    assert least(track, [a | b for a, b in zip(red, blue, strict=True)]) > 0.75
    assert track.clicked == (0, 7)
    assert len(track.masks) == len(track.confidence) == 8


def test_each_object_is_followed_as_if_it_were_alone(pair, saliency):
    clip = pair[0]
    marks = [click(0, 50, 40), click(2, 172, 115, object=3)]
    one, other = (follow_marks(clip, [mark], saliency, INFO) for mark in marks)
    both = follow_marks(clip, marks, saliency, INFO)
    for joined, a, b in zip(both.masks, one.masks, other.masks, strict=True):
        assert np.array_equal(joined, a | b)
    assert both.confidence == tuple(map(min, one.confidence, other.confidence))


def test_a_box_alone_is_followed(scenes, saliency):
    scene = scenes(8, lambda i: (60 + 8 * i, 80))
    assert least(follow_marks(scene.clip, [box(3, 84)], saliency, INFO), scene.masks) > 0.8


def test_progress_and_warnings_say_which_object(pair, blind_saliency):
    steps = []
    marks = [click(0, 50, 40), click(0, 230, 10, object=2)]
    track = follow_marks(pair[0], marks, blind_saliency, INFO, lambda *step: steps.append(step))
    assert {what.split(":")[0] for what, _, _ in steps} == {"Object 1", "Object 2"}
    assert any(w.startswith("Object 2: The mask of the marked frame 0 is unsure") for w in track.warnings)
    assert all(w.startswith("Object ") for w in track.warnings)


def test_unsure_frames_are_named(scenes, saliency):
    scene = scenes(12, lambda i: (100 + 5 * i, 80 if i < 8 else 800))
    track = follow_marks(scene.clip, [click(0, 100)], saliency, INFO)
    assert "Frames 8 to 11 are unsure: look at them, add clicks there." in track.warnings


def test_one_unsure_frame_is_named_as_one(scenes, saliency):
    scene = scenes(6, lambda i: (100 + 5 * i, 80 if i < 5 else 800))
    track = follow_marks(scene.clip, [click(0, 100)], saliency, INFO)
    assert "Frame 5 is unsure: look at it, add clicks there." in track.warnings


def test_frames_without_the_object_are_named_also_where_that_is_likely(scenes, saliency):
    def path(frame):
        return (120 + 30 * frame if frame < 5 else 150 - 30 * (frame - 8) if frame > 8 else 900), 80

    scene = scenes(14, path)
    track = follow_marks(scene.clip, [click(0, 120)], saliency, INFO)
    assert track.warnings == (
        "Frames 5 to 8 are without the object: if it is visible there, add clicks there.",
    )
    assert least(track, scene.masks) > 0.8


@pytest.mark.parametrize("apart", [0, 0.6])
def test_clicks_that_contradict_each_other_are_named(scenes, saliency, apart):
    scene = scenes(3, lambda i: (60, 80))
    marks = [click(0, 60), click(2, 60.2), click(2, 60.2 + apart, label="background")]
    track = follow_marks(scene.clip, marks, saliency, INFO)
    assert [said for said in track.warnings if "take one away" in said] == [
        "Clicks on frame 2 say of one place that it is the object and that it is not: take one away."
    ]


def test_an_unsure_marked_frame_is_named(scenes, blind_saliency):
    scene = scenes(5, lambda i: (60 + 8 * i, 80))
    track = follow_marks(scene.clip, [click(3, 220, 20)], blind_saliency, INFO)
    assert any("marked frame 3 is unsure" in w for w in track.warnings)


def test_background_clicks_without_effect_are_named(scenes, saliency):
    scene = scenes(5, lambda i: (60 + 8 * i, 80))
    marks = [
        click(1, 68), click(1, 200, label="background"),
        click(3, 200, label="background"), click(3, 210, label="background"),
    ]  # fmt: skip
    (said,) = follow_marks(scene.clip, marks, saliency, INFO).warnings
    assert said.startswith("The background clicks on frame 3 have no effect")


def test_there_is_an_end_to_warnings(saliency):
    picture = np.full((24, 32, 3), 60, np.uint8)
    marks = [click(frame, 5, 5, label="background") for frame in range(1, 60)]
    track = follow_marks(ArrayClip([picture] * 60), [click(0, 14, 12), *marks], saliency, INFO)
    assert len(track.warnings) == 21
    assert track.warnings[-1].startswith("And ")
    assert len(track.clicked) == 60


def test_bad_marks_are_refused_before_any_picture_is_read(scenes, saliency):
    class Unread(ArrayClip):
        def frames(self, start=0, stop=None):
            raise AssertionError("a picture was read")

    pictures = list(scenes(3, lambda i: (60, 80)).clip.frames())
    for marks in ([], [click(0, 60), click(9, 60, object=2)], [click(0, 60), box(0, 60), box(0, 70)]):
        with pytest.raises(RequestError):
            follow_marks(Unread(pictures), marks, saliency, INFO)


def test_a_background_click_keeps_a_twin_out(scenes, saliency):
    scene = scenes(8, lambda i: (60 + 4 * i, 80))
    twin = [p.copy() for p in scene.clip.frames()]
    patch = twin[0][50:111, 30:91].copy()
    for picture in twin:
        picture[50:111, 160:221] = patch
    marks = [click(0, 60), click(0, 190, label="background")]
    track = follow_marks(ArrayClip(twin), marks, saliency, INFO)
    assert all(not mask[60:100, 175:205].any() for mask in track.masks)
