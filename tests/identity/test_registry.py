import hashlib
from dataclasses import replace

import pytest

from void_audit.errors import EnvelopeError, LedgerError
from void_audit.identity.registry import EnrolledKey, KeyRegistry
from void_audit.model.records import Role


def test_roles_follow_the_log(chain, admin, ana, bo):
    registry = KeyRegistry.fold(chain.events)
    assert registry.roles_at(admin.key_id, 0) == {Role.ADMIN}
    assert registry.roles_at(ana.key_id, 9) == frozenset()
    assert registry.roles_at(ana.key_id, 10) == {Role.EDITOR}
    assert registry.roles_at(ana.key_id, 29) == {Role.EDITOR}
    assert registry.roles_at(ana.key_id, 30) == frozenset()
    assert registry.roles_at(ana.key_id, 10_000) == frozenset()
    assert registry.roles_at(bo.key_id, 10_000) == {Role.ADMIN, Role.APPROVER}
    assert registry.roles_at("f" * 64, 5) == frozenset()
    assert registry.events == 4
    assert registry.last_leaf_hash == chain.events[-1].leaf_hash


def test_a_revoked_key_still_has_a_public_key(chain, ana):
    assert KeyRegistry.fold(chain.events).public_key(ana.key_id) == ana.public_der
    with pytest.raises(EnvelopeError) as caught:
        KeyRegistry().public_key(ana.key_id)
    assert caught.value.code == "signer-unknown"


def test_an_empty_log_has_no_keys():
    registry = KeyRegistry.fold([])
    assert (registry.events, registry.last_leaf_hash, registry.enrolled) == (0, None, ())


UNAUTHORISED, MALFORMED, BROKEN = "key-event-unauthorised", "key-event-malformed", "key-chain-broken"

NEXT = {
    "not by an admin": (
        lambda c, s: c.event(s["ana"], "enrol", s["eve"], [Role.EDITOR]),
        UNAUTHORISED,
    ),
    "by a stranger": (
        lambda c, s: c.event(s["eve"], "enrol", s["eve"], [Role.ADMIN]),
        UNAUTHORISED,
    ),
    "revoked admin": (
        lambda c, s: c.event(s["gone"], "enrol", s["eve"], [Role.ADMIN]),
        UNAUTHORISED,
    ),
    "revokes itself": (lambda c, s: c.event(s["bo"], "revoke", s["bo"]), UNAUTHORISED),
    "enrolled twice": (lambda c, s: c.event(s["bo"], "enrol", s["bo"], [Role.EDITOR]), "key-enrolled-twice"),
    "comes back": (
        lambda c, s: c.event(s["bo"], "enrol", s["ana"], [Role.EDITOR]),
        "key-enrolled-twice",
    ),
    "revokes unknown": (lambda c, s: c.event(s["bo"], "revoke", s["eve"]), "key-not-enrolled"),
    "revoked twice": (lambda c, s: c.event(s["bo"], "revoke", s["ana"]), "key-not-enrolled"),
    "gap": (lambda c, s: c.event(s["bo"], "enrol", s["eve"], [Role.EDITOR], sequence=9), BROKEN),
    "again 0": (
        lambda c, s: c.event(s["eve"], "enrol", s["eve"], [Role.ADMIN], sequence=0, previous=None),
        BROKEN,
    ),
    "wrong previous": (
        lambda c, s: c.event(s["bo"], "enrol", s["eve"], [Role.EDITOR], previous="a" * 64),
        BROKEN,
    ),
    "goes back": (
        lambda c, s: c.event(s["bo"], "enrol", s["eve"], [Role.EDITOR], index=50),
        "key-event-order",
    ),
    "no roles": (lambda c, s: c.event(s["bo"], "enrol", s["eve"], []), MALFORMED),
    "role twice": (
        lambda c, s: c.event(s["bo"], "enrol", s["eve"], [Role.EDITOR, Role.EDITOR]),
        MALFORMED,
    ),
    "other key id": (
        lambda c, s: c.event(s["bo"], "enrol", s["eve"], [Role.EDITOR], named="b" * 64),
        MALFORMED,
    ),
    "not base64": (
        lambda c, s: c.event(s["bo"], "enrol", s["eve"], [Role.EDITOR], public_key="$$$"),
        MALFORMED,
    ),
    "not ascii": (
        lambda c, s: c.event(s["bo"], "enrol", s["eve"], [Role.EDITOR], public_key="é"),
        MALFORMED,
    ),
    "not a key": (
        lambda c, s: c.event(s["bo"], "enrol", s["eve"], [Role.EDITOR], public_key="eA=="),
        MALFORMED,
    ),
}


