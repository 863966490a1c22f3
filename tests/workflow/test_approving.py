"""Approvals and rejections: who may answer, for which plan, how often."""

from __future__ import annotations

import pytest
from house import COARSER, FAST, STORY

from void_audit.errors import DeniedError, IdentityError, OrderError, WorkspaceError
from void_audit.identity.keys import create
from void_audit.model.records import Role
from void_audit.workflow.approving import approve, reject
from void_audit.workflow.enrolment import enrol, revoke
from void_audit.workflow.planning import replan
from void_audit.workflow.recorder import Recorder


def person(house, name, *roles):
    """The name of a person with these roles."""
    place = house.place
    if name not in place.people.names():
        public, admin = place.people.add(name, None).public_der, place.person("admin")
        enrol(place.writing, place.blobs, admin, name, public, roles, house.clock())
    return name


@pytest.fixture(scope="module")
def waiting(house):
    """A planned edit that nobody succeeds in answering for."""
    return house.planned("waiting")


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
    assert house.steps(edit) == STORY[:11]
    house.approve(edit, "jimmy")
    state = Recorder(house.workshop, edit).state
    assert len(state.valid_approvers) == 2


@pytest.mark.parametrize("role", [Role.COMPLIANCE])
def test_roles_that_may_answer(house, role):
    edit = house.planned(f"may-{role}")
    approve(house.workshop, edit, house.place.person(person(house, f"may-{role}", role)))
    assert house.steps(edit)[-1] == "approval"


@pytest.mark.parametrize("name", ["lois", "admin", "machine"])
def test_roles_that_may_not(house, waiting, answer, name):
    """An editor, were it not their own request; an administrator; the machine."""
    clark = person(house, "clark", Role.EDITOR)
    other = house.planned("clarks", requester=clark) if name == "lois" else waiting
    signer = house.workshop.machine if name == "machine" else house.place.person(name)
    with pytest.raises(DeniedError) as caught:
        answer(house.workshop, other, signer)
    assert (caught.value.code, caught.value.exit_code) == ("role-missing", 4)
    assert house.steps(other) == STORY[:10]


def test_the_requester_cannot_answer_whatever_their_roles(house, answer):
    name = person(house, "both", Role.EDITOR, Role.APPROVER)
    edit = house.planned("boths", requester=name)
    with pytest.raises(DeniedError) as caught:
        answer(house.workshop, edit, house.place.person(name))
    assert caught.value.code == "approver-is-requester"
    assert house.steps(edit) == STORY[:10]


def test_keys_that_were_never_enrolled_or_are_revoked(house, waiting, answer, tmp_path):
    stranger, gone = (
        create(tmp_path / "stranger.pem", None),
        house.place.person(person(house, "gone", Role.APPROVER)),
    )
    place = house.place
    revoke(place.writing, place.blobs, place.person("admin"), "gone", gone.public_der, house.clock())
    for signer in (stranger, gone):
        with pytest.raises(DeniedError) as caught:
            answer(house.workshop, waiting, signer)
        assert caught.value.code == "role-missing"
    assert house.steps(waiting) == STORY[:10]


def test_an_approval_given_before_its_key_was_revoked_stays(house, tmp_path):
    edit = house.planned("revoked-later")
    going = house.place.person(person(house, "going", Role.APPROVER))
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
