"""One pass over one clip: pictures, draws, states, and what happens when it is stopped."""

from __future__ import annotations

import gc
import os
import subprocess
import sys
from contextlib import contextmanager
from hashlib import sha256
from itertools import pairwise

import golden
import numpy as np
import pytest
import torch
from synthetic_footage import ArrayMask
from void_jobs import EXECUTION, PROMPT, footage, plan_for, settings, tiny_folder

from void_audit.errors import Cancelled, RequestError, StorageError
from void_audit.media.memory import ArrayClip
from void_audit.model.geometry import Rect, Size
from void_audit.model.mask import VALUES
from void_audit.model.plan import Windows
from void_audit.model.void import VoidRefineSettings
from void_audit.pipeline.synthesize.base import Job
from void_audit.pipeline.synthesize.void import render
from void_audit.pipeline.synthesize.void.engine import VoidRefiner, VoidSynthesizer
from void_audit.pipeline.synthesize.void.execution import Arrangement
from void_audit.pipeline.synthesize.void.loading import load_pipeline
from void_audit.pipeline.synthesize.void.noise import seed_for, tensor_digest
from void_audit.pipeline.synthesize.void.pipeline import VoidPipeline

CACHED = EXECUTION.model_copy(update={"name": "draft", "cache_threshold": 100.0})
"""Beyond what a plan may say: after the first, and after each checkpoint, every step is answered from the cache."""


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


def no_progress(*_):
    pass


def made_by(folder, scene, given=None, plan=None, job=None, progress=no_progress, **where):
    """Pictures and report of pass 1."""
    given, got = given or settings(), []
    engine = VoidSynthesizer(folder, given, job or Job(PROMPT), "cpu")
    report = engine.synthesize(scene.clip, scene.mask, plan or plan_for(given, **where), got.append, progress)
    return got, report


def same(one, other):
    return len(one) == len(other) and all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))


def states(folder):
    return sorted(path.name for path in folder.iterdir())


# Pictures


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_the_same_plan_makes_the_same_bits(folder, dtype):
    made, given = footage(), settings(dtype=dtype)
    one, told = made_by(folder, made, given)
    other, again = made_by(folder, made, given)
    assert same(one, other)
    assert told.execution.keys() == again.execution.keys()
    apart = {name for name, what in told.execution.items() if again.execution[name] != what}
    assert all(name.startswith("peak") for name in apart)


def test_the_types_compute_different_bits(folder):
    made = footage()
    assert not same(
        made_by(folder, made, settings(dtype="float32"))[0],
        made_by(folder, made, settings(dtype="bfloat16"))[0],
    )


@pytest.mark.parametrize(
    "frames",
    [1, 2, 14, *(pytest.param(n, marks=pytest.mark.slow) for n in (84, 85, 86, 93, 197))],
)
def test_there_is_one_picture_per_frame(folder, frames):
    got, report = made_by(folder, footage(frames), settings(steps=1))
    assert len(got) == report.frames == frames
    assert {p.shape for p in got} == {(32, 48, 3)}
    assert {p.dtype for p in got} == {np.dtype(np.uint8)}


@pytest.mark.parametrize(
    ("source", "crop", "scaled"),
    [
        (Size(101, 75), Rect(x=0, y=0, width=101, height=75), Size(102, 74)),
        (Size(101, 75), Rect(x=10, y=6, width=51, height=37), Size(50, 38)),
        (Size(160, 120), Rect(x=60, y=40, width=40, height=40), Size(18, 18)),
        (Size(40, 30), Rect(x=0, y=0, width=40, height=30), Size(80, 60)),
    ],
)
@pytest.mark.parametrize("numerics", ["corrected", "reference"])
def test_pictures_have_the_geometry_of_the_plan_whatever_the_models_grid(
    folder, source, crop, scaled, numerics
):
    got, report = made_by(
        folder,
        footage(size=source),
        settings(numerics=numerics, steps=1),
        size=source,
        crop=crop,
        scaled=scaled,
    )
    assert {p.shape for p in got} == {(scaled.height, scaled.width, 3)}
    width, height = (int(side) for side in report.execution["padded size"].split("x"))
    assert width % 16 == height % 16 == 0


