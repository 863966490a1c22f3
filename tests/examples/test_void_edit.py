"""The whole edit of ``examples/crossing`` with the VOID engine, on a tiny model of random weights: clicks to sealed
file, verified, replayed. What it paints is noise by design; what is shown is that all of it is on record."""

from __future__ import annotations

import json
import shlex
import shutil
from pathlib import Path

import pytest
from tiny_void import write_tiny_model
from typer.testing import CliRunner

from void_audit.cli.main import app
from void_audit.weights.registry import lookup
from void_audit.weights.store import default_root

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "crossing"
VOID = "--engine void --steps 2 --model-pixels 12288 --dtype float32 --seed 7"


class Desk:
    """Commands as a person types them, in a folder of their own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.env = {
            "VOID_AUDIT_WORKSPACE": str(folder / "ws"),
            "VOID_AUDIT_MODELS": str(folder / "models"),
            "VOID_AUDIT_PASSPHRASE": None,
        }

    def __call__(self, line: str, code: int = 0):
        result = CliRunner().invoke(app, shlex.split(line), env=self.env)
        assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
        assert result.exit_code == code, f"{line}: {result.exit_code}\n{result.output}"
        return result

    def json(self, line: str, code: int = 0):
        return json.loads(self(f"{line} --json", code).stdout)


@pytest.fixture(scope="module")
def desk(tmp_path_factory) -> Desk:
    folder = tmp_path_factory.mktemp("desk")
    desk = Desk(folder)
    write_tiny_model(folder / "models" / "void")
    u2netp = lookup("u2netp").file
    if not (default_root() / u2netp).exists():
        pytest.skip("the click segmenter's model file is not here: void-audit models fetch")
    shutil.copy(default_root() / u2netp, folder / "models" / u2netp)
    desk("init --no-passphrase --admin perry --organisation 'Daily Planet'")
    desk("keys add lois --role editor")
    desk("keys add jimmy --role approver")
    return desk


@pytest.fixture(scope="module")
def edited(desk):
    """Planned, approved and run."""
    desk(
        "models add void --licence none --origin 'random numbers' --purpose 'A tiny test model: noise by design.'"
    )
    planned = desk.json(f"plan {EXAMPLE} {VOID}")
    for _ in range(planned["approvals_missing"]):
        desk(f"approve {planned['edit']} --as jimmy")
    finished = desk.json(f"run {planned['edit']} --out {desk.folder / 'edited.mp4'}")
    return planned, finished


def records(desk, subject):
    return desk.json(f"history {subject}")["records"]


@pytest.mark.slow
def test_nothing_is_planned_with_files_that_nobody_approved(tmp_path, desk):
    other = Desk(tmp_path)
    other.env = {**desk.env, "VOID_AUDIT_WORKSPACE": str(tmp_path / "ws")}
    other("init --no-passphrase --admin perry --organisation 'Another'")
    other("keys add lois --role editor")
    assert other.json(f"plan {EXAMPLE} {VOID}", 2)["error"]["code"] == "weights-unknown"


@pytest.mark.slow
def test_every_setting_and_digest_is_in_the_plan(edited, desk):
    plan = edited[0]["plan"]
    assert plan["engine"]["kind"] == plan["refiner"]["kind"] == "model"
    assert plan["engine"]["counterfactual_dynamics"] is False  # nobody claimed it for random numbers
    assert "noise by design" in plan["engine"]["description"]
    weights = {w["name"] for w in plan["engine"]["weights"]}
    assert "void/void_pass1.safetensors" in weights
    assert "void/void_pass2.safetensors" in {w["name"] for w in plan["refiner"]["weights"]}
    assert plan["pass1"]["steps"] == plan["pass2"]["steps"] == 2
    assert plan["pass2"]["warp"] == "aligned"
    assert plan["windows"] == {"length": 85, "overlap": 16}
    assert plan["profile"] == "model"
    assert abs(plan["geometry"]["width"] * plan["geometry"]["height"] - 12288) < 1500


@pytest.mark.slow
def test_the_sealed_file_verifies_and_says_how_it_was_made(edited, desk):
    file = edited[1]["file"]
    report = desk.json(f"verify {file} --source {EXAMPLE / 'clip.mp4'}", 0)
    states = {f["obligation"]: f["state"] for f in report["findings"]}
    assert "fail" not in states.values()
    told = json.dumps(records(desk, file))
    for fact in ("device", "attention", "noise"):
        assert fact in told
    assert edited[1]["counterfactual_dynamics"] is False


@pytest.mark.slow
def test_a_stranger_who_does_not_approve_the_model(edited, desk, tmp_path):
    trust = desk.folder / "ws" / "trust"
    stranger = Desk(tmp_path)
    pins = f"--trust {trust / 'root.pem'} --log-key {trust / 'log.vkey'}"
    report = stranger.json(f"verify {edited[1]['file']} {pins}", 1)
    (models,) = [f for f in report["findings"] if f["obligation"] == 11]
    assert models["state"] == "fail"
    assert "not approved" in models["detail"]
    assert "--models" in models["remedy"]
    stranger(f"verify {edited[1]['file']} {pins} --models {trust / 'models.toml'}")


@pytest.mark.slow
def test_it_replays_bit_for_bit(edited, desk):
    report = desk.json(f"replay {edited[0]['edit']}")
    assert report["finding"]["state"] == "pass"
