"""Planning: what is refused before anything is recorded, what is recorded as denied, what resumes."""

from __future__ import annotations

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from types import SimpleNamespace

import numpy as np
import pytest
from clips import cut_off, write_clip
from house import COARSER, FAST, STORY, UPTO_PLAN
from simulator.studio import FRAMES, SIZE

from void_audit.errors import (
    ClipError,
    DeniedError,
    IdentityError,
    MaskError,
    OrderError,
    RequestError,
    StorageError,
    WorkspaceError,
)
from void_audit.media.lossless import GrayWriter
from void_audit.media.maskfile import write_masks
from void_audit.model.engine import EngineInfo, WeightsRef
from void_audit.model.geometry import Size
from void_audit.model.request import EditRequest
from void_audit.model.void import execution, void_pass1
from void_audit.policy.pack import builtin
from void_audit.workflow import planning
from void_audit.workflow.approving import reject
from void_audit.workflow.enrolment import revoke
from void_audit.workflow.material import recorded_request
from void_audit.workflow.planning import replan
from void_audit.workflow.recorder import Recorder
from void_audit.workflow.request_folder import read_request


def test_a_plan_is_judged_and_nothing_is_synthesised(house):
    before = house.engines.calls.copy()
    planned = house.plan(house.request("whole"), FAST)
    assert house.steps(planned.edit) == UPTO_PLAN
    assert planned.state.approvals_missing == 1
    assert house.engines.calls - before == {"segment": 1, "reason": 1}


def test_the_request_is_recorded_without_the_requesters_name(house):
    edit = house.planned("nameless")
    recorder = Recorder(house.workshop, edit)
    assert recorded_request(recorder).requester == house.place.person("lois").key_id
    for entry in house.place.writing.entries(edit=edit):
        assert b"lois" not in entry.envelope


SEEN = {"segmentation", "query", "policy-decision:reason", "reasoning"}
"""Steps that an edit with a supplied mask does not have."""


class TestWhatIsRefusedLeavesNothing:
    """Bad input is an error of its own class before an edit is begun."""

    def refused(self, house, folder, error, code):
        size, edits = house.place.writing.size, house.edits()
        with pytest.raises(error) as caught:
            house.plan(folder, FAST)
        assert caught.value.code == code
        assert caught.value.exit_code == (4 if error is DeniedError else 2)
        assert (house.place.writing.size, house.edits()) == (size, edits)

    def test_a_clip_cut_off(self, house):
        folder = house.request("cut-off")
        cut_off(folder / "clip.mp4")
        with pytest.raises(ClipError) as caught:
            house.plan(folder, FAST)
        assert caught.value.exit_code == 2

    def test_a_clip_that_is_none(self, house):
        folder = house.request("no-clip")
        (folder / "clip.mp4").write_bytes(b"")
        self.refused(house, folder, ClipError, "clip-not-video")

    @pytest.mark.parametrize(
        ("click", "code"),
        [
            ({"frame": FRAMES, "x": 1, "y": 1}, "click-outside-clip"),
            ({"frame": 0, "x": SIZE.width, "y": 1}, "click-outside-frame"),
            ({"frame": 0, "x": 1, "y": SIZE.height}, "click-outside-frame"),
            ({"frame": 0, "x": 100000.5, "y": 1}, "click-outside-frame"),
        ],
    )
    def test_clicks_outside(self, house, click, code):
        folder = house.request("clicks", clicks=[{"frame": 0, "x": 30, "y": 28}, click])
        self.refused(house, folder, RequestError, code)

    @pytest.mark.parametrize("name", ["perry", "admin"])
    def test_a_requester_without_the_role(self, house, name):
        """Their intent would be a record that no checker accepts."""
        self.refused(house, house.request("perrys", requester=name), DeniedError, "role-missing")

    @pytest.mark.parametrize(
        ("name", "code"),
        [("nobody", "person-unknown"), ("../log", "name-unusable"), ("a b", "name-unusable")],
    )
    def test_a_requester_without_a_key(self, house, name, code):
        self.refused(house, house.request("unknown", requester=name), IdentityError, code)

    def test_a_revoked_requester(self, own):
        public = own.place.people.public_der("lois")
        revoke(own.place.writing, own.place.blobs, own.place.person("admin"), "lois", public, own.clock())
        self.refused(own, own.request(), DeniedError, "role-missing")


