"""Questions as the log tells them, also where the process died in between."""

from __future__ import annotations

import pytest
from house import STORY

from void_audit.workflow.enrolment import registry_of
from void_audit.workflow.questions import KINDS, questions


def told(house, entries=None):
    entries = house.place.writing.entries(kinds=KINDS) if entries is None else entries
    return list(questions(entries, registry_of(house.place.writing), house.place.blobs.read))


def test_a_process_that_died_while_it_waited(own):
    before = len(told(own))

    def killed(name):
        if name == "reason":
            raise KeyboardInterrupt

    own.engines.before = killed
    folder = own.request("killed")
    with pytest.raises(KeyboardInterrupt):
        own.plan(folder)
    own.engines.before = lambda name: None
    own.plan(folder)
    first, second = told(own)[before:]
    assert (first.verdict, first.outcome, first.settled) == ("allow", "no-answer", None)
    assert (second.verdict, second.outcome, second.edit) == ("allow", "answered", first.edit)


def test_a_question_that_nothing_was_decided_on(own):
    edit = own.planned("cut")
    entries = list(own.place.writing.entries(edit=edit, kinds=KINDS))
    (cut,) = told(own, [e for e in entries if e.statement.kind != "reasoning"][:4])
    assert STORY[4] == "query"
    assert (cut.verdict, cut.outcome) == ("", "no-answer")


def test_a_supplied_mask_asks_nothing(own):
    assert told(own, []) == []
