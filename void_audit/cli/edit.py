"""``plan``, ``approve``, ``reject``, ``run`` and ``edit``: an edit from request to sealed file."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from void_audit.cli.console import JsonOption, WorkspaceOption, emit, guarded, say
from void_audit.cli.options import PlanOptions, RequestOptions, with_options
from void_audit.cli.reasoned import print_reasoned, reasoned_json
from void_audit.cli.results import (
    finished_json,
    passes_of,
    plan_of,
    planned_json,
    print_finished,
    print_planned,
)
from void_audit.cli.seeing import SeeingOptions
from void_audit.cli.session import working, workspace_at
from void_audit.cli.workspace import Workspace
from void_audit.errors import RequestError
from void_audit.model.seeing import Seeing
from void_audit.model.signing import LogSigner
from void_audit.workflow.approving import approve as approve_edit
from void_audit.workflow.approving import reject as reject_edit
from void_audit.workflow.planning import ask_about, plan_request, replan
from void_audit.workflow.request_folder import RequestFolder
from void_audit.workflow.running import run_edit

EditArgument = Annotated[str, typer.Argument(metavar="EDIT", help="Edit id, as `plan` printed it.")]
OutOption = Annotated[Path | None, typer.Option("--out", help="Where the finished file goes.")]
CommentOption = Annotated[str, typer.Option("--comment", help="Why; travels with the finished file.")]


@guarded
@with_options
def plan(
    request: Annotated[
        str, typer.Argument(metavar="REQUEST", help="Request folder, or an edit id to plan again.")
    ],
    choices: PlanOptions,
    looks: SeeingOptions,
    options: RequestOptions,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Segment, reason, compose the mask, ask policy, and write the plan. No pixel is synthesised.

    A request is a folder with the clip, prompt.json ({"bg": "the scene after the edit"}) and edit.yaml:

        object: ball
        instruction: Remove the ball and what it caused.
        requester: lois
        purpose: trailer
        asset_class: entertainment
        clicks:
          - {frame: 10, x: 220, y: 330}

    (also `boxes:`, `operation:`, `mask_schema:`, `supplied:`, `consent:`, see docs/mask-schemas.md)
    or a VOID sequence folder with quadmask_0.mp4.

    Example: void-audit plan examples/crossing
    """
    place = workspace_at(workspace)
    chosen, seeing = choices.choices(), looks.seeing()
    with working(place, as_json) as busy:
        studio = busy.studio()
        if Path(request).is_dir() or not request.isalnum():
            planned = plan_request(studio, *_asked(busy, Path(request), options), chosen, seeing)
        else:
            insist_on_known(seeing, options)
            planned = replan(studio, request, chosen)
    if as_json:
        emit(planned_json(studio, planned))
    else:
        print_planned(studio, planned)