class TestSuppliedMask:
    @pytest.fixture
    def folder(self, house, request):
        return house.request(f"mask-{request.node.name[:60]}", clicks=[])

    def classes(self, frames=FRAMES, size=SIZE):
        picture = np.full((size.height, size.width), 3, np.uint8)
        picture[16:40, 20:44] = 0
        return [picture] * frames

    def test_it_is_taken_as_it_is_also_after_a_wrong_one(self, house, folder):
        write_masks(folder / "quadmask.mkv", SIZE, self.classes(frames=3))
        self.refused(house, folder, "mask-frames")
        write_masks(folder / "quadmask.mkv", SIZE, self.classes())
        planned = house.plan(folder, FAST)
        assert house.steps(planned.edit) == [s for s in UPTO_PLAN if s not in SEEN]
        assert planned.state.mask.origin == "imported"

    def test_wrong_size(self, house, folder):
        small = Size(48, 48)  # another shape, too: a mask in the clip's shape is scaled
        write_masks(folder / "quadmask.mkv", small, self.classes(size=small))
        self.refused(house, folder, "mask-size")

    @pytest.mark.parametrize("frames", [FRAMES - 1, FRAMES + 1])
    def test_wrong_number_of_frames(self, house, folder, frames):
        write_masks(folder / "quadmask.mkv", SIZE, self.classes(frames))
        self.refused(house, folder, "mask-frames")

    @pytest.mark.parametrize("value", [30, 200])
    def test_a_fifth_value(self, house, folder, value):
        gray = np.full((SIZE.height, SIZE.width), 255, np.uint8)
        gray[16:40, 20:44] = 0
        gray[0:8, 0:8] = value
        with GrayWriter(folder / "quadmask.mkv", SIZE, "24/1") as writer:
            for _ in range(FRAMES):
                writer.write_gray(gray)
        self.refused(house, folder, "mask-values")

    def test_colour(self, house, folder):
        write_clip(folder / "quadmask_0.mp4", width=SIZE.width, height=SIZE.height, frames=FRAMES)
        self.refused(house, folder, "mask-values")

    def test_a_mask_that_opens_nothing(self, house, folder):
        keep = [np.full((SIZE.height, SIZE.width), 3, np.uint8)] * FRAMES
        write_masks(folder / "quadmask.mkv", SIZE, keep)
        with pytest.raises(MaskError) as caught:
            house.plan(folder, FAST)
        assert caught.value.code == "mask-empty"

    def test_a_mask_that_is_no_video(self, house, folder):
        (folder / "quadmask.mkv").write_bytes(b"not a video")
        with pytest.raises(ClipError) as caught:
            house.plan(folder, FAST)
        assert caught.value.exit_code == 2

    def refused(self, house, folder, code):
        """Source and intent are recorded by then; the mask is not."""
        with pytest.raises(MaskError) as caught:
            house.plan(folder, FAST)
        assert (caught.value.code, caught.value.exit_code) == (code, 2)
        assert house.steps(house.edits()[-1]) == STORY[:3]