def test_nothing_outside_the_crop_is_looked_at(folder):
    crop, made = Rect(x=8, y=10, width=32, height=16), footage()
    painted = [p.copy() for p in made.pictures]
    masks = [m.copy() for m in made.mask.masks]
    for picture, classes in zip(painted, masks, strict=True):
        outside = np.ones(classes.shape, bool)
        outside[crop.y : crop.bottom, crop.x : crop.right] = False
        picture[outside], classes[outside] = 255, 0
    other = footage()
    other.clip, other.mask = ArrayClip(painted), ArrayMask(masks)
    one, another = (made_by(folder, s, crop=crop, scaled=Size(32, 16))[0] for s in (made, other))
    assert same(one, another)
    painted[2][crop.y, crop.x] ^= 255
    assert not same(one, made_by(folder, other, crop=crop, scaled=Size(32, 16))[0])


def test_seed_prompt_mask_and_clip_all_matter(folder):
    made = footage()
    base, report = made_by(folder, made)
    other, told = made_by(folder, made, seed=8)
    assert not same(base, other)
    assert report.execution["noise initial"] != told.execution["noise initial"]
    assert not same(base, made_by(folder, made, job=Job("An empty room."))[0])
    masked, changed = footage(), footage()
    masked.mask = ArrayMask([np.full_like(m, 3) for m in made.mask.masks])
    changed.clip = ArrayClip([255 - p for p in made.pictures])
    for scene in (masked, changed):
        got, same_draws = made_by(folder, scene)
        assert not same(base, got)
        assert same_draws.execution["noise initial"] == report.execution["noise initial"]


def test_the_negative_prompt_counts_with_guidance_only(folder):
    made = footage()
    for scale, equal in ((1.0, True), (4.0, False)):
        one, other = (
            made_by(folder, made, settings(guidance_scale=scale, negative_prompt=text))[0]
            for text in ("", "a box")
        )
        assert same(one, other) == equal


# Against the pipeline itself


def reference_noise(report):
    """The augmentation as the published code draws it: at once, (1, 3, N, H, W) in memory of frame, channel, ..."""
    generator = torch.Generator().manual_seed(int(report.execution["seed augmentation"]))
    return torch.empty(1, 13, 3, 32, 48).permute(0, 2, 1, 3, 4).normal_(generator=generator)


@pytest.mark.parametrize(
    ("numerics", "changes"),
    [
        ("corrected", {}),
        (
            "corrected",
            {"guidance_scale": 4.0, "negative_prompt": "a box", "scheduler": "CogVideoXDDIMScheduler"},
        ),
        ("reference", {"mask_levels": 2, "dtype": "bfloat16"}),
    ],
)
def test_the_adapter_makes_what_the_pipeline_makes_of_the_same_draws(folder, numerics, changes):
    made, given = footage(), settings(numerics=numerics, **changes)
    made.mask.masks[2][10:20, 30:44] = 2
    got, report = made_by(folder, made, given)
    dtype = getattr(torch, given.dtype)
    kept = dtype if numerics == "reference" else torch.float32
    latents = torch.randn(
        (1, 4, 16, 4, 6),
        generator=torch.Generator().manual_seed(int(report.execution["seed latents"])),
        dtype=kept,
    )
    noise = reference_noise(report)
    pipeline = load_pipeline(folder, 1, dtype, given.scheduler)
    pipeline.set_progress_bar_config(disable=True)
    expected = pipeline(
        PROMPT,
        video=[torch.from_numpy(p).permute(2, 0, 1) for p in made.pictures],
        mask=[torch.from_numpy(np.asarray(VALUES, np.uint8)[m]) for m in made.mask.masks],
        negative_prompt=given.negative_prompt,
        num_inference_steps=given.steps,
        guidance_scale=given.guidance_scale,
        mask_levels=given.mask_levels,
        window_frames=13,
        overlap_frames=8,
        latents=latents,
        augmentation_noise=noise,
        latents_dtype=kept,
    ).frames
    wanted = (expected[0] * 255 + 0.5).floor().to(torch.uint8).permute(0, 2, 3, 1).numpy()
    assert same(got, list(wanted))


