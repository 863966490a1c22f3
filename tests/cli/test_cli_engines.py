"""The engines that run anywhere: what they say of themselves, and that a model file is checked."""

from __future__ import annotations

import importlib.util

import pytest

from void_audit.cli.engines import LocalEngines, insist_on_extra
from void_audit.errors import RequestError, WeightsError
from void_audit.model.plan import (
    DeemphasizeSettings,
    FlowRefineSettings,
    NoRefineSettings,
    PropagateSettings,
    SuppliedSettings,
)
from void_audit.model.seeing import (
    ClickSettings,
    ContactSettings,
    GeminiSettings,
    OpenAiSettings,
    Sam2Settings,
)
from void_audit.model.void import void_pass1, void_pass2
from void_audit.pipeline.reason import gemini, openai_compatible
from void_audit.pipeline.segment.sam2 import packages
from void_audit.pipeline.synthesize.base import Job

EMBEDDED = {
    "contact": lambda engines: engines.reasoner(ContactSettings()),
    "de-emphasize": lambda engines: engines.synthesizer(DeemphasizeSettings(), Job()),
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
        LocalEngines(tmp_path).segmenter(ClickSettings())
    assert (caught.value.code, caught.value.exit_code) == ("weights-missing", 2)
    assert "void-audit models fetch" in caught.value.hint


def test_another_file_in_its_place(tmp_path):
    from void_audit.weights.registry import lookup  # noqa: PLC0415

    (tmp_path / lookup("u2netp").file).write_bytes(b"another")
    with pytest.raises(WeightsError) as caught:
        LocalEngines(tmp_path).segmenter(ClickSettings())
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


def test_a_clip_that_is_put_in(tmp_path):
    engine = LocalEngines(tmp_path).synthesizer(
        SuppliedSettings(clip="0" * 64), Job(supplied=tmp_path / "x.mp4")
    )
    assert (engine.info.name, engine.info.kind, engine.info.weights) == ("supplied", "classical", ())


SERVER = OpenAiSettings(model="qwen3-vl:8b", base_url="http://127.0.0.1:1/v1")
NEEDS = {
    "sam2": (packages, lambda engines: engines.segmenter(Sam2Settings(size="tiny")), "sam2", "--no-deps"),
    "gemini": (gemini, lambda engines: engines.reasoner(GeminiSettings()), "google-genai", "[gemini]"),
    "vlm": (openai_compatible, lambda engines: engines.reasoner(SERVER), "httpx2", "[gemini]"),
}


@pytest.mark.parametrize("name", NEEDS)
def test_what_looks_at_footage_says_what_it_lacks_and_how_to_install_it(tmp_path, monkeypatch, name):
    module, build, package, recipe = NEEDS[name]
    monkeypatch.setattr(module, "find_spec", lambda name: None)
    monkeypatch.setenv("GEMINI_API_KEY", SECRET)
    with pytest.raises(RequestError) as caught:
        build(LocalEngines(tmp_path))
    assert caught.value.code == "engine-not-installed"
    assert package in caught.value.message
    assert recipe in caught.value.hint
    assert SECRET not in str(caught.value)


SECRET = "AIzaSy-not-a-real-key-0123456789"


@pytest.mark.parametrize("given", [None, ""])
def test_gemini_without_a_key_is_not_asked(tmp_path, monkeypatch, given):
    monkeypatch.setenv("VOID_AUDIT_REASONER_KEY", SECRET)  # somebody else's
    monkeypatch.delenv("GEMINI_API_KEY", raising=False)
    if given is not None:
        monkeypatch.setenv("GEMINI_API_KEY", given)
    with pytest.raises(RequestError) as caught:
        LocalEngines(tmp_path).reasoner(GeminiSettings())
    assert (caught.value.code, caught.value.exit_code) == ("reasoner-key", 2)
    assert "GEMINI_API_KEY" in caught.value.hint


@pytest.mark.parametrize(
    ("settings", "key", "code"),
    [
        (GeminiSettings(), "two words, no key", "reasoner-key"),
        (SERVER, "EMPTY", "reasoner-key"),
        (GeminiSettings(model="../files"), SECRET, "reasoner-failed"),
    ],
)
def test_what_cannot_be_asked_is_a_wrong_command(tmp_path, monkeypatch, settings, key, code):
    monkeypatch.setenv("GEMINI_API_KEY", key)
    monkeypatch.setenv("VOID_AUDIT_REASONER_KEY", key)
    with pytest.raises(RequestError) as caught:
        LocalEngines(tmp_path).reasoner(settings)
    assert (caught.value.code, caught.value.exit_code) == (code, 2)
    assert caught.value.hint
    assert key not in str(caught.value)


def test_a_key_is_given_to_no_other_service_and_shown_by_no_engine(tmp_path, monkeypatch):
    monkeypatch.setenv("GEMINI_API_KEY", SECRET)
    for settings in (GeminiSettings(), SERVER):
        reasoner = LocalEngines(tmp_path).reasoner(settings)
        assert SECRET not in repr(vars(reasoner)) + repr(reasoner) + repr(reasoner.info) + repr(
            reasoner.settings
        )
        assert reasoner.info.kind == "model"
    assert LocalEngines(tmp_path).reasoner(GeminiSettings()).info.remote
