"""From a request to a plan that policy has judged: no pixel is synthesised here.

Each step first looks whether its record is there; after each step the artifact is stored, then the record
written. So running the same request again after a kill goes on where it stopped.
"""

from __future__ import annotations

import json
from dataclasses import dataclass

from void_audit.errors import DeniedError, OrderError
from void_audit.media.packets import packet_digests
from void_audit.media.probe import probe
from void_audit.model.facts import Facts
from void_audit.model.lifecycle import EditState
from void_audit.model.records import Intent, PlanRecord, Source
from void_audit.model.request import EditRequest
from void_audit.model.signing import Signer
from void_audit.pipeline.segment.marks import check_marks
from void_audit.seal.credentials import read_state
from void_audit.workflow import judge, masking
from void_audit.workflow.drafting import Choices, check_length, draft_plan, engines_of, plan_digest
from void_audit.workflow.enrolment import insist_on_role
from void_audit.workflow.recorder import Recorder
from void_audit.workflow.request_folder import RequestFolder
from void_audit.workflow.studio import Studio


@dataclass(frozen=True)
class Planned:
    """A planned edit."""

    edit: str
    state: EditState
    resumed: bool


def plan_request(studio: Studio, folder: RequestFolder, requester: Signer, choices: Choices) -> Planned:
    """Plan a request; the same request again goes on in the edit that was begun for it.

    Raises:
        ClipError, RequestError, MaskError: the clip and the request do not fit together.
        WeightsError: files of a model are missing or are others.
        DeniedError: ``role-missing`` if the requester may not ask; ``policy-denied``, which is recorded.
    """
    info = probe(folder.clip)
    if folder.mask is None:
        check_marks(folder.request.marks, info)
    insist_on_role(studio.ledger, requester.key_id, Intent)
    check_length(choices, info.frames)
    engines_of(studio, choices)  # what is not here is said before minutes of segmenting
    edit, resumed = _find_or_create(studio, folder.fingerprint(), choices)
    with studio.edits.lock(edit):
        studio.clear_scratch(edit)
        recorder = Recorder(studio, edit)
        _source(recorder, folder)
        _intent(recorder, folder, requester)
        if recorder.state.last in {"intent", "policy-decision:intent"}:
            judge.insist(judge.decide(recorder, base_facts(recorder), "intent"))
        masking.make_mask(recorder, folder)
        if recorder.state.take(1) is None:
            write_plan(recorder, choices)
    return Planned(edit, recorder.state, resumed)


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
    """Draft the plan, record it if it differs from the present one, and ask policy."""
    recorder.start()
    plan = draft_plan(recorder, choices)
    digest_ref = recorder.put_json(plan)
    present = recorder.state.plan
    if present is None or present.digest != digest_ref.sha256:
        record = PlanRecord(
            **recorder.common(), plan=digest_ref, digest=digest_ref.sha256, run=recorder.run_facts()
        )
        recorder.record(record, {"plan": record.digest})
    facts = judge.plan_facts(recorder.studio, recorder.state, base_facts(recorder), plan)
    judge.insist(judge.decide(recorder, facts, "plan"))


def base_facts(recorder: Recorder) -> Facts:
    """Facts of request and source, from the records."""
    state, studio = recorder.state, recorder.studio
    if state.source is None or state.intent is None:
        raise AssertionError("facts before intent")
    request = recorded_request(recorder)
    roles = judge.requester_roles(studio, state.intent)
    return judge.intent_facts(studio, request, roles, judge.source_facts(state.source))


def recorded_request(recorder: Recorder) -> EditRequest:
    """The request as it was recorded."""
    if recorder.state.intent is None:
        raise AssertionError("request before intent")
    return EditRequest.model_validate_json(recorder.studio.blobs.read(recorder.state.intent.request))


def _find_or_create(studio: Studio, fingerprint: str, choices: Choices) -> tuple[str, bool]:
    for edit in studio.edits.with_fingerprint(fingerprint):
        if _goes_on(Recorder(studio, edit), choices):
            return edit, True
    return studio.edits.create(fingerprint), False


def _goes_on(recorder: Recorder, choices: Choices) -> bool:
    """Whether a request with these choices belongs to this edit: once pixels are made its plan stands."""
    state = recorder.state
    if state.rejected:
        return False
    if state.plan is None or state.take(1) is None:
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
    record = Intent(
        **recorder.common(),
        requester=requester.key_id,
        operation=request.operation,
        asset_class=request.asset_class,
        distribution=request.distribution,
        clicks=len(request.clicks),
        request=blobs.put(
            json.dumps(request.model_dump(mode="json")).encode(), "application/json", salted=True
        ),
        prompt=blobs.put(folder.prompt, "application/json", salted=True),
    )
    recorder.record(record, {"source": recorder.subject("source", "source")}, requester)