@pytest.mark.parametrize("name", list(golden.CASES["cases"]))
def test_e11_to_e13_through_the_adapter(folder, monkeypatch, name):
    """What the reference drew and was shown goes in; its pictures, as 8-bit levels, come out."""
    case = golden.case(name)
    pass2 = name.startswith("pass2")
    chosen = {k: case.settings[k] for k in ("steps", "guidance_scale", "mask_levels", "scheduler")}
    kind = {"kind": VoidRefineSettings, "warp": "reference"} if pass2 else {}
    given = settings(numerics="reference", checkpoint_every=2, **chosen, **kind)
    plan = plan_for(given, Size(96, 64), windows=Windows(length=21, overlap=16))
    seeds = {"latents": 42, "augmentation": case.settings["augmentation_seed"]}
    embeds = {PROMPT: case["prompt_embeds"], "": case["negative_prompt_embeds"]}

    def golden_pipeline(*_):
        pipeline = load_pipeline(folder, 1, torch.float32, chosen["scheduler"])
        pipeline.vae, pipeline.transformer = golden.vae(), golden.transformer()
        pipeline.scheduler = golden.scheduler(chosen["scheduler"])
        return pipeline

    monkeypatch.setattr(render, "load_pipeline", golden_pipeline)
    monkeypatch.setattr(render, "model_pictures", lambda *_: iter(case.pictures))
    monkeypatch.setattr(
        render, "generator_for", lambda _, purpose: torch.Generator().manual_seed(seeds[purpose.split()[-1]])
    )
    monkeypatch.setattr(render, "warped_noise", lambda *_, **__: case["initial_latents"])
    monkeypatch.setattr(VoidPipeline, "encode_prompt", lambda _, prompt: embeds[prompt])
    clip, got = ArrayClip([np.zeros((64, 96, 3), np.uint8)] * case.frames), []
    mask = ArrayMask([np.searchsorted(VALUES, m.numpy()).astype(np.uint8) for m in case.masks])
    if pass2:
        VoidRefiner(folder, given, Job(PROMPT), "cpu").refine(clip, clip, mask, plan, got.append)
    else:
        VoidSynthesizer(folder, given, Job(PROMPT), "cpu").synthesize(clip, mask, plan, got.append)
    assert len(got) == case.frames
    for frame, picture in zip(case.settings["output_frames"], case["output_pictures"], strict=True):
        levels = (picture * 255 + 0.5).floor().permute(1, 2, 0).numpy()
        assert np.abs(got[frame] - levels).max() <= (0 if golden.same_kernels() else 1)


# Draws


def test_the_report_names_the_noise_that_was_drawn(folder, monkeypatch):
    seen, diffuse = {}, VoidPipeline.denoise

    def denoising(self, latents, *args, **named):
        seen["initial"] = latents.clone()
        return diffuse(self, latents, *args, **named)

    monkeypatch.setattr(VoidPipeline, "denoise", denoising)
    _, report = made_by(folder, footage())
    assert report.execution["noise initial"] == tensor_digest(seen["initial"])
    assert report.execution["noise deviation"] == f"{seen['initial'].std():.4f}"
    assert report.execution["seed latents"] == str(seed_for(7, "pass 1 latents"))
    # That this is what was added to the clip is what the test against the pipeline shows.
    frames = reference_noise(report)[0].transpose(0, 1).contiguous()
    assert report.execution["noise augmentation"] == sha256(frames.numpy().tobytes()).hexdigest()


def test_without_augmentation_no_draw_is_claimed(folder):
    numerics = settings().numerics.model_copy(update={"augmentation_sigma": 0.0})
    got, report = made_by(folder, footage(), settings().model_copy(update={"numerics": numerics}))
    assert "noise augmentation" not in report.execution
    assert not same(got, made_by(folder, footage())[0])


def test_a_prompt_of_which_the_end_is_not_read_is_reported(folder):
    made, long = footage(), " ".join(["lime"] * 300)
    (one, told), (other, _) = (made_by(folder, made, job=Job(long + end)) for end in ("", " a table"))
    assert same(one, other)
    assert told.warnings == ("The prompt is longer than the model reads: its end had no effect.",)
    assert not made_by(folder, made)[1].warnings


def test_the_report_counts(folder):
    _, report = made_by(folder, footage(27), settings(steps=2))
    assert report.statistics["steps"] == 2
    assert report.statistics["latent_frames"] == 8
    assert report.statistics["windows"] == 3
    assert report.statistics["resumed_from_step"] == 0
    assert report.statistics["seconds_per_forward"] > 0
    assert report.execution["padded frames"] == "29"
    assert not report.warnings


