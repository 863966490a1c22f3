"""``void-audit ledger``: the log itself, read only."""

from __future__ import annotations

from dataclasses import asdict

import typer

from void_audit.cli.console import JsonOption, WorkspaceOption, emit, group, guarded, say
from void_audit.cli.session import workspace_at

app = group("The log itself.")


@app.command()
@guarded
def fsck(workspace: WorkspaceOption = None, as_json: JsonOption = False) -> None:
    """Recompute the whole log from its stored bytes. Exit 1 if anything is wrong.

    Example: void-audit ledger fsck
    """
    report = workspace_at(workspace).fsck()
    if as_json:
        emit({**asdict(report), "ok": report.ok})
    else:
        erased = f", {report.erased} of them ERASED, as the log says" if report.erased else ""
        say(f"{report.entries} entries, {report.checkpoints} checkpoints, {report.blobs} blobs{erased}.")
        for problem in report.problems:
            say(f"{problem.code} at {problem.where}: {problem.detail}", "bold red")
        say("consistent" if report.ok else "NOT CONSISTENT")
    if not report.ok:
        raise typer.Exit(1)


@app.command()
@guarded
def checkpoint(workspace: WorkspaceOption = None, as_json: JsonOption = False) -> None:
    """Print the newest signed checkpoint (a C2SP signed note).

    Example: void-audit ledger checkpoint
    """
    note = workspace_at(workspace).reading.checkpoint()
    if as_json:
        emit({"checkpoint": note})
    else:
        typer.echo(note, nl=False)
