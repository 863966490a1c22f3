"""``void-audit export``: an edit's material for other tools."""

from __future__ import annotations

from dataclasses import asdict
from fractions import Fraction
from pathlib import Path
from typing import Annotated

import typer

from void_audit.cli.console import JsonOption, WorkspaceOption, emit, guarded, is_unicode, say
from void_audit.cli.reasoned import say_wrapped
from void_audit.cli.session import working, workspace_at
from void_audit.errors import RequestError
from void_audit.workflow.exporting import export_void


@guarded
def export(
    edit: Annotated[str, typer.Argument(metavar="EDIT", help="Edit id, as `plan` printed it.")],
    void: Annotated[
        Path | None, typer.Option("--void", help="A VOID sequence folder to make.", metavar="FOLDER")
    ] = None,
    rate: Annotated[
        int | None,
        typer.Option(
            "--rate", min=1, max=240, help="Frames per second (default: the source's; VOID knows 12)."
        ),
    ] = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write an edit's clip, mask and prompt as a folder that Netflix's code and ComfyUI read exactly.

    The files are read back and compared before the folder appears; what could not stay as it was is said.

    Example: void-audit export 3f2a9c01b7d4 --void lime-sequence
    """
    if void is None:
        raise RequestError(
            "export-form",
            "Say in which form the edit is to be written.",
            "`--void FOLDER` is the one there is.",
        )
    if not is_unicode(str(void.absolute())):  # OpenCV, which reads back, crashes on other names
        raise RequestError("export-name", f"{void} is no name in UTF-8.", "Name another folder.")
    with working(workspace_at(workspace), as_json) as busy:
        chosen = Fraction(rate) if rate else None
        report = export_void(busy.reading, busy.blobs, edit, void, chosen, busy.progress)
    if as_json:
        emit({**asdict(report), "folder": str(report.folder), "mask": report.mask.model_dump(mode="json")})
        return
    say(f"Written: {report.folder}, {report.frames} frames at {report.frame_rate}")
    for change in report.changes:
        say_wrapped(f"  - changed: {change}")
    for warning in report.warnings:
        say_wrapped(f"warning: {warning}", "yellow")
    say("Next: give the folder to VOID or ComfyUI, or make a request of it:")
    say(f"  void-audit plan {report.folder} --requester NAME --purpose TEXT --asset-class CLASS")
