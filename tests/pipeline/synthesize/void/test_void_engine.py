"""The two engines as the workflow sees them: what they say they are, what they refuse, what they hand over."""

from __future__ import annotations

import gc
import shutil
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
import torch
from synthetic_footage import ArrayMask, make_plan, telea
from void_jobs import PROMPT, WINDOWS, footage, plan_for, settings, tiny_folder

from void_audit.errors import ClipError, MaskError, OrderError, RequestError, WeightsError
from void_audit.media.memory import ArrayClip
from void_audit.model.engine import EngineInfo
from void_audit.model.geometry import Size
from void_audit.model.plan import Windows
from void_audit.model.void import VoidRefineSettings
from void_audit.pipeline.synthesize.base import Job
from void_audit.pipeline.synthesize.void import render
from void_audit.pipeline.synthesize.void.engine import VoidRefiner, VoidSynthesizer

JOB = Job(PROMPT)


@pytest.fixture(scope="module", autouse=True)
def _quick_collection():
    """Releasing a model collects garbage: not that of every test module before."""
    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tiny_folder(tmp_path_factory.mktemp("models") / "void")


@pytest.fixture
def unloadable(monkeypatch):
    """Whatever is done must be done without loading a network."""

    def refuse(*_):
        raise AssertionError("a network was loaded")

    monkeypatch.setattr(render, "load_pipeline", refuse)


def synthesizer(folder, job=JOB, **changes):
    return VoidSynthesizer(folder, settings(**changes), job, "cpu")


def refiner(folder, **changes):
    return VoidRefiner(folder, settings(VoidRefineSettings, **changes), JOB, "cpu")


def refined(folder, made, take, plan=None, **changes):
    given, got = settings(VoidRefineSettings, **changes), []
    plan = plan or plan_for(given)
    report = VoidRefiner(folder, given, JOB, "cpu").refine(made.clip, take, made.mask, plan, got.append)
    return got, report


def names(info: EngineInfo):
    return {ref.name.removeprefix("void/") for ref in info.weights}


@pytest.mark.usefixtures("unloadable")
def test_an_engine_says_what_it_is_without_loading_anything(folder):
    info = synthesizer(folder).info
    assert (info.name, info.kind) == ("void", "model")
    for library in ("torch", "diffusers", "transformers"):
        assert library in info.version
    assert "+" not in info.version  # a plan made on a laptop is for the same engine on a GPU
    assert "random numbers for tests" in info.description
    digests = {ref.name: ref.sha256 for ref in folder.refs}
    assert {ref.name: ref.sha256 for ref in info.weights}.items() <= digests.items()
    assert info == synthesizer(folder).info


def test_a_purpose_of_any_length_fits_the_description(folder):
    wordy = replace(folder, purpose="w" * 4000)
    assert synthesizer(wordy).info.description.endswith("www")


def test_a_pass_names_the_files_that_it_uses_and_no_others(folder):
    first, second = names(synthesizer(folder).info), names(refiner(folder).info)
    assert {"void_pass1.safetensors", "base/vae/config.json", "base/scheduler/scheduler_config.json"} <= first
    assert any(name.startswith("base/text_encoder/") for name in first)
    assert any(name.startswith("base/tokenizer/") for name in first)
    assert first ^ second == {"void_pass1.safetensors", "void_pass2.safetensors"}


def test_raft_is_named_only_where_it_is_used(tmp_path):
    (tmp_path / "void").mkdir()
    (tmp_path / "void" / "raft_large.safetensors").write_bytes(tiny_raft())
    folder = tiny_folder(tmp_path / "void")
    assert "raft_large.safetensors" not in names(synthesizer(folder).info)
    assert "raft_large.safetensors" not in names(refiner(folder, flow="dis").info)
    assert "raft_large.safetensors" in names(refiner(folder, flow="raft").info)


def tiny_raft() -> bytes:
    return (2).to_bytes(8, "little") + b"{}"


@pytest.mark.parametrize("dynamics", [True, False])
def test_only_a_synthesizer_whose_weights_were_registered_so_is_a_world_model(tmp_path, dynamics):
    folder = tiny_folder(tmp_path / "void", dynamics=dynamics)
    assert synthesizer(folder).info.counterfactual_dynamics is dynamics
    assert not refiner(folder).info.counterfactual_dynamics


@pytest.mark.usefixtures("unloadable")
def test_a_plan_for_other_settings_is_refused(folder):
    made = footage()
    others = [
        make_plan(windows=WINDOWS),
        plan_for(settings(steps=3)),
        plan_for(settings(numerics="reference")),
    ]
    for plan in others:
        with pytest.raises(OrderError) as caught:
            synthesizer(folder).synthesize(made.clip, made.mask, plan, [].append)
        assert caught.value.code == "engine-mismatch"
    for plan in (make_plan(windows=WINDOWS), plan_for(settings(VoidRefineSettings, flow="raft"))):
        with pytest.raises(OrderError) as caught:
            refiner(folder).refine(made.clip, made.clip, made.mask, plan, [].append)
        assert caught.value.code == "engine-mismatch"


@pytest.mark.usefixtures("unloadable")
@pytest.mark.parametrize(
    ("length", "overlap"), [(96, 16), (84, 16), (85, 4), (85, 12), (85, 88), (5, 8), (20, 0)]
)
def test_windows_that_the_model_cannot_take_are_refused(folder, length, overlap):
    made, given = footage(), settings()
    plan = plan_for(given, windows=Windows(length=length, overlap=overlap))
    with pytest.raises(RequestError) as caught:
        synthesizer(folder).synthesize(made.clip, made.mask, plan, [].append)
    assert caught.value.code == "windows-void"
    assert str(length) in caught.value.message
    assert "85" in caught.value.hint


