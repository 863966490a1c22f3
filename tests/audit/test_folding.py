"""The records of an edit, told in order: refusals are named, and what follows is told all the same."""

from void_audit.audit.folding import Telling, tell
from void_audit.model.lifecycle import EditState, step_of


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


def test_what_the_records_said_before_a_place_is_the_same_in_whatever_order_one_asks(finished):
    entries, registry = finished.evidence.edit_entries, finished.evidence.registry
    places = [e.index for e in entries] + [entries[-1].index + 1]
    once = [Telling((*entries,), registry).before(place) for place in places]
    assert [state.last for state in once] == ["", *(step_of(e.statement.predicate) for e in entries)]
    telling = Telling(entries, registry)
    for order in (places, places[::-1], places):
        assert {place: telling.before(place) for place in order} == dict(zip(places, once, strict=True))


def test_asked_in_log_order_every_record_is_taken_once(finished, monkeypatch):
    """A forger, who needs no key for it, could otherwise keep a verifier busy for hours."""
    taken = []
    monkeypatch.setattr(EditState, "advance", lambda self, entry: taken.append(entry) or self)
    telling = Telling(finished.evidence.edit_entries * 50, finished.evidence.registry)
    for place in range(1000):
        telling.before(place)
    assert len(taken) == 50 * len(finished.evidence.edit_entries)
