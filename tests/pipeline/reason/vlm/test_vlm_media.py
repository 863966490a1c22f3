"""What a model is shown: the right frames, the object on its own frame, and no more bytes than allowed."""

import cv2
import numpy as np
import pytest
from clips import moving_square, write_clip
from vlm_scenes import INFO, drawn_track

from void_audit.errors import MaskError, ReasoningError
from void_audit.media.memory import ArrayClip
from void_audit.media.reader import VideoClip
from void_audit.model.reasoning import Grid
from void_audit.model.seeing import VlmSettings
from void_audit.pipeline.reason.vlm.gridded import MARGIN, TITLE
from void_audit.pipeline.reason.vlm.media import gather, looks, sample

SETTINGS = VlmSettings(model="m", frames=5)
SQUARE = (36, 60, 20, 50)


@pytest.fixture
def clip(tmp_path):
    return VideoClip(write_clip(tmp_path / "in.mp4", width=128, height=96, frames=25))


def inner(medium):
    """The picture without its border, RGB."""
    drawn = cv2.imdecode(np.frombuffer(medium.data, np.uint8), cv2.IMREAD_COLOR)[:, :, ::-1]
    return drawn[TITLE + MARGIN : -MARGIN, MARGIN:-MARGIN].astype(int)


def shown_frame(medium, clip):
    """The frame of ``clip`` that a picture is nearest to, by its cells' middles."""
    picture = cv2.resize(inner(medium).astype(np.uint8), tuple(clip.info.size), interpolation=cv2.INTER_AREA)
    far = [np.abs(picture.astype(int) - frame).mean() for frame in clip.frames()]
    return int(np.argmin(far))


def magenta(medium):
    picture = inner(medium)
    return np.minimum(picture[..., 0], picture[..., 2]) - picture[..., 1] > 60


@pytest.mark.parametrize(
    ("length", "count", "expected"),
    [
        (101, 11, tuple(range(0, 101, 10))),
        (25, 5, (0, 6, 12, 18, 24)),
        (3, 10, (0, 1, 2)),
        (9, 1, (0,)),
        (1, 4, (0,)),
    ],
)
def test_samples_are_evenly_spread(length, count, expected):
    assert sample(length, count) == expected


def test_order_frames_and_captions(clip):
    shown = gather(clip, drawn_track(clip, dict.fromkeys(range(7, 20), SQUARE)), SETTINGS)
    assert [m.media_type for m in shown.media] == ["image/jpeg"] * 6 + ["video/mp4"]
    assert (shown.marked, shown.sampled) == ((7,), (0, 6, 12, 18, 24))
    assert [shown_frame(m, clip) for m in shown.media[1:6]] == [0, 6, 12, 18, 24]
    assert shown.media[0].caption == "Frame 7 (0.29 s), with the object tinted magenta."
    assert shown.media[2].caption == "Frame 6 (0.25 s)."
    assert "f / 24 seconds" in shown.media[6].caption
    assert shown.grid == Grid(rows=8, cols=11)
    assert shown.video
    assert shown.warnings == ()


def test_the_object_is_tinted_by_the_mask_of_its_own_frame(clip):
    elsewhere = (5, 25, 90, 120)
    shown = gather(clip, drawn_track(clip, {9: SQUARE, 10: elsewhere}), SETTINGS)
    assert shown.marked == (9,)
    area = magenta(shown.media[0])
    height, width = area.shape
    top, bottom, left, right = (
        round(v * s) for v, s in zip(SQUARE, (height / 96,) * 2 + (width / 128,) * 2, strict=True)
    )
    assert area[top + 6 : bottom - 6, left + 6 : right - 6].mean() > 0.8
    area[top - 6 : bottom + 6, left - 6 : right + 6] = False
    assert not area.any()
    assert not any(magenta(m).any() for m in shown.media[1:6])


def test_where_the_object_enters_by_a_sliver_it_is_shown_whole_too(clip):
    shown = gather(clip, drawn_track(clip, {3: (0, 2, 0, 20), 4: (0, 3, 0, 20), 15: SQUARE}), SETTINGS)
    assert shown.marked == (3, 15)
    assert magenta(shown.media[1]).sum() > 5 * magenta(shown.media[0]).sum()
    assert shown_frame(shown.media[2], clip) == 0


def test_settings_decide(clip):
    track = drawn_track(clip, {0: SQUARE})
    shown = gather(clip, track, VlmSettings(model="m", frames=3, grid=4, video=False))
    assert shown.sampled == (0, 12, 24)
    assert shown.grid == Grid(rows=4, cols=5)
    assert not shown.video
    assert len(shown.media) == 4
    assert shown.warnings == ()