def test_what_is_reported_rises_and_ends(folder):
    calls = []
    made_by(folder, footage(21), settings(steps=2), progress=lambda *call: calls.append(call))
    whats = list(dict.fromkeys(what for what, _, _ in calls))
    assert whats == [
        f"pass 1: {what}"
        for what in ("loading the model", "reading the prompt", "encoding the clip", "encoding the mask",
                     "denoising", "decoding")
    ]  # fmt: skip
    for what in whats[1:]:
        counts = [(done, total) for told, done, total in calls if told == what]
        assert all(a < b for (a, _), (b, _) in pairwise(counts))
        assert counts[-1][0] == counts[-1][1]
    assert (whats[4], 4, 4) in calls


# Stopped and resumed


class StopAt:
    """Raises at the ``number``-th report of ``what``."""

    def __init__(self, what, number):
        self.what, self.left = f"pass 1: {what}", number

    def __call__(self, what, _done, _total):
        if what == self.what:
            self.left -= 1
            if self.left == 0:
                raise Cancelled("cancelled", "Stopped.")


@pytest.mark.parametrize(
    ("execution", "guidance"), [(EXECUTION, 4.0), (CACHED, 1.0)], ids=["plain", "cached"]
)
def test_a_pass_killed_after_any_step_goes_on_to_the_same_bits(folder, tmp_path, execution, guidance):
    made = footage()
    given = settings(steps=5, checkpoint_every=2, execution=execution, guidance_scale=guidance)
    whole, told = made_by(folder, made, given)
    if execution is CACHED:
        assert told.execution["skipped"].startswith("2 of 5 ")
    for step in range(1, 6):
        job = Job(PROMPT, tmp_path / f"killed-in-{step}")
        with pytest.raises(Cancelled):
            made_by(folder, made, given, job=job, progress=StopAt("denoising", step))
        got, report = made_by(folder, made, given, job=job)
        assert report.statistics["resumed_from_step"] == (step - 1) // 2 * 2
        assert same(got, whole)
        assert not report.warnings


def test_with_a_step_cache_that_is_not_forgotten_a_resumed_pass_would_differ(folder, tmp_path, monkeypatch):
    monkeypatch.setattr(Arrangement, "reset_caches", lambda _: None)
    made, given = footage(), settings(steps=4, checkpoint_every=2, execution=CACHED)
    whole, _ = made_by(folder, made, given)
    job = Job(PROMPT, tmp_path)
    with pytest.raises(Cancelled):
        made_by(folder, made, given, job=job, progress=StopAt("denoising", 4))
    assert not same(made_by(folder, made, given, job=job)[0], whole)


DIES = """
import os, sys
from pathlib import Path
from void_jobs import PROMPT, footage, plan_for, settings, tiny_folder
from void_audit.pipeline.synthesize.base import Job
from void_audit.pipeline.synthesize.void.engine import VoidSynthesizer

def progress(what, done, _total):
    if what == "pass 1: denoising" and done == 4:
        os._exit(9)

root, states = map(Path, sys.argv[1:])
made, given = footage(), settings(steps=5, checkpoint_every=2)
engine = VoidSynthesizer(tiny_folder(root), given, Job(PROMPT, states), "cpu")
engine.synthesize(made.clip, made.mask, plan_for(given), [].append, progress)
"""


@pytest.mark.slow
def test_a_process_that_dies_leaves_a_state_from_which_another_goes_on_to_the_same_bits(folder, tmp_path):
    made, given = footage(), settings(steps=5, checkpoint_every=2)
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    arguments = [sys.executable, "-c", DIES, str(tmp_path / "model" / "void"), str(tmp_path / "states")]
    with one_thread():  # as many as the other process has
        dead = subprocess.run(
            arguments,
            env={**environment, "OMP_NUM_THREADS": "1"},
            check=False,
            capture_output=True,
            timeout=300,
        )
        assert dead.returncode == 9, dead.stderr
        got, report = made_by(folder, made, given, job=Job(PROMPT, tmp_path / "states"))
        whole, _ = made_by(folder, made, given)
    assert report.statistics["resumed_from_step"] == 2
    assert same(got, whole)


