from dataclasses import FrozenInstanceError

import pytest

from void_audit.audit.claims import IngredientEvidence, ManifestEvidence, ManifestState


def ingredient(relationship="parentOf", manifest=None, state=ManifestState.MISSING):
    return IngredientEvidence("clip", relationship, "video/mp4", manifest, state, ())


@pytest.mark.parametrize("state", ManifestState)
def test_nothing_is_claimed_that_was_not_found(state):
    found = ManifestEvidence(state)
    assert not found.trusted_signer
    assert found.ledger is None
    assert found.signed_at is None
    assert not found.all_actions_included
    assert (found.parents, found.embedded, found.actions, found.certificates) == ((), {}, (), ())
    assert found.issuer == ""


def test_only_what_it_was_made_from_is_a_parent():
    one, other = ingredient(), ingredient(manifest="urn:other")
    mixed = (ingredient("inputTo"), one, ingredient("componentOf"), ingredient("parentof"), other)
    assert ManifestEvidence(ManifestState.VALID, ingredients=mixed).parents == (one, other)


@pytest.mark.parametrize("state", ManifestState)
def test_credentials_count_whatever_their_state(state):
    assert ingredient(manifest="urn:x", state=state).has_manifest
    assert not ingredient(manifest=None, state=state).has_manifest


def test_evidence_cannot_be_changed_after_it_was_read():
    found = ManifestEvidence(ManifestState.VALID)
    with pytest.raises(FrozenInstanceError):
        found.trusted_signer = True
    with pytest.raises(FrozenInstanceError):
        ingredient().state = ManifestState.TRUSTED


def test_trusted_and_valid_are_not_the_same_word(finished):
    assert finished.evidence.manifest.state == "trusted"
    assert [str(s) for s in ManifestState] == ["missing", "unreadable", "invalid", "valid", "trusted"]
