"""The engines that run anywhere: what they say of themselves, and that a model file is checked."""

from __future__ import annotations

import importlib.util

import pytest

from void_audit.cli.engines import LocalEngines, insist_on_extra
from void_audit.errors import RequestError, WeightsError
from void_audit.model.plan import FlowRefineSettings, NoRefineSettings, PropagateSettings
from void_audit.model.void import void_pass1, void_pass2
from void_audit.pipeline.synthesize.base import Job

EMBEDDED = {
    "contact": lambda engines: engines.reasoner(),
    "propagate": lambda engines: engines.synthesizer(PropagateSettings(), Job()),
    "flow-refine": lambda engines: engines.refiner(FlowRefineSettings(), Job()),
    "none": lambda engines: engines.refiner(NoRefineSettings(), Job()),
}


@pytest.mark.parametrize("name", EMBEDDED)
def test_they_need_no_file_and_claim_no_more_than_they_can(tmp_path, name):
    info = EMBEDDED[name](LocalEngines(tmp_path)).info
    assert info.name == name
    assert info.counterfactual_dynamics is False
    assert info.kind != "model"
    assert info.weights == ()


def test_the_segmenter_needs_its_model_file(tmp_path):
    with pytest.raises(WeightsError) as caught:
        LocalEngines(tmp_path).segmenter()
    assert (caught.value.code, caught.value.exit_code) == ("weights-missing", 2)
    assert "void-audit models fetch" in caught.value.hint


def test_another_file_in_its_place(tmp_path):
    from void_audit.weights.registry import lookup  # noqa: PLC0415

    (tmp_path / lookup("u2netp").file).write_bytes(b"another")
    with pytest.raises(WeightsError) as caught:
        LocalEngines(tmp_path).segmenter()
    assert caught.value.code == "weights-digest"


def test_the_model_is_registered_before_it_is_loaded(tmp_path):
    engines = LocalEngines(tmp_path)
    for build in (
        lambda: engines.synthesizer(void_pass1(), Job()),
        lambda: engines.refiner(void_pass2(), Job()),
    ):
        with pytest.raises(WeightsError) as caught:
            build()
        assert caught.value.code == "weights-unknown"
        assert "models add" in caught.value.hint


def test_without_the_extra_it_says_what_to_install(tmp_path, monkeypatch):
    whole = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name: None if name == "diffusers" else whole(name)
    )
    insist_on_extra.cache_clear()
    with pytest.raises(RequestError) as caught:
        LocalEngines(tmp_path).synthesizer(void_pass1(), Job())
    insist_on_extra.cache_clear()
    assert caught.value.code == "engine-not-installed"
    assert "void-audit[void]" in caught.value.hint
