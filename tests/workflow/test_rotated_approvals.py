"""The same person with an old and a new key: never two approvers, never the approver of their own request."""

from __future__ import annotations

import pytest

from void_audit.errors import DeniedError, VoidAuditError
from void_audit.model.records import Role
from void_audit.workflow.approving import approve
from void_audit.workflow.enrolment import enrol, registry_of, revoke, rotate
from void_audit.workflow.recorder import Recorder, state_of


def enrolled(house, name, *roles):
    """A key of ``name`` with these roles."""
    key = house.place.people.add(name, None)
    admin = house.place.person("admin")
    enrol(house.place.writing, house.place.blobs, admin, name, key.public_der, roles, house.clock())
    return key


def rotated(house, name):
    """The new key of ``name``, once the log says so."""
    old = house.place.person(name)
    new = house.place.people.begin_rotation(name, None)
    rotate(house.place.writing, house.place.blobs, old, new, name, house.clock())
    house.place.people.finish_rotation(name)
    return new


def denied(code, call, *args):
    with pytest.raises(DeniedError) as caught:
        call(*args)
    assert caught.value.code == code


def test_a_requester_who_rotates_does_not_approve_their_own_request(own):
    enrolled(own, "clark", Role.EDITOR, Role.APPROVER)
    edit = own.planned("clarks", requester="clark")
    new = rotated(own, "clark")
    denied("approver-is-requester", approve, own.workshop, edit, new)
    for _ in range(2):  # nor after another rotation
        denied("approver-is-requester", approve, own.workshop, edit, rotated(own, "clark"))
    assert not Recorder(own.workshop, edit).state.valid_approvers


def test_an_approver_who_rotates_is_still_one_approver(own):
    edit = own.planned("twice")
    own.approve(edit, "perry")
    size = own.place.writing.size
    new = rotated(own, "perry")
    own.approve(edit, "perry")  # with the new key: changes nothing
    assert own.place.writing.size == size + 1  # the rotation alone
    assert state_of(own.place.reading, edit).valid_approvers == {
        registry_of(own.place.reading).holder_of(new.key_id)
    }


def test_a_reviser_who_rotates_does_not_approve(own):
    from void_audit.workflow.revising import revise_prompt  # noqa: PLC0415

    enrolled(own, "clark", Role.EDITOR, Role.APPROVER)
    edit = own.planned("revised")
    revise_prompt(own.workshop, edit, own.place.person("clark"), "An empty street.")
    own.plan(own.folder / "revised")
    denied("approver-is-reviser", approve, own.workshop, edit, rotated(own, "clark"))


def test_an_edit_goes_on_after_its_requester_rotated(own):
    """Their roles are facts of policy: they are those of the new key."""
    edit = own.planned("goes-on")
    rotated(own, "lois")
    own.approve(edit)
    delivered = own.run(edit, own.folder / "goes-on.mp4").delivered
    report = own.sealed(delivered.path).verify(receipt=True)
    assert not [f for f in report.findings if f.state == "fail"], report.findings


def test_the_old_key_signs_nothing_more(own):
    old = own.place.person("lois")
    rotated(own, "lois")
    from void_audit.workflow.drafting import Choices  # noqa: PLC0415
    from void_audit.workflow.planning import plan_request  # noqa: PLC0415
    from void_audit.workflow.request_folder import read_request  # noqa: PLC0415

    with pytest.raises(DeniedError, match="rotated"):
        plan_request(own.workshop, read_request(own.request("late")), old, Choices())


def test_a_machine_whose_key_ended_while_it_ran_writes_nothing_more(own):
    edit = own.approved("machine")
    machine = own.workshop.machine
    new = own.place.services.begin_rotation("machine", None)
    rotate(own.place.writing, own.place.blobs, machine, new, "machine", own.clock())
    size = own.place.writing.size
    with pytest.raises(DeniedError) as caught:
        own.run(edit)
    assert caught.value.code == "key-ended"
    assert own.place.writing.size == size
    own.place.services.finish_rotation("machine")
    again = type(own).reopen(own.folder, own.clock())
    delivered = again.run(edit, own.folder / "machine.mp4").delivered  # the next command has the new key
    report = again.sealed(delivered.path).verify(receipt=True)
    assert not [f for f in report.findings if f.state == "fail"], report.findings


def test_a_revoked_approver_may_not_and_what_they_approved_before_stands(own):
    edit = own.approved("stands")
    perry, admin = own.place.person("perry"), own.place.person("admin")
    revoke(own.place.writing, own.place.blobs, admin, "perry", perry.public_der, own.clock())
    assert own.run(edit).state.valid_approvers
    with pytest.raises(VoidAuditError):
        own.approve(own.planned("not-this"), "perry")
