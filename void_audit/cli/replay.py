"""``replay``: run a recorded plan again and compare."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from void_audit.cli.console import JsonOption, WorkspaceOption, cell, emit, guarded, out, say
from void_audit.cli.session import working, workspace_at
from void_audit.cli.tables import STYLES
from void_audit.errors import Cancelled
from void_audit.model.report import State
from void_audit.workflow.replay_verdict import Replay, StageReplay
from void_audit.workflow.replaying import replay_edit


@guarded
def replay(
    edit: Annotated[str, typer.Argument(metavar="EDIT", help="Edit id, as `plan` printed it.")],
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Run an edit's recorded plan again, and compare every stage with what is on record, bit for bit.

    Pass 1 is made from the recorded source, mask and prompt, pass 2 from the recorded take of pass 1, the
    output from that of pass 2. Nothing is written to the workspace, no key is opened.
    Exit 0 if all are equal; 1 if one differs although the recorded engine, libraries and device made it
    again; 3 if that cannot be told: they are others here, or something is not there any more.

    Example: void-audit replay 3f2a9c01b7d4
    """
    try:
        with working(workspace_at(workspace), as_json) as place:
            done = replay_edit(place.archive(), edit)
    except KeyboardInterrupt:
        raise Cancelled(
            "stopped", "Stopped; nothing was left behind.", "The same command begins again."
        ) from None
    if as_json:
        emit({**done.model_dump(mode="json"), "exit_code": done.exit_code})
    else:
        _print(done)
    raise typer.Exit(done.exit_code)


def _print(done: Replay) -> None:
    """Stage by stage, then the answer."""
    grid = Table(
        box=None,
        show_header=False,
        title=cell(f"Replay of edit {done.edit}, plan {done.plan[:16]}", "bold"),
        title_justify="left",
        padding=(0, 2, 0, 0),
    )
    for _ in range(3):
        grid.add_column(overflow="fold")
    for stage in done.stages:
        grid.add_row(cell(stage.stage, "bold"), cell(stage.state, STYLES[stage.state]), _told(stage))
    out.print(grid)
    if done.finding.state is State.PASS:
        say("REPLAYED: everything is equal, bit for bit (obligation 14)", "bold green")
    else:
        failed = done.finding.state is State.FAIL
        say(
            "FAILED: obligation 14" if failed else "CANNOT TELL: obligation 14",
            "bold red" if failed else "bold yellow",
        )
        say(done.finding.remedy, "cyan")
    say("This says what the recorded plan makes. Whether the records themselves hold: void-audit verify FILE")


def _told(stage: StageReplay) -> Text:
    lines = [cell(stage.detail)]
    if stage.made == stage.recorded:
        digests = [f"SHA-256 {stage.made}"] if stage.made else []
    else:
        digests = [f"SHA-256 recorded {stage.recorded}", f"SHA-256 here     {stage.made}"]
    lines += [cell(digest, "dim") for digest in digests]
    lines += [cell(f"not as recorded: {condition}", "yellow") for condition in stage.conditions]
    lines += [cell(f"reported otherwise: {figure}", "dim") for figure in stage.figures]
    return Text("\n").join(lines)
