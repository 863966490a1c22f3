"""The engines that run anywhere: what they say of themselves, and that a model file is checked."""

from __future__ import annotations

import pytest

from void_audit.cli.engines import EmbeddedEngines
from void_audit.errors import WeightsError


@pytest.mark.parametrize("name", ["reasoner", "synthesizer", "refiner"])
def test_they_need_no_file_and_claim_no_more_than_they_can(tmp_path, name):
    info = getattr(EmbeddedEngines(tmp_path), name)().info
    assert info.counterfactual_dynamics is False
    assert info.kind != "model"
    assert info.weights == ()


def test_the_segmenter_needs_its_model_file(tmp_path):
    with pytest.raises(WeightsError) as caught:
        EmbeddedEngines(tmp_path).segmenter()
    assert (caught.value.code, caught.value.exit_code) == ("weights-missing", 2)
    assert "void-audit models fetch" in caught.value.hint


def test_another_file_in_its_place(tmp_path):
    from void_audit.weights.registry import lookup  # noqa: PLC0415

    (tmp_path / lookup("u2netp").file).write_bytes(b"another")
    with pytest.raises(WeightsError) as caught:
        EmbeddedEngines(tmp_path).segmenter()
    assert caught.value.code == "weights-digest"
