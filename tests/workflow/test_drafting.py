"""The plan: deterministic, complete, and bound by its digest."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from house import FAST

from void_audit.errors import MaskError, RequestError
from void_audit.model.geometry import Rect, Size
from void_audit.model.plan import (
    CompositeSettings,
    EditPlan,
    EncoderSettings,
    FlowRefineSettings,
    NoRefineSettings,
    PropagateSettings,
    Windows,
)
from void_audit.model.void import NUMERICS, execution, void_pass1, void_pass2
from void_audit.workflow import drafting
from void_audit.workflow.drafting import Choices, check_length, draft_plan, opened_box, plan_digest
from void_audit.workflow.recorder import Recorder

OTHERS = Choices(
    profile="384p", seed=2**63, windows=Windows(length=48, overlap=8), pass1=PropagateSettings(patch=9),
    pass2=FlowRefineSettings(radius=3), composite=CompositeSettings(feather=2),
    encoder=EncoderSettings(codec="ffv1"),
)  # fmt: skip


@pytest.fixture(scope="module")
def recorder(house):
    return Recorder(house.workshop, house.planned("drafted"))


def test_the_recorded_digest_is_that_of_the_plan(house, recorder):
    plan = draft_plan(recorder, FAST)
    assert plan == draft_plan(recorder, FAST)
    assert plan_digest(plan) == recorder.state.plan.digest == recorder.state.plan.plan.sha256
    assert EditPlan.model_validate_json(house.place.blobs.read(recorder.state.plan.plan)) == plan


def test_the_plan_names_what_it_is_made_from(recorder):
    plan = draft_plan(recorder, FAST)
    assert plan.source == recorder.subject("source", "source")
    assert plan.request == recorder.state.intent.request.sha256
    assert plan.mask == recorder.state.mask.identity


@pytest.mark.parametrize("name", ["profile", "seed", "windows", "pass1", "pass2", "composite", "encoder"])
def test_every_choice_is_in_the_plan(recorder, name):
    plain = draft_plan(recorder, FAST)
    changed = draft_plan(recorder, Choices(**{**vars(FAST), name: getattr(OTHERS, name)}))
    chosen = getattr(OTHERS, name)
    assert getattr(changed, name) == (str(chosen) if name == "seed" else chosen)
    assert plan_digest(changed) != plan_digest(plain)


VOID = Choices(
    profile="model", model_area=4096, pass1=void_pass1(), pass2=NoRefineSettings(),
    encoder=EncoderSettings(preset="ultrafast"),
)  # fmt: skip


def test_a_model_works_at_its_own_size(recorder):
    plan = draft_plan(recorder, VOID)
    assert plan.profile == "model"
    geometry = plan.geometry
    assert geometry.width * geometry.height == pytest.approx(4096, rel=0.1)
    assert geometry.width / geometry.crop.width == pytest.approx(
        geometry.height / geometry.crop.height, rel=0.05
    )
    larger = draft_plan(recorder, replace(VOID, model_area=9216))
    assert larger.geometry.width > geometry.width
    assert EditPlan.model_validate_json(plan.model_dump_json()) == plan


def test_the_references_geometry_is_the_stretched_frame(recorder):
    plan = draft_plan(recorder, replace(VOID, pass1=void_pass1("reference")))
    assert (plan.geometry.width, plan.geometry.height) == (672, 384)
    assert (plan.geometry.crop.x, plan.geometry.crop.y) == (0, 0)
    assert (plan.executions, plan.numerics) == (("resident",), ("reference",))


def test_what_pass_2_could_not_make_is_refused_before_there_is_a_plan(recorder, monkeypatch):
    reference = replace(VOID, pass2=void_pass2("reference"))
    check_length(reference, 85)
    check_length(replace(VOID, pass2=void_pass2("corrected")), 86)
    check_length(replace(VOID, pass1=void_pass1("reference")), 86)
    with pytest.raises(RequestError) as caught:
        check_length(reference, 86)
    assert caught.value.code == "warp-length"
    draft_plan(recorder, reference)
    monkeypatch.setattr(drafting, "TRAINED_WINDOW", 5)  # the clip has more
    with pytest.raises(RequestError, match="at most 5 frames"):
        draft_plan(recorder, reference)


@pytest.mark.parametrize("choices", [
    replace(VOID, profile="native"), replace(VOID, profile="384p"), replace(FAST, profile="model"),
    replace(FAST, pass2=void_pass2()),
])  # fmt: skip
def test_a_size_profile_that_the_engines_do_not_work_at(recorder, choices):
    with pytest.raises(RequestError) as caught:
        draft_plan(recorder, choices)
    assert caught.value.code == "profile-engine"


def test_every_knob_of_the_model_is_in_the_digest(recorder):
    plain = draft_plan(recorder, replace(VOID, pass2=void_pass2()))
    settings = plain.pass2
    other = {
        "model": "other", "steps": 3, "guidance_scale": 2.0, "negative_prompt": "blur",
        "scheduler": "DDIMScheduler", "mask_levels": 2, "dtype": "float32", "numerics": NUMERICS["reference"],
        "execution": execution("fast"), "checkpoint_every": 7, "flow": "raft", "warp": "reference",
        "fresh_noise": 0.5,
    }  # fmt: skip
    assert set(other) | {"engine"} == set(type(settings).model_fields)
    digests = {
        plan_digest(plain.model_copy(update={"pass2": settings.model_copy(update={name: value})}))
        for name, value in other.items()
    }
    assert len(digests | {plan_digest(plain)}) == len(other) + 1


class Pictures(list):
    """Mask pictures in memory."""

    size = Size(30, 20)

    def classes(self, start=0, stop=None):
        return iter(self[start:stop])


def mask(*boxes):
    frames = np.full((len(boxes), 20, 30), 3, np.uint8)
    for frame, box in zip(frames, boxes, strict=True):
        if box:
            x, y, width, height, value = box
            frame[y : y + height, x : x + width] = value
    return Pictures(frames)


def test_the_opened_box_covers_every_class_and_frame():
    assert opened_box(mask(None, (5, 6, 2, 3, 0), (20, 1, 4, 1, 2))) == Rect(x=5, y=1, width=19, height=8)
    assert opened_box(mask((29, 19, 1, 1, 1))) == Rect(x=29, y=19, width=1, height=1)
    assert opened_box(mask((0, 0, 30, 20, 0))) == Rect(x=0, y=0, width=30, height=20)


def test_a_mask_that_opens_nothing():
    with pytest.raises(MaskError) as caught:
        opened_box(mask(None, None))
    assert caught.value.code == "mask-empty"