@guarded
def approve(
    edit: EditArgument,
    signer: Annotated[str, typer.Option("--as", help="Whose key signs.")],
    comment: CommentOption = "",
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Answer for the exact plan of an edit. Whoever asked for it cannot; a changed plan needs it again.

    Example: void-audit approve 3f2a9c01b7d4 --as jimmy
    """
    place = workspace_at(workspace)
    studio = place.studio()
    state = approve_edit(studio, edit, place.person(signer), comment)
    digest = state.plan.digest if state.plan else ""
    if as_json:
        emit(
            {
                "edit": edit,
                "plan": digest,
                "approvals": len(state.valid_approvers),
                "missing": state.approvals_missing,
            }
        )
    else:
        say(f"{signer} approved plan {digest[:16]} of edit {edit}.")
        for line in passes_of(plan_of(studio, state)):
            say(line)
        say(f"Approvals still missing: {state.approvals_missing}.")


@guarded
def reject(
    edit: EditArgument,
    signer: Annotated[str, typer.Option("--as", help="Whose key signs.")],
    comment: CommentOption = "",
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Refuse the plan of an edit: the edit ends there, on the record.

    Example: void-audit reject 3f2a9c01b7d4 --as jimmy --comment "alters the event"
    """
    place = workspace_at(workspace)
    state = reject_edit(place.studio(), edit, place.person(signer), comment)
    if as_json:
        emit({"edit": edit, "plan": state.plan.digest if state.plan else "", "rejected": True})
    else:
        say(f"{signer} rejected edit {edit}.")


@guarded
def run(
    edit: EditArgument, out: OutOption = None, workspace: WorkspaceOption = None, as_json: JsonOption = False
) -> None:
    """Synthesise, composite, check, seal and log an approved edit; the same command again resumes it.

    Example: void-audit run 3f2a9c01b7d4 --out clean.mp4
    """
    with working(workspace_at(workspace), as_json) as busy:
        studio = busy.studio()
        finished = run_edit(studio, edit, out)
    if as_json:
        emit(finished_json(studio, finished))
    else:
        print_finished(studio, finished)


@guarded
@with_options
def edit(
    request: Annotated[Path, typer.Argument(metavar="REQUEST", help="Request folder.")],
    approve_as: Annotated[list[str], typer.Option("--approve-as", help="Who approves; repeat for several.")],
    choices: PlanOptions,
    looks: SeeingOptions,
    options: RequestOptions,
    out: OutOption = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Plan, approve and run in one go, where policy is content with the approvals given.

    Example: void-audit edit examples/crossing --approve-as jimmy --out clean.mp4
    """
    place = workspace_at(workspace)
    with working(place, as_json) as busy:
        studio = busy.studio()
        asked = _asked(busy, request, options)
        planned = plan_request(studio, *asked, choices.choices(), looks.seeing())
    if not as_json:
        print_planned(studio, planned, goes_on=True)
    if planned.state.take(1) is None:
        for name in approve_as:
            approve_edit(studio, planned.edit, place.person(name))
    with working(place, as_json) as busy:  # the same studio, which has hashed the models' files
        studio = replace(studio, progress=busy.progress)
        finished = run_edit(studio, planned.edit, out)
    if as_json:
        emit(finished_json(studio, finished))
    else:
        print_finished(studio, finished)


@guarded
@with_options
def reason(
    request: Annotated[Path, typer.Argument(metavar="REQUEST", help="Request folder.")],
    looks: SeeingOptions,
    options: RequestOptions,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Segment and reason, and stop there: what the object caused, as a picture with the reasons.

    The question is an entry of the ledger, whether or not an edit follows; `plan REQUEST` goes on from here.

    Example: void-audit reason examples/crossing
    """
    with working(workspace_at(workspace), as_json) as busy:
        studio = busy.studio()
        planned = ask_about(studio, *_asked(busy, request, options), looks.seeing())
    if as_json:
        emit(reasoned_json(studio, planned))
    else:
        print_reasoned(studio, planned, _plan_of(request, looks, options))


def insist_on_known(seeing: Seeing, options: RequestOptions) -> None:
    """An edit that is planned again is neither looked at nor asked for again. Raises RequestError ``option-unused``."""
    if options != RequestOptions():
        raise RequestError(
            "option-unused",
            "An edit that is planned again keeps its requester, purpose and asset class.",
            "Give the request folder instead: asked for otherwise it becomes another edit.",
        )
    if seeing != Seeing():
        raise RequestError(
            "option-unused",
            "An edit that is planned again keeps its mask: no segmenter and no reasoner is asked.",
            "Give the request folder instead: looked at otherwise it becomes another edit.",
        )


def _plan_of(request: Path, looks: SeeingOptions, options: RequestOptions) -> str:
    """The command that goes on in the same edit."""
    plain = looks == SeeingOptions() and options == RequestOptions()
    return f"void-audit plan {request}{'' if plain else ', with the same options'}"


def _asked(place: Workspace, request: Path, options: RequestOptions) -> tuple[RequestFolder, LogSigner]:
    folder = options.read(place, request)
    return folder, place.person(folder.request.requester)
