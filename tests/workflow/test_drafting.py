"""The plan: deterministic, complete, and bound by its digest."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from house import FAST

from void_audit.canon.mask import schema_digest
from void_audit.errors import MaskError, RequestError
from void_audit.model.geometry import Rect, Size
from void_audit.model.plan import (
    CompositeSettings,
    DeemphasizeSettings,
    EditPlan,
    EncoderSettings,
    FlowRefineSettings,
    NoRefineSettings,
    PropagateSettings,
    SuppliedSettings,
    Windows,
)
from void_audit.model.void import NUMERICS, execution, void_pass1, void_pass2
from void_audit.pipeline.masks.schema import builtin, load_schema
from void_audit.workflow import drafting
from void_audit.workflow.drafting import Choices, check_length, draft_plan, opened_box, plan_digest, suited
from void_audit.workflow.planning import replan
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


CLIP = "c" * 64
REMOVES_AND_TONES = load_schema(b"""
name: both
description: Something is taken out, something else toned down.
classes:
  - {name: out, value: 0, meaning: out, color: [200, 20, 20], pattern: solid, change: content, conditioning: remove,
     counts_as: removed}
  - {name: toned, value: 90, meaning: toned, color: [20, 200, 20], pattern: dots, change: appearance,
     conditioning: affected, counts_as: deemphasized}
  - {name: rest, value: 200, meaning: rest, color: [255, 255, 255], pattern: none, change: nothing,
     conditioning: keep, counts_as: kept}
compose: {remove: {object: out}, de-emphasize: {object: toned}}
""")
SCHEMAS = {name: builtin(name) for name in ("quadmask", "brand-safety", "localization")} | {
    "both": REMOVES_AND_TONES
}
ENGINES = {
    "propagate": PropagateSettings(), "void": void_pass1(), "de-emphasize": DeemphasizeSettings(strength=0.5),
    "supplied": SuppliedSettings(clip="0" * 64),
}  # fmt: skip
FIT = {
    ("remove", "quadmask"): {"propagate", "void"},
    ("remove", "brand-safety"): {"de-emphasize"},
    ("de-emphasize", "brand-safety"): {"de-emphasize"},
    ("replace", "localization"): {"supplied"},
    ("remove", "both"): {"de-emphasize"},
    ("de-emphasize", "both"): {"de-emphasize"},
}
"""Engines that can do an operation with a schema that is for it."""


class TestSuited:
    @pytest.mark.parametrize("engine", ENGINES)
    @pytest.mark.parametrize(("operation", "name"), FIT)
    def test_every_operation_schema_and_engine(self, operation, name, engine):
        choices, clip = Choices(pass1=ENGINES[engine]), CLIP if operation == "replace" else None
        if engine in FIT[operation, name]:
            found = suited(choices, SCHEMAS[name], operation, clip)
            assert found.pass1 == (SuppliedSettings(clip=CLIP) if engine == "supplied" else ENGINES[engine])
            return
        with pytest.raises(RequestError) as caught:
            suited(choices, SCHEMAS[name], operation, clip)
        assert caught.value.code == "engine-schema"
        assert engine in caught.value.message
        assert any(f"`{fit}`" in caught.value.hint for fit in FIT[operation, name])

    @pytest.mark.parametrize(("operation", "name"), FIT)
    def test_where_no_engine_is_chosen(self, operation, name):
        found = suited(Choices(), SCHEMAS[name], operation, CLIP if operation == "replace" else None)
        assert found.pass1.engine in FIT[operation, name]
        assert found.pass1.engine != "void"
        second = FlowRefineSettings() if found.pass1.engine == "propagate" else NoRefineSettings()
        assert found.pass2 == second

    @pytest.mark.parametrize("refiner", [FlowRefineSettings(), NoRefineSettings()])
    @pytest.mark.parametrize(("operation", "name"), FIT)
    def test_a_refiner_that_is_chosen_stays(self, operation, name, refiner):
        clip = CLIP if operation == "replace" else None
        assert suited(Choices(pass2=refiner), SCHEMAS[name], operation, clip).pass2 == refiner

    def test_nothing_else_is_changed(self):
        found = suited(OTHERS, SCHEMAS["quadmask"], "remove", None)
        assert found == OTHERS
        plain = suited(Choices(seed=9, profile="384p"), SCHEMAS["localization"], "replace", CLIP)
        assert (plain.seed, plain.profile, plain.pass1.clip) == (9, "384p", CLIP)

    def test_the_digest_is_the_requests_and_nobody_elses(self):
        chosen = Choices(pass1=SuppliedSettings(clip="d" * 64))
        assert suited(chosen, SCHEMAS["localization"], "replace", CLIP).pass1.clip == CLIP

    def test_what_is_suited_stays_as_it_is(self):
        for (operation, name), _ in FIT.items():
            clip = CLIP if operation == "replace" else None
            once = suited(Choices(), SCHEMAS[name], operation, clip)
            assert suited(once, SCHEMAS[name], operation, clip) == once

    def test_it_is_refused_before_there_is_a_plan_and_anything_is_recorded(self, house):
        with pytest.raises(RequestError) as caught:
            house.planned("unsuited", replace(FAST, pass1=DeemphasizeSettings()))
        assert caught.value.code == "engine-schema"
        edit = house.planned("toned", operation="de-emphasize", mask_schema="brand-safety")
        recorder = Recorder(house.workshop, edit)
        assert draft_plan(recorder, FAST).pass1 == DeemphasizeSettings()
        steps = house.steps(edit)
        with pytest.raises(RequestError) as caught:
            replan(house.workshop, edit, replace(FAST, pass1=PropagateSettings()))
        assert caught.value.code == "engine-schema"
        assert house.steps(edit) == steps


def test_the_plan_names_the_schema_by_name_and_digest(house, recorder):
    plan = draft_plan(recorder, FAST)
    assert (plan.mask_schema.name, plan.mask_schema.sha256) == (
        "quadmask",
        schema_digest(builtin("quadmask")),
    )
    toned = Recorder(
        house.workshop, house.planned("schema", operation="de-emphasize", mask_schema="brand-safety")
    )
    assert draft_plan(toned, FAST).mask_schema.sha256 == schema_digest(builtin("brand-safety"))
