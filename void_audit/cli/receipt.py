"""``receipt``: a finished file's receipt, written again with what was said since."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from void_audit.audit.receipt import read_receipt
from void_audit.canon.note import parse
from void_audit.canon.tlog_policy import Policy
from void_audit.cli.console import JsonOption, WorkspaceOption, emit, guarded, say
from void_audit.cli.reasoned import say_wrapped
from void_audit.cli.session import workspace_at
from void_audit.errors import NoteError, RequestError
from void_audit.model.proof import Receipt
from void_audit.workflow.recorder import Recorder
from void_audit.workflow.sealing import write_receipt


@guarded
def receipt(
    edit: Annotated[str, typer.Argument(metavar="EDIT", help="Edit id, as `plan` printed it.")],
    out: Annotated[Path, typer.Option("--out", help="FILE.receipt of the finished FILE.")],
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write the receipt of a finished edit again: newest checkpoint, cosignatures, time stamps, key events.

    The finished file itself does not change. Witnesses and authorities that did not answer when it was
    delivered are asked again.

    One that its witnesses made good is never replaced by one that too few of them cosigned.

    Example: void-audit receipt 3f2a9c01b7d4 --out clean.mp4.receipt
    """
    place = workspace_at(workspace)
    studio = place.studio()
    with studio.edits.lock(edit):
        better = partial(_refuse_fewer, out, place.notary().witnesses.policy)
        written = write_receipt(Recorder(studio, edit), out, better)
    signatures = len(parse(written.checkpoint).signatures) - 1
    if as_json:
        emit(
            {
                "edit": edit,
                "receipt": str(out),
                "entry": written.entry.index,
                "cosignatures": signatures,
                "timestamps": len(written.timestamps),
                "key_events": len(written.key_events),
                "warnings": list(studio.notary.warnings),
            }
        )
        return
    for warning in studio.notary.warnings:
        say_wrapped(f"warning: {warning}", "yellow")
    say(
        f"{out}: entry {written.entry.index}, {signatures} cosignatures, {len(written.timestamps)} time stamps, "
        f"{len(written.key_events)} later key events."
    )


def _refuse_fewer(out: Path, policy: Policy, written: Receipt) -> None:
    """A witness that does not answer now must not take back what it said: the file would no longer verify."""
    present, _ = read_receipt(out)
    if present is None or not policy.witnesses or not _enough(policy, present) or _enough(policy, written):
        return
    raise RequestError(
        "receipt-worse",
        f"{out} is cosigned by enough witnesses, the newest checkpoint is not yet.",
        "Write it again when they answer (`void-audit witness ask`), or to another file.",
    )


def _enough(policy: Policy, receipt: Receipt) -> bool:
    try:
        return policy.judge([receipt.checkpoint]).met
    except NoteError:
        return False
