"""From an approved plan to a sealed file: pass 1, pass 2, composite and encode, policy, seal, deliver."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from void_audit.errors import DeniedError, OrderError, SealError
from void_audit.ledger.blobs import BlobStore
from void_audit.media.compare import deviation_outside
from void_audit.media.lossless import LosslessWriter
from void_audit.media.packets import packet_digests
from void_audit.media.probe import probe
from void_audit.media.reader import VideoClip
from void_audit.media.writer import VideoWriter, extension
from void_audit.model.base import BlobRef, Sha256
from void_audit.model.clip import RGB, ClipInfo
from void_audit.model.engine import EngineInfo, Progress
from void_audit.model.facts import Facts
from void_audit.model.geometry import Size
from void_audit.model.lifecycle import EditState
from void_audit.model.plan import EditPlan
from void_audit.model.records import CompositeRecord, Output, PassRecord
from void_audit.pipeline.synthesize.base import FrameSink, Job, TakeReport
from void_audit.pipeline.synthesize.composite import CompositeReport, Compositor
from void_audit.workflow import judge
from void_audit.workflow.masking import engine_mask
from void_audit.workflow.material import recorded_request, source_clip, supplied_clip
from void_audit.workflow.recorder import Recorder, refuse_stale
from void_audit.workflow.sealing import Delivered, check_place, deliver, seal
from void_audit.workflow.studio import Studio

Work = Callable[[FrameSink], TakeReport]
"""An engine's pass that writes its pictures to the sink it is given."""


@dataclass(frozen=True)
class Finished:
    """A finished edit."""

    edit: str
    state: EditState
    delivered: Delivered


def run_edit(studio: Studio, edit: str, out: Path | None = None) -> Finished:
    """Run or resume an approved edit, or deliver a sealed one again.

    ``out`` defaults to the edit's own folder.

    Raises:
        DeniedError: policy denies now, or approvals are missing.
        OrderError: there is no plan, or the edit was rejected.
        LedgerError: ``blob-corrupt``: what was planned and approved is no longer what is stored.
        SealError: the output could not be sealed; it is not delivered.
        StorageError: ``out`` cannot be written, which is found before anything runs.
    """
    with studio.edits.lock(edit):
        studio.clear_scratch(edit)
        recorder = Recorder(studio, edit)
        plan = ready_plan(recorder)
        out = out or studio.edits.path(edit) / f"edited{extension(plan.encoder)}"
        check_place(recorder, out)
        if recorder.state.seal is None:
            check_stored(recorder)
            _pass1(recorder, plan)
            _pass2(recorder, plan)
            _composite(recorder, plan)
            judge.insist(judge.decide(recorder, _output_facts(recorder), "output"))
            seal(recorder, plan)
        delivered = deliver(recorder, out)
        studio.clear_scratch(edit)
        return Finished(edit, recorder.state, delivered)


def check_stored(recorder: Recorder) -> None:
    """Hold the stored source, mask, takes and output against their records: people approved those.

    Raises:
        LedgerError: ``blob-missing``, ``blob-corrupt``.
    """
    for artifact in artifacts(recorder.state).values():
        checked(recorder.studio.blobs, artifact)


def artifacts(state: EditState) -> dict[str, BlobRef | Sha256]:
    """What an edit's pixels are made from, and what was made, by name; a digest where its record has no more."""
    named: dict[str, BlobRef | Sha256] = {"source": state.subjects["source"]["source"]}
    if state.intent:
        named["request"] = state.intent.request
        named |= {"supplied": state.intent.supplied} if state.intent.supplied else {}
    if state.prompt:
        named["prompt"] = state.prompt
    if state.mask:
        named["mask"] = state.mask.mask
    if state.plan:
        named["plan"] = state.plan.plan
    named |= {f"take {number}": take.take for number in (1, 2) if (take := state.take(number))}
    if state.output:
        named["output"] = state.subjects["output"]["output"]
    return named


def checked(blobs: BlobStore, artifact: BlobRef | Sha256) -> BlobRef:
    """A reference to an artifact whose stored bytes are those of its record.

    Raises:
        LedgerError: ``blob-missing``, ``blob-corrupt``.
    """
    ref = artifact if isinstance(artifact, BlobRef) else blobs.ref(artifact, "video/mp4")
    blobs.check(ref)
    return ref


