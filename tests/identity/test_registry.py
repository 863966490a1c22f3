import pytest

from void_audit.errors import EnvelopeError, LedgerError
from void_audit.identity.registry import KeyRegistry
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