class TestDenials:
    def test_a_denied_request_is_recorded_and_ends_there(self, own):
        own.workshop = replace(own.workshop, packs=[builtin("base"), builtin("news")])
        folder = own.request(asset_class="news")
        for _ in range(2):  # asked again it is denied again, and nothing is added
            with pytest.raises(DeniedError) as caught:
                own.plan(folder, FAST)
            assert (caught.value.code, caught.value.exit_code) == ("policy-denied", 4)
            assert "N01" in caught.value.message
            assert own.steps(own.edits()[0]) == STORY[:3]
        assert own.last(own.edits()[0]).verdict == "deny"
        assert len(own.edits()) == 1
        assert not own.engines.calls

    def test_without_a_rule_nothing_is_allowed(self, own):
        own.workshop = replace(own.workshop, packs=[])
        with pytest.raises(DeniedError) as caught:
            own.plan(own.request(), FAST)
        assert caught.value.code == "policy-denied"

    def test_an_embargo_that_ends(self, own):
        """Denied today, allowed tomorrow: the same request goes on in the same edit, both answers recorded."""
        tomorrow = own.clock.now + timedelta(days=1)
        folder = own.request(rights={"not_before": tomorrow.isoformat()})
        with pytest.raises(DeniedError):
            own.plan(folder, FAST)
        own.at(tomorrow)
        planned = own.plan(folder, FAST)
        assert planned.resumed
        assert own.steps(planned.edit) == [*STORY[:3], *UPTO_PLAN[2:]]

    def test_rights_that_lapse_before_the_plan(self, own):
        lapse = own.clock.now + timedelta(days=1)
        folder = own.request(rights={"not_after": lapse.isoformat()})
        own.engines.before = lambda name: own.at(lapse + timedelta(days=1)) if name == "reason" else None
        with pytest.raises(DeniedError) as caught:
            own.plan(folder, FAST)
        assert caught.value.code == "policy-denied"
        edit = own.edits()[0]
        assert own.steps(edit) == UPTO_PLAN
        assert own.last(edit).verdict == "deny"
        with pytest.raises(DeniedError):
            own.plan(folder, FAST)
        with pytest.raises(OrderError):
            own.approve(edit)
        assert own.steps(edit) == UPTO_PLAN

    def test_unapproved_weights(self, own):
        class Weighted(type(own.engines)):
            def segmenter(self, settings):
                engine = super().segmenter(settings)
                engine.info = EngineInfo(
                    name="model", version="1", kind="model", description="With a file nobody knows.",
                    weights=(WeightsRef(name="mystery", sha256="7" * 64),),
                )  # fmt: skip
                return engine

        own.workshop = replace(own.workshop, engines=Weighted())
        with pytest.raises(DeniedError) as caught:
            own.plan(own.request(), FAST)
        assert "G05" in caught.value.message

    def foreseen(self, own, rule, choices, **changes):
        """Denied by ``rule`` before anything looked at the footage; the request is on record."""
        folder = own.request("foreseen", **changes)
        with pytest.raises(DeniedError) as caught:
            own.plan(folder, choices)
        assert (caught.value.code, f"base/{rule}: " in caught.value.message) == ("policy-denied", True)
        assert "would deny at stage plan" in caught.value.message
        assert own.steps(own.edits()[-1]) == UPTO_PLAN[:3]
        assert not own.engines.calls
        return folder

    def test_a_draft_for_publication_is_denied_before_anything_is_looked_at(self, own):
        draft = replace(FAST, profile="model", pass1=void_pass1(how=execution("draft")))
        folder = self.foreseen(own, "G05a", draft, distribution=["web"])
        assert own.steps(own.plan(folder, FAST).edit) == UPTO_PLAN  # with other choices it goes on

    def test_so_are_files_of_the_passes_that_nobody_approved(self, own):
        class Weighted(type(own.engines)):
            def synthesizer(self, settings, job):
                weights = (WeightsRef(name="mystery", sha256="7" * 64),)
                info = super().synthesizer(settings, job).info.model_copy(update={"weights": weights})
                return SimpleNamespace(info=info)

        own.workshop = replace(own.workshop, engines=Weighted())
        self.foreseen(own, "G05", FAST)

    def test_a_draft_that_goes_nowhere_is_planned(self, own):
        draft = replace(FAST, profile="model", pass1=void_pass1(how=execution("draft")))
        assert own.steps(own.plan(own.request("look"), draft).edit) == UPTO_PLAN


