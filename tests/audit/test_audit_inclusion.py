from dataclasses import replace

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from outsiders import KEY, LATER, cosigned, pinned
from simulator.studio import Studio

from void_audit.audit.evidence import gather
from void_audit.audit.inclusion import inclusion
from void_audit.canon import note as notes
from void_audit.canon.checkpoint import Checkpoint, sign_checkpoint
from void_audit.canon.cosignature import CosignerKey
from void_audit.canon.note import VerifierKey
from void_audit.errors import IdentityError
from void_audit.identity.keys import FileSigner
from void_audit.model.report import State


def unpinned(finished):
    return replace(finished.evidence, pins=replace(finished.pins, log_vkey=None), checkpoint=None)


def test_a_file_that_carries_nothing_is_neither_green_nor_red(nothing):
    found = inclusion(nothing)
    assert found.state is State.UNKNOWN
    assert found.remedy


def test_5_says_which_log_and_that_only_its_operator_vouches(finished):
    found = inclusion(finished.evidence)
    assert found.state is State.PASS
    assert finished.assertion.origin in found.detail
    assert "operator-trusted" in found.detail


def test_5_without_a_pin_the_claimed_log_is_told(finished):
    found = inclusion(unpinned(finished))
    assert found.state is State.UNKNOWN
    assert finished.assertion.origin in found.detail
    assert "--log-key" in found.remedy


@pytest.mark.parametrize("note", ["", "no note", "another house's"])
def test_5_a_checkpoint_that_the_pinned_log_did_not_sign(finished, tmp_path, note):
    if note == "another house's":
        note = Studio(tmp_path).place.reading.checkpoint()
    evidence = finished.gather(ledger=finished.assertion.model_copy(update={"checkpoint": note}))
    found = inclusion(evidence)
    assert evidence.checkpoint_problem
    assert found.state is State.FAIL
    assert evidence.checkpoint_problem[:100] in found.detail


def test_5_every_entry_that_is_not_in_the_log_is_named_or_counted(finished):
    moved = tuple(r.model_copy(update={"index": r.index + 1}) for r in finished.assertion.records)
    found = inclusion(finished.gather(ledger=finished.assertion.model_copy(update={"records": moved})))
    assert found.state is State.FAIL
    assert "entry 1:" in found.detail
    assert f"{len(moved) - 3} more" in found.detail


COUNCIL = f"witness council {KEY}\n"
STRANGER = f"witness stranger {CosignerKey('stranger.example', 4, bytes(range(32)))}\n"


def with_policy(evidence, quorum):
    log = f"log {evidence.pins.log_vkey}\n"
    return pinned(evidence, witness_policy=f"{log}{COUNCIL}{STRANGER}{quorum}\n")


def in_file(finished):
    """The file's own checkpoint is cosigned by the council."""
    return finished.with_ledger(checkpoint=cosigned(finished.assertion.checkpoint))


def on_receipt(finished, **fields):
    """The receipt's checkpoint is."""
    receipt = finished.evidence.receipt
    update = {"checkpoint": cosigned(receipt.checkpoint), **fields}
    return replace(finished.evidence, receipt=receipt.model_copy(update=update))


STOLEN = FileSigner(Ed25519PrivateKey.from_private_bytes(bytes([4]) * 32))
WHEN = f"council at {LATER:%Y-%m-%dT%H:%M:%SZ}"


@pytest.mark.parametrize("bearer", [in_file, on_receipt])
def test_5_a_quorum_that_is_met_is_said_with_names_and_times_and_no_more(finished, bearer):
    found = inclusion(with_policy(bearer(finished), "quorum council"))
    assert found.state is State.PASS
    assert found.detail.endswith(f"Witnessed 1 of 1: {WHEN}.")
    assert "operator-trusted" not in found.detail
    either = inclusion(with_policy(bearer(finished), "group g any council stranger\nquorum g"))
    assert (either.state, "Witnessed 1 of 2" in either.detail) == (State.PASS, True)


@pytest.mark.parametrize("bearer", [in_file, on_receipt, lambda finished: finished.evidence])
def test_5_a_quorum_that_is_not_met_is_neither_green_nor_red(finished, bearer):
    found = inclusion(with_policy(bearer(finished), "group g all council stranger\nquorum g"))
    assert found.state is State.UNKNOWN
    assert ("Witnessed 1 of 2" if bearer in {in_file, on_receipt} else "Witnessed 0 of 2") in found.detail
    assert "receipt" in found.remedy


def test_5_a_policy_that_asks_for_nobody_makes_nobody_a_witness(finished):
    found = inclusion(with_policy(in_file(finished), "quorum none"))
    assert found.state is State.PASS
    assert "operator-trusted" in found.detail
    assert f"Cosigned by {WHEN}" in found.detail
    assert "itnessed" not in found.detail


def test_5_a_cosignature_of_somebody_who_is_not_pinned_counts_for_nothing(finished):
    found = inclusion(in_file(finished))
    assert "operator-trusted" in found.detail
    assert "council" not in found.detail


@pytest.mark.parametrize("where", ["file", "receipt"])
def test_5_a_false_cosignature_of_a_known_witness_fails(finished, where):
    note = finished.assertion.checkpoint if where == "file" else finished.evidence.receipt.checkpoint
    other = sign_checkpoint(Checkpoint(finished.assertion.origin, 3, bytes(32)), STOLEN)
    stolen = notes.parse(cosigned(other)).signatures[-1].line()
    if where == "file":
        evidence = finished.with_ledger(checkpoint=note + stolen)
    else:
        evidence = replace(
            finished.evidence,
            receipt=finished.evidence.receipt.model_copy(update={"checkpoint": note + stolen}),
        )
    found = inclusion(with_policy(evidence, "quorum council"))
    assert found.state is State.FAIL
    assert "false" in found.detail


def test_5_a_receipt_that_does_not_continue_the_file_s_log_lends_it_no_witness(finished):
    evidence = on_receipt(finished, consistency=("00" * 32,))
    assert inclusion(with_policy(evidence, "quorum council")).state is State.UNKNOWN
    foreign = on_receipt(finished)
    note = notes.parse(foreign.receipt.checkpoint)
    unsigned = str(notes.Note(note.text, tuple(s for s in note.signatures if s.name == KEY.name)))
    lent = replace(foreign, receipt=foreign.receipt.model_copy(update={"checkpoint": unsigned}))
    assert inclusion(with_policy(lent, "quorum council")).state is State.UNKNOWN


def test_5_a_policy_for_another_log_fails(finished):
    other = VerifierKey("another.example/log", VerifierKey.parse(finished.pins.log_vkey).public)
    found = inclusion(pinned(in_file(finished), witness_policy=f"log {other}\n{COUNCIL}quorum council\n"))
    assert found.state is State.FAIL
    assert "another log" in found.detail


def test_5_witnesses_do_not_mend_a_record_that_is_not_in_the_log(finished):
    evidence = replace(in_file(finished), not_included=("entry 3: no",))
    assert inclusion(with_policy(evidence, "quorum council")).state is State.FAIL


def test_a_pinned_policy_that_is_none_is_the_verifier_s_fault_not_the_file_s(finished):
    with pytest.raises(IdentityError) as caught:
        gather(finished.path, replace(finished.pins, witness_policy="words"), None, None)
    assert caught.value.code == "log-policy-malformed"