@pytest.mark.usefixtures("unloadable")
def test_a_mask_of_another_clip_is_refused_by_both(folder):
    made = footage()
    for masks, code in (
        (made.mask.masks[:4], "mask-frames"),
        ([m[:30] for m in made.mask.masks], "mask-size"),
    ):
        mask, got = ArrayMask(masks), []
        with pytest.raises(MaskError) as caught:
            synthesizer(folder).synthesize(made.clip, mask, plan_for(settings()), got.append)
        assert caught.value.code == code
        plan = plan_for(settings(VoidRefineSettings))
        with pytest.raises(MaskError) as caught:
            refiner(folder).refine(made.clip, made.clip, mask, plan, got.append)
        assert caught.value.code == code
        assert not got


@pytest.mark.usefixtures("unloadable")
def test_a_take_of_another_plan_is_refused(folder):
    made = footage()
    pictures = made.pictures
    for take, code in ((pictures[:4], "take-frames"), ([p[:30] for p in pictures], "take-size")):
        with pytest.raises(ClipError) as caught:
            refined(folder, made, ArrayClip(take))
        assert caught.value.code == code


@pytest.mark.usefixtures("unloadable")
def test_raft_without_its_file_is_refused_with_the_way_out(folder):
    made = footage()
    with pytest.raises(WeightsError) as caught:
        refined(folder, made, made.clip, flow="raft")
    assert "raft_large.safetensors" in caught.value.message
    with pytest.raises(WeightsError):  # what it is, planning asks: before pass 1 is made and the plan stands
        _ = refiner(folder, flow="raft").info


@pytest.mark.usefixtures("unloadable")
def test_the_references_noise_refuses_long_clips(folder):
    made = footage(86)
    given = settings(VoidRefineSettings, numerics="reference", warp="reference")
    with pytest.raises(RequestError) as caught:
        refined(
            folder, made, made.clip, plan_for(given, windows=Windows(length=85, overlap=16)),
            numerics="reference", warp="reference",
        )  # fmt: skip
    assert caught.value.code == "warp-length"


def test_a_take_of_any_engine_can_be_refined(folder):
    made, first = footage(), []
    synthesizer(folder).synthesize(made.clip, made.mask, plan_for(settings()), first.append)
    results = [refined(folder, made, ArrayClip(take)) for take in (telea(made), first)]
    for got, report in results:
        assert len(got) == report.frames == 5
        assert report.execution["flow"].startswith("dis ")
    (_, one), (_, other) = results
    assert one.execution["noise initial"] != other.execution["noise initial"]
    assert one.execution["noise augmentation"] == other.execution["noise augmentation"]
    assert not np.array_equal(results[0][0][0], results[1][0][0])


def test_pass_2_has_draws_of_its_own(folder):
    made = footage()
    one = synthesizer(folder).synthesize(made.clip, made.mask, plan_for(settings()), [].append)
    _, two = refined(folder, made, made.clip)
    for name in ("seed latents", "seed augmentation", "noise initial", "noise augmentation"):
        assert one.execution[name] != two.execution[name]


@pytest.mark.parametrize("number", [1, 2])
def test_each_pass_computes_with_its_own_weights(folder, tmp_path, number):
    other = tiny_folder(tmp_path / "void")
    weights = [other.root / f"void_pass{n}.safetensors" for n in (1, 2)]
    shutil.copyfile(weights[2 - number], weights[number - 1])
    made, results = footage(), []
    for root in (folder, other):
        got = []
        synthesizer(root).synthesize(made.clip, made.mask, plan_for(settings()), got.append)
        results.append((np.stack(got), np.stack(refined(root, made, made.clip)[0])))
    for index, (before, after) in enumerate(zip(*results, strict=True), 1):
        assert np.array_equal(before, after) == (index != number)


@pytest.mark.parametrize("warp", ["reference", "aligned"])
def test_the_warp_is_given_the_mirrored_and_padded_take_and_the_plans_settings(folder, monkeypatch, warp):
    asked = {}

    def warped(pictures, latent_frames, height, width, flow, seed, **named):
        asked.update(pictures=list(pictures), shape=(latent_frames, height, width), flow=flow.name, **named)
        return torch.randn(1, latent_frames, 16, height // 8, width // 8)

    monkeypatch.setattr(render, "warped_noise", warped)
    made = footage(size=Size(44, 24))
    given = settings(VoidRefineSettings, warp=warp, fresh_noise=0.25)
    _, report = refined(folder, made, made.clip, plan_for(given, Size(44, 24)), warp=warp, fresh_noise=0.25)
    assert (asked["geometry"], asked["fresh"], asked["flow"]) == (warp, 0.25, "dis")
    assert asked["shape"] == (4, 32, 48)
    mirrored = [0, 1, 2, 3, 4, 4, 3, 2, 1, 0, 0, 1, 2]
    grown = [np.pad(p, ((0, 8), (0, 4), (0, 0)), mode="edge") for p in made.pictures]
    assert len(asked["pictures"]) == 13
    assert all(np.array_equal(p, grown[i]) for p, i in zip(asked["pictures"], mirrored, strict=True))
    assert report.execution["flow"].startswith("dis (opencv")


IMPORTS = """
import sys
from void_audit.pipeline.synthesize import base, composite, flow_refine, geometry, hand_on, propagate
assert not {"torch", "diffusers", "transformers"} & set(sys.modules)
"""


def test_the_other_engines_need_no_torch():
    subprocess.run([sys.executable, "-c", IMPORTS], check=True, timeout=60)
