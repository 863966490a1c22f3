"""Every record of asking and revising left out, told twice, or told before its time: some obligation breaks."""

from __future__ import annotations

import shutil
from dataclasses import replace

import pytest
from simulator.studio import ScriptedEngines, Studio, consequences, failures
from simulator.test_revised_attacks import SPECK

from void_audit.errors import ReasoningError
from void_audit.model.lifecycle import step_of
from void_audit.model.reasoning import Exchange
from void_audit.pipeline.reason.scripted import ScriptedReasoner
from void_audit.workflow.drafting import Choices
from void_audit.workflow.planning import replan
from void_audit.workflow.revising import edit_mask, revise_prompt

STEPS = (
    "segmentation", "query", "policy-decision:reason", "refused-reply", "query", "policy-decision:reason",
    "reasoning", "mask", "plan", "policy-decision:plan", "mask-revision", "prompt-revision", "plan",
    "policy-decision:plan", "approval",
)  # fmt: skip
FIRST = 3
"""Where ``STEPS`` begin in the story: after source, intent and its decision."""

DIED = {3, 9}
"""What a process that died looks like from outside: a question without an answer, a plan that nobody judged before it
was revised. No verifier can hold it against an edit; that the house leaves out no record is not proven, says every
report."""


class Hesitant(ScriptedEngines):
    """The first answer cannot be used."""

    def __init__(self) -> None:
        self.asked = 0

    def reasoner(self, settings):
        engine = ScriptedReasoner(consequences())
        answer = engine.reason

        def reason(*args):
            self.asked += 1
            if self.asked == 1:
                raise ReasoningError("reply-malformed", "Not JSON.", "Ask again.", Exchange(reply=b"no"))
            return answer(*args)

        engine.reason = reason
        return engine


@pytest.fixture(scope="module")
def studio(tmp_path_factory):
    studio = Studio(tmp_path_factory.mktemp("studio"))
    studio.workshop = replace(studio.workshop, engines=Hesitant())
    return studio


@pytest.fixture(scope="module")
def finished(studio):
    with pytest.raises(ReasoningError):
        studio.plan()
    planned = studio.plan()
    lois = studio.place.person("lois")
    edit_mask(studio.workshop, planned.edit, lois, SPECK)
    revise_prompt(studio.workshop, planned.edit, lois, "A gradient and nothing else.")
    replan(studio.workshop, planned.edit, Choices())
    studio.approve(planned.edit)
    return studio.run(planned.edit, studio.folder / "edited.mp4")


@pytest.fixture
def story(studio, finished):
    story = studio.story(finished.edit)
    steps = [step_of(statement.predicate) for statement, _ in story.records]
    assert tuple(steps[FIRST : FIRST + len(STEPS)]) == STEPS
    return story


def told(studio, finished, story, name="told.mp4"):
    (studio.folder / name).unlink(missing_ok=True)
    shutil.rmtree(studio.folder / f"{name}.ledger", ignore_errors=True)
    (studio.folder / f"{name}.mark").unlink(missing_ok=True)
    return failures(studio.retell(finished.edit, story, name).verify(source=True, receipt=True))


def test_the_honest_story_verifies(studio, finished, story):
    assert told(studio, finished, story) == set()


def numbered(*numbers):
    return pytest.mark.parametrize("number", numbers, ids=[f"{n}-{STEPS[n]}" for n in numbers])


@pytest.mark.slow
@numbered(*range(len(STEPS)))
def test_left_out(studio, finished, story, number):
    del story.records[FIRST + number]
    assert (not told(studio, finished, story)) == (number in DIED)


@pytest.mark.slow
@numbered(0, 2, 3, 5, 6, 7, 10, 11)  # a question may be asked, and a plan be judged and approved, again
def test_told_twice(studio, finished, story, number):
    story.records.insert(FIRST + number, story.records[FIRST + number])
    assert told(studio, finished, story)


@pytest.mark.slow
@numbered(0, 1, 2, 3, 4, 5, 6, 11)
def test_told_after_what_follows(studio, finished, story, number):
    at = FIRST + number
    story.records[at : at + 2] = reversed(story.records[at : at + 2])
    assert told(studio, finished, story)
