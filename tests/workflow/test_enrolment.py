"""Key events: who may write them, that doing them again changes nothing, and that they never race."""

from __future__ import annotations

import threading

import pytest
from house import House
from simulator.studio import START

from void_audit.errors import DeniedError, IdentityError, LedgerError, OrderError, StorageError
from void_audit.identity.keys import create, key_id
from void_audit.ledger.log import Ledger
from void_audit.model.records import Approval, Intent, Role
from void_audit.workflow import enrolment
from void_audit.workflow.enrolment import enrol, insist_on_role, registry_of, revoke, rotate, suspect


def add(house, name, *roles, signer="admin"):
    people = house.place.people
    public = people.public_der(name) if name in people.names() else people.add(name, None).public_der
    enrol(
        house.place.writing, house.place.blobs, house.place.person(signer), name, public, roles, house.clock()
    )
    return public


def drop(house, name, signer="admin"):
    public = house.place.people.public_der(name)
    revoke(house.place.writing, house.place.blobs, house.place.person(signer), name, public, house.clock())


def roles(house, name):
    log = house.place.writing
    return registry_of(log).roles_at(house.place.person(name).key_id, log.size)


def test_enrolling_again_changes_nothing(house):
    add(house, "again", Role.EDITOR, Role.APPROVER)
    size = house.place.writing.size
    add(house, "again", Role.APPROVER, Role.EDITOR)
    assert house.place.writing.size == size
    assert roles(house, "again") == {Role.EDITOR, Role.APPROVER}


def test_other_roles_are_an_error_and_not_silence(house):
    add(house, "fixed", Role.EDITOR)
    with pytest.raises(IdentityError) as caught:
        add(house, "fixed", Role.APPROVER)
    assert (caught.value.code, caught.value.exit_code) == ("key-enrolled", 2)
    assert roles(house, "fixed") == {Role.EDITOR}


@pytest.mark.parametrize("signer", ["lois", "perry"])
def test_only_an_administrator(house, signer):
    size = house.place.writing.size
    with pytest.raises(DeniedError) as caught:
        add(house, f"by-{signer}", Role.ADMIN, signer=signer)
    assert (caught.value.code, caught.value.exit_code) == ("role-missing", 4)
    with pytest.raises(DeniedError):
        drop(house, "admin", signer=signer)
    assert house.place.writing.size == size


def test_nobody_promotes_themselves(house):
    with pytest.raises(DeniedError):
        add(house, "lois", Role.ADMIN, signer="lois")
    assert roles(house, "lois") == {Role.EDITOR}


def test_a_revoked_key_never_returns(house):
    add(house, "gone", Role.EDITOR)
    drop(house, "gone")
    size = house.place.writing.size
    drop(house, "gone")  # again: nothing
    assert (house.place.writing.size, roles(house, "gone")) == (size, frozenset())
    with pytest.raises(IdentityError) as caught:
        add(house, "gone", Role.EDITOR)
    assert caught.value.code == "key-revoked"


def test_a_key_that_was_never_enrolled_is_not_revoked(house):
    house.place.people.add("never", None)
    with pytest.raises(IdentityError) as caught:
        drop(house, "never")
    assert caught.value.code == "key-not-enrolled"


def test_the_log_keeps_an_administrator(house):
    with pytest.raises(DeniedError) as caught:
        drop(house, "admin")
    assert caught.value.code == "key-revokes-itself"
    assert Role.ADMIN in roles(house, "admin")


def test_a_revoked_administrator_enrols_nobody(own):
    add(own, "second", Role.ADMIN)
    drop(own, "admin", signer="second")
    with pytest.raises(DeniedError):
        add(own, "late", Role.EDITOR)
    add(own, "late", Role.EDITOR, signer="second")


def test_a_name_is_a_salted_blob_and_not_in_the_log(house):
    add(house, "cat-grant", Role.EDITOR)
    event = list(house.place.writing.key_events())[-1]
    assert b"cat-grant" not in event.envelope
    holder = event.statement.predicate.holder
    assert holder.salted
    assert house.place.blobs.read(holder) == b"cat-grant"


def test_the_first_event_enrols_its_own_signer(own, tmp_path):
    log_key, other = own.place._service_key("log"), create(tmp_path / "other.pem", None)
    empty = Ledger.create(tmp_path / "empty", "planet/void-audit/1", log_key, tmp_path / "empty.mark")
    admin = own.place.person("admin")
    for public, given in ((other.public_der, [Role.ADMIN]), (admin.public_der, [Role.EDITOR])):
        with pytest.raises(LedgerError) as caught:
            enrol(empty, own.place.blobs, admin, "first", public, given, START)
        assert caught.value.code == "key-event-unauthorised"
    assert empty.size == 0
    enrol(empty, own.place.blobs, admin, "first", admin.public_der, [Role.ADMIN], START)
    assert empty.size == 1


