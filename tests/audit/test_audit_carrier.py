from dataclasses import replace
from types import SimpleNamespace

import pytest
from simulator.studio import Studio

from void_audit.audit.carrier import binding, file_digest, lineage, signer
from void_audit.audit.claims import ManifestState
from void_audit.identity.registry import KeyRegistry
from void_audit.model.proof import Receipt
from void_audit.model.report import State

OTHER = "ab" * 32
CODE = "assertion.bmffHash.mismatch"


@pytest.mark.parametrize("check", [binding, signer, file_digest, lineage])
def test_the_honest_file_passes_with_values(finished, check):
    found = check(finished.evidence)
    assert found.state is State.PASS
    assert any(
        value in found.detail
        for value in (
            finished.evidence.manifest.label,
            finished.evidence.manifest.issuer,
            finished.evidence.sha256,
        )
    ) or finished.evidence.source_sha256 in (found.detail)


@pytest.mark.parametrize("check", [binding, signer, file_digest, lineage])
def test_a_file_that_carries_nothing_is_neither_green_nor_red(nothing, check):
    found = check(nothing)
    assert found.state is State.UNKNOWN
    assert found.remedy


# --- 0 ---------------------------------------------------------------------------------------------


def test_0_an_unreadable_manifest_fails_and_says_why(finished):
    found = binding(finished.with_manifest(state=ManifestState.UNREADABLE, problems=("box 7 is cut off",)))
    assert found.state is State.FAIL
    assert "box 7 is cut off" in found.detail


def test_0_every_failure_code_is_named_or_counted(finished):
    found = binding(finished.with_manifest(binding_failures=(CODE, "b", "c", "d")))
    assert found.state is State.FAIL
    assert CODE in found.detail
    assert "1 more" in found.detail
    assert found.remedy


# --- 1 ---------------------------------------------------------------------------------------------


def test_1_no_manifest_that_can_be_read_leaves_nothing_to_judge(finished):
    found = signer(finished.with_manifest(state=ManifestState.UNREADABLE, trusted_signer=True))
    assert found.state is State.UNKNOWN
    assert "obligation 0" in found.remedy


def test_1_without_a_pin_the_name_is_told_and_the_way_to_the_pin(finished):
    found = signer(replace(finished.evidence, pins=replace(finished.pins, trust_pem=None)))
    assert found.state is State.UNKNOWN
    assert "Daily Planet" in found.detail
    assert "--trust" in found.remedy


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"trusted_signer": False}, "signingCredential.untrusted"),
        ({"signer_failures": ("signingCredential.expired",)}, "signingCredential.expired"),
        ({"ingredient_failures": ("ingredient.manifest.mismatch",)}, "ingredient.manifest.mismatch"),
    ],
)
def test_1_each_fault_is_named(finished, fields, named):
    found = signer(finished.with_manifest(**fields))
    assert found.state is State.FAIL
    assert named in found.detail


def test_1_a_certificates_name_draws_nothing_on_a_terminal(finished):
    found = signer(finished.with_manifest(issuer="Planet\x1b[2K\n(1) passed\u202e", trusted_signer=False))
    assert found.state is State.FAIL
    assert found.detail.isprintable()


# --- 2 ---------------------------------------------------------------------------------------------


def with_receipt(finished, **fields):
    return replace(finished.evidence, receipt=finished.evidence.receipt.model_copy(update=fields))


def test_2_without_a_receipt_the_digest_is_told_and_where_the_receipt_was(finished):
    found = file_digest(replace(finished.evidence, receipt=None, receipt_problem="it was eaten"))
    assert found.state is State.UNKNOWN
    assert finished.evidence.sha256 in found.detail
    assert "it was eaten" in found.detail
    assert f"{finished.path.name}.receipt" in found.remedy


def test_2_without_a_known_log_a_receipt_proves_nothing(finished):
    found = file_digest(
        replace(finished.evidence, checkpoint=None, checkpoint_problem="no log key is pinned")
    )
    assert found.state is State.UNKNOWN
    assert "no log key is pinned" in found.detail
    assert "--log-key" in found.remedy


def test_2_another_file_is_told_with_both_digests(finished):
    found = file_digest(replace(finished.evidence, sha256=OTHER))
    assert found.state is State.FAIL
    assert OTHER in found.detail
    assert finished.evidence.sha256 in found.detail


