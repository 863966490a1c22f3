"""What ``plan`` and ``run`` say when they are done: warnings, measures, and the next command."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from house import FAST, House

from void_audit.cli import results
from void_audit.cli.results import (
    finished_json,
    passes_of,
    plan_of,
    planned_json,
    print_finished,
    print_planned,
    warnings_of,
)
from void_audit.model.geometry import Rect
from void_audit.model.void import execution, void_pass1
from void_audit.policy.pack import builtin


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    return House(tmp_path_factory.mktemp("house"))


@pytest.fixture(scope="module")
def planned(house):
    return house.plan(house.request(), FAST)


@pytest.fixture(scope="module")
def finished(house, planned, tmp_path_factory):
    house.approve(planned.edit)
    return house.run(planned.edit, tmp_path_factory.mktemp("out") / "clean.mp4")


def test_a_plan(house, planned, capsys):
    print_planned(house.workshop, planned)
    said = capsys.readouterr().out
    assert f"Edit {planned.edit}" in said
    assert planned.state.plan.digest in said
    assert "counterfactual dynamics: no" in said
    assert f"Next: void-audit approve {planned.edit}" in said
    facts = planned_json(house.workshop, planned)
    assert facts["digest"] == planned.state.plan.digest
    assert facts["mask"] == planned.state.mask.statistics.model_dump(mode="json")


def test_what_each_pass_will_do_is_said_before_it_is_approved(house, planned):
    plan = plan_of(house.workshop, planned.state)
    size = f"{plan.geometry.width}x{plan.geometry.height}"
    assert passes_of(plan) == [f"Pass 1: scripted-flat, at {size}.", f"Pass 2: scripted-identity, at {size}."]
    alone = plan.model_copy(update={"refiner": plan.refiner.model_copy(update={"name": "none"})})
    assert passes_of(alone)[1] == "Pass 2: none."
    by_model = plan.model_copy(update={"pass1": void_pass1("reference", execution("draft"))})
    said = passes_of(by_model)[0]
    for word in ("12 steps", size, "bfloat16", "draft", "reference", "dynamics: no"):
        assert word in said


def test_a_finished_edit(house, finished, capsys):
    print_finished(house.workshop, finished)
    said = capsys.readouterr().out
    assert "Outside the mask 0 of" in said
    assert finished.delivered.sha256 in said
    assert f"Next: void-audit verify {finished.delivered.path}" in said
    facts = finished_json(house.workshop, finished)
    assert facts["counterfactual_dynamics"] is False
    assert facts["sha256"] == finished.delivered.sha256
    assert Path(facts["picture"]).read_bytes().startswith(b"\x89PNG")


def test_warnings_of_every_stage_are_told(house, finished, capsys):
    state, records = finished.state, dict(finished.state.records)
    for step in ("segmentation", "reasoning", "pass:1", "pass:2"):
        records[step] = records[step].model_copy(update={"warnings": (f"mind \x1b[31mthe {step}",)})
    warned = replace(state, records=records)
    assert len(warnings_of(warned)) == 4
    print_finished(house.workshop, replace(finished, state=warned))
    said = capsys.readouterr().out
    assert said.count("warning: mind") == 4
    assert "\x1b" not in said


def test_a_picture_that_cannot_be_drawn_does_not_undo_the_edit(house, finished, monkeypatch, capsys):
    """The file is delivered by then: the run is a success and says what is missing."""

    def full(*_: object) -> bytes:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(results, "comparison", full)
    assert finished_json(house.workshop, finished)["picture"] is None
    print_finished(house.workshop, finished)
    assert "could not be drawn" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("changes", "told"),
    [({}, False), ({"mask_schema": "brand-safety", "operation": "de-emphasize"}, True)],
)
def test_consequences_for_which_a_schema_has_no_class_are_said_to_be_left_out(house, capsys, changes, told):
    made = house.plan(house.request(f"left-out-{told}", **changes), FAST)
    assert made.state.reasoning.affected
    print_planned(house.workshop, made)
    assert ("is not in the mask: brand-safety has" in capsys.readouterr().out.replace("\n", " ")) is told


def masked(planned, schema):
    """The planned edit with its mask's schema called ``schema``."""
    record = planned.state.mask
    named = record.mask_schema.model_copy(update={"name": schema})
    records = {**planned.state.records, "mask": record.model_copy(update={"mask_schema": named})}
    return replace(planned, state=replace(planned.state, records=records))


@pytest.mark.parametrize(
    ("schema", "active", "asleep"),
    [("localization", (), True), ("localization", ("localization",), False), ("quadmask", (), False)],
)
def test_rules_made_for_a_schema_that_sleep_are_named(house, planned, schema, active, asleep):
    packs = [*(pack for pack in house.workshop.packs if pack.name != "localization"), *map(builtin, active)]
    warnings = planned_json(replace(house.workshop, packs=packs), masked(planned, schema))["warnings"]
    assert any("rule pack 'localization'" in line for line in warnings) is asleep


def test_a_house_schema_that_is_called_like_a_pack_is_not_what_that_is_made_for(house, planned):
    packs = [pack for pack in house.workshop.packs if pack.name != "news"]
    warnings = planned_json(replace(house.workshop, packs=packs), masked(planned, "news"))["warnings"]
    assert not any("rule pack" in line for line in warnings)


def test_a_command_that_goes_on_by_itself_names_no_next_one(house, planned, capsys):
    print_planned(house.workshop, planned, goes_on=True)
    assert "Next:" not in capsys.readouterr().out


def test_a_part_of_the_picture_is_called_one(house, planned, capsys, monkeypatch):
    plan = plan_of(house.workshop, planned.state)
    whole = Rect(x=0, y=0, width=plan.mask.width, height=plan.mask.height)
    for crop, said in ((whole, False), (Rect(x=0, y=0, width=16, height=8), True)):
        cropped = plan.model_copy(update={"geometry": plan.geometry.model_copy(update={"crop": crop})})
        monkeypatch.setattr(results, "plan_of", lambda *_, cropped=cropped: cropped)
        print_planned(house.workshop, planned)
        assert ("part of the picture, 16x8 of" in " ".join(capsys.readouterr().out.split())) is said
