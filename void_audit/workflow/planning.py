"""From a request to a plan that policy has judged: no pixel is synthesised here.

Each step first looks whether its record is there; after each step the artifact is stored, then the record
written. So running the same request again after a kill goes on where it stopped.
"""

from __future__ import annotations

import json
from dataclasses import dataclass

from void_audit.errors import DeniedError, OrderError, RequestError
from void_audit.ledger.erasures import Erasures
from void_audit.media.packets import packet_digests
from void_audit.media.probe import probe
from void_audit.model.clip import ClipInfo
from void_audit.model.lifecycle import EditState
from void_audit.model.mask_schema import MaskSchema
from void_audit.model.records import Intent, PlanRecord, Source
from void_audit.model.request import EditRequest
from void_audit.model.seeing import Seeing
from void_audit.model.signing import Signer
from void_audit.model.subject import edit_subject
from void_audit.pipeline.segment.marks import check_marks
from void_audit.pipeline.synthesize.supplied_fit import check_fit
from void_audit.seal.credentials import read_state
from void_audit.workflow import judge
from void_audit.workflow.drafting import Choices, check_length, draft_plan, engines_of, plan_digest, suited
from void_audit.workflow.enrolment import insist_on_role
from void_audit.workflow.masking import compose_mask, import_first_mask
from void_audit.workflow.recorder import Recorder
from void_audit.workflow.request_folder import RequestFolder
from void_audit.workflow.seeing import ask, segment
from void_audit.workflow.studio import Studio


@dataclass(frozen=True)
class Planned:
    """A planned edit."""

    edit: str
    state: EditState
    resumed: bool


def plan_request(
    studio: Studio, folder: RequestFolder, requester: Signer, choices: Choices, seeing: Seeing | None = None
) -> Planned:
    """Plan a request; the same request again, looked at the same way, goes on in the edit that was begun for it.

    Raises:
        ClipError, RequestError, MaskError: the clip and the request do not fit together, or the supplied clip and it.
        WeightsError: files of a model are missing or are others.
        DeniedError: ``role-missing`` if the requester may not ask; ``policy-denied``, which is recorded, unless it
            was foreseen of the plan before anything was looked at.
        ReasoningError: the reasoner gave no usable answer, which is recorded.
    """
    seeing = seeing or Seeing()
    info = probe(folder.clip)
    schema = checked_schema(studio, folder.request)
    _check_marks(folder, info, seeing)
    if folder.supplied is not None:  # before anybody approves what could not be made
        check_fit(probe(folder.supplied), info)
    insist_on_role(studio.ledger, requester.key_id, Intent)
    check_length(choices, info.frames)
    # What cannot be made, or not here, is said before minutes of segmenting.
    suits = suited(choices, schema, folder.request.operation, folder.supplied_digest())
    engines = engines_of(studio, suits, folder.supplied)
    edit, resumed = _find_or_create(studio, folder, seeing, choices)
    with studio.edits.lock(edit):
        studio.clear_scratch(edit)
        recorder = Recorder(studio, edit)
        _begin(recorder, folder, requester)
        if recorder.state.mask is None:
            judge.foresee(recorder, suits, engines)
        _make_mask(recorder, folder, requester, seeing, schema)
        if recorder.state.take(1) is None:
            write_plan(recorder, choices)
    return Planned(edit, recorder.state, resumed)


def ask_about(
    studio: Studio, folder: RequestFolder, requester: Signer, seeing: Seeing | None = None
) -> Planned:
    """Segment and reason, and stop there: what a removal would have as consequences. No mask, no plan.

    ``plan_request`` goes on from here. Raises as ``plan_request``.
    """
    seeing = seeing or Seeing()
    if folder.mask is not None:
        raise RequestError(
            "reason-mask", "The request comes with a mask, so there is nothing to reason about.", "Plan it."
        )
    checked_schema(studio, folder.request)
    _check_marks(folder, probe(folder.clip), seeing)
    insist_on_role(studio.ledger, requester.key_id, Intent)
    edit, resumed = _find_or_create(studio, folder, seeing, None)
    with studio.edits.lock(edit):
        studio.clear_scratch(edit)
        recorder = Recorder(studio, edit)
        _begin(recorder, folder, requester)
        if recorder.state.mask is None:
            track = segment(recorder, folder.request, seeing.segmenter)
            ask(recorder, folder.request, track, requester, seeing.reasoner)
    return Planned(edit, recorder.state, resumed)


