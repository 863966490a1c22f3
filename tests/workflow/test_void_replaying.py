"""A diffusion replays bit for bit, also one that was stopped and went on: on a tiny model of random weights."""

from __future__ import annotations

from dataclasses import replace

import pytest
from house import CountingEngines
from tiny_void import write_tiny_model

from void_audit.cli.engines import LocalEngines
from void_audit.cli.options import PlanOptions
from void_audit.errors import Cancelled
from void_audit.model.report import State
from void_audit.weights.house import house_list, register
from void_audit.weights.registry import FolderAbout, with_house
from void_audit.workflow.recorder import Recorder
from void_audit.workflow.replaying import replay_edit

pytestmark = pytest.mark.slow

DRAFT = PlanOptions(
    engine="void", refiner="none", execution="draft", dtype="float32", steps=6, model_pixels=4096
).choices()
"""Profile draft has a step cache, whose count of skipped steps a run that went on does not share."""


class Diffusing(CountingEngines):
    """The model makes the pictures; the object is where the script says."""

    def __init__(self, local):
        super().__init__()
        self.synthesizer, self.refiner = local.synthesizer, local.refiner


@pytest.fixture
def engines(tmp_path):
    write_tiny_model(tmp_path / "void")
    about = FolderAbout(
        name="void", purpose="A test.", licence="none", origin="random numbers", dynamics=False
    )
    register(tmp_path / "models.toml", about, tmp_path / "void")
    return Diffusing(LocalEngines(tmp_path, with_house(house_list(tmp_path / "models.toml"))))


def test_stopped_and_gone_on(own, engines):
    def stop(what, done, total):
        if (what, done, total) == ("pass 1: denoising", 6, 6):
            raise Cancelled("stopped", "Stopped.")

    studio = replace(own.workshop, engines=engines, approved_weights=lambda digest: True)
    own.workshop = replace(studio, progress=stop)
    edit = own.approved(choices=DRAFT)
    with pytest.raises(Cancelled):
        own.run(edit)
    own.workshop = studio
    own.run(edit)
    assert Recorder(own.workshop, edit).state.take(1).statistics["resumed_from_step"] == 5

    done = replay_edit(replace(own.place.archive(), engines=engines), edit)
    assert [stage.state for stage in done.stages] == [State.PASS] * 3, done.finding.detail
    assert [condition for stage in done.stages for condition in stage.conditions] == []
    assert any("resumed_from_step: recorded 5, here 0" in figure for figure in done.stages[0].figures)