@contextmanager
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.mark.parametrize("execution", [EXECUTION, CACHED], ids=["plain", "cached"])
def test_a_long_clip_killed_in_the_middle_of_its_windows_goes_on_to_the_same_bits(
    folder, tmp_path, execution
):
    made, given = footage(21), settings(steps=3, execution=execution)
    whole, report = made_by(folder, made, given)
    assert report.statistics["windows"] == 2
    for call in (2, 3, 6):
        job = Job(PROMPT, tmp_path / str(call))
        with pytest.raises(Cancelled):
            made_by(folder, made, given, job=job, progress=StopAt("denoising", call))
        got, told = made_by(folder, made, given, job=job)
        assert told.statistics["resumed_from_step"] == (call - 1) // 2
        assert same(got, whole)


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
@pytest.mark.parametrize("numerics", ["corrected", "reference"])
def test_states_keep_the_latents_as_they_are(folder, tmp_path, dtype, numerics):
    made, given = footage(), settings(steps=3, dtype=dtype, numerics=numerics)
    whole, _ = made_by(folder, made, given)
    job = Job(PROMPT, tmp_path)
    with pytest.raises(Cancelled):
        made_by(folder, made, given, job=job, progress=StopAt("denoising", 2))
    assert same(made_by(folder, made, given, job=job)[0], whole)


def test_a_pass_that_could_not_be_written_need_not_diffuse_again(folder, tmp_path):
    made, given, job = footage(), settings(steps=3, checkpoint_every=2), Job(PROMPT, tmp_path)
    whole, _ = made_by(folder, made, given)
    engine, got = VoidSynthesizer(folder, given, job, "cpu"), []

    def full(picture):
        got.append(picture)
        if len(got) == 3:
            raise StorageError("storage-full", "There is no space left.")

    with pytest.raises(StorageError):
        engine.synthesize(made.clip, made.mask, plan_for(given), full)
    again, report = made_by(folder, made, given, job=job)
    assert report.statistics["resumed_from_step"] == given.steps
    assert report.statistics["seconds_per_forward"] == 0
    assert same(again, whole)


def test_a_resumed_report_tells_of_the_start_as_the_first_would_have(folder, tmp_path):
    made, given, job = footage(), settings(), Job(PROMPT, tmp_path)
    _, whole = made_by(folder, made, given)
    with pytest.raises(Cancelled):
        made_by(folder, made, given, job=job, progress=StopAt("denoising", 2))
    _, resumed = made_by(folder, made, given, job=job)
    for name in ("noise initial", "noise augmentation", "noise deviation", "seed latents"):
        assert resumed.execution[name] == whole.execution[name]


@pytest.mark.parametrize("changed", ["seed", "prompt", "folder", "settings", "clip"])
def test_a_state_of_another_run_is_never_resumed(folder, tmp_path, changed):
    made, given, job = footage(), settings(checkpoint_every=1), Job(PROMPT, tmp_path / "states")
    with pytest.raises(Cancelled):
        made_by(folder, made, given, job=job, progress=StopAt("decoding", 1))
    plan = plan_for(given)
    if changed == "seed":
        plan = plan.model_copy(update={"seed": "8"})
    elif changed == "prompt":
        job = Job("An empty room.", job.checkpoints)
    elif changed == "folder":
        engine = plan.engine.model_copy(update={"version": "2"})
        plan = plan.model_copy(update={"engine": engine})
    elif changed == "settings":
        given = settings(checkpoint_every=2)
        plan = plan_for(given)
    else:
        plan = plan.model_copy(update={"source": "1" * 64})
    got, report = made_by(folder, made, given, plan, job)
    assert report.statistics["resumed_from_step"] == 0
    assert any("another plan" in warning for warning in report.warnings)
    assert same(got, made_by(folder, made, given, plan, Job(job.prompt))[0])


@pytest.mark.parametrize(("name", "other"), [("__version__", "2.99.0"), ("get_num_threads", lambda: 77)])
def test_a_state_of_another_torch_or_number_of_threads_is_never_resumed(
    folder, tmp_path, monkeypatch, name, other
):
    made, given, job = footage(), settings(), Job(PROMPT, tmp_path)
    made_by(folder, made, given, job=job)
    monkeypatch.setattr(torch, name, other)
    _, report = made_by(folder, made, given, job=job)
    assert report.statistics["resumed_from_step"] == 0
    assert any("another plan, device or library" in warning for warning in report.warnings)