class TestAgain:
    def test_the_same_request_goes_on_in_the_same_edit(self, house):
        folder = house.request("again")
        first = house.plan(folder, FAST)
        calls = house.engines.calls.copy()
        again = house.plan(folder, FAST)
        assert (again.edit, first.resumed, again.resumed) == (first.edit, False, True)
        assert house.steps(again.edit) == UPTO_PLAN
        assert house.engines.calls == calls

    def test_another_request_is_another_edit(self, house):
        assert house.planned("one") != house.planned("other")

    def test_other_choices_are_another_plan_of_the_same_edit(self, house):
        folder = house.request("choices")
        first = house.plan(folder, FAST)
        house.approve(first.edit)
        other = house.plan(folder, COARSER)
        assert other.edit == first.edit
        assert other.state.plan.digest != first.state.plan.digest
        assert other.state.valid_approvers == frozenset()

    def test_a_rejected_request_begins_anew(self, house):
        folder = house.request("rejected")
        first = house.plan(folder, FAST)
        reject(house.workshop, first.edit, house.place.person("perry"))
        assert house.plan(folder, FAST).edit != first.edit

    def test_a_finished_request_is_finished(self, house, tmp_path):
        """The same command again goes on where it was, also when all is done; other choices are a new edit."""
        folder = house.request("finished")
        edit = house.plan(folder, FAST).edit
        house.approve(edit)
        finished = house.run(edit, tmp_path / "one.mp4")
        calls, steps = house.engines.calls.copy(), house.steps(edit)
        again = house.plan(folder, FAST)
        assert (again.edit, again.resumed) == (edit, True)
        assert house.run(edit, tmp_path / "two.mp4").delivered.sha256 == finished.delivered.sha256
        assert (house.engines.calls, house.steps(edit)) == (calls, steps)
        assert house.plan(folder, COARSER).edit != edit

    def test_choices_are_never_ignored_once_pixels_are_made(self, house):
        folder = house.request("begun")
        edit = house.plan(folder, FAST).edit
        house.approve(edit)
        house.engines.before = lambda name: (_ for _ in ()).throw(RuntimeError) if name == "refine" else None
        with pytest.raises(RuntimeError):
            house.run(edit)
        house.engines.before = lambda name: None
        assert house.steps(edit)[-1] == "pass:1"
        other = house.plan(folder, COARSER)
        assert other.edit != edit
        assert other.state.plan.digest != Recorder(house.workshop, edit).state.plan.digest

    def test_a_plan_after_rights_have_lapsed_is_a_denial(self, own):
        """Not an error of order: the newest answer counts and is recorded."""
        lapse = own.clock.now + timedelta(days=1)
        folder = own.request(rights={"not_after": lapse.isoformat()})
        edit = own.plan(folder, FAST).edit
        own.approve(edit)
        own.at(lapse)
        with pytest.raises(DeniedError) as caught:
            own.plan(folder, FAST)
        assert caught.value.code == "policy-denied"
        assert own.steps(edit) == [*STORY[:11], "policy-decision:plan"]


