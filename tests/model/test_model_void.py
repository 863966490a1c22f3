"""Profiles and numerics are what they are called: policy and reports go by the names."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from void_audit.model.void import (
    NUMERICS,
    VoidExecution,
    VoidNumerics,
    VoidRefineSettings,
    execution,
    void_pass1,
    void_pass2,
)

PROFILES = ("resident", "small", "fast", "draft")


@pytest.mark.parametrize("name", PROFILES)
def test_a_named_profile_survives_a_plan(name):
    for settings in (void_pass1(how=execution(name)), void_pass2(how=execution(name))):
        assert type(settings).model_validate_json(settings.model_dump_json()) == settings
        assert settings.execution.name == name


def test_only_a_draft_skips_and_only_quick_profiles_round():
    made = {name: execution(name, "fp8") for name in PROFILES}
    assert {n for n, e in made.items() if e.cache_threshold} == {"draft"}
    assert {n for n, e in made.items() if e.linears == "fp8"} == {"fast", "draft"}
    assert {n for n, e in made.items() if e.tile} == {"small"}


@pytest.mark.parametrize(("name", "change"), [
    ("resident", {"cache_threshold": 0.5}), ("small", {"cache_threshold": 0.01}), ("fast", {"cache_threshold": 0.1}),
    ("resident", {"linears": "int8"}), ("small", {"linears": "fp8"}),
])  # fmt: skip
def test_no_other_profile_covers_what_a_draft_does(name, change):
    with pytest.raises(ValidationError, match=name):
        VoidExecution(**{**execution(name).model_dump(), **change})


@pytest.mark.parametrize("name", ["reference", "corrected"])
@pytest.mark.parametrize("field", ["mask_resize", "noise_dtype", "latents_dtype"])
def test_numerics_are_whole(name, field):
    other = NUMERICS["corrected" if name == "reference" else "reference"]
    with pytest.raises(ValidationError, match=name):
        VoidNumerics(**{**NUMERICS[name].model_dump(), field: getattr(other, field)})


def test_a_pass_2_is_not_taken_for_a_pass_1():
    assert isinstance(void_pass2(), VoidRefineSettings)
    with pytest.raises(ValidationError):
        VoidRefineSettings.model_validate_json(void_pass1().model_dump_json())
