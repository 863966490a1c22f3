"""The records of an edit, told in order: refusals are named, and what follows is told all the same."""

from void_audit.audit.folding import tell


def test_an_honest_edit_is_told_to_its_end(finished):
    evidence = finished.evidence
    state, order, approval = tell(evidence.entries, finished.edit, evidence.registry)
    assert (state, order, approval) == (evidence.state, None, None)


def test_records_of_another_edit_are_named_and_not_told(finished):
    evidence = finished.evidence
    state, order, _ = tell(evidence.entries, "another", evidence.registry)
    assert f"belongs to edit {finished.edit}, not to another" in order
    assert state.last == ""


def test_a_record_given_twice_is_named(finished):
    evidence = finished.evidence
    entries = (*evidence.entries, evidence.entries[-1])
    _, order, _ = tell(entries, finished.edit, evidence.registry)
    assert f"entry {entries[-1].index} is given twice" in order
