from house import House

from void_audit.workflow.notary import NobodyAsked


def test_where_nobody_is_asked_the_note_is_the_logs_own(tmp_path):
    ledger = House(tmp_path).workshop.ledger
    attested = NobodyAsked().attest(ledger, ledger.size)
    assert attested.note == ledger.checkpoint()
    assert attested.timestamps == NobodyAsked().stamp(ledger, "0" * 64) == ()
