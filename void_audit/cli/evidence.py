"""``verify`` and ``history``: reading only. For a file they need no workspace, no ledger and no network."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from void_audit.audit.erased import tell_erased
from void_audit.audit.evidence import Evidence, Pins, gathered
from void_audit.audit.narrative import Line, narrate
from void_audit.audit.verify import answer
from void_audit.cli.console import JsonOption, WorkspaceOption, cell, emit, guarded, out, say
from void_audit.cli.pins import pins_of
from void_audit.cli.tables import print_history, print_report
from void_audit.errors import EvidenceError
from void_audit.media.atomic import whole_file
from void_audit.model.report import Report
from void_audit.model.subject import edit_subject
from void_audit.settings import Environment


@guarded
def verify(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The finished video, or an evidence bundle.")],
    source: Annotated[Path | None, typer.Option("--source", help="The clip it was made from.")] = None,
    trust: Annotated[
        Path | None, typer.Option("--trust", help="Root certificate (PEM) that you trust.")
    ] = None,
    log_key: Annotated[
        str | None, typer.Option("--log-key", help="The log's verifier key, or a file that holds it.")
    ] = None,
    models: Annotated[
        Path | None, typer.Option("--models", help="The house's list of model files (TOML) that you trust.")
    ] = None,
    witness_policy: Annotated[
        Path | None,
        typer.Option("--witness-policy", help="Which witnesses count, and how many (a C2SP tlog-policy)."),
    ] = None,
    tsa: Annotated[
        Path | None,
        typer.Option("--tsa", help="Roots (PEM) of the time-stamping authorities that you trust."),
    ] = None,
    receipt: Annotated[Path | None, typer.Option("--receipt", help="Default: FILE.receipt.")] = None,
    html: Annotated[
        Path | None, typer.Option("--html", help="Also write the report as a page.", metavar="OUT.html")
    ] = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Check a file's whole edit history, offline, from the file and the keys that you pinned.

    FILE is a finished video, or a bundle that `void-audit bundle` wrote: that needs nothing else.
    Without --trust, --log-key, --models, --witness-policy and --tsa the pins of the workspace are used, if there
    is one.
    Exit 0 if nothing fails and obligations 0, 1, 4, 5, 7 to 11 pass; 1 if one fails; 3 if one of
    those cannot be answered.

    Example: void-audit verify clean.mp4 --source clip.mp4 --trust root.pem --log-key log.vkey
    """
    pins = pins_of(workspace, trust, log_key, models, witness_policy, tsa)
    with gathered(file, pins, source, receipt) as evidence:
        report = answer(evidence, file)
        if html is not None:
            _write_page(html, report, evidence)
    if as_json:
        emit({**report.model_dump(mode="json"), "exit_code": report.exit_code})
    else:
        print_report(report)
    raise typer.Exit(report.exit_code)


@guarded
def history(
    subject: Annotated[
        str | None,
        typer.Argument(
            metavar="FILE_OR_EDIT", help="A finished video, a bundle, or an edit id; none lists edits."
        ),
    ] = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """The records in order, readable: who, when, what, why. Of a file: what it says, whether that holds or not.

    Example: void-audit history clean.mp4
    """
    if subject is None:
        _list_edits(workspace, as_json)
        return
    of_file = Path(subject).is_file()
    lines = _file_lines(Path(subject)) if of_file else _edit_lines(workspace, subject)
    if as_json:
        records = [line.model_dump(mode="json") for line in lines]
        emit({"subject": subject, "checked": not of_file, "records": records})
        return
    print_history(lines, subject)
    if of_file:
        say(f"This is what the file says. Whether it holds: void-audit verify {subject}", "yellow")


def _write_page(out: Path, report: Report, evidence: Evidence) -> None:
    from void_audit.audit.page import page  # noqa: PLC0415 - templates are loaded where a page is asked for

    text = page(report, evidence, _names_here())
    with whole_file(out) as path:
        path.write_text(text, encoding="utf-8")


def _file_lines(path: Path) -> list[Line]:
    with gathered(path, Pins(), None, None) as evidence:
        if evidence.assertion is None:
            raise EvidenceError(
                "records-missing", f"{path} carries no void-audit records.", "See `void-audit verify`."
            )
        return _told(evidence)


def _told(evidence: Evidence) -> list[Line]:
    roles = {k.key_id: f"{'/'.join(sorted(k.roles))} {k.key_id[:12]}" for k in evidence.registry.enrolled}
    names = {**roles, **_names_here()}
    return narrate(evidence.entries, evidence.blob, names, tell_erased(evidence))


def _names_here() -> dict[str, str]:
    """Names of keys, where this machine has a workspace that knows them."""
    if not (Environment().workspace() / "keys").is_dir():
        return {}
    from void_audit.cli.keys import shown_names  # noqa: PLC0415 - only with a workspace
    from void_audit.cli.session import workspace_at  # noqa: PLC0415

    return shown_names(workspace_at(None))


def _edit_lines(workspace: Path | None, edit: str) -> list[Line]:
    from void_audit.cli.session import workspace_at  # noqa: PLC0415 - only here a workspace is needed
    from void_audit.cli.story import edit_lines  # noqa: PLC0415

    return edit_lines(workspace_at(workspace), edit)


def _list_edits(workspace: Path | None, as_json: bool) -> None:
    from void_audit.cli.session import workspace_at  # noqa: PLC0415 - only here a workspace is needed

    place = workspace_at(workspace)
    edits: dict[str, list[str]] = {}
    for entry in place.reading.entries():
        if entry.statement.predicate.edit:
            predicate = entry.statement.predicate
            edits[str(predicate.edit)] = [predicate.claimed_time, str(predicate.kind)]
    erased = place.erasures.subjects()
    for edit, told in edits.items():
        index = erased.get(edit_subject(edit))
        told[1] += "" if index is None else f", ERASED (entry {index})"
    if as_json:
        emit({"edits": [{"edit": e, "when": when, "last": last} for e, (when, last) in edits.items()]})
        return
    table = Table("edit", "last record", "when")
    for edit, (when, last) in edits.items():
        table.add_row(cell(edit), cell(last), cell(when))
    out.print(table)