class TestReplan:
    def test_unknown_edits(self, house):
        for edit in ("0123456789ab", "../x", ""):
            with pytest.raises(WorkspaceError) as caught:
                replan(house.workshop, edit, FAST)
            assert caught.value.code == "edit-unknown"

    def test_the_same_choices_change_nothing(self, house):
        edit = house.approved("replan-same")
        steps = house.steps(edit)
        planned = replan(house.workshop, edit, FAST)
        assert house.steps(edit) == steps
        assert planned.state.approvals_missing == 0

    def test_other_choices_lapse_approvals(self, house):
        edit = house.approved("replan-other")
        assert replan(house.workshop, edit, COARSER).state.approvals_missing == 1
        with pytest.raises(DeniedError) as caught:
            house.run(edit)
        assert caught.value.code == "approvals-missing"
        assert "pass:1" not in house.steps(edit)

    def test_a_rejected_edit(self, house):
        edit = house.planned("replan-rejected")
        reject(house.workshop, edit, house.place.person("perry"))
        for choices in (FAST, COARSER):
            with pytest.raises(DeniedError) as caught:
                replan(house.workshop, edit, choices)
            assert caught.value.code == "plan-rejected"

    def test_a_finished_edit(self, house):
        edit = house.approved("replan-finished")
        house.run(edit)
        for choices in (FAST, COARSER):
            with pytest.raises(OrderError) as caught:
                replan(house.workshop, edit, choices)
            assert caught.value.code == "synthesis-begun"

    def test_before_there_is_a_mask(self, house):
        house.engines.before = lambda name: (_ for _ in ()).throw(RuntimeError)
        with pytest.raises(RuntimeError):
            house.planned("replan-early")
        house.engines.before = lambda name: None
        with pytest.raises(OrderError) as caught:
            replan(house.workshop, house.edits()[-1], FAST)
        assert caught.value.code == "plan-incomplete"


def test_a_busy_edit(house):
    folder = house.request("busy")
    edit = house.plan(folder, FAST).edit
    with house.workshop.edits.lock(edit):
        for act in (
            lambda: house.plan(folder, FAST),
            lambda: house.approve(edit),
            lambda: replan(house.workshop, edit, FAST),
            lambda: house.run(edit),
        ):
            with pytest.raises(OrderError) as caught:
                act()
            assert caught.value.code == "edit-busy"


def test_those_who_plan_the_same_new_request_at_once_make_one_edit(own, monkeypatch):
    folder, before = own.request("at-once"), len(own.edits())
    barrier, real = threading.Barrier(4), planning._insist_on_engines

    def together(*args):  # everybody has looked, and found no edit, before anybody makes one
        barrier.wait(timeout=30)
        real(*args)

    def outcome(number):
        try:
            return own.plan(folder, FAST).edit
        except OrderError as error:
            return error.code

    monkeypatch.setattr(planning, "_insist_on_engines", together)
    with ThreadPoolExecutor(4) as pool:
        outcomes = set(pool.map(outcome, range(4)))
    (edit,) = own.edits()[before:]
    assert edit in outcomes
    assert outcomes <= {edit, "edit-busy"}
    assert own.steps(edit) == UPTO_PLAN


def test_the_fingerprint_is_not_fooled_by_a_clip_that_changes(house):
    folder = house.request("changing")
    first = house.plan(folder, FAST).edit
    write_clip(folder / "clip.mp4", width=SIZE.width, height=SIZE.height, frames=FRAMES, gop=3)
    assert house.plan(folder, FAST).edit != first


def test_what_is_stored_is_what_was_given(house):
    folder = house.request("bytes")
    (folder / "prompt.json").write_text('{ "bg":\t"An empty  gradient." }')
    edit = house.plan(folder, FAST).edit
    state = Recorder(house.workshop, edit).state
    assert house.place.blobs.read(state.intent.prompt) == b'{ "bg":\t"An empty  gradient." }'
    stored = EditRequest.model_validate_json(house.place.blobs.read(state.intent.request))
    given = read_request(folder).request
    assert stored == given.model_copy(update={"requester": state.intent.requester})
    assert json.loads(house.place.blobs.read(state.intent.request))["clicks"]


def test_an_unwritable_workspace_is_said_before_anything_runs(house, monkeypatch):
    folder = house.request("unwritable")
    calls = house.engines.calls.copy()
    with monkeypatch.context() as patch:
        patch.setattr(
            "void_audit.ledger.durable.os.open",
            lambda *a, **k: (_ for _ in ()).throw(PermissionError(13, "no")),
        )
        with pytest.raises(StorageError) as caught:
            house.plan(folder, FAST)
    assert caught.value.code == "storage-unwritable"
    assert house.engines.calls == calls
    assert house.steps(house.plan(folder, FAST).edit) == UPTO_PLAN
