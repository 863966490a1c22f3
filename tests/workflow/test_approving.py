"""Approvals and rejections: who may answer, for which plan, how often."""

from __future__ import annotations

import pytest
from house import COARSER, FAST, STORY

from void_audit.errors import DeniedError, IdentityError, OrderError, WorkspaceError
from void_audit.model.records import Role
from void_audit.workflow.approving import approve, reject
from void_audit.workflow.enrolment import enrol, revoke
from void_audit.workflow.planning import replan
from void_audit.workflow.recorder import Recorder


def key(house, name, *roles):
    """A person with these roles."""
    signer = house.place.people.add(name, None)
    admin, place = house.place.person("admin"), house.place
    enrol(place.writing, place.blobs, admin, name, signer.public_der, roles, house.clock())
    return signer


@pytest.fixture(params=[approve, reject])
def answer(request):
    return request.param


def test_an_approval_signs_the_digest_of_the_plan(house):
    edit = house.planned("approve")
    state = approve(house.workshop, edit, house.place.person("perry"), "fine by me")
    record = house.last(edit)
    assert record.plan == state.plan.digest
    assert house.place.blobs.read(record.comment) == b"fine by me"
    assert record.comment.salted
    assert state.approvals_missing == 0


def test_a_person_counts_once(house):
    edit = house.planned("once")
    for _ in range(3):
        house.approve(edit, "perry")
    assert house.steps(edit) == STORY[:9]
    house.approve(edit, "jimmy")
    state = Recorder(house.workshop, edit).state
    assert len(state.valid_approvers) == 2


@pytest.mark.parametrize("role", [Role.COMPLIANCE, Role.APPROVER])
def test_roles_that_may_answer(house, role):
    edit = house.planned(f"may-{role}")
    approve(house.workshop, edit, key(house, f"may-{role}", role))
    assert house.steps(edit)[-1] == "approval"


@pytest.mark.parametrize("role", [Role.EDITOR, Role.ADMIN])
def test_roles_that_may_not(house, answer, role):
    name = f"{answer.__name__}-{role}"
    edit = house.planned(name)
    with pytest.raises(DeniedError) as caught:
        answer(house.workshop, edit, key(house, name, role))
    assert (caught.value.code, caught.value.exit_code) == ("role-missing", 4)
    assert house.steps(edit) == STORY[:8]


def test_the_requester_cannot_answer_whatever_their_roles(house, answer):
    name = f"own-{answer.__name__}"
    both = key(house, name, Role.EDITOR, Role.APPROVER)
    edit = house.planned(name, requester=name)
    with pytest.raises(DeniedError) as caught:
        answer(house.workshop, edit, both)
    assert caught.value.code == "approver-is-requester"
    assert house.steps(edit) == STORY[:8]


def test_a_key_that_was_never_enrolled(house, answer):
    edit = house.planned(f"stranger-{answer.__name__}")
    stranger = house.place.people.add(f"stranger-{answer.__name__}", None)
    with pytest.raises(DeniedError) as caught:
        answer(house.workshop, edit, stranger)
    assert caught.value.code == "role-missing"


def test_a_revoked_key(house):
    edit = house.planned("revoked")
    gone = key(house, "gone", Role.APPROVER)
    place = house.place
    revoke(place.writing, place.blobs, place.person("admin"), "gone", gone.public_der, house.clock())
    with pytest.raises(DeniedError) as caught:
        approve(house.workshop, edit, gone)
    assert caught.value.code == "role-missing"


def test_an_approval_given_before_its_key_was_revoked_stays(house, tmp_path):
    edit = house.planned("revoked-later")
    going = key(house, "going", Role.APPROVER)
    approve(house.workshop, edit, going)
    place = house.place
    revoke(place.writing, place.blobs, place.person("admin"), "going", going.public_der, house.clock())
    finished = house.run(edit, tmp_path / "out.mp4")
    report = house.sealed(finished.delivered.path).verify()
    assert report.exit_code == 0


def test_unknown_edits(house, answer):
    with pytest.raises(WorkspaceError) as caught:
        answer(house.workshop, "0123456789ab", house.place.person("perry"))
    assert caught.value.code == "edit-unknown"


def test_unknown_people(house):
    with pytest.raises(IdentityError):
        house.place.person("nobody")


def test_before_there_is_a_plan(house, answer):
    house.engines.before = lambda name: (_ for _ in ()).throw(RuntimeError)
    with pytest.raises(RuntimeError):
        house.planned(f"early-{answer.__name__}")
    house.engines.before = lambda name: None
    with pytest.raises(OrderError) as caught:
        answer(house.workshop, house.edits()[-1], house.place.person("perry"))
    assert caught.value.code == "plan-missing"


def test_approvals_lapse_when_the_plan_changes_and_do_not_come_back(house):
    edit = house.approved("lapse")
    replan(house.workshop, edit, COARSER)
    with pytest.raises(DeniedError) as caught:
        house.run(edit)
    assert (caught.value.code, caught.value.exit_code) == ("approvals-missing", 4)
    replan(
        house.workshop, edit, FAST
    )  # the first plan again is a new plan record, and needs its own approval
    with pytest.raises(DeniedError):
        house.run(edit)
    house.approve(edit)
    house.run(edit)


def test_a_rejection_ends_the_edit(house):
    edit = house.approved("ended")
    reject(house.workshop, edit, house.place.person("jimmy"), "alters the event")
    assert house.steps(edit)[-1] == "rejection"
    with pytest.raises(DeniedError) as caught:
        house.run(edit)
    assert (caught.value.code, caught.value.exit_code) == ("plan-rejected", 4)
    for act in (approve, reject):
        with pytest.raises(OrderError):
            act(house.workshop, edit, house.place.person("perry"))
    assert house.steps(edit)[-1] == "rejection"
    assert "pass:1" not in house.steps(edit)


def test_nothing_is_answered_once_pixels_are_made(house, answer):
    edit = house.approved(f"late-{answer.__name__}")
    house.run(edit)
    with pytest.raises(OrderError) as caught:
        answer(house.workshop, edit, house.place.person("jimmy"))
    assert caught.value.code == "out-of-order"
