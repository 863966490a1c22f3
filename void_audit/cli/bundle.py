"""``void-audit bundle``: the evidence of one edit, for somebody who has nothing else."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Annotated

import typer

from void_audit.cli.console import JsonOption, WorkspaceOption, emit, guarded, say
from void_audit.cli.keys import holder_names
from void_audit.cli.pins import house_pins
from void_audit.cli.session import working, workspace_at
from void_audit.workflow.bundling import Bundled, write_bundle

VERDICTS = {0: "verified", 1: "FAILS", 3: "cannot tell (an obligation marked * needs more than is in it)"}


@guarded
def bundle(
    edit: Annotated[str, typer.Argument(metavar="EDIT", help="Edit id, as `plan` printed it.")],
    out: Annotated[Path, typer.Option("--out", help="The bundle to write.", metavar="FILE.zip")],
    no_media: Annotated[
        bool,
        typer.Option(
            "--no-media", help="Without the finished video, previews, and pictures that were sent to models."
        ),
    ] = False,
    names: Annotated[
        bool, typer.Option("--names", help="People's names in the report; otherwise only their keys.")
    ] = False,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write everything that proves a sealed edit as one zip, which `verify` checks on a machine with nothing else.

    Records with their proofs on one checkpoint, all key events, content still held, time stamps, rules, the video
    and a report, listed and signed by the machine. README.txt inside says how to check it without void-audit.

    Example: void-audit bundle 3f2a9c01b7d4 --out evidence.zip
    """
    with working(workspace_at(workspace), as_json) as busy:
        studio = busy.studio()
        known = holder_names(busy) if names else {}
        done = write_bundle(studio, edit, out, house_pins(busy.folder), known, not no_media)
        warnings = studio.notary.warnings
    if as_json:
        emit(_as_json(done, warnings))
        return
    held = sum(member.name.startswith("blobs/") for member in done.listing.members)
    entries = sum(member.name.startswith("entries/") for member in done.listing.members)
    say(f"Written: {done.path}, {done.size} bytes, SHA-256 {done.sha256}")
    say(f"{entries} records on the checkpoint of {done.listing.size} entries, {held} pieces of content.")
    for because, count in sorted(Counter(str(blob.because) for blob in done.listing.absent).items()):
        say(f"Not in it, {because}: {count} (see bundle.json)")
    for warning in warnings:
        say(f"warning: {warning}", "yellow")
    say(f"Its own verdict: {VERDICTS[done.exit_code]}", "bold red" if done.exit_code == 1 else "")
    say(f"Next: void-audit verify {done.path} --trust root.pem --log-key log.vkey")


def _as_json(done: Bundled, warnings: tuple[str, ...]) -> dict[str, object]:
    return {
        "path": str(done.path),
        "sha256": done.sha256,
        "size": done.size,
        "verdict": done.exit_code,
        "listing": done.listing.model_dump(mode="json"),
        "warnings": list(warnings),
    }