def test_two_administrators_at_once(own: House):
    """Each key event names the one before it: two drafted on the same log must not both be written."""
    publics = {name: own.place.people.add(name, None).public_der for name in ("one", "two", "three", "four")}
    barrier, errors = threading.Barrier(len(publics)), []
    place = own.place

    def enrol_one(name: str) -> None:
        log = Ledger.open(place.folder / "ledger", place._service_key("log"), place.mark)
        try:
            barrier.wait()
            enrol(log, place.blobs, place.person("admin"), name, publics[name], [Role.EDITOR], START)
        except BaseException as error:  # noqa: BLE001
            errors.append(error)
        finally:
            log.close()

    threads = [threading.Thread(target=enrol_one, args=(name,)) for name in publics]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert all(roles(own, name) == {Role.EDITOR} for name in publics)
    assert place.fsck().ok


def test_an_entry_that_comes_first_makes_it_draft_again(house, monkeypatch):
    add(house, "before", Role.EDITOR)
    real, came = enrolment.registry_of, []

    def late(ledger):
        registry = real(ledger)
        if not came:
            came.append(True)
            add(house, "in-between", Role.EDITOR)
        return registry

    monkeypatch.setattr(enrolment, "registry_of", late)
    add(house, "after", Role.EDITOR)
    monkeypatch.undo()
    assert [roles(house, n) for n in ("before", "in-between", "after")] == [{Role.EDITOR}] * 3


def test_a_log_that_never_rests(house, monkeypatch):
    def moved(*args, **kwargs):
        raise OrderError("ledger-moved", "Moved.", "Again.")

    monkeypatch.setattr(Ledger, "append", moved)
    with pytest.raises(StorageError) as caught:
        add(house, "patient", Role.EDITOR)
    assert caught.value.code == "ledger-busy"


def test_roles_are_asked_for_by_kind_of_record(house):
    log = house.place.writing
    insist_on_role(log, house.place.person("lois").key_id, Intent)
    insist_on_role(log, house.place.person("perry").key_id, Approval)
    for name, kind in (("perry", Intent), ("lois", Approval), ("admin", Intent)):
        with pytest.raises(DeniedError) as caught:
            insist_on_role(log, house.place.person(name).key_id, kind)
        assert caught.value.code == "role-missing"


def test_two_rotations_of_one_key_at_once(own: House):
    """Both drafted on the same log: one is written, the other one is refused, and says why."""
    old = own.place.person("perry")
    news = [create(own.folder / f"{n}.pem", None) for n in range(2)]
    barrier, errors = threading.Barrier(2), []
    place = own.place

    def rotate_one(new) -> None:
        log = Ledger.open(place.folder / "ledger", place._service_key("log"), place.mark)
        try:
            barrier.wait()
            rotate(log, place.blobs, old, new, "perry", START)
        except BaseException as error:  # noqa: BLE001
            errors.append(error)
        finally:
            log.close()

    threads = [threading.Thread(target=rotate_one, args=(new,)) for new in news]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [error.code for error in errors] == ["key-rotated"]
    log = place.writing
    assert sum(bool(registry_of(log).roles_at(new.key_id, log.size)) for new in news) == 1
    assert place.fsck().ok


def test_rotating_again_to_the_same_key_changes_nothing(house):
    old = house.place.people.add("twice", None)
    add(house, "twice", Role.EDITOR)
    new = create(house.folder / "twice-new.pem", None)
    for _ in range(2):
        rotate(house.place.writing, house.place.blobs, old, new, "twice", house.clock())
        size = house.place.writing.size
    assert house.place.writing.size == size
    assert registry_of(house.place.writing).roles_at(new.key_id, size) == {Role.EDITOR}


def test_suspicion_is_an_entry_of_its_own_and_said_once(house):
    public = add(house, "doubted", Role.EDITOR)
    log, admin = house.place.writing, house.place.person("admin")
    for since in (5, 5, 6):
        suspect(log, house.place.blobs, admin, "doubted", public, since, house.clock())
        size = log.size
    assert log.size == size
    assert registry_of(log).suspicions()[key_id(public)].since == 5
    suspect(log, house.place.blobs, admin, "doubted", public, 4, house.clock())
    assert log.size == size + 1
    assert roles(house, "doubted") == {Role.EDITOR}  # nothing ends by it


def test_a_revocation_says_since_when(house):
    public = add(house, "stolen", Role.EDITOR)
    log, admin = house.place.writing, house.place.person("admin")
    revoke(log, house.place.blobs, admin, "stolen", public, house.clock(), 3)
    event = list(log.key_events())[-1].statement.predicate
    assert (event.action, event.compromised_since) == ("revoke", 3)
    assert registry_of(log).suspicions()[key_id(public)].since == 3
