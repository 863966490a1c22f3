"""Whatever key events come, in whatever order: what the registry promises holds after each."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from void_audit.errors import LedgerError
from void_audit.identity.registry import KeyRegistry
from void_audit.model.records import Role

KEYS = 6
ROLES = ((Role.ADMIN,), (Role.EDITOR,), (Role.ADMIN, Role.APPROVER))
EVENTS = st.lists(
    st.tuples(
        st.sampled_from(["enrol", "rotate", "rotate", "revoke", "suspect"]),
        st.integers(1, KEYS),
        st.integers(1, KEYS),
        st.sampled_from(ROLES),
        st.integers(0, 200),
    ),
    max_size=25,
)


def attempt(chain, signer, action, by, about, roles, since, registry):
    """One more event by whoever it is said to be by, well-formed as far as one can tell."""
    by, about = signer(by), signer(about)
    if action == "rotate":
        known = registry.get(by.key_id)
        roles = tuple(sorted(known.roles)) if known else roles
        return chain.event((by, about), action, about, roles, replaces=by.key_id)
    given = roles if action == "enrol" else ()
    extra = {"compromised_since": since} if action == "suspect" else {}
    return chain.event(by, action, about, given, **extra)


@settings(max_examples=150, deadline=None)
@given(steps=EVENTS)
def test_there_is_always_an_administrator_and_nobody_is_two(steps, chain_class, signer_of):
    chain, registry = chain_class(), KeyRegistry()
    chain.add(signer_of(1), "enrol", signer_of(1), [Role.ADMIN])
    registry.apply(chain.events[0])
    for step in steps:
        event = attempt(chain, signer_of, *step, registry)
        before = (registry.enrolled, dict(registry.suspicions()))
        try:
            registry.apply(event)
        except LedgerError:
            assert (registry.enrolled, registry.suspicions()) == before
            continue
        chain.events.append(event)
        check(registry, event.index + 1, before)


def check(registry, now, before):
    keys = {key.key_id: key for key in registry.enrolled}
    assert any(Role.ADMIN in registry.roles_at(key, now) for key in keys)
    for key in keys.values():
        holders = [other for other in keys.values() if other.holder == key.holder]
        assert sum(other.valid_at(now) for other in holders) <= 1  # one valid key for each person
        assert {other.roles for other in holders} == {key.roles}  # and never more roles than were given
        assert keys[key.holder].holder == key.holder
    for gone in before[0]:
        assert gone.ended is None or keys[gone.key_id].ended == gone.ended  # nothing that ended comes back
    for key, suspicion in before[1].items():
        assert registry.suspicions()[key].since <= suspicion.since  # suspicion only grows