@pytest.mark.parametrize("how", NEXT)
def test_a_bad_event_is_refused_and_changes_nothing(chain, admin, ana, bo, how, signer):
    make, code = NEXT[how]
    signers = {"ana": ana, "bo": bo, "eve": signer(4), "gone": admin}
    chain.add(bo, "revoke", admin)  # at 40: the first administrator is gone, bo stays
    chain.add(bo, "enrol", signer(5), [Role.MACHINE])  # at 50
    registry = KeyRegistry.fold(chain.events)
    before = (registry.enrolled, registry.events, registry.last_leaf_hash)
    with pytest.raises(LedgerError) as caught:
        registry.apply(make(chain, signers))
    assert caught.value.code == code
    assert (registry.enrolled, registry.events, registry.last_leaf_hash) == before


FIRST = {
    "no admin": lambda c, a, b: c.event(a, "enrol", a, [Role.EDITOR]),
    "enrols another": lambda c, a, b: c.event(a, "enrol", b, [Role.ADMIN]),
    "revokes": lambda c, a, b: c.event(a, "revoke", a),
}


@pytest.mark.parametrize("how", FIRST)
def test_the_first_event_enrols_its_signer_as_admin(chain, admin, ana, how):
    fresh = type(chain)()
    with pytest.raises(LedgerError) as caught:
        KeyRegistry.fold([FIRST[how](fresh, admin, ana)])
    assert caught.value.code == UNAUTHORISED


def test_leaving_out_any_event_is_noticed(chain):
    for gone in range(len(chain.events) - 1):
        with pytest.raises(LedgerError):
            KeyRegistry.fold(chain.events[:gone] + chain.events[gone + 1 :])


def test_any_other_order_is_noticed(chain):
    first, second, *rest = chain.events
    with pytest.raises(LedgerError):
        KeyRegistry.fold([second, first, *rest])


EDITOR_APPROVER = [Role.EDITOR, Role.APPROVER]


@pytest.fixture
def rotated(chain, bo, signer):
    """40: bo's key becomes 6; 50: the new one enrols 7 as editor and approver; 60: 7 becomes 8."""
    new, seven, eight = signer(6), signer(7), signer(8)
    chain.add((bo, new), "rotate", new, [Role.ADMIN, Role.APPROVER], replaces=bo.key_id)
    chain.add(new, "enrol", seven, EDITOR_APPROVER)
    return chain.add((eight, seven), "rotate", eight, EDITOR_APPROVER, replaces=seven.key_id)


def test_a_rotation_takes_over_roles_and_ends_the_old_key(rotated, bo, signer):
    registry = KeyRegistry.fold(rotated.events)
    new = signer(6).key_id
    assert registry.roles_at(bo.key_id, 39) == {Role.ADMIN, Role.APPROVER}
    assert registry.roles_at(bo.key_id, 40) == frozenset()
    assert registry.roles_at(new, 39) == frozenset()
    assert registry.roles_at(new, 40) == {Role.ADMIN, Role.APPROVER}
    assert (registry.get(bo.key_id).ended, registry.get(bo.key_id).successor) == (40, new)
    assert registry.get(bo.key_id).revoked is None


def test_old_key_and_new_key_are_one_holder(rotated, bo, ana, signer):
    registry = KeyRegistry.fold(rotated.events)
    seven, eight = signer(7).key_id, signer(8).key_id
    assert registry.holder_of(signer(6).key_id) == bo.key_id == registry.holder_of(bo.key_id)
    assert registry.holders_of([eight, seven, ana.key_id, "f" * 64]) == (seven, ana.key_id, "f" * 64)
    assert registry.present_key(seven).key_id == eight == registry.present_key(eight).key_id
    assert registry.present_key("f" * 64) is None


