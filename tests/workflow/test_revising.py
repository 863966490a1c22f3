"""People correct masks and prompts: signed revisions with a parent; what was approved no longer counts."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from house import FAST, STORY, UPTO_PLAN
from simulator.studio import SIZE, consequences, states

from void_audit.canon.mask import mask_identity
from void_audit.errors import DeniedError, MaskError, OrderError, RequestError, VoidAuditError
from void_audit.ledger.fsck import fsck
from void_audit.media.maskfile import MaskFile, write_masks
from void_audit.model.geometry import FrameRange
from void_audit.model.mask import MaskClass
from void_audit.model.mask_edit import CellsEdit, CopyEdit, MaskEdits, Point, StrokeEdit
from void_audit.model.reasoning import Cell, Grid
from void_audit.model.records import Role
from void_audit.model.report import State
from void_audit.pipeline.reason.scripted import ScriptedReasoner
from void_audit.workflow.approving import approve, reject
from void_audit.workflow.enrolment import enrol
from void_audit.workflow.masking import stored_mask
from void_audit.workflow.material import recorded_request
from void_audit.workflow.planning import replan
from void_audit.workflow.recorder import Recorder
from void_audit.workflow.revising import (
    edit_mask,
    masks_of,
    proposed_prompt,
    replace_mask,
    revert_mask,
    revise_prompt,
)

ALL = FrameRange(start=0, stop=6)
DOT = MaskEdits(
    operations=(StrokeEdit(frames=ALL, points=(Point(x=70, y=10),), radius=4, to="remove"),), note="a speck"
)
CELLS = MaskEdits(
    operations=(
        CellsEdit(frames=ALL, grid=Grid(rows=8, cols=12), cells=(Cell(row=0, col=0),), to="affected"),
    )
)


def pictures(house, edit):
    return [c.copy() for c in stored_mask(Recorder(house.workshop, edit)).classes()]


def revised(house, edit, edits=DOT, name="lois"):
    return edit_mask(house.workshop, edit, house.place.person(name), edits)


def test_a_revision_is_signed_by_its_maker_and_names_its_parent(house):
    edit = house.planned("revision")
    before = Recorder(house.workshop, edit).state.mask
    state = revised(house, edit)
    record = state.mask
    assert house.steps(edit) == [*UPTO_PLAN, "mask-revision"]
    assert (record.parent, record.origin) == (before.identity.root, "edited")
    assert MaskEdits.model_validate_json(house.place.blobs.read(record.edits)) == DOT
    assert record.edits.salted
    (entry,) = [e for e in house.place.writing.entries(edit=edit) if e.statement.predicate == record]
    assert entry.key_ids == (house.place.person("lois").key_id,)
    assert state.revisions == 1


def test_nothing_is_overwritten(house):
    edit = house.planned("kept")
    first = pictures(house, edit)
    revised(house, edit)
    revised(house, edit, CELLS)
    states = masks_of(house.place.writing, edit)
    stored = MaskFile(house.place.blobs.path(states[0].mask), states[0].mask_schema.values)
    assert all(np.array_equal(a, b) for a, b in zip(stored.classes(), first, strict=True))
    assert [s.identity.root for s in states[:-1]] == [s.parent for s in states[1:]]
    for state in states:
        assert mask_identity(MaskFile(house.place.blobs.path(state.mask)))[0] == state.identity


def test_the_mask_is_the_revised_one_from_then_on(house):
    edit = house.planned("from then on")
    before = pictures(house, edit)
    state = revised(house, edit)
    after = pictures(house, edit)
    changed = [a != b for a, b in zip(before, after, strict=True)]
    assert all(c[10, 70] for c in changed)
    assert all(a[10, 70] == MaskClass.REMOVE for a in after)
    assert state.mask.changed_percent_max == pytest.approx(100 * max(c.mean() for c in changed))
    plan = replan(house.workshop, edit, FAST).state
    assert plan.mask == state.mask


class TestApprovals:
    def test_they_lapse_and_the_new_plan_needs_them_again(self, house):
        edit = house.approved("lapse")
        revised(house, edit)
        for work in (house.run, house.approve):
            with pytest.raises(OrderError) as caught:
                work(edit)
            assert caught.value.code == "plan-stale"
        replan(house.workshop, edit, FAST)
        with pytest.raises(DeniedError) as caught:
            house.run(edit)
        assert caught.value.code == "approvals-missing"
        house.approve(edit)
        assert house.run(edit, house.folder / "lapse.mp4").delivered.path.exists()

    def test_they_lapse_also_where_the_correction_was_taken_back(self, house):
        edit = house.approved("taken back")
        before = Recorder(house.workshop, edit).state
        revised(house, edit)
        (stroke,) = DOT.operations
        revised(house, edit, MaskEdits(operations=(stroke.model_copy(update={"mode": "erase"}),)))
        state = replan(house.workshop, edit, FAST).state
        assert (state.mask.identity, state.plan.digest) == (before.mask.identity, before.plan.digest)
        assert state.approvals_missing
        house.approve(edit)
        assert house.run(edit, house.folder / "back.mp4").delivered.path.exists()

    def test_who_revised_cannot_approve(self, own):
        key = own.place.people.add("both", None)
        admin = own.place.person("admin")
        roles = [Role.EDITOR, Role.APPROVER]
        enrol(own.place.writing, own.place.blobs, admin, "both", key.public_der, roles, own.clock())
        edit = own.planned()
        revised(own, edit, name="both")
        replan(own.workshop, edit, FAST)
        with pytest.raises(DeniedError) as caught:
            approve(own.workshop, edit, own.place.person("both"))
        assert caught.value.code == "approver-is-reviser"


class TestRefused:
    def test_by_people_without_the_role(self, house):
        edit = house.planned("roles")
        with pytest.raises(DeniedError) as caught:
            revised(house, edit, name="perry")
        assert caught.value.code == "role-missing"
        assert house.steps(edit) == UPTO_PLAN

    def test_once_pixels_are_made(self, house):
        edit = house.approved("made")
        house.run(edit, house.folder / "made.mp4")
        for work in (lambda: revised(house, edit), lambda: prompt(house, edit, "A quiet room.")):
            with pytest.raises(OrderError) as caught:
                work()
            assert caught.value.code == "synthesis-begun"

    def test_after_a_rejection(self, house):
        edit = house.planned("rejected")
        reject(house.workshop, edit, house.place.person("perry"))
        with pytest.raises(DeniedError):
            revised(house, edit)

    def test_before_there_is_a_mask(self, house):
        edit = house.workshop.edits.create("0" * 64)
        with pytest.raises(OrderError) as caught:
            revised(house, edit)
        assert caught.value.code == "revision-too-early"

    def test_where_nothing_changes(self, house):
        edit = house.planned("same")
        same = MaskEdits(operations=(CopyEdit(frames=FrameRange(start=2, stop=3), from_frame=2),))
        with pytest.raises(RequestError) as caught:
            revised(house, edit, same)
        assert caught.value.code == "mask-unchanged"
        assert house.steps(edit) == UPTO_PLAN

    def test_what_does_not_fit_the_mask_leaves_no_trace(self, house):
        edit = house.planned("misfit")
        late = MaskEdits(operations=(CopyEdit(frames=FrameRange(start=5, stop=9), from_frame=0),))
        with pytest.raises(MaskError):
            revised(house, edit, late)
        assert house.steps(edit) == UPTO_PLAN


def test_a_mask_file_is_a_revision_too(house):
    edit = house.planned("file")
    given = [np.full((SIZE.height, SIZE.width), MaskClass.KEEP, np.uint8) for _ in range(6)]
    for picture in given:
        picture[8:24, 8:40] = MaskClass.REMOVE
    path = write_masks(house.folder / "given.mkv", SIZE, given)
    state = replace_mask(house.workshop, edit, house.place.person("lois"), path)
    assert (state.mask.origin, state.mask.edits) == ("imported", None)
    assert all(np.array_equal(a, b) for a, b in zip(pictures(house, edit), given, strict=True))


def prompt(house, edit, text=None, name="lois"):
    return revise_prompt(house.workshop, edit, house.place.person(name), text)


class Proposing(ScriptedReasoner):
    def __init__(self):
        super().__init__(consequences().model_copy(update={"scene_description": "An empty wall in the sun."}))


class TestPrompts:
    def test_a_person_writes_another(self, house):
        edit = house.approved("written")
        state = prompt(house, edit, "A gradient and nothing else.")
        assert recorded_request(Recorder(house.workshop, edit)).background == "A gradient and nothing else."
        assert state.records["prompt-revision"].parent == state.intent.prompt.sha256
        assert state.valid_approvers == frozenset()
        plan = replan(house.workshop, edit, FAST)
        assert house.steps(plan.edit)[-3:] == ["prompt-revision", "plan", "policy-decision:plan"]

    def test_the_proposal_counts_only_once_it_is_confirmed(self, own):
        class Engines(type(own.engines)):
            def reasoner(self, settings):
                return Proposing()

        own.workshop = replace(own.workshop, engines=Engines())
        edit = own.planned()
        recorder = Recorder(own.workshop, edit)
        assert proposed_prompt(recorder) == "An empty wall in the sun."
        assert recorded_request(recorder).background == "An empty gradient without a square."
        state = prompt(own, edit)
        assert state.records["prompt-revision"].origin == "proposed"
        assert recorded_request(Recorder(own.workshop, edit)).background == "An empty wall in the sun."

    @pytest.mark.parametrize(
        ("text", "code"),
        [
            (None, "prompt-proposal"),
            ("An empty gradient without a square.", "prompt-unchanged"),
            ("!", "prompt-empty"),
        ],
    )
    def test_refused(self, house, text, code):
        edit = house.planned("refused")
        with pytest.raises(RequestError) as caught:
            prompt(house, edit, text)
        assert caught.value.code == code
        assert house.steps(edit) == UPTO_PLAN


def test_a_revised_edit_is_run_sealed_and_verified(own):
    edit = own.planned()
    revised(own, edit)
    prompt(own, edit, "A gradient and nothing else.")
    revised(own, edit, CELLS)
    replan(own.workshop, edit, FAST)
    own.approve(edit)
    out = own.folder / "edited.mp4"
    own.run(edit, out)
    report = own.sealed(out).verify(source=True, receipt=True)
    answers = states(report)
    assert State.FAIL not in answers.values()
    assert all(answers[n] is State.PASS for n in (2, 3, 4, 7, 8, 9, 10, 12))
    mask = next(f for f in report.findings if int(f.obligation) == 10)
    assert "revised by hand 2 time(s)" in mask.detail
    own.place.writing.close()
    assert fsck(own.place.folder / "ledger", own.place.log_vkey(), own.place.blobs).ok
    assert own.steps(edit)[-7:] == STORY[-7:]


class TestTakenAgain:
    """A correction is taken back by one more: nothing is overwritten, and that too can be taken back."""

    def test_an_earlier_mask_is_a_revision_with_the_newest_as_its_parent(self, house):
        edit = house.approved("taken again")
        first = pictures(house, edit)
        second = revised(house, edit).mask
        state = revert_mask(house.workshop, edit, house.place.person("lois"), 0)
        record = state.mask
        assert (record.parent, record.origin, record.edits) == (second.identity.root, "edited", None)
        assert record.changes[0].startswith("Mask 0 of this edit")
        assert record.identity == masks_of(house.place.writing, edit)[0].identity
        assert all(np.array_equal(a, b) for a, b in zip(pictures(house, edit), first, strict=True))
        assert record.changed_percent_max == second.changed_percent_max > 0
        assert (state.revisions, state.valid_approvers) == (2, frozenset())
        again = revert_mask(house.workshop, edit, house.place.person("lois"), 1)
        assert again.mask.identity == second.identity
        assert house.steps(edit)[-3:] == ["mask-revision"] * 3

    def test_the_edit_goes_on_from_it_and_verifies(self, own):
        edit = own.planned()
        revised(own, edit)
        revert_mask(own.workshop, edit, own.place.person("lois"), 0)
        replan(own.workshop, edit, FAST)
        own.approve(edit)
        out = own.folder / "taken.mp4"
        own.run(edit, out)
        report = own.sealed(out).verify(source=True, receipt=True)
        assert State.FAIL not in states(report).values()
        assert "revised by hand 2 time(s)" in next(
            f.detail for f in report.findings if int(f.obligation) == 10
        )

    @pytest.mark.parametrize(
        ("number", "error", "code"),
        [(1, RequestError, "mask-unchanged"), (2, RequestError, "revision-unknown"),
         (-1, RequestError, "revision-unknown"), (10**9, RequestError, "revision-unknown")],
    )  # fmt: skip
    def test_what_cannot_be_taken_again(self, house, number, error, code):
        edit = house.planned(f"not {number}")
        revised(house, edit)
        with pytest.raises(error) as caught:
            revert_mask(house.workshop, edit, house.place.person("lois"), number)
        assert caught.value.code == code
        assert (number == 1) == ("the newest mask, 1, is the same" in caught.value.hint)
        assert house.steps(edit)[-1] == "mask-revision"

    def test_a_mask_whose_pictures_are_gone_is_not_taken_again(self, own):
        edit = own.planned()
        first = masks_of(own.place.writing, edit)[0]
        revised(own, edit)
        own.place.blobs.path(first.mask).unlink()
        with pytest.raises(VoidAuditError) as caught:
            revert_mask(own.workshop, edit, own.place.person("lois"), 0)
        assert caught.value.code == "blob-missing"


class TestTwoAtATime:
    """Whoever was slower is told, if she says at what she looked."""

    def test_a_correction_of_another_mask_than_the_newest(self, house, tmp_path):
        edit = house.planned("two at a time")
        revised(house, edit)
        file = write_masks(tmp_path / "m.mkv", SIZE, pictures(house, edit))
        lois = house.place.person("lois")
        for act in (
            lambda seen: edit_mask(house.workshop, edit, lois, CELLS, seen),
            lambda seen: replace_mask(house.workshop, edit, lois, file, seen=seen),
        ):
            for seen in (0, 2):
                with pytest.raises(OrderError) as caught:
                    act(seen)
                assert caught.value.code == "mask-newer"
        assert edit_mask(house.workshop, edit, lois, CELLS, 1).revisions == 2
