"""The engines on a CUDA device, as the workflow calls them. They read clips, so PyAV is needed."""

from __future__ import annotations

import numpy as np
import pytest
import torch

pytest.importorskip("av")

from void_jobs import EXECUTION, PROMPT, footage, plan_for, settings, tiny_folder

from void_audit.errors import Cancelled
from void_audit.media.memory import ArrayClip
from void_audit.model.void import VoidRefineSettings
from void_audit.pipeline.synthesize.base import Job
from void_audit.pipeline.synthesize.void.engine import VoidRefiner, VoidSynthesizer


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tiny_folder(tmp_path_factory.mktemp("models") / "void")


def synthesized(folder, made, device, job=None, progress=lambda *_: None):
    given, got = settings(execution=EXECUTION), []
    engine = VoidSynthesizer(folder, given, job or Job(PROMPT), device)
    report = engine.synthesize(made.clip, made.mask, plan_for(given), got.append, progress)
    return got, report


def refined(folder, made, take, device):
    given, got = settings(VoidRefineSettings, execution=EXECUTION), []
    engine = VoidRefiner(folder, given, Job(PROMPT), device)
    report = engine.refine(made.clip, ArrayClip(take), made.mask, plan_for(given), got.append)
    return got, report


def near(one, other) -> bool:
    """Within a level or two: float32 on both, but not the same order of sums."""
    return float(np.abs(np.stack(one).astype(float) - np.stack(other)).mean()) < 2


def test_both_passes_start_from_the_same_noise_as_on_the_cpu_and_come_near_it(folder):
    made = footage()
    ours, report = synthesized(folder, made, "cuda")
    theirs, on_cpu = synthesized(folder, made, "cpu")
    assert near(ours, theirs)
    assert report.execution["device"] == torch.cuda.get_device_name()
    second, told = refined(folder, made, theirs, "cuda")
    other, told_on_cpu = refined(folder, made, theirs, "cpu")
    assert near(second, other)
    for one, two in ((report, on_cpu), (told, told_on_cpu)):
        drawn = {name: fact for name, fact in two.execution.items() if name.startswith(("noise", "seed"))}
        assert "noise initial" in drawn
        assert drawn.items() <= dict(one.execution).items()


def test_a_killed_render_goes_on_to_the_same_pictures(folder, tmp_path):
    made = footage()
    expected, _ = synthesized(folder, made, "cuda")

    def stop(what, done, total):
        if "decoding" in what:
            raise Cancelled("cancelled", "Stopped.")

    job = Job(PROMPT, tmp_path)
    with pytest.raises(Cancelled):
        synthesized(folder, made, "cuda", job, stop)
    pictures, report = synthesized(folder, made, "cuda", job)
    assert report.statistics["resumed_from_step"] > 0
    assert all(np.array_equal(one, other) for one, other in zip(pictures, expected, strict=True))