def ready_plan(recorder: Recorder) -> EditPlan:
    """The present plan, if everything that must come before synthesis has come."""
    state, edit = recorder.state, recorder.edit
    if state.plan is None:
        raise OrderError("plan-missing", f"Edit {edit} has no plan yet.", "Run `void-audit plan REQUEST`.")
    if state.rejected:
        raise DeniedError("plan-rejected", f"Edit {edit} was rejected.", "Make a new request.")
    refuse_stale(recorder)
    plan = read_plan(recorder)
    if state.take(1) is None:
        # Time may have passed since the plan was judged: rights lapse, packs and key roles change.
        facts = judge.plan_facts(recorder.studio, state, judge.base_facts(recorder), plan)
        judge.insist(judge.decide(recorder, facts, "plan"))
        if recorder.state.approvals_missing:
            raise DeniedError(
                "approvals-missing",
                f"Edit {edit} needs {recorder.state.approvals_missing} more approval(s) of plan "
                f"{state.plan.digest[:12]}.",
                f"`void-audit approve {edit} --as NAME`, by someone other than the requester.",
            )
    return plan


def read_plan(recorder: Recorder) -> EditPlan:
    """The recorded plan."""
    if recorder.state.plan is None:
        raise AssertionError("no plan yet")
    return EditPlan.model_validate_json(recorder.studio.blobs.read(recorder.state.plan.plan))


def _pass1(recorder: Recorder, plan: EditPlan) -> None:
    if recorder.state.take(1) is not None:
        return
    # Pass 2 is looked at as well: once pass 1 is recorded its plan stands.
    _same_engine(recorder.studio.engines.refiner(plan.pass2, Job()).info, plan.refiner)
    engine = recorder.studio.engines.synthesizer(plan.pass1, _job(recorder))
    _same_engine(engine.info, plan.engine)
    clip, mask, progress = source_clip(recorder), engine_mask(recorder), recorder.studio.progress
    _take(recorder, plan, 1, engine.info, lambda sink: engine.synthesize(clip, mask, plan, sink, progress))


def _pass2(recorder: Recorder, plan: EditPlan) -> None:
    if recorder.state.take(2) is not None:
        return
    engine = recorder.studio.engines.refiner(plan.pass2, _job(recorder))
    _same_engine(engine.info, plan.refiner)
    clip, mask, progress = source_clip(recorder), engine_mask(recorder), recorder.studio.progress
    take = take_clip(recorder, 1)
    _take(recorder, plan, 2, engine.info, lambda sink: engine.refine(clip, take, mask, plan, sink, progress))


def _job(recorder: Recorder) -> Job:
    return Job(
        prompt=recorded_request(recorder).background,
        checkpoints=recorder.studio.checkpoints(recorder.edit),
        supplied=supplied_clip(recorder),
    )


def _same_engine(present: EngineInfo, planned: EngineInfo) -> None:
    if present != planned:
        raise OrderError(
            "engine-changed",
            f"The plan was approved for {planned.name} {planned.version}; here is {present.name} "
            f"{present.version}.",
            "Plan again: `void-audit plan EDIT`; the new plan needs new approvals.",
        )


def _take(
    recorder: Recorder,
    plan: EditPlan,
    number: int,
    engine: EngineInfo,
    work: Work,
) -> None:
    studio, clip = recorder.studio, source_clip(recorder)
    recorder.start()
    path = studio.scratch(recorder.edit) / f"take{number}.mkv"
    report, written = write_take(path, plan, clip.info, work)
    if written != clip.info.frames:
        # Once recorded it would stand, and nothing could be made of it.
        raise OrderError(
            "take-incomplete",
            f"{engine.name} made {written} pictures for {clip.info.frames} frames; they are not recorded.",
            "Run it again; if it stays so, the engine is at fault.",
        )
    blob = studio.blobs.put_file(path, "video/x-matroska", move=True)
    record = PassRecord(
        **recorder.common(),
        number=1 if number == 1 else 2,
        plan=_digest(recorder),
        engine=engine,
        take=blob,
        statistics={name: round(value, 6) for name, value in report.statistics.items()},
        warnings=report.warnings,
        execution=report.execution,
        run=recorder.run_facts(report.execution.get("device")),
    )
    recorder.record(record, {"take": blob.sha256})
    shutil.rmtree(studio.checkpoints(recorder.edit), ignore_errors=True)


