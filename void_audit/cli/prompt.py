"""``void-audit prompt``: the description of the world after the edit."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from void_audit.cli.console import JsonOption, WorkspaceOption, emit, group, guarded, say
from void_audit.cli.options import RequestOptions, with_options
from void_audit.cli.reasoned import found_in, say_wrapped, suggestions
from void_audit.cli.session import workspace_at
from void_audit.pipeline.reason.prompt_lint import Suggestion, lint_prompt
from void_audit.workflow.material import recorded_request
from void_audit.workflow.recorder import Recorder
from void_audit.workflow.revising import revise_prompt

app = group("prompt.json: what is to be seen after the edit. Advice is given; nothing is rewritten silently.")


@app.command()
@guarded
@with_options
def check(
    request: Annotated[Path, typer.Argument(metavar="REQUEST", help="Request folder.")],
    options: RequestOptions,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Say what could be better in a request's prompt.json; nothing is changed.

    It should describe the scene that remains, in one or a few English sentences, and not the removal. Exit 1 if
    there is anything to say that is more than a matter of taste.

    Example: void-audit prompt check examples/crossing
    """
    asked = options.read(workspace_at(workspace), request).request
    removed = [asked.object] if asked.operation == "remove" else []
    found = lint_prompt(asked.background, removed=removed, instruction=asked.instruction)
    if as_json:
        emit({"prompt": asked.background, "suggestions": [s._asdict() for s in found]})
    else:
        say_wrapped(f"Prompt: {asked.background}")
        for suggestion in found:
            _print(suggestion)
        say("Nothing to suggest." if not found else f"{len(found)} suggestion(s).")
    raise typer.Exit(1 if any(not suggestion.mild for suggestion in found) else 0)


def _print(suggestion: Suggestion) -> None:
    taste = " (A matter of taste.)" if suggestion.mild else ""
    say_wrapped(f"  - {suggestion.message}{taste}", "" if suggestion.mild else "yellow")
    if suggestion.proposal:
        say_wrapped(f"    perhaps: {suggestion.proposal}", "dim")


@app.command()
@guarded
def accept(
    edit: Annotated[str, typer.Argument(metavar="EDIT", help="Edit id, as `plan` printed it.")],
    signer: Annotated[str, typer.Option("--as", help="Whose key signs: an editor's.")],
    text: Annotated[
        str | None, typer.Option("--text", help="Another text (default: the reasoner's proposal).")
    ] = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Confirm the prompt that the reasoner proposed, or give another: a signed revision. Approvals lapse.

    Example: void-audit prompt accept 3f2a9c01b7d4 --as lois --text "A ball rolls off the table."
    """
    place = workspace_at(workspace)
    studio = place.studio()
    revise_prompt(studio, edit, place.person(signer), text)
    background = recorded_request(Recorder(studio, edit)).background
    if as_json:
        emit({"edit": edit, "prompt": background})
    else:
        say_wrapped(f"Edit {edit} now has the prompt: {background}")
        for suggestion in suggestions(studio, edit, found_in(studio, Recorder(studio, edit).state)):
            _print(suggestion)
        say(f"Next: void-audit plan {edit} (earlier approvals no longer count)")