def test_roles_of_a_holder_are_those_of_whichever_key_is_valid(rotated, ana, signer):
    registry = KeyRegistry.fold(rotated.events)
    for key in (signer(7).key_id, signer(8).key_id):
        assert registry.holder_roles_at(key, 49) == frozenset()
        assert registry.holder_roles_at(key, 55) == set(EDITOR_APPROVER)
        assert registry.holder_roles_at(key, 60) == set(EDITOR_APPROVER)
    assert registry.holder_roles_at(ana.key_id, 30) == frozenset()


ROTATIONS = {
    # a thief has the old key, or only a new one, or neither
    "by the old key alone": (
        lambda c, s: c.event(s["bo"], "rotate", s["eve"], BO_ROLES, replaces=s["bo"].key_id),
        MALFORMED,
    ),
    "by the new key alone": (
        lambda c, s: c.event(s["eve"], "rotate", s["eve"], BO_ROLES, replaces=s["bo"].key_id),
        MALFORMED,
    ),
    "by an admin for another": (
        lambda c, s: c.event(
            (s["bo"], s["eve"]), "rotate", s["eve"], [Role.MACHINE], replaces=s["machine"].key_id
        ),
        MALFORMED,
    ),
    "with a third signer": (
        lambda c, s: c.event(
            (s["bo"], s["eve"], s["machine"]), "rotate", s["eve"], BO_ROLES, replaces=s["bo"].key_id
        ),
        MALFORMED,
    ),
    "of a revoked key": (
        lambda c, s: c.event(
            (s["ana"], s["eve"]), "rotate", s["eve"], [Role.EDITOR], replaces=s["ana"].key_id
        ),
        "key-not-enrolled",
    ),
    "of a stranger": (
        lambda c, s: c.event(
            (s["mallory"], s["eve"]), "rotate", s["eve"], BO_ROLES, replaces=s["mallory"].key_id
        ),
        "key-not-enrolled",
    ),
    "to an enrolled key": (
        lambda c, s: c.event(
            (s["bo"], s["machine"]), "rotate", s["machine"], BO_ROLES, replaces=s["bo"].key_id
        ),
        "key-enrolled-twice",
    ),
    "to a revoked key": (
        lambda c, s: c.event((s["bo"], s["ana"]), "rotate", s["ana"], BO_ROLES, replaces=s["bo"].key_id),
        "key-enrolled-twice",
    ),
    "to itself": (
        lambda c, s: c.event(s["bo"], "rotate", s["bo"], BO_ROLES, replaces=s["bo"].key_id),
        MALFORMED,
    ),
    "to more roles": (
        lambda c, s: c.event(
            (s["machine"], s["eve"]), "rotate", s["eve"], [Role.ADMIN], replaces=s["machine"].key_id
        ),
        UNAUTHORISED,
    ),
    "to fewer roles": (
        lambda c, s: c.event(
            (s["bo"], s["eve"]), "rotate", s["eve"], [Role.APPROVER], replaces=s["bo"].key_id
        ),
        UNAUTHORISED,
    ),
    "without what it replaces": (
        lambda c, s: c.event((s["bo"], s["eve"]), "rotate", s["eve"], BO_ROLES),
        MALFORMED,
    ),
    "with a suspect range": (
        lambda c, s: c.event(
            (s["bo"], s["eve"]), "rotate", s["eve"], BO_ROLES, replaces=s["bo"].key_id, compromised_since=1
        ),
        MALFORMED,
    ),
    "an enrolment that replaces": (
        lambda c, s: c.event(s["bo"], "enrol", s["eve"], BO_ROLES, replaces=s["ana"].key_id),
        MALFORMED,
    ),
    "an enrolment by two": (
        lambda c, s: c.event((s["bo"], s["eve"]), "enrol", s["eve"], BO_ROLES),
        MALFORMED,
    ),
    "an enrolment with suspicion": (
        lambda c, s: c.event(s["bo"], "enrol", s["eve"], BO_ROLES, compromised_since=0),
        MALFORMED,
    ),
    "a revocation with roles": (
        lambda c, s: c.event(s["bo"], "revoke", s["machine"], [Role.MACHINE]),
        MALFORMED,
    ),
    "a suspicion without a range": (lambda c, s: c.event(s["bo"], "suspect", s["machine"]), MALFORMED),
    "a suspicion of the future": (
        lambda c, s: c.event(s["bo"], "suspect", s["machine"], compromised_since=61),
        MALFORMED,
    ),
    "a suspicion of a stranger": (
        lambda c, s: c.event(s["bo"], "suspect", s["eve"], compromised_since=1),
        "key-not-enrolled",
    ),
    "a suspicion by no admin": (
        lambda c, s: c.event(s["machine"], "suspect", s["bo"], compromised_since=1),
        UNAUTHORISED,
    ),
    "a suspicion by a revoked admin": (
        lambda c, s: c.event(s["gone"], "suspect", s["bo"], compromised_since=1),
        UNAUTHORISED,
    ),
}
BO_ROLES = [Role.ADMIN, Role.APPROVER]


