import dataclasses
import json

import pytest
from clips import write_clip
from desk import CLASSICAL, MODEL, Desk, plan

from void_audit.model.geometry import FrameRange, Rect
from void_audit.model.plan import DeemphasizeSettings, SuppliedSettings
from void_audit.model.void import execution, void_pass1, void_pass2
from void_audit.seal.adapter import read_credentials
from void_audit.seal.base import EditedRegion
from void_audit.seal.definition import changes, manifest_definition


@pytest.fixture(scope="module")
def request_(tmp_path_factory):
    return Desk(tmp_path_factory.mktemp("desk")).request()


def assertions(request):
    return {a["label"]: a for a in manifest_definition(request)["assertions"]}


def with_engine(request, engine, **changes):
    return dataclasses.replace(request, plan=plan(engine), **changes)


def test_what_was_done_and_that_it_is_all(request_):
    actions = assertions(request_)["c2pa.actions.v2"]
    assert actions["created"] is True
    assert [a["action"] for a in actions["data"]["actions"]] == [
        "c2pa.opened",
        "c2pa.deleted",
        "c2pa.transcoded",
    ]
    assert actions["data"]["allActionsIncluded"] is True
    assert "digitalSourceType" not in actions["data"]["actions"][0]  # conformance: not on opened
    assert manifest_definition(request_)["claim_generator_info"][0]["specVersion"] == "2.4.0"


@pytest.mark.parametrize(
    ("engine", "term"), [(CLASSICAL, "composite"), (MODEL, "compositeWithTrainedAlgorithmicMedia")]
)
def test_the_source_type_is_what_the_engine_is(request_, engine, term):
    actions = assertions(with_engine(request_, engine))["c2pa.actions.v2"]["data"]["actions"]
    for action in actions[1:]:
        assert action["digitalSourceType"] == f"http://cv.iptc.org/newscodes/digitalsourcetype/{term}"


def test_a_model_that_only_refines_still_makes_pixels(request_):
    refined = dataclasses.replace(request_, plan=plan().model_copy(update={"refiner": MODEL}))
    found = assertions(refined)
    assert "WithTrained" in found["c2pa.actions.v2"]["data"]["actions"][1]["digitalSourceType"]
    assert found["c2pa.ai-disclosure"]["data"]["modelName"] == "void 1"


def test_the_classical_engine_says_what_it_is_and_discloses_no_ai(request_):
    found = assertions(request_)
    deleted = found["c2pa.actions.v2"]["data"]["actions"][1]
    assert "no generative model" in deleted["description"]
    assert "counterfactual dynamics: no" in deleted["description"]
    assert deleted["parameters"]["org.voidaudit.counterfactualDynamics"] == "no"
    assert "c2pa.ai-disclosure" not in found


@pytest.mark.parametrize(("approved", "level"), [(True, "human_validated"), (False, "prompt_guided")])
def test_validated_by_people_only_if_approved(request_, approved, level):
    found = assertions(with_engine(request_, MODEL, approved=approved))
    disclosure = found["c2pa.ai-disclosure"]["data"]
    assert disclosure["contentProfile"]["humanOversightLevel"] == level
    assert disclosure["modelIdentifier"] == "sha256:" + "9" * 64
    deleted = found["c2pa.actions.v2"]["data"]["actions"][1]
    assert deleted["parameters"]["org.voidaudit.humanOversight"] == level
    assert "counterfactual dynamics: yes" in deleted["description"]


def test_names_of_our_own_hold_a_dot_and_no_role_is_written(request_):
    deleted = assertions(request_)["c2pa.actions.v2"]["data"]["actions"][1]
    assert all("." in name for name in deleted["parameters"])
    assert '"role"' not in json.dumps(deleted["changes"])


def test_regions_in_seconds_and_pixels():
    region = EditedRegion(FrameRange(start=30, stop=61), Rect(x=1, y=2, width=3, height=4))
    (change,) = changes([region], "30000/1001")
    temporal, spatial = change["region"]
    assert temporal["time"] == {"type": "npt", "start": "1.001", "end": "2.035367"}
    assert spatial["shape"]["origin"] == {"x": 1.0, "y": 2.0}
    assert change["description"] == "frames 30 to 60"


def test_weights_travel_with_the_agent(request_):
    agents = assertions(with_engine(request_, MODEL))["c2pa.actions.v2"]["data"]["softwareAgents"]
    assert agents[0]["org.voidaudit.weights"] == ["transformer sha256:" + "9" * 64]
    assert [a["name"] for a in agents] == ["void", "flow-refine"]


def test_how_a_model_was_computed_is_said_where_there_was_one(request_):
    def parameters(request):
        return assertions(request)["c2pa.actions.v2"]["data"]["actions"][1]["parameters"]

    assert not {"org.voidaudit.execution", "org.voidaudit.numerics"} & set(parameters(request_))
    passes = {"pass1": void_pass1(how=execution("draft")), "pass2": void_pass2("reference")}
    by_model = dataclasses.replace(request_, plan=plan(MODEL).model_copy(update=passes))
    assert parameters(by_model)["org.voidaudit.execution"] == "draft, resident"
    assert parameters(by_model)["org.voidaudit.numerics"] == "corrected, reference"


def other(request, pass1, **changes):
    changed = plan().model_copy(update={"pass1": pass1})
    return dataclasses.replace(request, plan=changed, **changes)


TONED, PLACED = DeemphasizeSettings(), SuppliedSettings(clip="8" * 64)


@pytest.mark.parametrize(
    ("pass1", "removed", "done", "term"),
    [
        (TONED, False, ["c2pa.filtered"], "algorithmicallyEnhanced"),
        (TONED, True, ["c2pa.filtered", "c2pa.deleted"], "composite"),
        (PLACED, False, ["c2pa.placed"], "composite"),
    ],
)
def test_a_deletion_is_claimed_only_where_something_was_taken_away(request_, pass1, removed, done, term):
    actions = assertions(other(request_, pass1, removed=removed))["c2pa.actions.v2"]["data"]["actions"]
    assert [a["action"] for a in actions] == ["c2pa.opened", *done, "c2pa.transcoded"]
    for action in actions[1:-1]:
        assert action["digitalSourceType"].endswith("/" + term)
        assert action["parameters"]["org.voidaudit.mask"] == plan().mask.root
        assert action["changes"]
    if "c2pa.deleted" not in done:
        assert "removed" not in actions[1]["description"]


def test_the_clip_that_was_put_in_is_a_component_of_the_sealed_file(tmp_path):
    desk = Desk(tmp_path / "desk")
    supplied = write_clip(tmp_path / "mouth.mp4", frames=5)
    changed = plan().model_copy(update={"pass1": PLACED})
    sealed = desk.seal(plan=changed, removed=False, supplied=supplied)
    manifest = read_credentials(sealed, desk.chain.root_pem, None).manifest
    found = {i["title"]: i["relationship"] for i in manifest["ingredients"]}
    assert found["supplied clip"] == "componentOf"
    assert list(found.values()).count("parentOf") == 1
    (placed,) = [a for a in actions_of(manifest) if a["action"] == "c2pa.placed"]
    assert placed["parameters"]["ingredients"] or placed["parameters"]["ingredientIds"]


def actions_of(manifest):
    return next(a for a in manifest["assertions"] if a["label"] == "c2pa.actions.v2")["data"]["actions"]
