"""``ledger timestamp``: have somebody outside say that the log was there by now."""

from __future__ import annotations

from datetime import UTC, datetime

from void_audit.canon.timestamp import claimed_time
from void_audit.cli.console import JsonOption, WorkspaceOption, emit, guarded, say
from void_audit.cli.session import workspace_at
from void_audit.errors import TokenError
from void_audit.ledger.authorities import Authorities, stamp_checkpoint


@guarded
def timestamp(workspace: WorkspaceOption = None, as_json: JsonOption = False) -> None:
    """Have the newest checkpoint stamped by the authorities in settings.toml (timestamp_urls, RFC 3161).

    They are asked in turn, and believed only under the roots in trust/tsa.pem. A checkpoint that has a token
    keeps it. Receipts get their tokens when they are written: void-audit receipt EDIT --out FILE.receipt.

    Example: void-audit ledger timestamp
    """
    place = workspace_at(workspace)
    authorities = place.authorities()
    ledger = place.writing
    size = ledger.size
    new = stamp_checkpoint(ledger, authorities or Authorities((), ""), size)
    stamped = ledger.newest_stamped()
    if stamped is None or stamped[0] != size:  # somebody has taken it away since
        raise TokenError("token-missing", f"The checkpoint of {size} has no token.", "Ask again.")
    when = claimed_time(stamped[1]).astimezone(UTC)
    if as_json:
        emit(
            {
                "log": ledger.origin,
                "size": size,
                "time": when.isoformat(),
                "new": new is not None,
                "authority": new.stamp.authority if new else None,
            }
        )
    elif new is not None:
        say(
            f"{ledger.origin}: {size} entries were there by {_text(new.stamp.latest)}, says {new.stamp.authority}."
        )
    else:
        say(f"{ledger.origin}: the checkpoint of {size} entries has a token of {_text(when)} already.")


def _text(when: datetime) -> str:
    return f"{when:%Y-%m-%d %H:%M:%SZ}"
