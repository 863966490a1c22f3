import dataclasses

import pytest

from void_audit.canon import dsse
from void_audit.canon.statement import encode, read_entry
from void_audit.errors import EnvelopeError, LedgerError, VoidAuditError
from void_audit.identity.records import verify_entry, verify_record
from void_audit.identity.registry import KeyRegistry
from void_audit.model.base import BlobRef
from void_audit.model.records import Approval, Intent, Role, Statement, Subject

BLOB = BlobRef(sha256="0" * 64, size=1, media_type="application/json", salted=True)
TIME = "2026-01-01T00:00:00Z"


def intent(requester):
    return Intent(
        claimed_time=TIME, edit="e1", requester=requester, operation="remove", asset_class="news",
        distribution=(), clicks=1, request=BLOB, prompt=BLOB,
    )  # fmt: skip


def entry(index, predicate, *signers):
    statement = Statement(subjects=(Subject(name="x", digest={"sha256": "1" * 64}),), predicate=predicate)
    return read_entry(index, dsse.seal(encode(statement), signers))


@pytest.fixture
def registry(chain):
    return KeyRegistry.fold(chain.events)


def test_the_right_person_at_the_right_time(registry, ana):
    assert verify_entry(entry(15, intent(ana.key_id), ana), registry) == {ana.key_id}


def refused(code, call):
    with pytest.raises(VoidAuditError) as caught:
        call()
    assert caught.value.code == code
    assert isinstance(caught.value, EnvelopeError)


@pytest.mark.parametrize(
    ("index", "code"), [(9, "signer-not-valid"), (30, "signer-not-valid"), (99, "signer-not-valid")]
)
def test_before_enrolment_and_after_revocation_a_key_proves_nothing(registry, ana, index, code):
    refused(code, lambda: verify_entry(entry(index, intent(ana.key_id), ana), registry))


def test_a_valid_key_without_the_role(registry, admin, ana, bo):
    refused("role-missing", lambda: verify_entry(entry(25, intent(bo.key_id), bo), registry))
    approval = Approval(claimed_time=TIME, edit="e1", plan="2" * 64)
    refused("role-missing", lambda: verify_entry(entry(25, approval, ana), registry))
    assert verify_entry(entry(25, approval, bo), registry) == {bo.key_id}


def test_nobody_asks_in_another_persons_name(registry, ana, bo):
    refused("requester-mismatch", lambda: verify_entry(entry(25, intent(bo.key_id), ana), registry))
    assert verify_entry(entry(25, intent(bo.key_id), ana, bo), registry) == {ana.key_id, bo.key_id}


def test_a_stranger_beside_a_good_signer_spoils_it(registry, ana, signer):
    refused("signer-unknown", lambda: verify_entry(entry(15, intent(ana.key_id), ana, signer(9)), registry))
    refused("signer-unknown", lambda: verify_entry(entry(15, intent(ana.key_id), signer(9)), registry))


def test_a_revoked_signer_beside_a_good_one_spoils_it(registry, ana, bo):
    approval = Approval(claimed_time=TIME, edit="e1", plan="2" * 64)
    refused("signer-not-valid", lambda: verify_entry(entry(35, approval, bo, ana), registry))


def test_a_signature_by_another_key_in_the_signers_name(registry, ana, signer):
    class Liar:
        key_id = ana.key_id
        sign = staticmethod(signer(9).sign)

    refused("signature-invalid", lambda: verify_entry(entry(15, intent(ana.key_id), Liar()), registry))


def test_a_signature_over_other_bytes(registry, ana):
    good = entry(15, intent(ana.key_id), ana)
    envelope = dsse.Envelope.parse(good.envelope)
    other = entry(15, intent(ana.key_id).model_copy(update={"clicks": 2}), ana)
    forged = dataclasses.replace(envelope, payload=dsse.Envelope.parse(other.envelope).payload)
    refused("signature-invalid", lambda: verify_record(forged, other.statement, 15, registry))


def test_a_statement_that_is_not_in_the_envelope(registry, ana):
    good, other = entry(15, intent(ana.key_id), ana), entry(15, intent("3" * 64), ana)
    refused(
        "statement-mismatch",
        lambda: verify_entry(dataclasses.replace(good, statement=other.statement), registry),
    )


def test_the_registry_is_folded_from_what_the_log_holds(chain, admin, ana, bo):
    by_key = {s.key_id: s for s in (admin, ana, bo)}
    entries, previous = [], None
    for event in chain.events:
        predicate = event.event.model_copy(update={"previous": previous})
        entries.append(entry(event.index, predicate, *(by_key[key] for key in event.signers)))
        previous = entries[-1].leaf_hash
    others = entry(15, intent(ana.key_id), ana)
    registry = KeyRegistry.from_entries([*entries[:2], others, *entries[2:]])
    assert registry.roles_at(bo.key_id, 99) == {Role.ADMIN, Role.APPROVER}
    for key_event in entries:
        assert verify_entry(key_event, registry)
    with pytest.raises(LedgerError):
        KeyRegistry.from_entries(entries[1:])
    twice = entry(0, entries[0].statement.predicate, admin, ana)
    with pytest.raises(LedgerError, match="2 signers"):
        KeyRegistry.from_entries([twice, *entries[1:]])


def rotation(chain, old, new, *signers):
    event = chain.event((old, new), "rotate", new, [Role.ADMIN, Role.APPROVER], replaces=old.key_id)
    return event, entry(event.index, event.event, *(signers or (old, new)))


def test_a_rotation_holds_under_both_keys_and_neither_alone(chain, bo, signer):
    new = signer(6)
    event, logged = rotation(chain, bo, new)
    registry = KeyRegistry.fold([*chain.events, event])
    assert verify_entry(logged, registry) == {bo.key_id, new.key_id}
    assert verify_entry(rotation(chain, bo, new, new, bo)[1], registry) == {bo.key_id, new.key_id}
    for signers in ((bo,), (new,), (bo, new, signer(2))):
        refused("signer-not-valid", lambda s=signers: verify_entry(rotation(chain, bo, new, *s)[1], registry))


def test_a_rotation_in_a_strangers_name(chain, bo, signer):
    class Liar:
        key_id = bo.key_id
        sign = staticmethod(signer(9).sign)

    event, logged = rotation(chain, bo, signer(6), Liar(), signer(6))
    refused("signature-invalid", lambda: verify_entry(logged, KeyRegistry.fold([*chain.events, event])))


def test_a_rotation_is_one_only_where_the_registry_knows_it(chain, bo, signer):
    event, logged = rotation(chain, bo, signer(6))
    elsewhere = dataclasses.replace(logged, index=logged.index + 1)
    refused("signer-not-valid", lambda: verify_entry(elsewhere, KeyRegistry.fold([*chain.events, event])))
    refused("signer-unknown", lambda: verify_entry(logged, KeyRegistry.fold(chain.events)))


def test_what_old_and_new_key_may_sign(chain, bo, signer):
    new = signer(6)
    event, _ = rotation(chain, bo, new)
    registry = KeyRegistry.fold([*chain.events, event])
    approval = Approval(claimed_time=TIME, edit="e1", plan="2" * 64)
    assert verify_entry(entry(39, approval, bo), registry) == {bo.key_id}
    assert verify_entry(entry(41, approval, new), registry) == {new.key_id}
    refused("signer-not-valid", lambda: verify_entry(entry(41, approval, bo), registry))
    refused("signer-not-valid", lambda: verify_entry(entry(39, approval, new), registry))