def test_2_a_logged_record_that_is_no_seal(finished):
    assertion = finished.evidence.assertion
    receipt = Receipt(entry=assertion.records[-1], checkpoint=assertion.checkpoint, consistency=())
    found = file_digest(replace(finished.evidence, receipt=receipt))
    assert found.state is State.FAIL
    assert "policy-decision" in found.detail


def test_2_another_edits_seal_names_both_edits(finished):
    found = file_digest(finished.with_ledger(edit="another-edit"))
    assert found.state is State.FAIL
    assert "another-edit" in found.detail
    assert finished.evidence.assertion.edit in found.detail


def test_2_a_seal_of_another_output(finished):
    found = file_digest(finished.without_record("output"))
    assert found.state is State.FAIL
    assert "another output" in found.detail


def test_2_a_log_that_forgot_what_the_file_holds(finished):
    """The receipt's log must have grown out of the one inside the file."""
    wrong = tuple(digest[::-1] for digest in finished.evidence.receipt.consistency)
    for consistency in ((), wrong):
        assert file_digest(with_receipt(finished, consistency=consistency)).state is State.FAIL


def test_2_a_seal_under_a_key_that_nobody_enrolled(finished):
    found = file_digest(replace(finished.evidence, registry=KeyRegistry()))
    assert found.state is State.FAIL
    assert finished.house.place.reading.entries(edit=None)  # the house's log itself is sound
    assert "No key event enrols key" in found.detail


def test_2_a_receipt_of_another_house(finished, tmp_path):
    other = Studio(tmp_path)
    found = file_digest(with_receipt(finished, checkpoint=other.place.reading.checkpoint()))
    assert found.state is State.FAIL
    assert "receipt does not hold" in found.detail


@pytest.mark.parametrize(
    "fields",
    [{"envelope": "!!!"}, {"envelope": ""}, {"index": 10**30}, {"proof": ()}, {"proof": ("00" * 32,) * 63}],
    ids=str,
)
def test_2_an_entry_that_proves_nothing(finished, fields):
    entry = finished.evidence.receipt.entry.model_copy(update=fields)
    assert file_digest(with_receipt(finished, entry=entry)).state is State.FAIL


# --- 3 ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", [0, 2])
def test_3_parents_are_counted(finished, number):
    found = lineage(finished.with_manifest(ingredients=finished.evidence.manifest.parents * number))
    assert found.state is State.FAIL
    assert f"{number} parents" in found.detail


@pytest.mark.parametrize("credentials", ["valid", "trusted", "invalid"])
def test_3_credentials_of_the_source_that_were_dropped_are_missed(finished, credentials):
    had = finished.with_record("source", credentials=credentials)
    found = lineage(had)
    assert found.state is State.FAIL
    assert credentials in found.detail
    (parent,) = finished.evidence.manifest.parents
    kept = lineage(finished.with_manifest(had, ingredients=(replace(parent, manifest="urn:source"),)))
    assert kept.state is State.PASS
    assert credentials in kept.detail


def test_3_each_digest_is_named(finished):
    stored = finished.evidence.subject("source", "source")
    found = lineage(replace(finished.evidence, source_sha256=OTHER))
    assert found.state is State.FAIL
    assert OTHER in found.detail
    assert stored in found.detail
    assert "not given" in lineage(replace(finished.evidence, source_sha256=None)).detail


@pytest.mark.parametrize("step", ["source", "intent"])
def test_3_without_either_record_it_cannot_be_told(finished, step):
    found = lineage(finished.without_record(step))
    assert found.state is State.UNKNOWN
    assert found.remedy


def test_3_an_embedded_prompt_with_nothing_to_compare_it_with_is_no_pass(finished):
    """Whoever takes the recorded prompt out, or erases it, could show readers any other."""
    bare = finished.without_blob(finished.evidence.state.prompt.sha256)
    shown = {**finished.manifest.embedded, "prompt.json": b'{"bg": "another"}'}
    for evidence in (bare, finished.with_manifest(bare, embedded=shown)):
        found = lineage(evidence)
        assert found.state is State.UNKNOWN
        assert "not at hand" in found.detail
    erasure = finished.evidence.edit_entries[0]
    erased = replace(bare)
    erased.__dict__["erasures"] = SimpleNamespace(by=lambda digest: erasure)
    assert f"ERASED by entry {erasure.index}" in lineage(erased).detail
