from __future__ import annotations

from itertools import pairwise

import cv2
import numpy as np
import pytest
from synthetic_footage import (
    AFFECTED,
    HEIGHT,
    KEEP,
    OVERLAP,
    WIDTH,
    ArrayMask,
    Scene,
    frame_before,
    make_plan,
    scene,
    still,
    telea,
    wandering,
)

from void_audit.errors import Cancelled, MaskError, RequestError
from void_audit.media.memory import ArrayClip
from void_audit.model.geometry import Rect, Size
from void_audit.model.plan import Windows
from void_audit.pipeline.synthesize.base import TakeReport
from void_audit.pipeline.synthesize.propagate import PropagateSynthesizer
from void_audit.pipeline.synthesize.quality import compare_opened, flicker_opened


def run(made: Scene, plan=None, progress=None) -> tuple[list[np.ndarray], TakeReport]:
    out: list[np.ndarray] = []
    more = {} if progress is None else {"progress": progress}
    report = PropagateSynthesizer().synthesize(made.clip, made.mask, plan or make_plan(), out.append, **more)
    return out, report


def psnr(pictures, made: Scene) -> float:
    return compare_opened(pictures, made.truth, made.mask.masks).psnr


@pytest.mark.parametrize("value", [0, OVERLAP, AFFECTED])
def test_still_camera_restores_the_truth_far_better_than_the_baselines(value):
    made = scene(value=value)
    out, report = run(made)
    mine = psnr(out, made)
    assert mine > 42
    assert mine > psnr(telea(made), made) + 12
    assert mine > psnr(frame_before(made), made) + 6
    assert report.statistics["never_seen_share_max"] == 0
    assert report.statistics["camera_moves_share"] == 0
    assert report.frames == len(made.mask)
    assert not report.warnings


def test_moving_camera_restores_the_truth_far_better_than_the_baselines():
    made = scene(motion=wandering, path=lambda i: (30 + 4 * i, 60))
    out, report = run(made)
    mine = psnr(out, made)
    assert mine > 33
    assert mine > psnr(telea(made), made) + 8
    assert mine > psnr(frame_before(made), made) + 8
    assert report.statistics["camera_moves_share"] > 0.9


def test_nothing_outside_the_opened_area_changes():
    made = scene(motion=wandering)
    out, _ = run(made)
    for picture, before, classes in zip(out, made.pictures, made.mask.masks, strict=True):
        np.testing.assert_array_equal(picture[classes == KEEP], before[classes == KEEP])


def test_equal_seeds_give_equal_takes():
    made = scene(frames=10, path=lambda i: (80, 60))
    first, _ = run(made)
    again, _ = run(made)
    np.testing.assert_array_equal(first, again)


def test_what_no_frame_shows_is_invented_once_said_so_and_does_not_flicker():
    made = scene(frames=12, path=lambda i: (80, 60), noise=1.5)
    out, report = run(made)
    assert report.statistics["never_seen_share_mean"] > 0.99
    assert report.statistics["from_examples_share"] > 0.99
    assert "never seen" in report.warnings[0]
    assert "100%" in report.warnings[0]
    opened = made.mask.masks[0] != KEEP
    for picture in out:
        # No trace of the object's red, and texture rather than a smooth stain.
        assert np.all(picture[opened][:, 0].astype(int) - picture[opened][:, 1] < 200)
        assert picture[opened].std() > 0.5 * made.truth[0][opened].std()
    assert flicker_opened(out, made.mask.masks) < 1.0


def test_invented_background_follows_the_camera():
    # The object moves with the camera's view of one place, so that place is never seen.
    def path(index):
        inverse = np.linalg.inv(wandering(index))
        x, y, w = inverse @ (100, 60, 1)
        return round(x / w), round(y / w)

    made = scene(frames=16, path=path, motion=wandering, noise=0.0)
    out, report = run(made)
    assert report.statistics["never_seen_share_mean"] > 0.5
    truth_flicker = flicker_opened(made.truth, made.mask.masks)
    assert flicker_opened(out, made.mask.masks) < truth_flicker + 4


def test_something_that_reaches_over_the_object_leaves_no_smear():
    skin = (235.0, 180.0, 150.0)

    def hand(index, picture, classes):
        if 8 <= index < 16:
            arm = (slice(0, 70), slice(66 + index % 2, 92 + index % 2))
            picture[arm], classes[arm] = skin, KEEP

    made = scene(frames=40, path=lambda i: (80, 60), radius=20, paint=hand, noise=1.0)
    out, report = run(made)
    opened = made.mask.masks[0] != KEEP
    near_skin = np.abs(out[0][opened].astype(float) - skin).max(axis=1) < 25
    truth_near_skin = np.abs(made.truth[0][opened].astype(float) - skin).max(axis=1) < 25
    assert near_skin.mean() < truth_near_skin.mean() + 0.02
    assert report.statistics["never_seen_share_mean"] > 0.8


def test_too_few_samples_do_not_count_as_seen():
    made = scene(frames=10, path=lambda i: (80, 60) if i >= 2 else (20, 20))
    _, strict = run(made, make_plan(min_samples=3))
    _, lenient = run(made, make_plan(min_samples=2))
    assert strict.statistics["never_seen_share_max"] > 0.9
    assert lenient.statistics["never_seen_share_max"] < 0.1


