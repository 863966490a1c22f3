"""Time stamps of checkpoints at an interval, as commands see them: asked for at the end of one that has written."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from void_audit.cli.console import at_end, cell, err
from void_audit.cli.notary import HouseNotary
from void_audit.errors import VoidAuditError
from void_audit.ledger.log import Ledger


def keep_up(
    ledger: Ledger, notary: Callable[[], HouseNotary], hours: int, clock: Callable[[], datetime]
) -> None:
    """Have the newest checkpoint stamped when the command ends, if it wrote and the newest stamp is older.

    What fails is said on standard error, and stops nothing: the next command that writes tries again.
    """
    before = ledger.size

    def finish() -> None:
        try:
            if ledger.size == before:
                return
            asked = notary()
            told = asked.warnings
            asked.keep_up(ledger, hours, clock())
            warnings = tuple(warning for warning in asked.warnings if warning not in told)
        except VoidAuditError as error:
            warnings = (f"no time stamp ({error.code}): {error.message}",)
        for warning in warnings:
            err.print(cell(f"warning: {warning}", "yellow"))

    at_end(finish)
