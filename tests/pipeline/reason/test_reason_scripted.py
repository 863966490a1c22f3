"""The scripted reasoner: faithful, and not exempt from the check."""

import pytest
from reason_scenes import REQUEST, rolling_ball

from void_audit.errors import ReasoningError
from void_audit.model.geometry import FrameRange
from void_audit.model.reasoning import AffectedObject, Consequences, Grid
from void_audit.pipeline.reason.base import Reasoner
from void_audit.pipeline.reason.contact import ContactReasoner
from void_audit.pipeline.reason.scripted import ScriptedReasoner


def consequences(stop):
    thing = AffectedObject(
        noun="cup",
        category="physical",
        why="it stood on it",
        will_move=True,
        frames=FrameRange(start=0, stop=stop),
        localizations=(),
    )
    return Consequences(
        grid=Grid(rows=8, cols=14), instruction="x", affected=(thing,), summary="given", confidence=1.0
    )


def test_returns_what_it_was_given_and_says_so():
    world = rolling_ball(frames=3)
    reasoner: Reasoner = ScriptedReasoner(consequences(3))
    answer = reasoner.reason(world.clip, world.track, REQUEST)
    assert answer.consequences == consequences(3)
    assert Consequences.model_validate_json(answer.exchange.reply) == consequences(3)
    assert answer.engine.kind == "scripted"
    assert answer.settings == reasoner.settings == {}


def test_an_answer_for_another_clip_is_refused():
    world = rolling_ball(frames=3)
    with pytest.raises(ReasoningError) as error:
        ScriptedReasoner(consequences(4)).reason(world.clip, world.track, REQUEST)
    assert error.value.code == "reply-out-of-bounds"


def test_both_engines_satisfy_the_interface():
    engines: list[Reasoner] = [ContactReasoner(), ScriptedReasoner(consequences(1))]
    assert {engine.info.kind for engine in engines} == {"rules", "scripted"}
