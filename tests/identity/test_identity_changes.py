"""What is refused before it is written, with a reason for people."""

import pytest

from void_audit.errors import DeniedError, IdentityError
from void_audit.identity.changes import KeyChange, is_done, refuse
from void_audit.identity.registry import KeyRegistry
from void_audit.model.records import Role


def change(action, key, **fields):
    return KeyChange(action, "lois", key.public_der, **fields)


@pytest.fixture
def registry(chain, bo, signer):
    """0 admin; 20 bo: admin; 30 ana revoked; 40 5 becomes 6 (enrolled at 40, rotated at 50); 60 bo suspect."""
    chain.add(bo, "enrol", signer(5), [Role.EDITOR])
    chain.add((signer(5), signer(6)), "rotate", signer(6), [Role.EDITOR], replaces=signer(5).key_id)
    chain.add(bo, "suspect", signer(6), compromised_since=55)
    return KeyRegistry.fold(chain.events)


def test_what_the_log_says_already_is_done(registry, ana, bo, signer):
    five, six = signer(5), signer(6)
    for done in (
        change("enrol", bo, roles=(Role.APPROVER, Role.ADMIN)),
        change("rotate", six, replaces=five.key_id),
        change("revoke", ana),
        change("suspect", six, since=55),
        change("suspect", six, since=70),
    ):
        assert is_done(registry, done)
    for new in (
        change("enrol", bo, roles=(Role.ADMIN,)),
        change("enrol", ana, roles=(Role.EDITOR,)),
        change("enrol", signer(9), roles=(Role.EDITOR,)),
        change("rotate", five, replaces=six.key_id),
        change("rotate", six, replaces=bo.key_id),
        change("rotate", bo, replaces=bo.key_id),
        change("revoke", bo),
        change("revoke", ana, since=5),
        change("suspect", six, since=54),
        change("suspect", bo, since=54),
    ):
        assert not is_done(registry, new)


REFUSED = {
    "enrol one that ended": ("enrol", 2, {"roles": (Role.EDITOR,)}, "key-revoked"),
    "enrol one that was rotated": ("enrol", 5, {"roles": (Role.EDITOR,)}, "key-rotated"),
    "enrol with other roles": ("enrol", 3, {"roles": (Role.EDITOR,)}, "key-enrolled"),
    "rotate nobody's key": ("rotate", 9, {"replaces": "f" * 64}, "key-not-enrolled"),
    "revoke nobody's key": ("revoke", 9, {}, "key-not-enrolled"),
    "suspect nobody's key": ("suspect", 9, {"since": 1}, "key-not-enrolled"),
    "suspect the future": ("suspect", 3, {"since": 81}, "entry-in-future"),
    "revoke a rotated key": ("revoke", 5, {}, "key-rotated"),
    "revoke twice, now with suspicion": ("revoke", 2, {"since": 5}, "key-revoked"),
}


@pytest.mark.parametrize("how", REFUSED)
def test_what_cannot_be_used(registry, bo, signer, how):
    action, number, fields, code = REFUSED[how]
    with pytest.raises(IdentityError) as caught:
        refuse(registry, bo.key_id, change(action, signer(number), **fields), 80)
    assert caught.value.code == code
    assert caught.value.hint


def test_what_is_denied(registry, ana, bo, signer):
    six, eve = signer(6), signer(9)
    for by, asked, code in (
        (six, change("enrol", eve, roles=(Role.EDITOR,)), "role-missing"),
        (six, change("suspect", bo, since=1), "role-missing"),
        (bo, change("revoke", bo), "key-revokes-itself"),
        (six, change("rotate", eve, replaces=six.key_id), "key-suspect"),
    ):
        with pytest.raises(DeniedError) as caught:
            refuse(registry, by.key_id, asked, 80)
        assert caught.value.code == code


def test_what_may_be(registry, admin, bo, signer):
    for asked in (
        change("enrol", signer(9), roles=(Role.EDITOR,)),
        change("revoke", admin, since=80),
        change("suspect", bo, since=0),
        change("rotate", signer(9), replaces=admin.key_id),
    ):
        refuse(registry, bo.key_id, asked, 80)
    for ended in (signer(5), signer(2)):
        with pytest.raises(IdentityError):
            refuse(registry, ended.key_id, change("rotate", signer(9), replaces=ended.key_id), 80)