def checked_schema(studio: Studio, request: EditRequest) -> MaskSchema:
    """The mask schema that a request names, if it is for what is asked.

    Raises:
        MaskError: ``schema-missing``, ``schema-malformed``.
        RequestError: ``schema-operation``.
    """
    schema = studio.schemas(request.mask_schema)
    if request.operation not in schema.compose:
        raise RequestError(
            "schema-operation",
            f"Mask schema {schema.name} is for {', '.join(sorted(schema.compose))}, not for {request.operation}.",
            "Name another with `mask_schema:` in edit.yaml; `void-audit mask schemas` lists them.",
        )
    return schema


def replan(studio: Studio, edit: str, choices: Choices) -> Planned:
    """Plan a known edit again with other choices; approvals of the previous plan lapse.

    Raises:
        OrderError: ``plan-incomplete`` before there is a mask, ``synthesis-begun``.
        DeniedError: ``plan-rejected``, ``policy-denied``.
    """
    with studio.edits.lock(edit):
        recorder = Recorder(studio, edit)
        state = recorder.state
        if state.mask is None:
            raise OrderError(
                "plan-incomplete", f"Edit {edit} has no mask yet.", "Run `void-audit plan REQUEST` again."
            )
        if state.rejected:
            raise DeniedError("plan-rejected", f"Edit {edit} was rejected.", "Make a new request.")
        if state.take(1) is not None:
            raise OrderError(
                "synthesis-begun",
                f"Edit {edit} is being made, or is finished: its plan stands.",
                "`void-audit plan REQUEST` with other choices begins a new edit.",
            )
        write_plan(recorder, choices)
        return Planned(edit, recorder.state, resumed=True)


def write_plan(recorder: Recorder, choices: Choices) -> None:
    """Draft the plan, record it if it differs from the present one or follows a revision, and ask policy."""
    recorder.start()
    plan = draft_plan(recorder, choices)
    digest_ref = recorder.put_json(plan)
    present, stale = recorder.state.plan, recorder.state.plan_is_stale
    # A correction that was taken back gives the same plan, which nobody has approved since.
    if present is None or stale or present.digest != digest_ref.sha256:
        record = PlanRecord(
            **recorder.common(), plan=digest_ref, digest=digest_ref.sha256, run=recorder.run_facts()
        )
        recorder.record(record, {"plan": record.digest})
    facts = judge.plan_facts(recorder.studio, recorder.state, judge.base_facts(recorder), plan)
    judge.insist(judge.decide(recorder, facts, "plan"))


def _check_marks(folder: RequestFolder, info: ClipInfo, seeing: Seeing) -> None:
    """No mark beside the clip, and no choice that would have no effect."""
    if folder.mask is None:
        check_marks(folder.request.marks, info)
    elif seeing != Seeing():
        raise RequestError(
            "option-unused",
            "The request comes with a mask: no segmenter and no reasoner is asked.",
            "Leave the options out, or the mask.",
        )


def _begin(recorder: Recorder, folder: RequestFolder, requester: Signer) -> None:
    """Source, intent, and what policy says of it."""
    _source(recorder, folder)
    _intent(recorder, folder, requester)
    if recorder.state.last in {"intent", "policy-decision:intent"}:
        judge.insist(judge.decide(recorder, judge.base_facts(recorder), "intent"))


