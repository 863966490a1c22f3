"""What is stored of a subject. Erasing it: ``test_erasing``."""

from __future__ import annotations

from house import House

from void_audit.model.records import Kind
from void_audit.workflow.owned import owned_by_edit, owned_by_person, shared_with_others


def test_words_are_told_from_pictures(house: House):
    edit = house.approved("words")
    house.run(edit)
    owned = owned_by_edit(house.place.reading, edit)
    entries = {e.statement.kind: e.statement for e in house.place.reading.entries(edit=edit)}
    intent, seal = entries[Kind.INTENT].predicate, entries[Kind.SEAL]
    for digest in (
        intent.request.sha256,
        intent.prompt.sha256,
        entries[Kind.POLICY_DECISION].predicate.facts.sha256,
        entries[Kind.POLICY_DECISION].predicate.decision.sha256,
        entries[Kind.REASONING].predicate.exchange.reply.sha256,
        seal.subjects[0].digest["sha256"],  # the finished file carries them all
    ):
        assert digest in owned.words
    for digest in (
        entries[Kind.SOURCE].subjects[0].digest["sha256"],
        entries[Kind.OUTPUT].subjects[0].digest["sha256"],
        entries[Kind.MASK].predicate.mask.sha256,
        entries[Kind.PLAN].predicate.plan.sha256,
    ):
        assert digest in owned.media
    assert not set(owned.words) & set(owned.media)
    assert (owned.subject, owned.edit, owned.unfinished) == (f"edit:{edit}", edit, False)
    assert all(house.place.blobs.size_of(digest) for digest in (*owned.words, *owned.media))


def test_a_comment_is_of_the_edit_that_it_was_made_on(house: House):
    edit = house.planned("comments")
    before = set(owned_by_edit(house.place.reading, edit).words)
    house.approve(edit)
    after = owned_by_edit(house.place.reading, edit)
    comments = [
        e.statement.predicate.comment for e in house.place.reading.entries(edit=edit, kinds=[Kind.APPROVAL])
    ]
    assert set(after.words) - before == {c.sha256 for c in comments if c}
    assert after.unfinished


def test_two_edits_of_one_clip_share_it_and_no_words(house: House):
    one, other = (owned_by_edit(house.place.reading, house.planned(name)) for name in ("first", "second"))
    assert set(one.words).isdisjoint(other.words)
    shared = shared_with_others(house.place.reading, one)
    assert set(one.media) & set(other.media) <= shared
    assert shared.isdisjoint(one.words)


def test_a_persons_own_are_the_names_on_their_key_events(own: House):
    key = own.place.people.load("lois", None).key_id
    owned = owned_by_person(own.place.reading, key)
    assert owned == owned_by_person(own.place.reading, key[:12])
    assert owned.subject == f"key:{key}"
    assert len(owned.words) == 1
    assert (owned.media, owned.edit, owned.keys) == ((), None, {key})
    assert own.place.blobs.has_key(owned.subjects[0])
