from __future__ import annotations

import numpy as np
import pytest
from synthetic_footage import KEEP, ArrayMask, Scene, make_plan, scene, wandering

from void_audit.errors import Cancelled, ClipError
from void_audit.media.memory import ArrayClip
from void_audit.model.geometry import Rect, Size
from void_audit.pipeline.synthesize import flow_refine
from void_audit.pipeline.synthesize.flow_refine import FlowRefiner
from void_audit.pipeline.synthesize.quality import compare_opened, flicker_opened


def run(made: Scene, take, plan=None, **more):
    out: list[np.ndarray] = []
    report = FlowRefiner().refine(
        made.clip, ArrayClip(take), made.mask, plan or make_plan(), out.append, **more
    )
    return out, report


def flickering(made: Scene, levels: float = 6.0) -> list[np.ndarray]:
    """The truth with another noise inside the opened area of every frame."""
    random = np.random.default_rng(1)
    take = []
    for true, classes in zip(made.truth, made.mask.masks, strict=True):
        noisy = true + random.normal(scale=levels, size=true.shape) * (classes != KEEP)[..., None]
        take.append(np.clip(np.rint(noisy), 0, 255).astype(np.uint8))
    return take


@pytest.mark.parametrize("motion", [lambda i: np.eye(3), wandering])
def test_flicker_drops_and_the_truth_comes_nearer(motion):
    made = scene(frames=10, path=lambda i: (70 + i, 60), radius=24, motion=motion)
    take = flickering(made)
    out, report = run(made, take)
    figures = report.statistics
    assert figures["flicker_after"] < 0.75 * figures["flicker_before"]
    masks = made.mask.masks
    assert flicker_opened(out, masks) < 0.8 * flicker_opened(take, masks)
    assert compare_opened(out, made.truth, masks).psnr > compare_opened(take, made.truth, masks).psnr + 1
    assert figures["refined"] == 1.0
    assert not report.warnings


def test_a_sharp_take_stays_sharp():
    made = scene(frames=8, path=lambda i: (70, 60), radius=24, noise=0.0)
    _, report = run(made, flickering(made, 1.5))
    assert report.statistics["sharpness_kept"] > 0.85


def test_something_new_is_not_smeared_over_time():
    made = scene(frames=7, path=lambda i: (70, 60), radius=24, noise=0.0)
    take = [t.copy() for t in flickering(made, 2.0)]
    take[3][50:70, 60:80] = (255, 255, 255)
    out, _ = run(made, take)
    assert out[3][52:68, 62:78].min() > 245
    assert np.abs(out[2][52:68, 62:78].astype(int) - take[2][52:68, 62:78]).mean() < 4


def test_nothing_outside_the_opened_area_changes():
    made = scene(frames=6, motion=wandering)
    take = flickering(made)
    out, _ = run(made, take)
    for picture, before, classes in zip(out, take, made.mask.masks, strict=True):
        np.testing.assert_array_equal(picture[classes == KEEP], before[classes == KEEP])


def test_where_it_would_make_things_worse_the_take_is_kept(monkeypatch):
    random = np.random.default_rng(3)

    def erratic(one, other, sigma):
        return np.full(one.shape[:2], random.choice([0.0, 50.0]), np.float32)

    monkeypatch.setattr(flow_refine, "likeness", erratic)
    made = scene(frames=12, path=lambda i: (80, 60), noise=0.0)
    take = []
    for index, true in enumerate(made.truth):
        picture = true.copy()
        picture[40:80, 60:100] = 60 + 8 * index
        take.append(picture)
    out, report = run(made, take)
    np.testing.assert_array_equal(out, take)
    assert report.statistics["flicker_after"] == report.statistics["flicker_before"] > 0
    assert report.statistics["refined"] == 0
    assert "kept" in report.warnings[0]


def test_a_take_without_flicker_or_of_one_frame_is_handed_on():
    made = scene(frames=1)
    out, report = run(made, made.truth)
    np.testing.assert_array_equal(out, made.truth)
    assert report.statistics["flicker_after"] == 0
    assert not report.warnings


def test_equal_input_gives_equal_output():
    made = scene(frames=6)
    take = flickering(made)
    np.testing.assert_array_equal(run(made, take)[0], run(made, take)[0])


def test_works_at_the_plans_geometry():
    made = scene(frames=6)
    crop, scaled = Rect(x=10, y=30, width=100, height=60), Size(50, 30)
    take = list(ArrayClip(flickering(made)).view(crop, scaled).frames())
    out, _ = run(made, take, make_plan(crop=crop, scaled=scaled))
    assert {p.shape for p in out} == {(30, 50, 3)}


def test_frames_in_which_nothing_is_opened_pass_through():
    made = scene(frames=6, path=lambda i: (80, 60) if 2 <= i < 4 else None)
    take = flickering(made)
    out, report = run(made, take)
    assert report.frames == 6
    for index in (0, 1, 4, 5):
        np.testing.assert_array_equal(out[index], take[index])


def test_a_take_of_another_plan_is_refused():
    made = scene(frames=4)
    with pytest.raises(ClipError) as error:
        run(made, [p[:-2] for p in made.truth])
    assert error.value.code == "take-size"
    with pytest.raises(ClipError) as error:
        run(made, made.truth[:-1])
    assert error.value.code == "take-frames"


def test_it_can_be_cancelled():
    made = scene(frames=4)

    def stop(what, done, total):
        raise Cancelled("stopped", "stopped")

    with pytest.raises(Cancelled):
        run(made, made.truth, progress=stop)


def test_a_frame_more_does_not_mean_a_frame_kept():
    """The neighbourhood slides: first and last frames have fewer neighbours, all frames come once, in order."""
    marks = [np.full((8, 8, 3), i, np.uint8) for i in range(9)]
    mask = ArrayMask([np.full((8, 8), KEEP, np.uint8)] * 9)
    made = Scene(ArrayClip(marks), marks, mask, [])
    out, _ = run(made, marks, make_plan(Size(8, 8)))
    assert [int(p[0, 0, 0]) for p in out] == list(range(9))