def _make_mask(
    recorder: Recorder, folder: RequestFolder, requester: Signer, seeing: Seeing, schema: MaskSchema
) -> None:
    """Whatever is not recorded yet, up to and including the mask."""
    if recorder.state.mask is not None:
        return
    if folder.mask is not None:
        import_first_mask(recorder, folder.mask, schema)
        return
    track = segment(recorder, folder.request, seeing.segmenter)
    consequences = ask(recorder, folder.request, track, requester, seeing.reasoner)
    compose_mask(recorder, track, consequences, schema, folder.request.operation)


def _find_or_create(
    studio: Studio, folder: RequestFolder, seeing: Seeing, choices: Choices | None
) -> tuple[str, bool]:
    """The edit of this request, and whether it was begun before. Raises as ``_insist_on_engines``."""
    fingerprint = folder.fingerprint(seeing)
    known = _find(studio, fingerprint, choices)
    if folder.mask is None:
        _insist_on_engines(studio, seeing, Recorder(studio, known).state if known else None)
    with studio.edits.beginning():
        known = known or _find(studio, fingerprint, choices)  # somebody may have begun it since
        return known or studio.edits.create(fingerprint), known is not None


def _insist_on_engines(studio: Studio, seeing: Seeing, state: EditState | None) -> None:
    """What will look, and what will be asked, as far as it is still to come: what they lack is said at once.

    Raises:
        RequestError: ``engine-not-installed``, ``reasoner-key``, ``reasoner-failed``: as the engines say.
        WeightsError: files of a model are missing or are others.
    """
    if state is None or state.segmentation is None:
        studio.engines.segmenter(seeing.segmenter)
    if state is None or state.reasoning is None:
        studio.engines.reasoner(seeing.reasoner)


def _find(studio: Studio, fingerprint: str, choices: Choices | None) -> str | None:
    for edit in studio.edits.with_fingerprint(fingerprint):
        if Erasures(studio.ledger).of(edit_subject(edit)):
            continue  # an erasure that was not finished: what was asked for then is gone all the same
        if _goes_on(Recorder(studio, edit), choices):
            return edit
    return None


def _goes_on(recorder: Recorder, choices: Choices | None) -> bool:
    """Whether a request with these choices (None: any) belongs to this edit: once pixels are made its plan stands."""
    state = recorder.state
    if state.rejected:
        return False
    if choices is None or state.plan is None or state.take(1) is None:
        return True
    return plan_digest(draft_plan(recorder, choices)) == state.plan.digest


def _source(recorder: Recorder, folder: RequestFolder) -> None:
    if recorder.state.source is not None:
        return
    studio = recorder.studio
    studio.progress("reading the clip", 0, 1)
    blob = studio.blobs.put_file(folder.clip, "video/mp4")
    stored = studio.blobs.path(blob)
    record = Source(
        **recorder.common(),
        clip=probe(stored),
        packets=packet_digests(stored),
        credentials=read_state(stored, studio.trust_pem),
    )
    recorder.record(record, {"source": blob.sha256})
    studio.progress("reading the clip", 1, 1)


def _intent(recorder: Recorder, folder: RequestFolder, requester: Signer) -> None:
    if recorder.state.intent is not None:
        return
    blobs = recorder.studio.blobs
    # The log and the file know people by key; the name stays in the workspace.
    request = folder.request.model_copy(update={"requester": requester.key_id})
    supplied = blobs.put_file(folder.supplied, "video/mp4") if folder.supplied else None
    record = Intent(
        **recorder.common(),
        requester=requester.key_id,
        operation=request.operation,
        asset_class=request.asset_class,
        distribution=request.distribution,
        clicks=len(request.clicks),
        request=recorder.put_personal(
            json.dumps(request.model_dump(mode="json")).encode(), "application/json"
        ),
        prompt=recorder.put_personal(folder.prompt, "application/json"),
        supplied=supplied,
    )
    subjects = {"source": recorder.subject("source", "source")}
    recorder.record(record, subjects | ({"supplied": supplied.sha256} if supplied else {}), requester)