@pytest.mark.parametrize("how", ROTATIONS)
def test_a_bad_rotation_or_suspicion_is_refused_and_changes_nothing(chain, admin, ana, bo, how, signer):
    make, code = ROTATIONS[how]
    signers = {
        "ana": ana,
        "bo": bo,
        "eve": signer(4),
        "gone": admin,
        "machine": signer(5),
        "mallory": signer(9),
    }
    chain.add(bo, "revoke", admin)  # at 40
    chain.add(bo, "enrol", signer(5), [Role.MACHINE])  # at 50
    registry = KeyRegistry.fold(chain.events)
    before = (registry.enrolled, registry.events, registry.last_leaf_hash, registry.suspicions())
    with pytest.raises(LedgerError) as caught:
        registry.apply(make(chain, signers))
    assert caught.value.code == code
    assert (registry.enrolled, registry.events, registry.last_leaf_hash, registry.suspicions()) == before


def test_no_cycle_and_no_second_rotation_of_one_key(rotated, bo, signer):
    new, third = signer(6), signer(9)
    for pair, to in (((new, bo), bo), ((bo, third), third)):
        with pytest.raises(LedgerError) as caught:
            KeyRegistry.fold(
                [*rotated.events, rotated.event(pair, "rotate", to, BO_ROLES, replaces=pair[0].key_id)]
            )
        assert caught.value.code in {"key-enrolled-twice", "key-not-enrolled"}


def test_a_rotated_key_may_be_suspected_and_no_longer_revoked(rotated, bo, signer):
    new = signer(6)
    with pytest.raises(LedgerError) as caught:
        KeyRegistry.fold([*rotated.events, rotated.event(new, "revoke", bo)])
    assert caught.value.code == "key-not-enrolled"
    rotated.add(new, "suspect", bo, compromised_since=25)
    assert KeyRegistry.fold(rotated.events).suspicions()[bo.key_id].since == 25


def test_an_admin_does_not_revoke_the_key_it_signs_with_after_a_rotation(rotated, signer):
    with pytest.raises(LedgerError) as caught:
        KeyRegistry.fold([*rotated.events, rotated.event(signer(6), "revoke", signer(6))])
    assert caught.value.code == UNAUTHORISED


def test_suspicion_only_grows(chain, bo, ana):
    chain.add(bo, "suspect", ana, compromised_since=20).add(bo, "suspect", ana, compromised_since=25)
    assert KeyRegistry.fold(chain.events).suspicions()[ana.key_id].since == 20
    chain.add(bo, "suspect", ana, compromised_since=12)
    found = KeyRegistry.fold(chain.events).suspicions()[ana.key_id]
    assert (found.since, found.because) == (12, "suspect from entry 12 on, as entry 60 says")


def test_a_revocation_may_say_since_when(chain, admin, bo):
    chain.add(bo, "revoke", admin, compromised_since=15)
    registry = KeyRegistry.fold(chain.events)
    assert registry.suspicions()[admin.key_id].since == 15
    assert registry.get(admin.key_id).ended == 40


def test_suspicion_of_an_admin_passes_to_whom_they_enrolled_then(chain, admin, ana, bo, signer):
    """admin's key was stolen before 15: bo, enrolled at 20 under it, may be the thief's, and whom bo enrolled too."""
    chain.add(bo, "enrol", signer(5), [Role.EDITOR])  # at 40
    chain.add(bo, "suspect", admin, compromised_since=15)
    found = KeyRegistry.fold(chain.events).suspicions()
    assert {key: s.since for key, s in found.items()} == {
        admin.key_id: 15,
        bo.key_id: 20,
        signer(5).key_id: 40,
    }
    assert "enrolled at entry 20 under key" in found[bo.key_id].because
    assert ana.key_id not in found  # enrolled at 10


