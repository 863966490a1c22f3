"""Options, the workspace's defaults, and which of them wins."""

from __future__ import annotations

import json

import pytest

from void_audit.cli.options import PlanOptions
from void_audit.errors import RequestError
from void_audit.model.plan import (
    DeemphasizeSettings,
    EncoderSettings,
    FlowRefineSettings,
    NoRefineSettings,
    PropagateSettings,
)
from void_audit.workflow.drafting import Choices


def test_choices():
    chosen = PlanOptions(profile="384p", codec="ffv1", crf=7, seed=3).choices()
    assert (chosen.profile, chosen.seed, chosen.encoder) == ("384p", 3, EncoderSettings(codec="ffv1", crf=7))
    assert PlanOptions().choices() == Choices()


def test_any_refiner_follows_any_synthesizer():
    engines = {
        (engine, refiner): PlanOptions(engine=engine, refiner=refiner).choices()
        for engine in ("propagate", "de-emphasize", "supplied", "void")
        for refiner in ("flow-refine", "void", "none", None)
    }  # fmt: skip
    for (engine, refiner), chosen in engines.items():
        assert chosen.pass1.engine == engine
        follows = refiner or ("void" if engine == "void" else None)
        assert (chosen.pass2.engine if chosen.pass2 else None) == follows
        assert chosen.profile == ("model" if "void" in (engine, follows) else "native")
    assert engines["propagate", "none"].pass2 == NoRefineSettings()
    assert engines["void", "flow-refine"].pass2 == FlowRefineSettings()
    assert engines["propagate", "void"].pass1 == PropagateSettings()


def test_what_is_not_chosen_is_left_to_the_request():
    assert PlanOptions().choices().pass1 is None
    assert PlanOptions().choices().pass2 is None
    assert PlanOptions(refiner="none").choices().pass1 is None


def test_how_something_is_toned_down():
    chosen = PlanOptions(engine="de-emphasize", treatment="desaturate", strength=0.4).choices().pass1
    assert chosen == DeemphasizeSettings(treatment="desaturate", strength=0.4)
    for option in ({"treatment": "desaturate"}, {"strength": 0.4}):
        for engine in (None, "propagate", "supplied", "void"):
            with pytest.raises(RequestError, match="--engine de-emphasize") as caught:
                PlanOptions(engine=engine, **option).choices()
            assert caught.value.code == "option-unused"


def test_what_is_chosen_for_the_model_is_in_both_passes():
    chosen = PlanOptions(
        engine="void", execution="fast", linears="fp8", numerics="reference", dtype="float32", steps=7,
        flow="raft", model="other",
    ).choices()  # fmt: skip
    assert PlanOptions(engine="void", model_pixels=8192).choices().model_area == 8192
    assert (chosen.windows.length, chosen.windows.overlap) == (85, 16)
    for settings in (chosen.pass1, chosen.pass2):
        assert (settings.model, settings.dtype, settings.steps) == ("other", "float32", 7)
        assert (settings.execution.name, settings.execution.linears) == ("fast", "fp8")
        assert settings.numerics.name == "reference"
    assert (chosen.pass1.mask_levels, chosen.pass2.mask_levels) == (3, 2)
    assert (chosen.pass1.guidance_scale, chosen.pass2.guidance_scale) == (1.0, 6.0)
    assert (chosen.pass2.flow, chosen.pass2.warp) == ("raft", "reference")
    draft = PlanOptions(engine="void", execution="draft").choices()
    assert (draft.pass1.steps, draft.pass2.steps) == (12, 12)
    assert draft.pass1.execution.cache_threshold > 0


@pytest.mark.parametrize(("given", "option"), [
    ({"execution": "draft"}, "--execution draft"),
    ({"steps": 3}, "--steps 3"),
    ({"model_pixels": 4096, "refiner": "none"}, "--model-pixels 4096"),
    ({"engine": "void", "numerics": "reference", "model_pixels": 4096}, "--model-pixels 4096"),
    ({"engine": "void", "linears": "fp8"}, "--linears fp8"),
    ({"engine": "void", "refiner": "none", "flow": "raft"}, "--flow raft"),
])  # fmt: skip
def test_no_option_is_taken_and_then_ignored(given, option):
    with pytest.raises(RequestError, match=option) as caught:
        PlanOptions(**given).choices()
    assert caught.value.code == "option-unused"


def test_a_void_sequence_folder_with_options_and_with_defaults(own):
    """``input_video.mp4``, ``quadmask_0.mp4`` and ``prompt.json``, as VOID's own examples are."""
    folder = own.folder / own.request("sequence")
    (folder / "clip.mp4").rename(folder / "input_video.mp4")
    (folder / "edit.yaml").unlink()
    own.refused("policy check sequence", 2, "request-missing")
    (folder / "quadmask_0.mp4").write_bytes(b"looked into later")
    own.refused("policy check sequence", 2, "request-schema")
    own("policy check sequence --requester lois --purpose trailer --asset-class entertainment")
    settings = own.folder / ".void-audit" / "settings.toml"
    defaults = {"requester": "lois", "purpose": "trailer", "asset_class": "evidence"}
    settings.write_text(
        settings.read_text() + "".join(f"{k} = {json.dumps(v)}\n" for k, v in defaults.items())
    )
    own("policy check sequence", 4)
    own("policy check sequence --asset-class archive")


def test_the_folder_wins_over_defaults(own):
    settings = own.folder / ".void-audit" / "settings.toml"
    settings.write_text(settings.read_text() + 'asset_class = "evidence"\n')
    own("policy check request")


def test_settings_that_do_not_parse(own):
    settings = own.folder / ".void-audit" / "settings.toml"
    for text in ("", "nonsense", "organisation = 5", settings.read_text() + "unknown = 1\n"):
        settings.write_text(text)
        for line in ("policy check request", "plan request", "history", "ledger fsck"):
            own.refused(line, 2, "settings-invalid")