def test_halos_around_the_opened_area_are_not_taken_for_background():
    def halo(index, picture, classes):
        # A faint shadow just outside the mask of a slow object: many frames agree on it.
        shade = np.zeros(picture.shape[:2], np.uint8)
        cv2.circle(shade, (40 + index, 60), 20, 1, -1)
        picture -= 20.0 * (shade[..., None] * (classes == KEEP)[..., None])

    made = scene(frames=40, path=lambda i: (40 + i, 60), paint=halo, noise=0.0)
    guarded, _ = run(made, make_plan(guard=5))
    bare, _ = run(made, make_plan(guard=0))
    assert psnr(guarded, made) > psnr(bare, made) + 3


def test_slow_changes_of_light_are_followed():
    made = scene(frames=30, path=lambda i: (30 + 3 * i, 60), light=lambda i: 1.5 * i, noise=0.5)
    out, _ = run(made)
    assert psnr(out, made) > 36


def test_nothing_is_taken_from_behind_a_cut():
    before = scene(frames=12, path=lambda i: (80, 60))
    other = [np.full((HEIGHT, WIDTH, 3), (0, 200, 0), np.uint8) + (i % 2) for i in range(12)]
    masks = [*before.mask.masks, *[np.full((HEIGHT, WIDTH), KEEP, np.uint8)] * 12]
    made = Scene(ArrayClip([*before.pictures, *other]), [], ArrayMask(masks), [])
    out, report = run(made)
    assert report.statistics["never_seen_share_mean"] > 0.99
    opened = masks[0] != KEEP
    assert not (np.abs(out[0][opened].astype(int) - (0, 200, 0)).max(axis=1) < 10).any()


def test_windows_meet_without_a_jump():
    made = scene(frames=30, path=lambda i: (80, 60), noise=1.0)
    out, report = run(made, make_plan(windows=Windows(length=12, overlap=4)))
    assert report.frames == len(out) == 30
    opened = made.mask.masks[0] != KEEP
    steps = [np.abs(a[opened].astype(float) - b[opened]).mean() for a, b in pairwise(out)]
    assert max(steps) < 1.0


def test_windows_give_the_same_quality_where_everything_is_seen():
    made = scene(frames=30, path=lambda i: (10 + 5 * i, 60))
    out, _ = run(made, make_plan(windows=Windows(length=14, overlap=4)))
    assert psnr(out, made) > 40


def test_works_on_the_plans_geometry_only():
    made = scene(frames=16)
    crop, scaled = Rect(x=10, y=30, width=100, height=60), Size(50, 30)
    out, report = run(made, make_plan(crop=crop, scaled=scaled))
    assert {p.shape for p in out} == {(30, 50, 3)}
    truth = list(ArrayClip(made.truth).view(crop, scaled).frames())
    opened = [cv2.resize(np.uint8(m[30:90, 10:110] != KEEP), (50, 30)) for m in made.mask.masks]
    masks = [np.where(o > 0, 0, KEEP).astype(np.uint8) for o in opened]
    assert compare_opened(out, truth, masks).psnr > 35
    assert report.statistics["never_seen_share_max"] == 0


def test_a_frame_opened_whole_and_a_clip_of_one_frame_still_give_pictures():
    made = scene(frames=1, path=lambda i: None)
    made.mask.masks[0][:] = 0
    out, report = run(made)
    assert out[0].shape == (HEIGHT, WIDTH, 3)
    assert report.statistics["never_seen_share_max"] == 1.0
    assert report.statistics["from_smooth_share"] == 1.0


def test_a_mask_that_opens_nothing_hands_the_clip_on():
    made = scene(frames=4, path=lambda i: None)
    out, report = run(made)
    np.testing.assert_array_equal(out, made.pictures)
    assert report.statistics["never_seen_share_max"] == 0


def test_a_flat_picture_without_features_is_taken_for_unmoved():
    flat = [np.full((HEIGHT, WIDTH, 3), 90, np.uint8) for _ in range(8)]
    masks = [np.full((HEIGHT, WIDTH), KEEP, np.uint8) for _ in range(8)]
    for index, (picture, classes) in enumerate(zip(flat, masks, strict=True)):
        cv2.circle(picture, (30 + 12 * index, 60), 10, (255, 0, 0), -1)
        cv2.circle(classes, (30 + 12 * index, 60), 12, 0, -1)
    made = Scene(ArrayClip(flat), [], ArrayMask(masks), [])
    out, report = run(made)
    assert report.statistics["camera_moves_share"] == 0
    assert np.abs(np.stack(out).astype(int) - 90).max() <= 1


def test_it_can_be_cancelled():
    made = scene(frames=10)

    def stop(what, done, total):
        assert total == 10
        if done == 3:
            raise Cancelled("stopped", "stopped")

    with pytest.raises(Cancelled):
        run(made, progress=stop)


def test_a_mask_of_another_clip_is_refused():
    made = scene(frames=6)
    short = Scene(made.clip, made.truth, ArrayMask(made.mask.masks[:-1]), [])
    with pytest.raises(MaskError) as error:
        run(short)
    assert error.value.code == "mask-frames"
    small = Scene(made.clip, made.truth, ArrayMask([m[:-1] for m in made.mask.masks]), [])
    with pytest.raises(MaskError) as error:
        run(small)
    assert error.value.code == "mask-size"


def test_windows_that_never_advance_are_refused():
    with pytest.raises(RequestError) as error:
        run(scene(frames=6), make_plan(windows=Windows(length=4, overlap=4)))
    assert error.value.code == "windows-overlap"


def test_it_says_what_it_is():
    info = PropagateSynthesizer().info
    assert info.name == "propagate"
    assert info.kind == "classical"
    assert not info.counterfactual_dynamics
    assert "cannot predict" in info.description
    assert still(3).shape == (3, 3)
