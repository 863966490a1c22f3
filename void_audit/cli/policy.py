"""``void-audit policy``: what the rules say, before anything else runs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from void_audit.canon.hashing import sha256_hex
from void_audit.cli.console import JsonOption, WorkspaceOption, emit, group, guarded
from void_audit.cli.options import RequestOptions, with_options
from void_audit.cli.session import workspace_at
from void_audit.cli.tables import print_decision
from void_audit.cli.workspace import Workspace
from void_audit.media.probe import probe
from void_audit.model.decision import PolicyDecision
from void_audit.model.facts import Facts, SourceFacts
from void_audit.policy.evaluate import evaluate
from void_audit.policy.facts import request_facts
from void_audit.policy.words import EXTRACTOR
from void_audit.seal.credentials import read_state
from void_audit.workflow.enrolment import registry_of
from void_audit.workflow.request_folder import RequestFolder

app = group("Rule packs: YAML with CEL conditions, each rule sourced and dated.")


@app.command()
@guarded
@with_options
def check(
    request: Annotated[Path, typer.Argument(help="Request folder.")],
    options: RequestOptions,
    everything: Annotated[
        bool, typer.Option("--all", help="Show the rules that do not apply, too, with what they saw.")
    ] = False,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Say whether a request is allowed, denied or needs approvals, and why. Nothing runs, nothing is logged.

    It is what is known before anything looks at the footage; a question to a model, the plan and the finished
    picture are judged in their turn.

    Exit 0 if allowed (perhaps with approvals), 4 if denied.

    Example: void-audit policy check examples/crossing
    """
    place = workspace_at(workspace)
    folder = options.read(place, request)
    decision = evaluate(place.packs(), _facts(place, folder), "intent")
    if as_json:
        emit(decision)
    else:
        print_decision(decision, everything, "--all")
    raise typer.Exit(exit_code(decision))


def exit_code(decision: PolicyDecision) -> int:
    """0 or 4."""
    return 0 if decision.verdict == "allow" else 4


def _facts(place: Workspace, folder: RequestFolder) -> Facts:
    info = probe(folder.clip)
    return Facts(
        now=place.clock(),
        extractor=EXTRACTOR,
        request=request_facts(
            folder.request, _roles(place, folder.request.requester), supplied=folder.supplied is not None
        ),
        source=SourceFacts(
            stored=True,  # the first thing a plan does; a source that cannot be stored ends it there
            credentials=read_state(folder.clip, place.trust_pem()),
            width=info.width,
            height=info.height,
            duration_seconds=info.duration_seconds,
        ),
    )


def _roles(place: Workspace, name: str) -> tuple[str, ...]:
    if name not in place.people.names():
        return ()
    key = sha256_hex(place.people.public_der(name))
    return tuple(sorted(map(str, registry_of(place.reading).roles_at(key, place.reading.size))))
