"""Running a recorded plan again, to be compared stage by stage with what is on record (obligation 14).

Pass 1 starts from the recorded source, mask and request; pass 2 from the recorded take of pass 1; composite and
encoding from that of pass 2. So each stage answers for itself. Nothing is written but to a temporary folder.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TypeVar

from pydantic import ValidationError

from void_audit.canon.hashing import sha256_file
from void_audit.errors import InputError, LedgerError, OrderError, WorkspaceError
from void_audit.ledger.blobs import BlobStore
from void_audit.ledger.reader import LogReader
from void_audit.media.difference import file_difference
from void_audit.media.maskfile import MaskFile
from void_audit.media.reader import VideoClip
from void_audit.media.writer import extension
from void_audit.model.base import BlobRef, Value
from void_audit.model.engine import EngineInfo, Progress, RunFacts, no_progress
from void_audit.model.lifecycle import EditState
from void_audit.model.mask import Translated
from void_audit.model.plan import EditPlan
from void_audit.model.records import CompositeRecord
from void_audit.model.report import State
from void_audit.pipeline.synthesize.base import Job
from void_audit.pipeline.synthesize.composite import CompositeReport, Compositor
from void_audit.workflow.recorder import libraries, state_of
from void_audit.workflow.replay_verdict import Account, Files, Replay, Stage, StageReplay, judged, verdict
from void_audit.workflow.request_folder import parse_prompt
from void_audit.workflow.running import Work, artifacts, checked, write_output, write_take
from void_audit.workflow.studio import Engines

V = TypeVar("V", bound=Value)

RESULTS: dict[Stage, str] = {"pass 1": "take 1", "pass 2": "take 2", "output": "output"}
"""What each stage has made."""

NEEDS: dict[Stage, tuple[str, ...]] = {
    "pass 1": ("plan", "source", "mask", "prompt"),
    "pass 2": ("plan", "source", "mask", "prompt", "take 1"),
    "output": ("plan", "source", "mask", "take 2"),
}
"""What each stage is made from."""


@dataclass(frozen=True)
class Archive:
    """What replaying needs of a workspace: nothing that writes, and no key."""

    ledger: LogReader
    blobs: BlobStore
    engines: Engines
    device: str = "cpu"
    progress: Progress = no_progress


def replay_edit(archive: Archive, edit: str) -> Replay:
    """Run every recorded stage of an edit again.

    Raises:
        WorkspaceError: ``edit-unknown``.
        OrderError: ``replay-nothing`` before pass 1 is on record; ``ledger-order``.
        LedgerError: ``blob-corrupt``: what is stored is not what was recorded, so nothing is made from it.
        StorageError: there is no room for what is made.
    """
    state = state_of(archive.ledger, edit)
    if not state.last:
        raise WorkspaceError("edit-unknown", f"No edit {edit!r}.", "`void-audit history` lists them.")
    if state.plan is None or state.take(1) is None:
        raise OrderError(
            "replay-nothing",
            f"Edit {edit} has no picture made yet: its records end at {state.last}.",
            f"`void-audit run {edit}` makes them.",
        )
    stored, erased = _stored(archive, state)
    with TemporaryDirectory(prefix="void-audit-replay-") as folder:
        desk = _Desk(archive, state, stored, erased, Path(folder))
        stages = tuple(desk.replayed(stage) for stage in RESULTS)
    return Replay(edit=edit, plan=state.plan.digest, stages=stages, finding=verdict(edit, stages))


def _stored(archive: Archive, state: EditState) -> tuple[dict[str, BlobRef], frozenset[str]]:
    """What is stored of the edit, every digest checked; and the names of what was erased."""
    found, erased, named = {}, set(), artifacts(state)
    for number, (name, artifact) in enumerate(named.items()):
        try:
            found[name] = checked(archive.blobs, artifact)
        except LedgerError as error:
            if error.code not in {"blob-missing", "blob-erased"}:
                raise
            if error.code == "blob-erased":
                erased.add(name)
        archive.progress("checking what is stored", number + 1, len(named))
    return found, frozenset(erased)


@dataclass(frozen=True)
class _Desk:
    """Where the stages of one edit are run again."""

    archive: Archive
    state: EditState
    stored: Mapping[str, BlobRef]
    erased: frozenset[str]
    folder: Path

    def replayed(self, stage: Stage) -> StageReplay:
        """Run a stage and compare, as far as its material is there and its engine can be had."""
        recorded = self._recorded(stage)
        if recorded is None:
            return StageReplay(stage=stage, state=State.NOT_APPLICABLE, detail="Not on record yet.")
        missing = [name for name in NEEDS[stage] if name not in self.stored]
        if missing:
            gone = [f"{name} (ERASED)" if name in self.erased else name for name in missing]
            return _untold(stage, f"Not stored any more: {', '.join(gone)}.")
        try:
            path, made = self._made(stage)
            return judged(stage, recorded, made, self._files(stage, path))
        except (InputError, OrderError) as error:
            return _untold(stage, f"It cannot be repeated here: {error}")
        finally:
            for left in self.folder.iterdir():
                left.unlink()

    def _recorded(self, stage: Stage) -> Account | None:
        state = self.state
        if stage == "output":
            done = state.output and state.composite
            return Account(done.run, measured=_measured(done)) if done else None
        record = state.take(1 if stage == "pass 1" else 2)
        return Account(record.run, record.engine, record.execution, record.statistics) if record else None

    def _made(self, stage: Stage) -> tuple[Path, Account]:
        if stage == "pass 1":
            return self._pass1()
        return self._pass2() if stage == "pass 2" else self._output()

    def _pass1(self) -> tuple[Path, Account]:
        clip, mask, plan, progress = self._clip(), self._mask(), self._plan(), self.archive.progress
        engine = self.archive.engines.synthesizer(plan.pass1, self._job())
        return self._take(plan, engine.info, lambda sink: engine.synthesize(clip, mask, plan, sink, progress))

    def _pass2(self) -> tuple[Path, Account]:
        clip, mask, plan, progress = self._clip(), self._mask(), self._plan(), self.archive.progress
        engine, take = self.archive.engines.refiner(plan.pass2, self._job()), self._stored_clip("take 1")
        return self._take(
            plan, engine.info, lambda sink: engine.refine(clip, take, mask, plan, sink, progress)
        )

    def _take(self, plan: EditPlan, engine: EngineInfo, work: Work) -> tuple[Path, Account]:
        path = self.folder / "take.mkv"
        report, _ = write_take(path, plan, self._clip().info, work)
        statistics = {name: round(value, 6) for name, value in report.statistics.items()}
        run = self._run(report.execution.get("device"))
        return path, Account(run, engine, report.execution, statistics)

    def _output(self) -> tuple[Path, Account]:
        clip, plan, take = self._clip(), self._plan(), self._stored_clip("take 2")
        path = self.folder / f"output{extension(plan.encoder)}"
        compositor = Compositor(take, self._mask(), plan, clip.info)
        report = write_output(path, compositor, plan, clip, self.archive.progress)
        return path, Account(self._run(), measured=_measured(report))

    def _files(self, stage: Stage, path: Path) -> Files:
        result, made = RESULTS[stage], sha256_file(path)
        artifact = artifacts(self.state)[result]
        recorded = artifact.sha256 if isinstance(artifact, BlobRef) else artifact
        if made == recorded or result not in self.stored:
            return Files(recorded, made, None)
        return Files(recorded, made, file_difference(self._path(result), path, self.archive.progress))

    def _run(self, device: str | None = None) -> RunFacts:
        return RunFacts(device=device or self.archive.device, wall_seconds=0.0, libraries=libraries())

    def _job(self) -> Job:
        """Without checkpoints: what is compared is made from the start."""
        supplied = self._path("supplied") if "supplied" in self.stored else None
        background = parse_prompt(self.archive.blobs.read(self.stored["prompt"]))
        return Job(prompt=background, supplied=supplied)

    def _plan(self) -> EditPlan:
        return self._value("plan", EditPlan)

    def _value(self, name: str, kind: type[V]) -> V:
        try:
            return kind.model_validate_json(self.archive.blobs.read(self.stored[name]))
        except ValidationError:
            raise OrderError(
                "replay-unreadable",
                f"The stored {name} is none that this version knows.",
                "Replay it with the version that made it.",
            ) from None

    def _clip(self) -> VideoClip:
        return VideoClip(self._path("source"), self.state.source.clip if self.state.source else None)

    def _mask(self) -> Translated:
        schema = self.state.mask.mask_schema if self.state.mask else None
        if schema is None:
            raise AssertionError("a plan without a mask")
        return Translated(MaskFile(self._path("mask"), schema.values), schema.conditions)

    def _stored_clip(self, name: str) -> VideoClip:
        return VideoClip(self._path(name))

    def _path(self, name: str) -> Path:
        return self.archive.blobs.path(self.stored[name])


def _measured(counts: CompositeRecord | CompositeReport) -> dict[str, float]:
    return {
        "frames": counts.frames,
        "keep_samples": counts.keep_samples,
        "keep_samples_changed": counts.keep_samples_changed,
        "opened_share_max": counts.opened_share_max,
    }


def _untold(stage: Stage, why: str) -> StageReplay:
    return StageReplay(stage=stage, state=State.UNKNOWN, detail=why)
