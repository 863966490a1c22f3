from __future__ import annotations

import numpy as np
import pytest
from synthetic_footage import ArrayMask, make_plan, scene

from void_audit.errors import Cancelled, ClipError, MaskError, OrderError
from void_audit.media.memory import ArrayClip
from void_audit.model.geometry import Rect, Size
from void_audit.model.plan import NoRefineSettings
from void_audit.pipeline.synthesize.hand_on import HandOn

CROP = Rect(x=10, y=20, width=64, height=48)


def plan(**changes):
    made = make_plan(crop=CROP, scaled=Size(32, 24))
    return made.model_copy(update={"pass2": NoRefineSettings(), **changes})


@pytest.fixture(scope="module")
def made():
    return scene(frames=4)


def take_of(frames=4, size=(24, 32)):
    random = np.random.default_rng(3)
    return ArrayClip([random.integers(0, 256, (*size, 3), np.uint8) for _ in range(frames)])


def test_every_picture_arrives_bit_for_bit_and_in_order(made):
    take, got, calls = take_of(), [], []
    report = HandOn().refine(made.clip, take, made.mask, plan(), got.append, lambda *a: calls.append(a))
    assert len(got) == report.frames == 4
    assert all(np.array_equal(a, b) for a, b in zip(got, take.frames(), strict=True))
    assert [c[1] for c in calls] == [0, 1, 2, 3, 4]
    assert {c[2] for c in calls} == {4}
    assert not report.warnings


def test_it_says_that_it_does_nothing():
    info = HandOn().info
    assert (info.name, info.kind, info.weights) == ("none", "rules", ())
    assert not info.counterfactual_dynamics
    assert "no second pass" in info.description


@pytest.mark.parametrize(
    ("take", "code"),
    [
        (take_of(frames=3), "take-frames"),
        (take_of(frames=5), "take-frames"),
        (take_of(size=(32, 24)), "take-size"),
    ],
)
def test_a_take_of_another_plan_is_refused_before_anything_is_written(made, take, code):
    got = []
    with pytest.raises(ClipError) as caught:
        HandOn().refine(made.clip, take, made.mask, plan(), got.append)
    assert caught.value.code == code
    assert caught.value.hint
    assert not got


def test_a_mask_of_another_clip_is_refused(made):
    for masks, code in (
        (made.mask.masks[:3], "mask-frames"),
        ([m[:50] for m in made.mask.masks], "mask-size"),
    ):
        with pytest.raises(MaskError) as caught:
            HandOn().refine(made.clip, take_of(), ArrayMask(masks), plan(), lambda _: None)
        assert caught.value.code == code


def test_settings_of_another_engine_are_refused(made):
    with pytest.raises(OrderError) as caught:
        HandOn().refine(made.clip, take_of(), made.mask, make_plan(), lambda _: None)
    assert caught.value.code == "engine-mismatch"


def test_it_stops_where_it_is_told_to(made):
    got = []

    def stop(_what, done, _total):
        if done == 2:
            raise Cancelled("cancelled", "Stopped.")

    with pytest.raises(Cancelled):
        HandOn().refine(made.clip, take_of(), made.mask, plan(), got.append, stop)
    assert len(got) == 2
