"""What a stage that was run again says: equal, different, or not to be told; and the answer to obligation 14."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from void_audit.audit.answers import failed, first, passed, unknown
from void_audit.media.difference import Difference, FileDifference
from void_audit.model.base import Sha256, Value
from void_audit.model.engine import EngineInfo, RunFacts
from void_audit.model.report import Finding, Obligation, State

Stage = Literal["pass 1", "pass 2", "output"]

OUTCOMES = ("noise", "peak memory", "skipped")
"""Beginnings of names in ``execution`` that say what came out, not what computed it: they excuse nothing."""


class StageReplay(Value):
    """One stage, run again."""

    stage: Stage
    state: State
    detail: str
    recorded: Sha256 | None = None
    made: Sha256 | None = None
    """SHA-256 of the recorded file and of the one that was made again."""
    pictures: Difference | None = None
    """Where the pictures of two different files differ."""
    conditions: tuple[str, ...] = ()
    """What computed it here, where that is not what is on record."""
    figures: tuple[str, ...] = ()
    """What the engine reports here and did not then: a hint, not a verdict."""


class Replay(Value):
    """All stages, and the answer to obligation 14."""

    edit: str
    plan: Sha256
    stages: tuple[StageReplay, ...]
    finding: Finding

    @property
    def exit_code(self) -> int:
        """0 if everything is equal, 1 if something is not, 3 if that cannot be told."""
        return {State.PASS: 0, State.FAIL: 1}.get(self.finding.state, 3)


@dataclass(frozen=True)
class Account:
    """What is said of one run of a stage, on record or here."""

    run: RunFacts
    engine: EngineInfo | None = None
    execution: Mapping[str, str] = field(default_factory=dict)
    statistics: Mapping[str, float] = field(default_factory=dict)
    """Figures of an engine, which need not be the same again."""
    measured: Mapping[str, float] = field(default_factory=dict)
    """Counts of the composite, which must be."""

    @property
    def conditions(self) -> dict[str, str]:
        """Everything that may decide a bit and is not in the plan."""
        engine = {"engine": self.engine.name, "engine version": self.engine.version} if self.engine else {}
        weights = {f"model file {w.name}": w.sha256 for w in self.engine.weights} if self.engine else {}
        how = {name: what for name, what in self.execution.items() if not name.startswith(OUTCOMES)}
        return {**engine, **weights, **how, **self.run.libraries, "device": self.run.device}

    @property
    def figures(self) -> dict[str, str]:
        """What came out beside the pictures."""
        numbers = {name: f"{value:.6g}" for name, value in self.statistics.items()}
        return {**numbers, **{n: what for n, what in self.execution.items() if n.startswith(OUTCOMES)}}


@dataclass(frozen=True)
class Files:
    """The recorded file and the one made again, by SHA-256.

    ``apart`` is None where they are one, or where the recorded one is not stored any more.
    """

    recorded: Sha256
    made: Sha256
    apart: FileDifference | None


def judged(stage: Stage, was: Account, now: Account, files: Files) -> StageReplay:
    """Equality passes whatever computed it; a difference fails only where the same computed it."""
    same, apart = files.recorded == files.made, files.apart
    changed = apart_words(was.measured, now.measured)
    conditions = apart_words(was.conditions, now.conditions)
    lost = not same and apart is None
    detail = "; ".join([_files_words(files), *changed])
    if not changed and (same or (apart and apart.none)):
        state = State.PASS
    elif conditions or lost:
        state = State.UNKNOWN
        detail += f". What computed it is not what is on record: {first(conditions)}" if conditions else ""
    else:
        state = State.FAIL
    return StageReplay(
        stage=stage,
        state=state,
        detail=f"{detail}.",
        recorded=files.recorded,
        made=files.made,
        pictures=apart.pictures if apart else None,
        conditions=conditions,
        figures=apart_words(was.figures, now.figures),
    )


def verdict(edit: str, stages: Sequence[StageReplay]) -> Finding:
    """The answer to obligation 14."""
    told = {state: [s for s in stages if s.state is state] for state in State}
    if wrong := told[State.FAIL]:
        return failed(
            Obligation.REPLAY,
            _sentences(wrong),
            "This plan did not make what is stored; or the engine does not repeat itself, which a second "
            "replay shows.",
        )
    if open_ := told[State.UNKNOWN]:
        return unknown(
            Obligation.REPLAY,
            _sentences(open_),
            "A replay where what the records name is at hand: files, engine, libraries, device.",
        )
    if later := told[State.NOT_APPLICABLE]:
        names = " and ".join(s.stage for s in later)
        return unknown(
            Obligation.REPLAY,
            f"What is there is equal, but the edit is not finished: {names} not on record.",
            f"`void-audit run {edit}`, then replay it.",
        )
    return passed(
        Obligation.REPLAY, "Pass 1, pass 2 and the output, made again from their records, are equal."
    )


def apart_words(was: Mapping[str, object], now: Mapping[str, object]) -> tuple[str, ...]:
    """Every name under which the two do not say the same."""
    return tuple(
        f"{name}: recorded {was.get(name, 'nothing')}, here {now.get(name, 'nothing')}"
        for name in sorted(was.keys() | now.keys())
        if was.get(name) != now.get(name)
    )


def _files_words(files: Files) -> str:
    if files.recorded == files.made:
        return "Equal, bit for bit: the same file"
    if files.apart is None:
        return (
            "Another file than the recorded one, which is not stored any more: how far apart cannot be told"
        )
    if files.apart.none:
        return "Equal, bit for bit, in every picture, its time and the sound; the file around them has other bytes"
    words = [] if files.apart.pictures is None else _picture_words(files.apart.pictures)
    return "; ".join([*words, *(f"different {fact}" for fact in files.apart.facts)])


def _picture_words(found: Difference) -> list[str]:
    if not found.differing:
        return ["Every picture is equal"]
    words = [
        f"{found.differing} of {max(found.recorded, found.made)} frames differ, from frame {found.first} on "
        f"(counted from 0), by up to {found.most:g} of 255 levels"
    ]
    if found.recorded != found.made:
        words.append(f"{found.recorded} frames are on record, {found.made} were made")
    return words


def _sentences(stages: Sequence[StageReplay]) -> str:
    return " ".join(f"{s.stage.capitalize()}: {s.detail}" for s in stages)
