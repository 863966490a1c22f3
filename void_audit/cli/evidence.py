"""``verify`` and ``history``: reading only. For a file they need no workspace, no ledger and no network."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from void_audit.audit.evidence import Pins, gather
from void_audit.audit.narrative import Line, narrate
from void_audit.audit.verify import verify as verify_file
from void_audit.cli.console import JsonOption, WorkspaceOption, cell, emit, guarded, out, say
from void_audit.cli.tables import print_history, print_report
from void_audit.errors import EvidenceError, RequestError, VoidAuditError, WorkspaceError
from void_audit.model.base import BlobRef
from void_audit.settings import Environment
from void_audit.weights.house import FILE as MODELS_FILE
from void_audit.weights.house import house_list
from void_audit.weights.registry import with_house


@guarded
def verify(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The finished video.")],
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
    receipt: Annotated[Path | None, typer.Option("--receipt", help="Default: FILE.receipt.")] = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Check a file's whole edit history, offline, from the file and the keys that you pinned.

    Without --trust, --log-key, --models and --witness-policy the pins of the workspace are used, if there is one.
    Exit 0 if nothing fails and obligations 0, 1, 4, 5, 7 to 11 pass; 1 if one fails; 3 if one of
    those cannot be answered.

    Example: void-audit verify clean.mp4 --source clip.mp4 --trust root.pem --log-key log.vkey
    """
    report = verify_file(file, _pins(workspace, trust, log_key, models, witness_policy), source, receipt)
    if as_json:
        emit({**report.model_dump(mode="json"), "exit_code": report.exit_code})
    else:
        print_report(report)
    raise typer.Exit(report.exit_code)


@guarded
def history(
    subject: Annotated[
        str | None,
        typer.Argument(metavar="FILE_OR_EDIT", help="A finished video, or an edit id; none lists edits."),
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


def _pins(
    workspace: Path | None,
    trust: Path | None,
    log_key: str | None,
    models: Path | None,
    witness_policy: Path | None,
) -> Pins:
    """Options first; what they leave open comes from the workspace's ``trust`` folder, if there is one."""
    folder = (workspace or Environment().workspace()) / "trust"
    own_log = _text_if_there(folder / "log.vkey")
    log_vkey = _vkey(log_key) if log_key else own_log
    own_policy = (
        _text_if_there(folder / "log.policy") if log_vkey == own_log else None
    )  # another log, other witnesses
    return Pins(
        trust_pem=_text(trust) if trust else _text_if_there(folder / "root.pem"),
        log_vkey=log_vkey,
        witness_policy=_text(witness_policy) if witness_policy else own_policy,
        approved_weights=with_house(_text(models) if models else house_list(folder / MODELS_FILE)).approved,
    )


def _vkey(given: str) -> str:
    return given if "+" in given and not Path(given).is_file() else _text(Path(given)).strip()


def _text(path: Path) -> str:
    try:
        return path.read_text()
    except (OSError, UnicodeDecodeError):
        raise RequestError(
            "pin-unreadable",
            f"{path} cannot be read as text.",
            "Name the file that the house handed out: root.pem, log.vkey or models.toml.",
        ) from None


def _text_if_there(path: Path) -> str | None:
    return _text(path).strip() if path.is_file() else None


def _file_lines(path: Path) -> list[Line]:
    evidence = gather(path, Pins(), None, None)
    if evidence.assertion is None:
        raise EvidenceError(
            "records-missing", f"{path} carries no void-audit records.", "See `void-audit verify`."
        )
    roles = {k.key_id: f"{'/'.join(sorted(k.roles))} {k.key_id[:12]}" for k in evidence.registry.enrolled}
    return narrate(evidence.entries, evidence.blob, {**roles, **_names_here()})


def _names_here() -> dict[str, str]:
    """Names of keys, where this machine has a workspace that knows them."""
    if not (Environment().workspace() / "keys").is_dir():
        return {}
    from void_audit.cli.keys import holder_names  # noqa: PLC0415 - only with a workspace
    from void_audit.cli.session import workspace_at  # noqa: PLC0415

    return holder_names(workspace_at(None))


def _edit_lines(workspace: Path | None, edit: str) -> list[Line]:
    from void_audit.cli.keys import holder_names  # noqa: PLC0415 - only here a workspace is needed
    from void_audit.cli.session import workspace_at  # noqa: PLC0415

    place = workspace_at(workspace)
    entries = list(place.reading.entries(edit=edit))
    if not entries:
        raise WorkspaceError(
            "edit-unknown", f"Neither a file nor an edit: {edit!r}.", "`void-audit history` lists."
        )

    def read(ref: BlobRef) -> bytes | None:
        try:
            return place.blobs.read(ref)
        except VoidAuditError:
            return None

    return narrate(entries, read, holder_names(place))


def _list_edits(workspace: Path | None, as_json: bool) -> None:
    from void_audit.cli.session import workspace_at  # noqa: PLC0415 - only here a workspace is needed

    place = workspace_at(workspace)
    edits: dict[str, list[str]] = {}
    for entry in place.reading.entries():
        if entry.statement.predicate.edit:
            predicate = entry.statement.predicate
            edits[str(predicate.edit)] = [predicate.claimed_time, str(predicate.kind)]
    if as_json:
        emit({"edits": [{"edit": e, "when": when, "last": last} for e, (when, last) in edits.items()]})
        return
    table = Table("edit", "last record", "when")
    for edit, (when, last) in edits.items():
        table.add_row(cell(edit), cell(last), cell(when))
    out.print(table)
