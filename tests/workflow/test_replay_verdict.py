"""What is said of a stage: equality passes, a difference fails only under the recorded conditions."""

from __future__ import annotations

import pytest

from void_audit.media.difference import Difference, FileDifference
from void_audit.model.engine import EngineInfo, RunFacts, WeightsRef
from void_audit.model.report import Obligation, State
from void_audit.workflow.replay_verdict import (
    Account,
    Files,
    Replay,
    StageReplay,
    apart_words,
    judged,
    verdict,
)

ONE, OTHER = "1" * 64, "2" * 64
RUN = RunFacts(device="cpu", wall_seconds=1.0, libraries={"numpy": "2"})
LATER = RunFacts(device="cpu", wall_seconds=99.0, libraries={"numpy": "3"})
EQUAL = FileDifference(Difference(6, 6, 0, None, 0.0), ())
PIXEL = FileDifference(Difference(6, 6, 2, 3, 12.5), ())
SOUND = FileDifference(Difference(6, 6, 0, None, 0.0), ("the sound",))
SIZE = FileDifference(None, ("height: recorded 12, here 8",))
SAME = Files(ONE, ONE, None)


def stage(files=SAME, now=RUN, **fields):
    return judged("output", Account(RUN), Account(now, **fields), files)


@pytest.mark.parametrize("now", [RUN, LATER])
@pytest.mark.parametrize("files", [SAME, Files(ONE, OTHER, EQUAL)])
def test_equality_passes_whatever_computed_it(files, now):
    found = stage(files, now)
    assert found.state is State.PASS
    assert found.detail.startswith("Equal, bit for bit")
    assert found.conditions == (("numpy: recorded 2, here 3",) if now is LATER else ())


@pytest.mark.parametrize(
    ("apart", "said"),
    [
        (PIXEL, "2 of 6 frames differ, from frame 3 on (counted from 0), by up to 12.5 of 255 levels."),
        (SOUND, "Every picture is equal; different the sound."),
        (SIZE, "different height: recorded 12, here 8."),
        (FileDifference(Difference(6, 5, 1, 5, 0.0), ()), "6 frames are on record, 5 were made."),
    ],
)
def test_a_difference_fails_under_the_recorded_conditions_only(apart, said):
    wrong = stage(Files(ONE, OTHER, apart))
    assert (wrong.state, wrong.recorded, wrong.made, wrong.pictures) == (
        State.FAIL,
        ONE,
        OTHER,
        apart.pictures,
    )
    assert wrong.detail.endswith(said)
    open_ = stage(Files(ONE, OTHER, apart), LATER)
    assert open_.state is State.UNKNOWN
    assert open_.detail.endswith("What computed it is not what is on record: numpy: recorded 2, here 3.")


def test_counts_that_are_others_are_a_difference_even_of_the_same_file():
    assert stage(measured={"frames": 6}).state is State.FAIL
    assert stage(measured={"frames": 6}, now=LATER).state is State.UNKNOWN


def test_figures_and_time_are_none():
    found = stage(statistics={"filled": 0.25}, now=RUN.model_copy(update={"wall_seconds": 5.0}))
    assert found.state is State.PASS
    assert found.figures == ("filled: recorded nothing, here 0.25",)


def test_another_file_than_one_that_is_gone_cannot_be_told():
    found = stage(Files(ONE, OTHER, None))
    assert (found.state, found.pictures) == (State.UNKNOWN, None)
    assert "not stored any more" in found.detail


def test_everything_that_may_decide_a_bit_is_a_condition():
    weights = (WeightsRef(name="w", sha256=ONE),)
    engine = EngineInfo(name="e", version="1", kind="model", description="d", weights=weights)
    was = Account(RUN, engine, {"torch": "2.9", "noise": ONE})
    changes = [
        Account(RUN, engine.model_copy(update={"name": "f"}), was.execution),
        Account(RUN, engine.model_copy(update={"version": "2"}), was.execution),
        Account(RUN, engine.model_copy(update={"weights": ()}), was.execution),
        Account(RUN, engine, {**was.execution, "torch": "2.10"}),
        Account(RUN, engine, {"noise": ONE}),
        Account(RUN.model_copy(update={"device": "cuda"}), engine, was.execution),
    ]
    for now in changes:
        assert len(apart_words(was.conditions, now.conditions)) == 1
        assert judged("pass 1", was, now, Files(ONE, OTHER, PIXEL)).state is State.UNKNOWN
    drawn = Account(RUN, engine, {**was.execution, "noise": OTHER})
    assert judged("pass 1", was, drawn, Files(ONE, OTHER, PIXEL)).state is State.FAIL


def stages(*states):
    names = ("pass 1", "pass 2", "output")
    return tuple(
        StageReplay(stage=n, state=s, detail=f"Detail of {n}.") for n, s in zip(names, states, strict=True)
    )


P, F, U, N = State.PASS, State.FAIL, State.UNKNOWN, State.NOT_APPLICABLE


@pytest.mark.parametrize(
    ("given", "state", "code", "named"),
    [
        ((P, P, P), P, 0, "Pass 1, pass 2 and the output"),
        ((P, F, U), F, 1, "Pass 2: Detail of pass 2."),
        ((U, P, P), U, 3, "Pass 1: Detail of pass 1."),
        ((P, N, N), U, 3, "pass 2 and output not on record"),
        ((F, N, N), F, 1, "Pass 1"),
        ((U, N, N), U, 3, "Pass 1"),
    ],
)
def test_the_answer(given, state, code, named):
    finding = verdict("0123456789ab", stages(*given))
    assert (finding.obligation, finding.state) == (Obligation.REPLAY, state)
    assert named in finding.detail
    assert bool(finding.remedy) == (state is not P)
    done = Replay(edit="0123456789ab", plan=ONE, stages=stages(*given), finding=finding)
    assert done.exit_code == code
    assert Replay.model_validate_json(done.model_dump_json()) == done
