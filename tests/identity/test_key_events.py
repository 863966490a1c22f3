import pytest

from void_audit.canon import dsse
from void_audit.canon.statement import encode, read_entry
from void_audit.errors import LedgerError
from void_audit.identity.key_events import LoggedKeyEvent, public_key_of
from void_audit.model.records import Approval, Statement


def entry(index, predicate, *signers):
    return read_entry(index, dsse.seal(encode(Statement(subjects=(), predicate=predicate)), signers))


def test_only_key_events_are_key_events(ana, bo, chain):
    approval = Approval(claimed_time="2026-01-01T00:00:00Z", edit="e1", plan="2" * 64)
    assert LoggedKeyEvent.of(entry(3, approval, ana)) is None
    event = chain.events[1].event
    logged = LoggedKeyEvent.of(entry(3, event, bo, ana))
    assert (logged.index, logged.event, logged.signers) == (3, event, (bo.key_id, ana.key_id))


def test_a_well_formed_event_gives_its_key(chain, ana):
    assert public_key_of(chain.events[1]) == ana.public_der


@pytest.mark.parametrize("signers", [0, 2, 3])
def test_the_number_of_signers(chain, ana, bo, signer, signers):
    event = chain.event((ana, bo, signer(4))[:signers], "revoke", ana)
    with pytest.raises(LedgerError, match=f"{signers} signers") as caught:
        public_key_of(event)
    assert caught.value.code == "key-event-malformed"