def test_a_damaged_state_costs_time_and_not_the_result(folder, tmp_path):
    made, given, job = footage(), settings(steps=3), Job(PROMPT, tmp_path)
    whole, _ = made_by(folder, made, given)
    with pytest.raises(Cancelled):
        made_by(folder, made, given, job=job, progress=StopAt("decoding", 1))
    newest = tmp_path / states(tmp_path)[-1]
    raw = bytearray(newest.read_bytes())
    raw[-1] ^= 1
    newest.write_bytes(raw)
    got, report = made_by(folder, made, given, job=job)
    assert same(got, whole)
    assert report.statistics["resumed_from_step"] == 2
    assert "digest" in report.warnings[0]


def test_a_folder_that_cannot_be_written_costs_the_states_only(folder, tmp_path):
    blocked = tmp_path / "blocked"
    blocked.write_text("a file where the folder should be")
    got, report = made_by(folder, footage(), job=Job(PROMPT, blocked))
    assert same(got, made_by(folder, footage())[0])
    assert any("could not be saved" in warning for warning in report.warnings)
    assert not any(str(tmp_path) in warning for warning in report.warnings)


def test_no_state_and_no_report_has_the_prompt_in_it(folder, tmp_path):
    _, report = made_by(folder, footage(), job=Job(PROMPT, tmp_path))
    assert states(tmp_path)
    for path in tmp_path.iterdir():
        assert PROMPT.encode() not in path.read_bytes()
    assert PROMPT not in str(report)


def test_pass_2_goes_on_without_carrying_the_noise_again(folder, tmp_path, monkeypatch):
    made, given = footage(), settings(VoidRefineSettings)
    take, whole, got = ArrayClip([p[:, ::-1].copy() for p in made.pictures]), [], []

    def refine(job, sink, progress=no_progress):
        engine = VoidRefiner(folder, given, job, "cpu")
        return engine.refine(made.clip, take, made.mask, plan_for(given), sink, progress)

    first = refine(Job(PROMPT), whole.append)

    def stop(what, *_):
        if "encoding" in what:
            raise Cancelled("cancelled", "Stopped.")

    job = Job(PROMPT, tmp_path)
    with pytest.raises(Cancelled):
        refine(job, got.append, stop)
    monkeypatch.setattr(render, "warped_noise", None)
    report = refine(job, got.append)
    assert same(got, whole)
    assert report.execution["noise initial"] == first.execution["noise initial"]
    assert report.execution["flow"] == first.execution["flow"]


def test_a_state_that_started_from_another_take_is_never_resumed(folder, tmp_path):
    made, given, job = footage(), settings(VoidRefineSettings), Job(PROMPT, tmp_path)
    engine = VoidRefiner(folder, given, job, "cpu")
    engine.refine(made.clip, made.clip, made.mask, plan_for(given), [].append)
    pictures = made.pictures
    pictures[4] = pictures[4] ^ np.uint8(1)
    report = engine.refine(made.clip, ArrayClip(pictures), made.mask, plan_for(given), [].append)
    assert report.statistics["resumed_from_step"] == 0
    assert any("another plan" in warning for warning in report.warnings)


@pytest.mark.parametrize("place", ["encode_conditions", "denoise", "decode"])
def test_when_memory_runs_out_it_is_said_what_to_plan(folder, tmp_path, monkeypatch, place):
    def exhausted(*_, **__):
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB.")

    made, job = footage(), Job(PROMPT, tmp_path)
    with monkeypatch.context() as patch:
        patch.setattr(VoidPipeline, place, exhausted)
        with pytest.raises(RequestError) as caught:
            made_by(folder, made, job=job)
    assert caught.value.code == "out-of-memory"
    assert "--execution small" in caught.value.hint
    _, report = made_by(folder, made, job=job)
    assert report.statistics["resumed_from_step"] == (2 if place == "decode" else 0)


def test_a_clip_is_read_from_disk_as_it_goes(folder, monkeypatch):
    """Never more than the pictures that mirroring needs again are held."""
    made, alive, most = footage(13), [], []

    class Counted(ArrayClip):
        def view(self, crop=None, size=None):
            return self

        def frames(self, start=0, stop=None):
            for picture in super().frames(start, stop):
                alive.append(None)
                yield picture

    encode = VoidPipeline._encoded

    def encoded(self, pictures, total):
        def watched():
            for picture in pictures:
                most.append(len(alive))
                yield picture

        return encode(self, watched(), total)

    monkeypatch.setattr(VoidPipeline, "_encoded", encoded)
    made.clip = Counted(made.pictures)
    made_by(folder, made)
    assert most[:13] == list(range(1, 14))
