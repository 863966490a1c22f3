"""Real footage to a verified file: the sample clips beside the checkout, on the embedded engines.

Skipped where the clips are absent. Each VOID sequence folder is taken as it is, with its own mask; two clips
are also edited from their published clicks.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from void_audit.audit.evidence import Pins
from void_audit.audit.verify import verify
from void_audit.cli.workspace import Workspace, create_workspace
from void_audit.model.records import Role
from void_audit.model.report import REQUIRED, State
from void_audit.settings import Environment, WorkspaceSettings
from void_audit.weights.registry import approved
from void_audit.workflow.approving import approve
from void_audit.workflow.drafting import Choices
from void_audit.workflow.enrolment import enrol
from void_audit.workflow.planning import plan_request
from void_audit.workflow.request_folder import Given, read_request
from void_audit.workflow.running import run_edit

SAMPLES = Path(__file__).resolve().parents[2] / ".." / "shared" / "samples"
NAMES = ("lime", "moving_ball", "ducky-float")
GIVEN = Given(options={"requester": "lois", "purpose": "trying out", "asset_class": "entertainment"})

pytestmark = [
    pytest.mark.slow,
    pytest.mark.samples,
    pytest.mark.skipif(not SAMPLES.is_dir(), reason="the sample clips are not beside this checkout"),
]


@pytest.fixture
def place(tmp_path) -> Workspace:
    place = Workspace(tmp_path / "ws", Environment().models(), lambda holder: None)
    settings = WorkspaceSettings(organisation="Samples", origin="samples/0", packs=("base",))
    create_workspace(place, settings, "admin")
    place = Workspace(place.folder, place.models, place.ask)
    for name, role in (("lois", Role.EDITOR), ("perry", Role.APPROVER), ("jimmy", Role.APPROVER)):
        key = place.people.add(name, None)
        enrol(place.writing, place.blobs, place.person("admin"), name, key.public_der, [role], place.clock())
    return place


def edited(place: Workspace, folder: Path, profile: str, out: Path):
    """The whole story, with as many approvals as policy asks for."""
    studio = place.studio()
    planned = plan_request(
        studio, read_request(folder, GIVEN), place.person("lois"), Choices(profile=profile)
    )
    for name in ("perry", "jimmy")[: planned.state.approvals_missing]:
        approve(studio, planned.edit, place.person(name))
    return run_edit(studio, planned.edit, out)


def check(place: Workspace, finished, source: Path) -> None:
    """Nothing fails, everything required passes, and outside the mask it is the source."""
    pins = Pins(place.trust_pem(), place.log_vkey(), approved_weights=approved)
    report = verify(finished.delivered.path, pins, source)
    answers = {int(f.obligation): f.state for f in report.findings}
    assert report.exit_code == 0, [f.detail for f in report.findings if f.state is State.FAIL]
    assert {n for n, s in answers.items() if s is State.PASS} >= REQUIRED | {2, 3, 12}
    assert finished.state.composite.keep_samples_changed == 0


@pytest.mark.parametrize("profile", ["384p", "native"])
@pytest.mark.parametrize("name", NAMES)
def test_a_sequence_folder_as_it_is(place, tmp_path, name, profile):
    finished = edited(place, SAMPLES / name, profile, tmp_path / "out.mp4")
    check(place, finished, SAMPLES / name / "input_video.mp4")
    info = finished.state.source.clip
    assert finished.state.output.clip.size == info.size
    assert finished.state.output.clip.frames == info.frames


@pytest.mark.parametrize("name", ["lime", "ducky-float"])
def test_from_the_published_clicks(place, tmp_path, name):
    request = tmp_path / "request"
    request.mkdir()
    for part in ("input_video.mp4", "prompt.json"):
        shutil.copy(SAMPLES / name / part, request / part)
    published = json.loads((SAMPLES / name / "segmentation_info.json").read_text())["points_by_frame"]
    clicks = [{"frame": int(frame), "x": x, "y": y} for frame, points in published.items() for x, y in points]
    fields = {"object": name, "instruction": "Remove the clicked object.", "clicks": clicks}
    (request / "edit.yaml").write_text(json.dumps(fields))
    finished = edited(place, request, "384p", tmp_path / "out.mp4")
    check(place, finished, request / "input_video.mp4")
    assert finished.state.segmentation is not None
    assert finished.state.reasoning is not None