def test_equal_input_gives_equal_bytes(clip):
    track = drawn_track(clip, {0: SQUARE})
    assert gather(clip, track, SETTINGS) == gather(clip, track, SETTINGS)


def noisy(frames, size=(240, 426)):
    rng = np.random.default_rng(3)
    return ArrayClip([rng.integers(0, 255, (*size, 3), dtype=np.uint8) for _ in range(frames)])


@pytest.mark.parametrize(
    ("most", "frames", "video", "said"),
    [
        (14_000_000, 10, True, []),
        (2_000_000, 10, True, ["Pictures were sent at 0.75"]),
        (700_000, 10, True, ["Pictures were sent at 0.5"]),
        (
            100_000,
            5,
            False,
            ["The clip was left out", "Pictures were sent at 0.375", "Only 5 frames were sent"],
        ),
    ],
)
def test_what_does_not_fit_is_said(most, frames, video, said):
    clip = noisy(12)
    settings = VlmSettings(model="m", frames=10, max_media_bytes=most)
    shown = gather(clip, drawn_track(clip, {0: (9, 99, 9, 99)}), settings)
    assert sum(len(m.data) for m in shown.media) <= most
    assert len(shown.sampled) == frames
    assert shown.video == video == (shown.media[-1].media_type == "video/mp4")
    assert [line[: len(words)] for line, words in zip(shown.warnings, said, strict=True)] == said


def test_fewer_frames_are_still_spread_evenly():
    clip = noisy(12)
    settings = VlmSettings(model="m", frames=10, max_media_bytes=100_000)
    assert gather(clip, drawn_track(clip, {0: (9, 99, 9, 99)}), settings).sampled == (0, 2, 5, 9, 11)


def test_pictures_shrink_before_the_clip_is_given_up():
    """Beside 32 frames the clip has no room: pictures are made smaller, and it stays."""
    clip = noisy(40)
    settings = VlmSettings(model="m", frames=32, max_media_bytes=3_000_000)
    shown = gather(clip, drawn_track(clip, {0: (9, 99, 9, 99)}), settings)
    assert shown.video
    assert len(shown.sampled) == 32
    assert shown.warnings[0].startswith("Pictures were sent at")


def test_a_clip_too_long_for_its_room_is_left_out_and_said():
    clip = ArrayClip([moving_square((64, 48), i) for i in range(30)], "1/10")
    settings = VlmSettings(model="m", frames=3, max_media_bytes=800_000)
    shown = gather(clip, drawn_track(clip, {0: (9, 40, 9, 40)}), settings)
    assert not shown.video
    assert shown.warnings[0].startswith("The clip was left out: it does not fit into ")


def test_nothing_fits():
    clip = noisy(4, (600, 600))
    settings = VlmSettings.model_construct(**{**SETTINGS.model_dump(), "max_media_bytes": 5000})
    with pytest.raises(ReasoningError, match="Not even the smallest") as error:
        gather(clip, drawn_track(clip, {0: SQUARE}), settings)
    assert error.value.code == "reasoner-failed"
    assert error.value.exchange.attempts == 0


def test_an_object_that_is_never_seen_is_not_asked_about(clip):
    with pytest.raises(ReasoningError, match="visible on no frame") as error:
        gather(clip, drawn_track(clip, {}), SETTINGS)
    assert (error.value.code, error.value.exchange.attempts) == ("reasoner-failed", 0)


def test_a_track_of_another_clip(clip):
    for other in (
        ArrayClip([np.zeros((96, 128, 3), np.uint8)] * 24),
        ArrayClip([np.zeros((96, 130, 3), np.uint8)] * 25),
    ):
        with pytest.raises(MaskError) as error:
            gather(clip, drawn_track(other, {0: SQUARE}), SETTINGS)
        assert error.value.code == "track-mismatch"


@pytest.mark.parametrize(
    ("rate", "frames", "told"),
    [
        ("12/1", 50, 12.0), ("24/1", 50, 12.0), ("25/1", 100, 8.333), ("30000/1001", 90, 9.99), ("1/2", 4, 0.5),
        ("24/1", 24 * 600, 0.5), ("60/1", 1, 12.0),
    ],
)  # fmt: skip
def test_how_often_it_is_worth_looking(rate, frames, told):
    """Ten minutes are not looked at 7,200 times."""
    assert looks(INFO.model_copy(update={"frame_rate": rate, "frames": frames})) == told