def test_a_thief_who_rotates_a_stolen_key_stays_under_suspicion(rotated, bo, signer):
    """bo's key was stolen at 35 and rotated at 40 by the thief: whatever the new key did is suspect."""
    rotated.add(signer(6), "suspect", bo, compromised_since=35)
    found = KeyRegistry.fold(rotated.events).suspicions()
    assert {key: s.since for key, s in found.items()} == {
        bo.key_id: 35, signer(6).key_id: 40, signer(7).key_id: 50, signer(8).key_id: 60,
    }  # fmt: skip


def test_what_was_stolen_after_the_rotation_does_not_taint_the_new_key(rotated, bo, signer):
    rotated.add(signer(6), "suspect", bo, compromised_since=45)
    assert set(KeyRegistry.fold(rotated.events).suspicions()) == {bo.key_id}


def test_a_key_under_suspicion_is_not_rotated(chain, bo, signer):
    eve = signer(4)
    chain.add(bo, "suspect", bo, compromised_since=35)
    with pytest.raises(LedgerError) as caught:
        KeyRegistry.fold([*chain.events, chain.event((bo, eve), "rotate", eve, BO_ROLES, replaces=bo.key_id)])
    assert caught.value.code == "key-suspect"


def test_the_last_admin_may_be_suspected_and_stays_one(chain, admin, bo):
    chain.add(bo, "revoke", admin)
    chain.add(bo, "suspect", bo, compromised_since=0)
    assert Role.ADMIN in KeyRegistry.fold(chain.events).roles_at(bo.key_id, 10_000)


def test_a_copy_learns_alone(chain, bo, signer):
    registry = KeyRegistry.fold(chain.events)
    other = registry.copy()
    other.apply(chain.event(bo, "suspect", bo, compromised_since=0))
    assert (registry.events, registry.suspicions()) == (4, {})
    assert (other.events, registry.last_index, other.last_index) == (5, 30, 40)
    assert KeyRegistry().last_index == -1


def test_ten_thousand_rotations_of_one_key():
    """Chains are followed, not recursed into. Laid out by hand: what is tested is not how keys come there."""
    last, registry = 9_999, KeyRegistry()
    for n in range(last + 1):
        key = EnrolledKey(f"{n:064x}", b"", frozenset(), n, f"{0:064x}", f"{max(0, n - 1):064x}")
        ending = replace(key, rotated=n + 1, successor=f"{n + 1:064x}") if n < last else key
        registry._keys[key.key_id] = replace(ending, compromised_since=None if n else 0)
    registry._said = {f"{0:064x}": 0}
    assert registry.present_key(f"{0:064x}").key_id == f"{last:064x}"
    found = registry.suspicions()
    assert len(found) == last + 1
    assert max(len(s.because) for s in found.values()) < 700


def test_suspicion_begins_at_the_very_entry(chain, admin, bo):
    """An enrolment that is itself the first suspect entry is suspect; a range may begin with its own event."""
    chain.add(bo, "suspect", admin, compromised_since=20)
    assert bo.key_id in KeyRegistry.fold(chain.events).suspicions()
    other = type(chain)()
    other.events = chain.events[:-1]
    other.add(bo, "suspect", admin, compromised_since=21)
    assert bo.key_id not in KeyRegistry.fold(other.events).suspicions()
    other.add(bo, "suspect", bo, compromised_since=50)
    assert KeyRegistry.fold(other.events).suspicions()[bo.key_id].since == 50


def test_an_enrolment_is_no_rotation_whoever_signed_it(chain, bo, signer):
    eve = signer(4)
    event = chain.event((bo, eve), "enrol", eve, [Role.ADMIN], replaces=bo.key_id)
    with pytest.raises(LedgerError) as caught:
        KeyRegistry.fold([*chain.events, event])
    assert caught.value.code == MALFORMED


def test_a_key_that_is_none_under_its_own_name(chain, bo):
    rubbish = hashlib.sha256(b"x").hexdigest()
    event = chain.event(bo, "enrol", bo, [Role.ADMIN], named=rubbish, public_key="eA==")
    with pytest.raises(LedgerError, match="not an Ed25519 key"):
        KeyRegistry.fold([*chain.events, event])
