"""``void-audit ledger adopt``: a copy of a workspace becomes the one that signs."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from void_audit.cli.console import JsonOption, WorkspaceOption, emit, guarded, say
from void_audit.cli.session import workspace_at
from void_audit.errors import InputError
from void_audit.ledger.mark import adopt_mark

WARNING = """\
A key that signs in two copies of a log signs two histories, and whoever sees both will know it for ever.
Go on only if the original is gone, or will never sign again."""


@guarded
def adopt(
    yes: Annotated[bool, typer.Option("--yes", help="State it: no other copy signs, now or later.")] = False,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """State that this copy of the log is the only one that signs, after a workspace was copied or restored.

    Without it a copy can be read and verified, but its key signs nothing (ledger-mark-copied). A workspace that was
    only renamed or moved within its disk needs none of this.

    Example: void-audit ledger adopt --yes
    """
    mark = workspace_at(workspace).mark
    if not (yes or _confirmed(as_json)):
        raise InputError(
            "adopt-unconfirmed",
            "It was not stated that no other copy of this log signs.",
            "If that is so: void-audit ledger adopt --yes",
        )
    adopted = adopt_mark(mark)
    if as_json:
        emit({"origin": adopted.origin, "size": adopted.size, "root": adopted.root.hex()})
        return
    say(f"This copy of {adopted.origin} signs from now on, after {adopted.size} entries.")
    say("Next: void-audit ledger fsck")


def _confirmed(as_json: bool) -> bool:
    if as_json or not sys.stdin.isatty():
        return False
    say(WARNING, "yellow")
    return typer.confirm("Is this the only copy that signs?", err=True)
