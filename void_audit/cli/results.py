"""What ``plan``, ``run`` and ``edit`` show when they are done."""

from __future__ import annotations

from pathlib import Path

from void_audit.cli.console import say
from void_audit.cli.figures import in_words
from void_audit.cli.masks import mask_changes
from void_audit.cli.reasoned import findings_json, print_findings, say_wrapped
from void_audit.cli.tables import print_decision
from void_audit.errors import VoidAuditError
from void_audit.media.maskfile import MaskFile
from void_audit.media.reader import VideoClip
from void_audit.model.decision import PolicyDecision
from void_audit.model.lifecycle import EditState
from void_audit.model.plan import EditPlan
from void_audit.model.void import VoidSettings
from void_audit.pipeline.masks import schema as schemas
from void_audit.pipeline.masks.comparison import comparison
from void_audit.policy.pack import builtin_names
from void_audit.workflow.material import recorded_request, supplied_warnings
from void_audit.workflow.planning import Planned
from void_audit.workflow.recorder import Recorder
from void_audit.workflow.running import Finished
from void_audit.workflow.studio import Studio


def planned_json(studio: Studio, planned: Planned) -> dict[str, object]:
    """A planned edit as JSON."""
    state, plan = planned.state, plan_of(studio, planned.state)
    return {
        "edit": planned.edit,
        "resumed": planned.resumed,
        "plan": plan.model_dump(mode="json"),
        "digest": state.plan.digest if state.plan else None,
        "approvals_missing": state.approvals_missing,
        "mask": state.mask.statistics.model_dump(mode="json") if state.mask else None,
        "plan_file": str(plan_file(studio, planned)),
        "mask_file": str(studio.blobs.path(state.mask.mask)) if state.mask else None,
        "preview": str(preview_picture(studio, planned)),
        **findings_json(studio, planned.edit, state),
        "warnings": _planned_warnings(studio, planned),
        "decision": decision_of(studio, state).model_dump(mode="json"),
    }


def print_planned(studio: Studio, planned: Planned, goes_on: bool = False) -> None:
    """A planned edit for a person: what was found, what policy says, and what to do next."""
    state, plan = planned.state, plan_of(studio, planned.state)
    say(f"Edit {planned.edit}{' (resumed)' if planned.resumed else ''}", "bold")
    print_findings(studio, planned.edit, state)
    if state.revisions:
        say(f"The mask was revised by hand {state.revisions} time(s): void-audit mask diff {planned.edit}")
    if "prompt-revision" in state.records:
        prompt = recorded_request(Recorder(studio, planned.edit)).background
        say_wrapped(f"The prompt was revised; it is now: {prompt}")
    if state.mask:
        shares, schema = state.mask.statistics, state.mask.mask_schema.name
        say(
            f"The mask ({schema}) opens at most {shares.max_opened_share:.1%} of a frame, {shares.frames} frames."
        )
        for change in mask_changes(state.mask):
            say_wrapped(f"  - {change}")
        if left_out := _left_out(state):
            say_wrapped(left_out, "yellow")
    for line in (*passes_of(plan), *_part_of(plan)):
        say_wrapped(line)
    if not plan.engine.counterfactual_dynamics:
        say(
            f"Engine {plan.engine.name}: counterfactual dynamics: no (it cannot say what would have moved).",
            "yellow",
        )
    for warning in _planned_warnings(studio, planned):
        say_wrapped(f"warning: {warning}", "yellow")
    print_decision(decision_of(studio, state))
    say(f"Plan {state.plan.digest if state.plan else ''}: {plan_file(studio, planned)}")
    say(f"Mask over the footage: {preview_picture(studio, planned)}")
    if goes_on:
        return
    if state.approvals_missing:
        say(
            f"Next: void-audit approve {planned.edit} --as NAME ({state.approvals_missing} approval(s) missing)"
        )
    elif state.seal is None:
        say(f"Next: void-audit run {planned.edit}")


def passes_of(plan: EditPlan) -> list[str]:
    """What each pass is going to do, a line each: what an approver answers for."""
    size = f"{plan.geometry.width}x{plan.geometry.height}"
    lines = []
    for number, engine, settings in ((1, plan.engine, plan.pass1), (2, plan.refiner, plan.pass2)):
        how = f"at {size}"
        if isinstance(settings, VoidSettings):
            dynamics = "yes" if engine.counterfactual_dynamics else "no"
            how = (
                f"{settings.model}, {settings.steps} steps at {size}, {settings.dtype}, {settings.execution.name}, "
                f"{settings.numerics.name}; counterfactual dynamics: {dynamics}"
            )
        lines.append(
            f"Pass {number}: none." if engine.name == "none" else f"Pass {number}: {engine.name}, {how}."
        )
    return lines


def _part_of(plan: EditPlan) -> list[str]:
    """Said where not the whole picture is synthesised: the smaller size is no loss."""
    crop, whole = plan.geometry.crop, f"{plan.mask.width}x{plan.mask.height}"
    if (part := f"{crop.width}x{crop.height}") == whole:
        return []
    return [
        f"The passes are given the mask's part of the picture, {part} of {whole}; the file keeps its size."
    ]