def write_take(path: Path, plan: EditPlan, source: ClipInfo, work: Work) -> tuple[TakeReport, int]:
    """Have an engine write its pictures to ``path``, losslessly; returns its report and how many there were."""
    size, written = Size(plan.geometry.width, plan.geometry.height), 0

    def sink(picture: RGB) -> None:
        nonlocal written
        writer.write(picture)
        written += 1

    with LosslessWriter(path, size, source.frame_rate) as writer:
        report = work(sink)
    return report, written


def take_clip(recorder: Recorder, number: int) -> VideoClip:
    """The lossless take of pass 1 or 2."""
    record = recorder.state.take(number)
    if record is None:
        raise AssertionError(f"no take {number} yet")
    return VideoClip(recorder.studio.blobs.path(record.take))


def _composite(recorder: Recorder, plan: EditPlan) -> None:
    """One streaming pass makes the finished track; two records say what was laid over and what was written.

    A kill between the two records would lose the file named by the second, so they are written together:
    if ``output`` is missing the track is made again, which is deterministic, but ``composite`` is not doubled.
    """
    if recorder.state.output is not None:
        return
    recorder.start()
    studio, source = recorder.studio, source_clip(recorder)
    path = studio.scratch(recorder.edit) / f"unsealed{extension(plan.encoder)}"
    compositor = Compositor(take_clip(recorder, 2), engine_mask(recorder), plan, source.info)
    report = write_output(path, compositor, plan, source, studio.progress)
    if recorder.state.composite is None:
        record = CompositeRecord(
            **recorder.common(),
            plan=_digest(recorder),
            frames=report.frames,
            keep_samples=report.keep_samples,
            keep_samples_changed=report.keep_samples_changed,
            opened_share_max=report.opened_share_max,
            run=recorder.run_facts(),
        )
        recorder.record(record, {"take": _take2_digest(recorder)})
    _output(recorder, plan, studio.blobs.put_file(path, "video/mp4", move=True))


def write_output(
    path: Path, compositor: Compositor, plan: EditPlan, source: VideoClip, progress: Progress
) -> CompositeReport:
    """Lay the take over the source and encode it to ``path``, with the source's sound; not sealed yet."""
    with VideoWriter(path, source.path, source.info, plan.encoder) as writer:
        for number, frame in enumerate(compositor.frames(source.planes())):
            writer.write(frame)
            progress("compositing and encoding", number + 1, source.info.frames)
    return compositor.report


def _output(recorder: Recorder, plan: EditPlan, blob: BlobRef) -> None:
    studio, source = recorder.studio, source_clip(recorder)
    stored = studio.blobs.path(blob)
    output = VideoClip(stored)
    studio.progress("measuring outside the mask", 0, 1)
    mask = engine_mask(recorder)
    worst = deviation_outside(source.planes(), output.planes(), mask.classes(), source.info.bit_depth).worst
    studio.progress("measuring outside the mask", 1, 1)
    record = Output(
        **recorder.common(),
        plan=_digest(recorder),
        clip=probe(stored),
        packets=packet_digests(stored),
        encoder=plan.encoder,
        containment_worst=round(worst, 3),
        counterfactual_dynamics=plan.engine.counterfactual_dynamics,
        key_events=sum(1 for _ in studio.ledger.key_events()),
    )
    recorder.record(record, {"output": blob.sha256})


def _output_facts(recorder: Recorder) -> Facts:
    state = recorder.state
    if state.composite is None or state.output is None:
        raise SealError("output-missing", "There is no output to judge.", "Run the edit again.")
    plan = read_plan(recorder)
    base = judge.plan_facts(recorder.studio, state, judge.base_facts(recorder), plan)
    # The sealer takes the source in as parent ingredient with its credentials, unless nothing can read them.
    kept = state.source is not None and state.source.credentials != "unreadable"
    changed = state.composite.keep_samples_changed
    return judge.output_facts(base, changed, state.output.containment_worst, kept)


def _digest(recorder: Recorder) -> str:
    if recorder.state.plan is None:
        raise AssertionError("no plan yet")
    return recorder.state.plan.digest


def _take2_digest(recorder: Recorder) -> str:
    record = recorder.state.take(2)
    if record is None:
        raise AssertionError("no take yet")
    return record.take.sha256
