"""``void-audit ledger``: the log itself, its evidence outside the database, and what makes it whole again."""

from __future__ import annotations

from contextlib import closing
from dataclasses import asdict
from typing import Annotated

import typer

from void_audit.canon.note import VerifierKey
from void_audit.cli import database, erase, ledger_adopt, ledger_proofs, tiles, timestamp
from void_audit.cli.console import JsonOption, WorkspaceOption, emit, group, guarded, say
from void_audit.cli.session import workspace_at
from void_audit.errors import RequestError
from void_audit.ledger.log import Ledger
from void_audit.ledger.rebuild import Rebuilt, rebuild_projections
from void_audit.ledger.rebuild import rebuild as rebuild_from
from void_audit.ledger.tile_fsck import EvidenceState
from void_audit.ledger.tile_store import open_store

app = group("The log itself.")


@app.command()
@guarded
def fsck(workspace: WorkspaceOption = None, as_json: JsonOption = False) -> None:
    """Recompute the whole log, and its tiles outside the database, from stored bytes.

    Exit 1 if anything is wrong, 3 if the tiles cannot be read. Tiles that are only behind are no
    contradiction: `void-audit ledger export` catches up.

    Example: void-audit ledger fsck
    """
    report = workspace_at(workspace).fsck()
    if as_json:
        emit({**asdict(report), "ok": report.ok})
    else:
        erased = f", {report.erased} of them ERASED, as the log says" if report.erased else ""
        say(f"{report.entries} entries, {report.checkpoints} checkpoints, {report.blobs} blobs{erased}.")
        if report.evidence is not None:
            _say_evidence(report.evidence)
        for problem in report.problems:
            say(f"{problem.code} at {problem.where}: {problem.detail}", "bold red")
        say("consistent" if report.ok else "NOT CONSISTENT")
    if not report.ok:
        raise typer.Exit(1)
    if report.evidence is not None and report.evidence.unread:
        raise typer.Exit(3)


@app.command()
@guarded
def export(
    place: Annotated[
        str | None,
        typer.Argument(metavar="[DIR_OR_URL]", help="Default: where the workspace keeps its evidence."),
    ] = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write the log as static files (C2SP tlog-tiles) that anyone can check with the log's key alone.

    Every file that is there is compared, every one that is missing written, none overwritten but the checkpoints.

    Example: void-audit ledger export s3://bucket/prefix
    """
    desk = workspace_at(workspace)
    with closing(desk.exporter(None if place is None else open_store(place))) as exporter:
        done = exporter.catch_up(whole=True)
    if as_json:
        emit(asdict(done))
        return
    say(f"{done.place}: {done.size} entries, {done.written} files written.")


@app.command()
@guarded
def rebuild(
    source: Annotated[
        str | None,
        typer.Option("--from", metavar="DIR_OR_URL", help="Tiles; none: only what repeats the entries."),
    ] = None,
    accept_behind: Annotated[
        bool,
        typer.Option(
            "--accept-behind", help="Even if the key has signed more: it then signs nothing further."
        ),
    ] = False,
    owner: Annotated[
        str | None,
        typer.Option(
            "--database", metavar="OWNER_URL", help="Without --from, PostgreSQL: as the tables' owner."
        ),
    ] = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Make the database again from the tiles alone, checked against the log's key and its high-water mark.

    The database that is there is set aside, not deleted. Without --from only its projections are made again.

    Example: void-audit ledger rebuild --from .void-audit/evidence
    """
    _refuse_unused(source, accept_behind, owner)
    desk = workspace_at(workspace)
    key, place = VerifierKey.parse(desk.log_vkey()), desk.ledger_place
    if source is None:
        Ledger.open(place).close()  # there is one, and of this version
        with closing(tiles.writable(place, key, owner)) as opened:
            done = Rebuilt(rebuild_projections(opened), 0, None, ())
    else:
        done = rebuild_from(open_store(source), place, key, desk.mark, accept_behind)
    if as_json:
        emit(asdict(done))
        return
    _say_rebuilt(done)


def _refuse_unused(source: str | None, accept_behind: bool, owner: str | None) -> None:
    """What would be left out of account: with --from the workspace's own database is made again, no other."""
    if source is None and accept_behind:
        raise RequestError("option-unused", "--accept-behind only goes with --from.", "Name the tiles.")
    if source is not None and owner is not None:
        raise RequestError(
            "option-unused",
            "--database does not go with --from: the database in settings.toml is made again.",
            "Leave it out, or name another database there.",
        )


def _say_evidence(state: EvidenceState) -> None:
    if state.unread:
        say(f"Evidence in {state.place} could not be read: {state.unread}", "yellow")
        return
    say(f"Evidence in {state.place}: {state.entries} entries.")
    if state.behind:
        say(f"It is {state.behind} entries behind: void-audit ledger export", "yellow")


def _say_rebuilt(done: Rebuilt) -> None:
    say(f"{done.entries} entries, made again.")
    if done.aside:
        say(f"What was there before: {done.aside}")
    for problem in done.problems:
        say(f"warning: {problem}", "yellow")
    if done.behind:
        say(
            f"The key has signed {done.behind} entries more than these: it will sign nothing on top of them.",
            "red",
        )
    say("Next: void-audit ledger fsck")


for command in (
    ledger_proofs.checkpoint,
    ledger_proofs.entry,
    ledger_proofs.proof,
    ledger_proofs.check_proof,
    ledger_proofs.consistency,
    database.prepare,
    ledger_adopt.adopt,
    timestamp.timestamp,
    erase.erase,
):
    app.command()(command)