def finished_json(studio: Studio, finished: Finished) -> dict[str, object]:
    """A finished edit as JSON."""
    state, delivered = finished.state, finished.delivered
    return {
        "edit": finished.edit,
        "file": str(delivered.path),
        "sha256": delivered.sha256,
        "receipt": str(delivered.receipt),
        "picture": str(picture) if (picture := comparison_picture(studio, finished)) else None,
        "sidecar": str(delivered.sidecar) if delivered.sidecar else None,
        "manifest": delivered.manifest,
        "passes": [dict(take.statistics) for n in (1, 2) if (take := state.take(n))],
        "warnings": [*warnings_of(state), *studio.notary.warnings],
        "containment_worst": state.output.containment_worst if state.output else None,
        "counterfactual_dynamics": bool(state.output and state.output.counterfactual_dynamics),
    }


def print_finished(studio: Studio, finished: Finished) -> None:
    """A finished edit for a person."""
    state, delivered = finished.state, finished.delivered
    for warning in [*warnings_of(state), *studio.notary.warnings]:
        say_wrapped(f"warning: {warning}", "yellow")
    for number in (1, 2):
        take = state.take(number)
        if take is not None and (figures := in_words(take.statistics)):
            say_wrapped(f"Pass {number} ({take.engine.name}): {figures}.")
    if state.composite and state.output:
        say(
            f"Outside the mask {state.composite.keep_samples_changed} of {state.composite.keep_samples:,} samples "
            f"changed before encoding; after it the worst block is off by {state.output.containment_worst} levels."
        )
    say(f"Finished: {delivered.path}", "bold green")
    say(f"SHA-256   {delivered.sha256}")
    say(f"Receipt:  {delivered.receipt}")
    picture = comparison_picture(studio, finished)
    say(f"Before, mask, after: {picture or 'could not be drawn; the file is complete'}")
    if delivered.sidecar:
        say(f"Manifest: {delivered.sidecar} (this container cannot hold it)")
    say(f"Next: void-audit verify {delivered.path}")


def plan_of(studio: Studio, state: EditState) -> EditPlan:
    """The present plan."""
    if state.plan is None:
        raise AssertionError("a planned edit without a plan")
    return EditPlan.model_validate_json(studio.blobs.read(state.plan.plan))


def decision_of(studio: Studio, state: EditState) -> PolicyDecision:
    """The newest decision on the plan."""
    record = state.decision("plan")
    if record is None:
        raise AssertionError("a planned edit without a decision")
    return PolicyDecision.model_validate_json(studio.blobs.read(record.decision))


def warnings_of(state: EditState) -> list[str]:
    """Warnings of every stage."""
    takes = [take for n in (1, 2) if (take := state.take(n))]
    records = [state.segmentation, state.reasoning, *takes]
    return [warning for record in records if record for warning in record.warnings]


def _left_out(state: EditState) -> str:
    """Said where consequences were found for which the mask's schema has no class."""
    if not (state.mask and state.intent and state.reasoning and state.reasoning.affected):
        return ""
    kept = [
        parts.consequence
        for name, parts in state.mask.mask_schema.compose.items()
        if name == state.intent.operation
    ]
    if any(kept):
        return ""
    return (
        f"What was found to follow from the object is not in the mask: {state.mask.mask_schema.name} has no class for "
        "it. It stays as it is."
    )


def _planned_warnings(studio: Studio, planned: Planned) -> list[str]:
    """Warnings of every stage; before pass 1, whose record holds them, also those of a clip to be put in."""
    before = planned.state.take(1) is None
    more = supplied_warnings(Recorder(studio, planned.edit)) if before else ()
    return [*warnings_of(planned.state), *more, *_rules_asleep(studio, planned.state)]


def _rules_asleep(studio: Studio, state: EditState) -> list[str]:
    """Said where void-audit has rules for the mask's schema, and the house has not activated them."""
    name = state.mask.mask_schema.name if state.mask else ""
    made_for_it = name in schemas.builtin_names() and name in builtin_names()
    if state.seal or not made_for_it or name in {pack.name for pack in studio.packs}:
        return []
    return [
        f"The rule pack {name!r}, which is made for masks of this schema, is not active here: nothing of it was asked. "
        "An administrator adds it in settings.toml (packs)."
    ]


def plan_file(studio: Studio, planned: Planned) -> Path:
    """The plan as it was recorded, as a file that a person can read."""
    path = studio.edits.path(planned.edit) / "plan.json"
    path.write_text(plan_of(studio, planned.state).model_dump_json(indent=1) + "\n")
    return path


def preview_picture(studio: Studio, planned: Planned) -> Path:
    """The recorded preview, as a file that a person can open."""
    path = studio.edits.path(planned.edit) / "mask-preview.png"
    if planned.state.mask is not None:
        path.write_bytes(studio.blobs.read(planned.state.mask.preview))
    return path


def comparison_picture(studio: Studio, finished: Finished) -> Path | None:
    """Before, mask, after: a file that a person can open. None if it cannot be made: the edit is done."""
    state, path = finished.state, studio.edits.path(finished.edit) / "before-mask-after.png"
    if state.mask is None:
        return None
    try:
        source = VideoClip(studio.blobs.path(studio.blobs.ref(plan_of(studio, state).source, "video/mp4")))
        schema = state.mask.mask_schema
        mask = MaskFile(studio.blobs.path(state.mask.mask), schema.values)
        path.write_bytes(comparison(source, mask, VideoClip(finished.delivered.path), schema))
    except (VoidAuditError, OSError):
        return None
    return path
