"""``void-audit replies``: what was sent to reasoners about an edit, and what they said, byte for byte."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated

import typer

from void_audit.cli.console import JsonOption, WorkspaceOption, emit, guarded, say
from void_audit.cli.reasoned import say_wrapped
from void_audit.cli.session import workspace_at
from void_audit.errors import VoidAuditError, WorkspaceError
from void_audit.ledger.blobs import BlobStore
from void_audit.media.atomic import whole_folder
from void_audit.model.base import BlobRef
from void_audit.model.proof import StoredEntry
from void_audit.model.records import Kind, ReasoningRecord, RefusedReply

SUFFIXES = {"application/json": "json", "text/plain": "txt"}


@dataclass(frozen=True)
class Told:
    """One question's outcome."""

    entry: int
    time: str
    engine: str
    outcome: str
    """``accepted``, or the code of the error that refused it."""
    reason: str
    """Why it was refused; else empty."""
    files: dict[str, str]
    """What there is to look at, by what it is: a file's name, or why it is not here."""


@guarded
def replies(
    edit: Annotated[str, typer.Argument(metavar="EDIT", help="Edit id, as `plan` printed it.")],
    out: Annotated[
        Path | None,
        typer.Option("--out", help="A folder to make, with every request and reply.", metavar="FOLDER"),
    ] = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """What was sent to reasoners about an edit, and what they said: accepted, or refused with the reason.

    With --out every request and raw reply is written as it went over the wire. They may hold pictures of the
    footage, and a stranger's words: look at a reply with care.

    Example: void-audit replies 3f2a9c01b7d4 --out replies
    """
    place = workspace_at(workspace)
    entries = list(place.reading.entries(edit=edit))
    if not entries:
        raise WorkspaceError("edit-unknown", f"No edit {edit!r}.", "`void-audit history` lists them.")
    answered = [entry for entry in entries if entry.statement.kind in (Kind.REASONING, Kind.REFUSED_REPLY)]
    if out is None:
        told = [_told(entry, place.blobs, None) for entry in answered]
    else:
        with whole_folder(out) as folder:
            told = [_told(entry, place.blobs, folder) for entry in answered]
    if as_json:
        emit({"edit": edit, "folder": str(out) if out else None, "replies": [asdict(one) for one in told]})
        return
    for one in told:
        say_wrapped(f"{one.entry}  {one.time}  {one.engine}: {one.outcome}")
        if one.reason:
            say_wrapped(f"    {one.reason}")
        for what, file in one.files.items():
            say_wrapped(f"    {what}: {file}")
    say(f"{len(told)} answer(s) on record{f', written to {out}' if out else '; --out FOLDER writes them'}.")


def _told(entry: StoredEntry, blobs: BlobStore, folder: Path | None) -> Told:
    record = entry.statement.predicate
    if not isinstance(record, ReasoningRecord | RefusedReply):
        raise AssertionError("neither accepted nor refused")
    refused = record if isinstance(record, RefusedReply) else None
    parts = {"request": record.exchange.request, "reply": record.exchange.reply}
    reason = _read(refused.reason, blobs) if refused else b""
    return Told(
        entry=entry.index,
        time=record.claimed_time,
        engine=record.exchange.model_version or record.engine.name,
        outcome=refused.code if refused else "accepted",
        reason=reason if isinstance(reason, str) else reason.decode(errors="replace"),
        files={what: _file(ref, blobs, folder, f"{entry.index}-{what}") for what, ref in parts.items()},
    )


def _file(ref: BlobRef, blobs: BlobStore, folder: Path | None, name: str) -> str:
    """Written, if there is a folder: the file's name, else how much there is."""
    content = _read(ref, blobs)
    if isinstance(content, str):
        return content
    if not content:
        return "none"
    if folder is None:
        return f"{len(content)} bytes, {ref.media_type}"
    path = folder / f"{name}.{SUFFIXES.get(ref.media_type, 'bin')}"
    path.write_bytes(content)
    return path.name


def _read(ref: BlobRef, blobs: BlobStore) -> bytes | str:
    """The content; or why it is not here, such as that it was erased."""
    try:
        return blobs.read(ref)
    except VoidAuditError as error:
        return error.message
